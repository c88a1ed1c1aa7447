package elms.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import elms.server.http.NanoServer.Reply;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Routes of Elms's own: apps, plans, tokens, scores, metrics, and the UNIX socket. */
class ServiceRoutesTest {
    @TempDir
    static Path folder;

    private static NanoServer server;

    @BeforeAll
    static void start() {
        server = NanoServer.start(folder, new ServerSettings("127.0.0.1", 0, Optional.of(folder.resolve("elms.sock")), List.of(),
                List.of(),
                List.of(), ServerSettings.Limits.USUAL));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void anAppBindsWithAProfileThatItsRequestsGet() throws Exception {
        Reply put = server.put("/elms/v1/apps/mail",
                "{\"slo\": {\"tpot\": 0.85}, \"system\": \"be short\", \"priority\": 3, \"quota\": 5, "
                + "\"tools_min_level\": 0.5, \"public_cache\": true}");
        assertThat(put.status()).isEqualTo(200);
        JsonNode profile = server.get("/elms/v1/apps/mail").json();
        assertThat(profile).isEqualTo(put.json());
        assertThat(profile.at("/slo/tpot").asText()).isEqualTo("0.85");
        assertThat(profile.at("/system/0/content").asText()).isEqualTo("be short");
        assertThat(profile.at("/priority").asInt()).isEqualTo(3);
        String chat = "{\"messages\": [{\"role\": \"user\", \"content\": \"hello\"}], \"max_tokens\": 1}";
        assertThat(server.post("/v1/chat/completions", chat, "x-elms-app", "mail").json().at("/elms/decode_level").asDouble())
                .isLessThan(1);
        assertThat(server.post("/v1/chat/completions", chat).json().at("/elms/decode_level").asDouble()).isEqualTo(1);
        assertThat(server.get("/elms/v1/apps").json().findValuesAsText("name")).contains("mail");
        assertThat(server.delete("/elms/v1/apps/mail").status()).isEqualTo(204);
        assertThat(server.delete("/elms/v1/apps/mail").status()).isEqualTo(404);
        assertThat(server.get("/elms/v1/apps/mail").status()).isEqualTo(404);
    }

    @Test
    void anAppsSystemPromptAndToolsAreReadBeforeItsFirstCall() throws Exception {
        String tools = "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"time\", \"description\": \"tells the time\"}}]";
        String chat = "{\"messages\": [{\"role\": \"system\", \"content\": \"be on time\"}, "
                + "{\"role\": \"user\", \"content\": \"%s\"}], \"max_tokens\": 1, " + tools + "}";
        try (NanoServer own = NanoServer.start(Files.createDirectory(folder.resolve("own")), ServerSettings.local())) {
            assertThat(own.put("/elms/v1/apps/clock", "{\"system\": \"be on time\", " + tools + "}").json()
                    .at("/system/0/content").asText()).startsWith("be on time\n\nYou may call functions.").contains("tells the time");
            while (!own.get("/metrics").body().lines().anyMatch(line -> line.matches("elms:prefix_cache_bytes\\{.*} [1-9].*"))) {
                Thread.sleep(1);
            }
            int first = cached(own.post("/v1/chat/completions", chat.formatted("When?"), "x-elms-app", "clock"));
            int another = cached(own.post("/v1/chat/completions", chat.formatted("say"), "x-elms-app", "clock"));
            assertThat(first).isGreaterThan(40).isEqualTo(another);
            assertThat(cached(own.post("/v1/chat/completions", chat.formatted("When?"), "x-elms-app", "other"))).isZero();
            assertThat(own.put("/elms/v1/apps/clock", "{" + tools + "}").json().at("/system/0/content").asText())
                    .startsWith("You may call functions.");
        }
    }

    private static int cached(Reply reply) {
        return reply.json().at("/usage/prompt_tokens_details/cached_tokens").asInt();
    }

    @Test
    void profilesThatMakeNoSenseAreRefused() throws Exception {
        for (String body : List.of("{\"quota\": 0}", "{\"priority\": 100}", "{\"tools_min_level\": 2}",
                "{\"slo\": {\"ttft\": \"soon\"}}",
                "{\"system\": 7}", "{\"tools\": [{}]}", "[]")) {
            assertThat(server.put("/elms/v1/apps/mail", body).status()).as(body).isEqualTo(400);
        }
        assertThat(server.put("/elms/v1/apps/a%20b", "{}").status()).isEqualTo(400);
    }

    @Test
    void anAppsQuotaHoldsOverHttp() throws Exception {
        server.put("/elms/v1/apps/small", "{\"quota\": 1}");
        String chat = "{\"messages\": [{\"role\": \"user\", \"content\": \"hello\"}], \"max_tokens\": 1500, \"stream\": true}";
        try (Socket slow = new Socket("127.0.0.1", server.server().port())) {
            slow.getOutputStream()
                    .write(("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nx-elms-app: small\r\nContent-Length: "
                    + chat.length() + "\r\n\r\n" + chat).getBytes(StandardCharsets.UTF_8));
            slow.getInputStream().read();
            Reply refused = server.post("/v1/chat/completions", chat, "x-elms-app", "small");
            assertThat(refused.status()).isEqualTo(429);
            assertThat(refused.header("x-llm-d-request-dropped-reason")).isEqualTo("quota_exceeded");
            assertThat(refused.header("retry-after")).isEqualTo("1");
        }
    }

    @Test
    void aPlanIsToldWithTheCurveAndWithoutRunning() throws Exception {
        JsonNode plan = server.post("/elms/v1/plan",
                "{\"messages\": [{\"role\": \"user\", \"content\": \"hello\"}], \"slo\": {\"tpot\": 0.85}}",
                "x-elms-app", "planner").json();
        assertThat(plan.at("/elms/decode_level").asDouble()).isLessThan(1);
        assertThat(plan.at("/elms/measured").isMissingNode()).isTrue();
        assertThat(plan.at("/curve").size()).isEqualTo(2);
        assertThat(plan.at("/curve/0/level").asDouble()).isEqualTo(1);
        assertThat(plan.at("/curve/0/predicted/tpot_ms").asDouble()).isGreaterThan(plan.at("/curve/1/predicted/tpot_ms")
                .asDouble());
        assertThat(plan.at("/curve/0/predicted/ttft_ms").asDouble()).isGreaterThan(plan.at("/curve/1/predicted/ttft_ms")
                .asDouble());
    }

    @Test
    void textBecomesTokensAndTokensText() throws Exception {
        JsonNode tokens = server.post("/tokenize", "{\"content\": \"that héllo\"}").json().at("/tokens");
        assertThat(tokens.size()).isEqualTo("that héllo".getBytes(StandardCharsets.UTF_8).length - 1);
        assertThat(server.post("/detokenize", "{\"tokens\": " + tokens + "}").json().at("/content").asText())
                .isEqualTo("that héllo");
        for (String bad : List.of("[-1]", "[260]", "[1.5]", "[\"a\"]", "7")) {
            assertThat(server.post("/detokenize", "{\"tokens\": " + bad + "}").status()).as(bad).isEqualTo(400);
        }
    }

    @Test
    void vllmsTokenizerRoutesKnowControlTokens() throws Exception {
        JsonNode info = server.get("/tokenizer_info").json();
        assertThat(info.at("/eos_token").asText()).isEqualTo("<end>");
        assertThat(info.at("/bos_token").asText()).isEqualTo("<begin>");
        String text = "\"a<end>b\"";
        JsonNode tokens = server.post("/tokenize", "{\"prompt\": " + text + ", \"add_special_tokens\": false}").json();
        assertThat(tokens.at("/tokens").toString()).isEqualTo("[97,257,98]");
        assertThat(tokens.at("/count").asInt()).isEqualTo(3);
        assertThat(tokens.at("/max_model_len").asInt()).isEqualTo(2048);
        assertThat(server.post("/tokenize", "{\"content\": " + text + "}").json().at("/count").asInt()).isEqualTo(7);
        assertThat(server.post("/detokenize", "{\"tokens\": [97, 257, 98]}").json().at("/prompt").asText()).isEqualTo("ab");
    }

    @Test
    void scoresOfAPromptDoNotDependOnHowItIsSent() throws Exception {
        String fields = ", \"logprobs\": 2, \"echo\": true, \"max_tokens\": 1}";
        JsonNode text = server.post("/v1/completions", "{\"prompt\": \"the thing\"" + fields).json().at("/choices/0/logprobs");
        JsonNode tokens = server.post("/tokenize", "{\"content\": \"the thing\"}").json().at("/tokens");
        assertThat(server.post("/v1/completions", "{\"prompt\": " + tokens + fields).json().at("/choices/0/logprobs"))
                .isEqualTo(text);
        JsonNode both = server.post("/v1/completions", "{\"prompt\": [\"x\", \"the thing\"]" + fields).json();
        assertThat(both.at("/choices/1/logprobs")).isEqualTo(text);
        assertThat(text.at("/tokens").size()).isEqualTo(tokens.size() + 1);
        assertThat(text.at("/token_logprobs/0").isNull()).isTrue();
        assertThat(text.at("/top_logprobs/0").isNull()).isTrue();
        JsonNode last = text.at("/top_logprobs/" + tokens.size());
        assertThat(last.elements().next().asDouble()).isEqualTo(text.at("/token_logprobs/" + tokens.size()).asDouble());
        for (int i = 1; i < tokens.size(); i++) {
            assertThat(text.at("/token_logprobs/" + i).asDouble()).isLessThanOrEqualTo(text.at("/top_logprobs/" + i).elements()
                    .next().asDouble());
        }
        assertThat(text.at("/text_offset/1").asInt()).isEqualTo(text.at("/tokens/0").asText().length());
    }

    /** Of a long text, of which the server reads a piece at a time. */
    @Test
    void scoresOfALongPromptAreThoseOfItsBeginningToo() throws Exception {
        String prompt = "a thing or two, ".repeat(20);
        String fields = "\", \"logprobs\": 1, \"echo\": true, \"max_tokens\": 0}";
        JsonNode whole = server.post("/v1/completions", "{\"prompt\": \"" + prompt + fields).json()
                .at("/choices/0/logprobs/token_logprobs");
        JsonNode half = server.post("/v1/completions", "{\"prompt\": \"" + prompt.substring(0, 160) + fields).json()
                .at("/choices/0/logprobs/token_logprobs");
        for (int i = 1; i < half.size() - 1; i++) {
            assertThat(half.get(i).asDouble()).isCloseTo(whole.get(i).asDouble(), within(1e-9));
        }
        assertThat(whole.size()).isGreaterThan(2 * half.size() - 4);
    }

    @Test
    void metricsHaveVllmsNames() throws Exception {
        server.post("/v1/chat/completions",
                "{\"messages\": [{\"role\": \"user\", \"content\": \"secret words\"}], \"max_tokens\": 2}");
        Reply metrics = server.get("/metrics");
        assertThat(metrics.header("content-type")).startsWith("text/plain");
        assertThat(metrics.body()).contains("vllm:num_requests_running",
                "vllm:time_to_first_token_seconds_bucket{app=\"default\"",
                "elms_level_selected_total").doesNotContain("secret");
    }

    @Test
    void everyClientWhoseBodyIsTooLargeIsToldSo() throws Exception {
        for (SocketAddress address : List.of(new InetSocketAddress("127.0.0.1", server.server().port()),
                UnixDomainSocketAddress.of(folder.resolve("elms.sock")))) {
            for (int i = 0; i < 20; i++) {
                assertThat(tooLarge(address)).as(address + ", request " + i).startsWith("HTTP/1.1 413")
                        .contains("\"code\":\"body_too_large\"");
            }
        }
    }

    /** What is answered to a client that sends 10 MB before it reads. */
    private static String tooLarge(SocketAddress address) throws IOException {
        int bytes = 10 << 20;
        byte[] head = ("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: " + bytes
                + "\r\n\r\n").getBytes(StandardCharsets.UTF_8);
        ByteBuffer request = ByteBuffer.allocate(head.length + bytes).put(0, head);
        try (SocketChannel channel = SocketChannel.open(address)) {
            while (request.hasRemaining()) {
                channel.write(request);
            }
            return new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void theUnixSocketServesTheSame() throws Exception {
        Path socket = folder.resolve("elms.sock");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket))).isEqualTo("rw-------");
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            channel.write(ByteBuffer.wrap("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.UTF_8)));
            ByteBuffer reply = ByteBuffer.allocate(1 << 16);
            while (channel.read(reply) >= 0) {
                assertThat(reply.hasRemaining()).isTrue();
            }
            assertThat(new String(reply.array(), 0, reply.position(), StandardCharsets.UTF_8)).startsWith("HTTP/1.1 200")
                    .contains("\"nano\"");
        }
    }
}
