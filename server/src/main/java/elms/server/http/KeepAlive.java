package elms.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How long the model stays in memory after its last use, as Ollama's clients say it: seconds, or a time such as {@code 5m};
 * 0 unloads at once, a negative one never.
 *
 * @param time absent for ever
 */
record KeepAlive(Optional<Duration> time) {
    private static final Pattern PART = Pattern.compile("([0-9]{1,9}(?:\\.[0-9]{1,9})?)(ms|s|m|h)");
    private static final double LONGEST_SECONDS = 1e9;

    static Optional<KeepAlive> read(Fields body) {
        JsonNode node = body.node("keep_alive");
        if (node.isMissingNode()) {
            return Optional.empty();
        }
        return Optional.of(of(node.isNumber() ? node.doubleValue() : seconds(body.requiredText("keep_alive").strip())));
    }

    /** Whether the model is to go at once. */
    boolean unloads() {
        return time.filter(Duration::isZero).isPresent();
    }

    private static KeepAlive of(double seconds) {
        if (!(Math.abs(seconds) <= LONGEST_SECONDS)) {
            throw malformed();
        }
        return new KeepAlive(seconds < 0 ? Optional.empty() : Optional.of(Duration.ofMillis(Math.round(1000 * seconds))));
    }

    private static double seconds(String text) {
        boolean negative = text.startsWith("-");
        String times = negative ? text.substring(1) : text;
        if (times.matches("[0-9]{1,9}")) {
            return negative ? -1 : Double.parseDouble(times);
        }
        Matcher matcher = PART.matcher(times);
        double seconds = 0;
        int end = 0;
        while (matcher.find() && matcher.start() == end) {
            seconds += Double.parseDouble(matcher.group(1)) * switch (matcher.group(2)) {
                case "ms" -> 0.001;
                case "s" -> 1;
                case "m" -> 60;
                default -> 3600;
            };
            end = matcher.end();
        }
        if (end == 0 || end != times.length()) {
            throw malformed();
        }
        return negative ? -1 : seconds;
    }

    private static ApiException malformed() {
        return ApiException.field("keep_alive", "keep_alive must be a number of seconds, or a time such as 5m; -1 is for ever");
    }
}
