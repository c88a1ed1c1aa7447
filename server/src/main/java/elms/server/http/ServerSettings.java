package elms.server.http;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * How the server listens, and what it lets in.
 *
 * @param host address to listen at
 * @param port 0 takes a free one
 * @param socket UNIX socket to listen at besides
 * @param keys whoever calls must have one of them; none lets all in
 * @param allowedHosts names besides {@code localhost} that a request may call this server
 * @param allowedOrigins web pages besides the server's own that may call it, such as {@code https://app.example}
 * @param limits on what a client may send, and how slowly
 */
public record ServerSettings(String host, int port, Optional<Path> socket, List<ApiKey> keys, List<String> allowedHosts,
        List<String> allowedOrigins, Limits limits) {
    /**
     * Bounds that keep one client from taking the server from the others.
     *
     * @param bodyBytes largest body
     * @param headerBytes largest headers, all together
     * @param connections most at once
     * @param headers longest time until all headers have come
     * @param body longest time until the body has come
     * @param write longest time until a client takes a piece of its answer
     * @param idle longest time that a connection is kept for a next request
     * @param grace longest time that running requests get to finish when the server stops
     */
    public record Limits(int bodyBytes, int headerBytes, int connections, Duration headers, Duration body, Duration write,
            Duration idle,
            Duration grace) {
        public static final Limits USUAL = new Limits(8 << 20, 16 << 10, 1024, Duration.ofSeconds(10), Duration.ofSeconds(60),
                Duration.ofSeconds(60), Duration.ofSeconds(90), Duration.ofSeconds(10));
    }

    public ServerSettings {
        keys = List.copyOf(keys);
        allowedHosts = List.copyOf(allowedHosts);
        allowedOrigins = List.copyOf(allowedOrigins);
    }

    /** A server for programs of this machine, at a free port. */
    public static ServerSettings local() {
        return new ServerSettings("127.0.0.1", 0, Optional.empty(), List.of(), List.of(), List.of(), Limits.USUAL);
    }
}
