package elms.server.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import elms.engine.ElmsException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "ps", mixinStandardHelpOptions = true, description = "Shows the model that a running server has in memory.")
final class PsCommand implements Callable<Integer> {
    private static final String ROW = "%-40s %9s %9s  %s%n";
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final Duration FOREVER = Duration.ofDays(36_500);

    @Option(names = "--server", paramLabel = "URL", defaultValue = "http://127.0.0.1:11435",
            description = "Where it listens (default: ${DEFAULT-VALUE}).")
    private URI server;

    @Option(names = "--api-key", paramLabel = "KEY", description = "A key, if it asks for one.")
    private String key;

    @Override
    public Integer call() throws InterruptedException {
        System.out.printf(Locale.ROOT, ROW, "NAME", "SIZE", "CONTEXT", "STAYS");
        for (JsonNode model : ask().path("models")) {
            System.out.printf(Locale.ROOT, ROW, model.path("name").asText(), String.format(Locale.ROOT, "%.1f MB",
                    model.path("size").asLong() / 1e6),
                    model.path("context_length").asInt(), left(Instant.parse(model.path("expires_at").asText())));
        }
        return 0;
    }

    private static String left(Instant end) {
        Duration left = Duration.between(Instant.now(), end);
        return left.compareTo(FOREVER) > 0 ? "forever" : left.toSeconds() + " s";
    }

    private JsonNode ask() throws InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(server.resolve("/api/ps")).timeout(PATIENCE);
        if (key != null) {
            request.header("Authorization", "Bearer " + key);
        }
        try (HttpClient client = HttpClient.newBuilder().connectTimeout(PATIENCE).build()) {
            HttpResponse<byte[]> reply = client.send(request.build(), BodyHandlers.ofByteArray());
            JsonNode json = new ObjectMapper().readTree(reply.body());
            if (reply.statusCode() != 200) {
                throw new ElmsException(json.path("error").asText("the server answered " + reply.statusCode()));
            }
            return json;
        } catch (IOException e) {
            throw new ElmsException("there is no server at " + server + "; start one with elms serve", e);
        }
    }
}
