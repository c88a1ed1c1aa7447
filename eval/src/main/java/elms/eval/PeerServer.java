package elms.eval;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import elms.engine.ElmsException;
import elms.planner.Latency;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * llama.cpp's server as a program, and what it serves.
 *
 * @param program {@code llama-server}
 * @param file the model
 */
public record PeerServer(Path program, Path file, int threads) {
    private static final Duration START = Duration.ofMinutes(1);
    private static final Duration POLL = Duration.ofMillis(50);
    private static final String EVENT = "data: ";
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * Starts the server, with its prompt cache, and waits until it can answer; throws {@link ElmsException} if it does not start.
     *
     * @param slots requests that it works at together
     * @param context tokens that each of them has room for
     */
    Running start(int slots, int context) {
        int port = freePort();
        List<String> command = List.of(program.toString(), "--model", file.toString(), "--host", "127.0.0.1", "--port",
                String.valueOf(port), "--threads", String.valueOf(threads), "--parallel", String.valueOf(slots), "--ctx-size",
                String.valueOf(slots * context));
        try {
            Path log = Files.createTempFile("elms-", ".log");
            Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
            Running running = new Running(process, log, URI.create("http://127.0.0.1:" + port));
            try {
                running.awaitModel();
            } catch (RuntimeException e) {
                running.close();
                throw e;
            }
            return running;
        } catch (IOException e) {
            throw new ElmsException(program + " cannot be run: " + e.getMessage(), e);
        }
    }

    private static int freePort() {
        try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return probe.getLocalPort();
        } catch (IOException e) {
            throw new ElmsException("there is no free port: " + e.getMessage(), e);
        }
    }

    /** The server while it runs, and its one client. Thread-safe. */
    final class Running implements AutoCloseable {
        private final Process process;
        private final Path log;
        private final URI address;
        private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

        private Running(Process process, Path log, URI address) {
            this.process = process;
            this.log = log;
            this.address = address;
        }

        private void awaitModel() throws IOException {
            Instant end = Instant.now().plus(START);
            while (!healthy()) {
                if (!process.isAlive()) {
                    throw new ElmsException(program + " failed with exit code " + process.exitValue()
                            + Subprocess.lastLine(log));
                }
                if (Instant.now().isAfter(end)) {
                    throw new ElmsException(program + " has not loaded " + file + " in " + START.toSeconds() + " seconds"
                            + Subprocess.lastLine(log));
                }
                sleep();
            }
        }

        private boolean healthy() {
            try {
                HttpRequest request = HttpRequest.newBuilder(address.resolve("/health")).timeout(START).build();
                return client.send(request, BodyHandlers.discarding()).statusCode() == 200;
            } catch (IOException e) {
                return false;
            } catch (InterruptedException e) {
                throw interrupted(e);
            }
        }

        private void sleep() {
            try {
                Thread.sleep(POLL);
            } catch (InterruptedException e) {
                throw interrupted(e);
            }
        }

        /**
         * Both latencies of a greedy answer as its client sees them: from now until the first token is there, and from the first
         * to the last.
         *
         * @param tokens of the answer
         */
        Latency answer(String prompt, int tokens) {
            long arrival = System.nanoTime();
            try {
                String body = JSON.writeValueAsString(Map.of("prompt", prompt, "n_predict", tokens, "temperature", 0,
                        "ignore_eos", true, "stream", true, "cache_prompt", true));
                HttpRequest request = HttpRequest.newBuilder(address.resolve("/completion"))
                        .POST(BodyPublishers.ofString(body)).build();
                HttpResponse<Stream<String>> response = client.send(request, BodyHandlers.ofLines());
                try (Stream<String> lines = response.body()) {
                    return latency(lines.filter(line -> line.startsWith(EVENT)).iterator(), arrival);
                }
            } catch (IOException e) {
                throw new ElmsException(program + " has not answered: " + e.getMessage() + lastWords(), e);
            } catch (InterruptedException e) {
                throw interrupted(e);
            }
        }

        private Latency latency(Iterator<String> events, long arrival) throws IOException {
            double first = 0;
            while (events.hasNext()) {
                JsonNode event = JSON.readTree(events.next().substring(EVENT.length()));
                double now = (System.nanoTime() - arrival) / 1e6;
                first = first == 0 ? now : first;
                if (event.path("stop").asBoolean()) {
                    int made = event.path("tokens_predicted").asInt();
                    return new Latency(OptionalDouble.of(first),
                            made < 2 ? OptionalDouble.empty() : OptionalDouble.of((now - first) / (made - 1)));
                }
            }
            throw new ElmsException(program + " has ended its answer in the middle" + lastWords());
        }

        private String lastWords() {
            try {
                return Subprocess.lastLine(log);
            } catch (IOException e) {
                return "";
            }
        }

        private ElmsException interrupted(InterruptedException reason) {
            Thread.currentThread().interrupt();
            return new ElmsException(program + " was interrupted", reason);
        }

        @Override
        public void close() {
            client.close();
            process.destroy();
            try {
                process.waitFor();
                Files.deleteIfExists(log);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (IOException e) {
                throw new ElmsException(log + " cannot be deleted: " + e.getMessage(), e);
            }
        }
    }
}
