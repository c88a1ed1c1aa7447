package elms.server.cli;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * What the JVM watches when Elms is built, so that later servers start with linked classes (JEP 483) and profiled methods
 * (JEP 515): a server of a model, and its clients.
 */
final class Practice {
    private static final int CHATS = 200;
    private static final int PATIENCE_MILLIS = 60_000;
    private static final int PAUSE_MILLIS = 20;
    private static final String CHAT = "{\"messages\": [{\"role\": \"system\", \"content\": \"Be brief.\"}, {\"role\": \"user\","
            + " \"content\": \"Question %d: why is the sky blue?\"}], \"max_tokens\": %d, \"stream\": %b%s}";
    private static final String SLO = ", \"slo\": {\"ttft\": 0.5, \"tpot\": 0.6}";

    private final int port;

    private Practice(int port) {
        this.port = port;
    }

    /**
     * Serves a model and chats with it; fails if a chat does.
     *
     * @param model a model file
     */
    public static void main(String[] model) throws IOException, InterruptedException {
        Practice practice = new Practice(freePort());
        Thread.ofPlatform().daemon().start(() -> Main.main(new String[] {"serve", model[0], "--port", "" + practice.port}));
        practice.awaitServer();
        for (int i = 0; i < CHATS; i++) {
            practice.chat(i);
        }
        System.exit(0);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private void awaitServer() throws InterruptedException {
        for (int waited = 0; !isHealthy(); waited += PAUSE_MILLIS) {
            if (waited > PATIENCE_MILLIS) {
                throw new IllegalStateException("the server did not start");
            }
            Thread.sleep(PAUSE_MILLIS);
        }
    }

    private boolean isHealthy() {
        try {
            return request("GET /health", "").startsWith("HTTP/1.1 200 ");
        } catch (IOException e) {
            return false;
        }
    }

    private void chat(int number) throws IOException {
        boolean stream = number % 3 > 0;
        String body = CHAT.formatted(number, 1 + number % 8, stream, number % 2 == 0 ? SLO : "");
        String answer = request("POST /v1/chat/completions", body);
        if (!answer.startsWith("HTTP/1.1 200 ")) {
            throw new IllegalStateException("a chat was answered by " + answer);
        }
    }

    /** The whole answer, headers included, to a request on a connection of its own. */
    private String request(String line, String body) throws IOException {
        byte[] content = body.getBytes(StandardCharsets.UTF_8);
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream().write((line + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
                    + content.length + "\r\n\r\n" + body).getBytes(StandardCharsets.UTF_8));
            try (InputStream answer = socket.getInputStream()) {
                return new String(answer.readAllBytes(), StandardCharsets.UTF_8);
            }
        }
    }
}
