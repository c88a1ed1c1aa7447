package elms.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import elms.engine.NanoModel;
import elms.server.cli.ElmsProcess.Result;
import java.io.BufferedReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code elms serve} and {@code elms ps} as a user starts and stops them. */
@Timeout(120)
class ServeCommandTest {
    private static final Pattern ADDRESS = Pattern.compile("elms: serving .* at (http://127\\.0\\.0\\.1:\\d+)");
    private static final int TERMINATED = 143;

    @TempDir
    static Path folder;

    private static ElmsProcess elms;
    private static String model;

    @BeforeAll
    static void prepare() {
        elms = new ElmsProcess(folder.resolve("home"));
        model = NanoModel.CHAT.write(folder).toString();
    }

    @Test
    void itServesUntilItIsToldToStop() throws Exception {
        Path keys = Files.writeString(folder.resolve("keys"), "# apps\nmail m-secret\n");
        Path socket = folder.resolve("elms.sock");
        Process process = elms.start("serve", model, "--port", "0", "--api-key-file", keys.toString(), "--socket",
                socket.toString());
        try (BufferedReader log = process.errorReader(); HttpClient client = HttpClient.newHttpClient()) {
            String address = address(log);
            assertThat(socket).exists();
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(address + "/v1/chat/completions"))
                    .POST(BodyPublishers.ofString("{\"messages\": [{\"role\": \"user\", \"content\": \"hello\"}], \"max_tokens\": 3}"));
            assertThat(client.send(request.build(), BodyHandlers.ofString()).statusCode()).isEqualTo(401);
            HttpResponse<String> reply = client.send(request.header("Authorization", "Bearer m-secret").build(),
                    BodyHandlers.ofString());
            JsonNode json = new ObjectMapper().readTree(reply.body());
            assertThat(json.at("/elms/decode_level").asDouble()).isEqualTo(1);
            assertThat(json.at("/model").asText()).endsWith(".gguf");

            Result running = elms.run("ps", "--server", address, "--api-key", "m-secret");
            assertThat(running.out()).contains(json.at("/model").asText()).contains("forever");
            assertThat(elms.run("ps", "--server", address).said()).singleElement().asString()
                    .contains("a key of this server is needed");

            process.destroy();
            assertThat(process.waitFor()).isEqualTo(TERMINATED);
            assertThat(socket).doesNotExist();
            assertThat(elms.run("ps", "--server", address).said()).singleElement().asString().contains("no server at " + address);
        } finally {
            process.destroyForcibly();
        }
    }

    private static String address(BufferedReader log) throws Exception {
        for (String line = log.readLine(); line != null; line = log.readLine()) {
            Matcher matcher = ADDRESS.matcher(line);
            if (matcher.find()) {
                return matcher.group(1);
            }
        }
        throw new AssertionError("the server ended");
    }

    @Test
    void wrongInputGetsOneSentenceAndItsExitCode() throws Exception {
        Path noKeys = Files.writeString(folder.resolve("none"), "mail one two\n");
        Path noSocket = Files.writeString(folder.resolve("text"), "precious");
        refused(2, "--port is 70000", "--port", "70000");
        refused(2, "other machines can reach 0.0.0.0; give --api-key-file", "--host", "0.0.0.0");
        refused(1, "cannot be read", "--api-key-file", folder.resolve("missing").toString());
        refused(1, "must have one APP KEY a line", "--api-key-file", noKeys.toString());
        refused(1, "is there already and is no socket", "--port", "0", "--socket", noSocket.toString());
        assertThat(noSocket).hasContent("precious");
        Result missing = elms.run("serve", "missing.gguf", "--port", "0");
        assertThat(missing.exitCode()).isEqualTo(1);
        assertThat(missing.said()).singleElement().asString().contains("there is no file");
    }

    private static void refused(int exitCode, String sentence, String... options) throws Exception {
        List<String> arguments = new ArrayList<>(List.of("serve", model));
        arguments.addAll(List.of(options));
        Result result = elms.run(arguments.toArray(String[]::new));
        assertThat(result.exitCode()).as(result.err()).isEqualTo(exitCode);
        assertThat(result.said()).singleElement().asString().startsWith("elms: ").contains(sentence);
    }
}
