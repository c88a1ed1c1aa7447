package elms.eval;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Talks like llama.cpp's server, in a process of its own, and only pretends to answer: what the prompt says, or three tokens. */
final class PretendedServer {
    private PretendedServer() {}

    public static void main(String[] arguments) throws IOException {
        List<String> all = List.of(arguments);
        int port = Integer.parseInt(all.get(all.indexOf("--port") + 1));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/health", exchange -> reply(exchange, "{\"status\":\"ok\"}"));
        server.createContext("/completion", PretendedServer::complete);
        server.start();
    }

    private static void complete(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        if (body.contains("break off")) {
            reply(exchange, "data: {\"content\":\"a\",\"stop\":false}\n\n");
        } else if (body.contains("be short")) {
            reply(exchange, "data: {\"content\":\"\",\"stop\":true,\"tokens_predicted\":1}\n\n");
        } else {
            reply(exchange, "data: {\"content\":\"a\",\"stop\":false}\n\n: a comment\n\n"
                    + "data: {\"content\":\"b\",\"stop\":false}\n\n"
                    + "data: {\"content\":\"\",\"stop\":true,\"tokens_predicted\":3}\n\n");
        }
    }

    private static void reply(HttpExchange exchange, String text) throws IOException {
        exchange.sendResponseHeaders(200, 0);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
    }
}
