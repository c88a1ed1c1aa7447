package elms.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import elms.engine.ElmsException;
import elms.kernels.Kernels;
import elms.server.http.NanoServer.Reply;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.ConnectException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Life of a server: loading, clients that go, stopping. */
@Timeout(60)
class HttpServerTest {
    private static final String LONG_CHAT =
            "{\"messages\": [{\"role\": \"user\", \"content\": \"hello\"}], \"max_tokens\": 1500, "
            + "\"stream\": true}";

    private static final String SHORT_CHAT =
            "{\"messages\": [{\"role\": \"user\", \"content\": \"hello\"}], \"max_tokens\": 2, \"stream\": %s}";

    @TempDir
    Path folder;

    @Test
    void theSocketIsOpenWhileTheModelLoads() throws Exception {
        CountDownLatch loading = new CountDownLatch(1);
        try (HttpServer server = HttpServer.start(ServerSettings.local(), NanoServer.MODEL, meters -> {
            await(loading);
            return NanoServer.load(folder, kernels -> kernels, meters);
        })) {
            assertThat(raw(server, "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
                    .startsWith("HTTP/1.1 503").contains("Loading model");
            assertThat(raw(server, post(LONG_CHAT))).startsWith("HTTP/1.1 503").contains("Loading model").contains("Retry-After");
            loading.countDown();
            server.loaded();
            assertThat(raw(server, "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
                    .startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void anAddressThatIsTakenIsToldInOneSentence() {
        try (NanoServer first = NanoServer.start(folder, ServerSettings.local())) {
            ServerSettings same = new ServerSettings("127.0.0.1", first.server().port(), ServerSettings.local().socket(),
                    ServerSettings.local().keys(), ServerSettings.local().allowedHosts(), ServerSettings.local().allowedOrigins(),
                    ServerSettings.local().limits());
            assertThatThrownBy(() -> HttpServer.start(same, NanoServer.MODEL, meters -> null)).isInstanceOf(ElmsException.class)
                    .hasMessageContaining("cannot listen at 127.0.0.1:" + first.server().port()).hasMessageContaining("in use");
        }
    }

    @Test
    void workForAClientThatHasGoneIsEnded() throws Exception {
        Gate gate = new Gate();
        try (NanoServer server = NanoServer.start(folder, ServerSettings.local(), gate::before)) {
            try (Socket client = new Socket("127.0.0.1", server.server().port())) {
                gate.let(200);
                client.getOutputStream().write(post(LONG_CHAT).getBytes(StandardCharsets.UTF_8));
                readUntil(client.getInputStream(), "\"content\":\"");
            }
            gate.let(1_000_000);
            // The queue of one service: this one is answered when the other has ended.
            Reply next = server.post("/v1/completions", "{\"prompt\": \"x\", \"max_tokens\": 1}");
            assertThat(next.status()).isEqualTo(200);
            assertThat(gate.left()).isGreaterThan(900_000);
        }
    }

    @Test
    void aConnectionServesOneAnswerAfterTheOtherAndItsEndIsNoticedInEach() throws Exception {
        Gate gate = new Gate();
        try (NanoServer server = NanoServer.start(folder, ServerSettings.local(), gate::before)) {
            try (Socket client = new Socket("127.0.0.1", server.server().port())) {
                InputStream in = client.getInputStream();
                gate.let(1_000_000);
                for (String stream : List.of("false", "true", "false")) {
                    String request = post(SHORT_CHAT.formatted(stream), "keep-alive");
                    client.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
                    String head = readUntil(in, "\r\n\r\n").toLowerCase(Locale.ROOT);
                    assertThat(head).startsWith("http/1.1 200");
                    if (stream.equals("true")) {
                        readUntil(in, "[DONE]\n\n\r\n0\r\n\r\n");
                    } else {
                        in.readNBytes(Integer.parseInt(head.replaceFirst("(?s).*content-length: (\\d+).*", "$1")));
                    }
                }
                client.getOutputStream().write(post(LONG_CHAT, "keep-alive").getBytes(StandardCharsets.UTF_8));
                readUntil(in, "\"content\":\"");
                gate.close();
            }
            gate.let(1_000_000);
            assertThat(server.post("/v1/completions", "{\"prompt\": \"x\", \"max_tokens\": 1}").status()).isEqualTo(200);
            assertThat(gate.left()).isGreaterThan(900_000);
        }
    }

    @Test
    void aConnectionThatIsIdleAfterAnAnswerIsClosedInTime() throws Exception {
        ServerSettings.Limits usual = ServerSettings.Limits.USUAL;
        ServerSettings local = ServerSettings.local();
        ServerSettings hasty = new ServerSettings("127.0.0.1", 0, local.socket(), local.keys(), local.allowedHosts(),
                local.allowedOrigins(), new ServerSettings.Limits(usual.bodyBytes(), usual.headerBytes(), usual.connections(),
                        usual.headers(), usual.body(), usual.write(), Duration.ofMillis(300), usual.grace()));
        try (NanoServer server = NanoServer.start(folder, hasty)) {
            assertThat(raw(server.server(), post(SHORT_CHAT.formatted("false"), "keep-alive"))).startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void aStoppingServerEndsStreamsWithAnErrorAndRefusesNewRequests() throws Exception {
        ServerSettings.Limits usual = ServerSettings.Limits.USUAL;
        ServerSettings impatient = new ServerSettings("127.0.0.1", 0, ServerSettings.local().socket(), ServerSettings.local()
                .keys(),
                ServerSettings.local().allowedHosts(), ServerSettings.local().allowedOrigins(),
                new ServerSettings.Limits(usual.bodyBytes(),
                usual.headerBytes(), usual.connections(), usual.headers(), usual.body(), usual.write(), usual.idle(),
                Duration.ZERO));
        Gate gate = new Gate();
        NanoServer server = NanoServer.start(folder, impatient, gate::before);
        int port = server.server().port();
        gate.let(200);
        CompletableFuture<Reply> stream = CompletableFuture.supplyAsync(() -> {
            try {
                return server.post("/v1/chat/completions", LONG_CHAT);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
        gate.awaitEmpty();
        CompletableFuture<Void> stopped = CompletableFuture.runAsync(server.server()::close);
        gate.let(1_000_000);
        assertThat(stream.get(30, TimeUnit.SECONDS).body()).contains("\"error\":{\"message\":\"the server is about to stop\"")
                .doesNotContain("[DONE]");
        stopped.get(30, TimeUnit.SECONDS);
        assertThatThrownBy(() -> new Socket("127.0.0.1", port)).isInstanceOf(ConnectException.class);
        server.close();
    }

    private static String post(String body) {
        return post(body, "close");
    }

    private static String post(String body, String connection) {
        return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: " + connection + "\r\nContent-Length: "
                + body.length() + "\r\n\r\n" + body;
    }

    private static String raw(HttpServer server, String request) throws Exception {
        try (Socket client = new Socket("127.0.0.1", server.port())) {
            client.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
            return new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static String readUntil(InputStream in, String wanted) throws Exception {
        StringBuilder read = new StringBuilder();
        while (read.indexOf(wanted) < 0) {
            int next = in.read();
            assertThat(next).as(read.toString()).isNotNegative();
            read.append((char) next);
        }
        return read.toString();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Lets only so many operations of the kernels run as a test allows. */
    private static final class Gate {
        private final Semaphore permits = new Semaphore(0);

        Kernels before(Kernels kernels) {
            return (Kernels) Proxy.newProxyInstance(Kernels.class.getClassLoader(), new Class<?>[] {Kernels.class},
                    (proxy, method, arguments) -> {
                if (method.getName().equals("attention")) {
                    permits.acquire();
                }
                try {
                    return method.invoke(kernels, arguments);
                } catch (InvocationTargetException e) {
                    throw e.getCause();
                }
            });
        }

        void let(int operations) {
            permits.release(operations);
        }

        void close() {
            permits.drainPermits();
        }

        int left() {
            return permits.availablePermits();
        }

        void awaitEmpty() throws InterruptedException {
            while (!permits.hasQueuedThreads()) {
                Thread.sleep(1);
            }
        }
    }
}
