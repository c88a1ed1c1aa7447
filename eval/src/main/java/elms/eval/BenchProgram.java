package elms.eval;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import elms.engine.ElmsException;
import elms.eval.Timing.Spread;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * A program that measures an engine in a process of its own. Called with {@code MODEL THREADS PREFILL DECODE REPEATS} it
 * prints a {@link Timing} as one JSON document with names in snake case.
 *
 * @param command the program and its first arguments
 * @param environment variables that it gets besides this process's own
 */
public record BenchProgram(List<String> command, Map<String, String> environment) {
    /** Runs the program and waits for its end; throws {@link ElmsException} if it fails or prints something else. */
    public Timing run(String model, int threads, int prefillTokens, int decodeTokens, int repeats) {
        String printed = Subprocess.run(command, environment, model, String.valueOf(threads), String.valueOf(prefillTokens),
                String.valueOf(decodeTokens), String.valueOf(repeats));
        try {
            JsonNode json = new ObjectMapper().readTree(printed);
            return new Timing(json.path("engine").asText(), threads, prefillTokens, decodeTokens, spread(json, "prefill_tok_s"),
                    spread(json, "decode_tok_s"), optional(json.path("start_rss_mb")), optional(json.path("peak_rss_mb")));
        } catch (JsonProcessingException e) {
            throw new ElmsException(command.getFirst() + " printed something else than one JSON document", e);
        }
    }

    private static OptionalDouble optional(JsonNode number) {
        return number.isNumber() ? OptionalDouble.of(number.asDouble()) : OptionalDouble.empty();
    }

    private Spread spread(JsonNode json, String name) {
        return new Spread(number(json, name, "min"), number(json, name, "median"), number(json, name, "max"));
    }

    private double number(JsonNode json, String name, String statistic) {
        JsonNode number = json.path(name).path(statistic);
        if (!number.isNumber() || !(number.asDouble() > 0)) {
            throw new ElmsException(command.getFirst() + " printed no positive number for " + name + "." + statistic);
        }
        return number.asDouble();
    }
}
