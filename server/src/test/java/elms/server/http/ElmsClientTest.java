package elms.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import elms.client.Binding;
import elms.client.ElmsClient;
import elms.client.ElmsClientException;
import elms.client.Listener;
import elms.client.Profile;
import elms.client.Request;
import elms.client.Request.Message;
import elms.client.Request.Tools;
import elms.client.Response;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The client, also from a second JVM. */
@Timeout(60)
class ElmsClientTest {
    @TempDir
    static Path folder;

    private static NanoServer server;
    private static Path socket;

    @BeforeAll
    static void start() {
        socket = folder.resolve("elms.sock");
        server = NanoServer.start(folder, new ServerSettings("127.0.0.1", 0, Optional.of(socket), List.of(), List.of(), List.of(),
                ServerSettings.Limits.USUAL));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void anAppOfAnotherProcessBindsAndCalls() throws Exception {
        Process process = start(App.class, socket);
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        String inThisProcess = ElmsClient.at(socket).bind(Profile.of("same")).call(App.QUESTION, Listener.NONE).text();
        assertThat(said.lines().toList()).containsExactly("level below 1: true", "as streamed: true",
                "text: " + inThisProcess.hashCode(), "refused: slo_infeasible");
    }

    private static Process start(Class<?> app, Path at) throws IOException {
        return new ProcessBuilder(System.getProperty("java.home") + "/bin/java", "-cp", System.getProperty("java.class.path"),
                app.getName(), at.toString()).redirectErrorStream(true).start();
    }

    /** The other process. */
    static final class App {
        static final Request QUESTION = Request.of("hello").withMaxTokens(9).withSlo("1000", "0.85");

        public static void main(String[] socket) {
            try (Binding binding = ElmsClient.at(Path.of(socket[0])).bind(Profile.of("other").withSystem("be short")
                    .withSlo("0.9", "0.85"))) {
                StringBuilder streamed = new StringBuilder();
                System.out.println("level below 1: " + (binding.call(Request.of("hi").withMaxTokens(60), Listener.NONE)
                        .decodeLevel() < 1));
                Response response = binding.call(QUESTION, streamed::append);
                System.out.println("as streamed: " + response.text().contentEquals(streamed));
                System.out.println("text: " + response.text().hashCode());
                binding.call(QUESTION.withSlo("0.0001ms", "1ms").withStrict(true), Listener.NONE);
            } catch (ElmsClientException e) {
                System.out.println("refused: " + e.code());
            }
        }
    }

    @Test
    void toolsOfAnotherProcessAreReadBeforeItsFirstCallAndCalled() throws Exception {
        Path own = Files.createDirectory(folder.resolve("own"));
        Path at = own.resolve("elms.sock");
        try (NanoServer clock = NanoServer.start(own, new ServerSettings("127.0.0.1", 0, Optional.of(at), List.of(), List.of(),
                List.of(), ServerSettings.Limits.USUAL))) {
            Process process = start(Clock.class, at);
            while (process.isAlive() && !clock.get("/metrics").body().lines()
                    .anyMatch(line -> line.matches("elms:prefix_cache_bytes\\{.*} [1-9].*"))) {
                Thread.sleep(1);
            }
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor()).as(said).isZero();
            assertThat(said.lines().toList()).containsExactly("tools were ready: true", "tool_calls: time", "in a zone: true");
        }
    }

    /** The other process, which calls when its input ends. */
    static final class Clock {
        private static final String SYSTEM = "be on time";
        private static final String TOOLS = "[{\"type\": \"function\", \"function\": {\"name\": \"time\", \"parameters\": "
                + "{\"type\": \"object\", \"properties\": {\"zone\": {\"enum\": [\"here\", \"there\"]}}, "
                + "\"required\": [\"zone\"]}}}]";

        public static void main(String[] socket) throws IOException {
            try (Binding binding = ElmsClient.at(Path.of(socket[0])).bind(Profile.of("clock").withSystem(SYSTEM)
                    .withTools(TOOLS))) {
                System.in.readAllBytes();
                Response response = binding.call(Request.of(List.of(Message.system(SYSTEM), Message.user("When?")))
                        .withTools(new Tools(TOOLS, true)), Listener.NONE);
                System.out.println("tools were ready: " + (response.cachedTokens() > TOOLS.length() / 2));
                System.out.println(response.finishReason() + ": " + response.toolCalls().getFirst().name());
                System.out.println("in a zone: " + response.toolCalls().getFirst().arguments().matches(
                        "\\{\"zone\": ?\"(here|there)\"}"));
            }
        }
    }

    @Test
    void aCallCanBeGivenUp() {
        try (Binding binding = ElmsClient.at(socket).bind(Profile.of("impatient"))) {
            List<String> pieces = new ArrayList<>();
            Response response = binding.call(Request.of("hello").withMaxTokens(1500), new Listener() {
                @Override
                public void text(String piece) {
                    pieces.add(piece);
                }

                @Override
                public boolean cancelled() {
                    return pieces.size() >= 3;
                }
            });
            assertThat(response.finishReason()).isEqualTo("cancelled");
            assertThat(response.text()).isEqualTo(String.join("", pieces));
        }
        assertThat(ElmsClient.at(socket).bind(Profile.of("next")).call(Request.of("hello").withMaxTokens(2), Listener.NONE)
                .completionTokens())
                .isPositive();
    }

    @Test
    void whatTheServerRefusesIsTold() {
        assertThatThrownBy(() -> ElmsClient.at(socket).bind(Profile.of("mail").withQuota(0)))
                .isInstanceOf(ElmsClientException.class)
                .hasMessageContaining("the quota is 0");
        assertThatThrownBy(() -> ElmsClient.at(socket).bind(Profile.of("mail").withTools("{}")))
                .isInstanceOf(ElmsClientException.class)
                .hasMessageContaining("tools must be an array");
        assertThatThrownBy(() -> ElmsClient.at(socket).bind(Profile.of("mail").withTools("[")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("the tools are no JSON");
        assertThatThrownBy(() -> ElmsClient.at(folder.resolve("none")).bind(Profile.of("mail")))
                .isInstanceOf(ElmsClientException.class)
                .hasMessageContaining("cannot be reached");
    }
}
