package elms.server.http;

import elms.engine.ElmsException;
import elms.server.http.ServerSettings.Limits;
import io.helidon.common.socket.SocketOptions;
import io.helidon.webserver.ListenerConfig;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http1.Http1Config;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;

/** The server: listens at once, loads its model behind the open socket, and serves it to many clients until it is closed. */
public final class HttpServer implements AutoCloseable {
    private static final String UNIX = "unix";
    /** Headers that are too large are read up to so many times their limit, so that they get a reply. */
    private static final int HEADER_SLACK = 4;
    /** Bodies likewise. */
    private static final long BODY_SLACK = 2;

    private final ServerSettings settings;
    private final PrometheusMeterRegistry meters = MetricsRoutes.registry();
    private final ModelHost host;
    private final Deadlines deadlines = new Deadlines();
    private final Optional<UnixSocket> socket;
    private final WebServer server;
    private final AtomicBoolean closed = new AtomicBoolean();

    private HttpServer(ServerSettings settings, String model, Function<MeterRegistry, LoadedModel> loader) {
        this.settings = settings;
        this.host = new ModelHost(model, () -> loader.apply(meters));
        this.socket = settings.socket().map(UnixSocket::new);
        Apps apps = new Apps();
        Answers answers = new Answers(host, apps);
        WebServerConfig.Builder builder = configured(WebServer.builder(), answers, apps).shutdownHook(false)
                .host(settings.host()).port(settings.port());
        socket.ifPresent(unix -> builder.putSocket(UNIX, configured(ListenerConfig.builder(), answers, apps)
                .name(UNIX).bindAddress(unix.address()).build()));
        this.server = builder.build();
    }

    /**
     * Opens the server's sockets and begins to load its model.
     *
     * @param model name that clients call it by
     * @param loader loads the model, whose service counts in the registry
     * @throws ElmsException if the address or the socket is taken
     */
    public static HttpServer start(ServerSettings settings, String model, Function<MeterRegistry, LoadedModel> loader) {
        requireFree(settings);
        HttpServer server = new HttpServer(settings, model, loader);
        server.server.start();
        try {
            server.socket.ifPresent(UnixSocket::publish);
        } catch (ElmsException e) {
            server.close();
            throw e;
        }
        server.host.load();
        return server;
    }

    /** Helidon would only log it. */
    private static void requireFree(ServerSettings settings) {
        try (ServerSocket probe = new ServerSocket()) {
            probe.setReuseAddress(true);
            probe.bind(new InetSocketAddress(settings.host(), settings.port()));
        } catch (IOException e) {
            throw new ElmsException("the server cannot listen at " + settings.host() + ":" + settings.port() + ": "
                    + e.getMessage() + "; is it serving already? Else take another port", e);
        }
    }

    /** The port that it listens at. */
    public int port() {
        return server.port();
    }

    /** Waits until the model is loaded; throws what kept it from being so. */
    public LoadedModel loaded() {
        return host.current().map(CompletableFuture::join).orElseThrow();
    }

    /** Lets no request in any more, gives those that run some time to finish, ends the rest, and closes its sockets. */
    @Override
    public void close() {
        if (closed.getAndSet(true)) {
            return;
        }
        try {
            host.drain(settings.limits().grace());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        server.stop();
        host.close();
        deadlines.close();
        socket.ifPresent(UnixSocket::close);
    }

    private ConnectionRouting.Builder routes(Answers answers, Apps apps) {
        ConnectionRouting.Builder routing = ConnectionRouting.builder(deadlines, settings.limits())
                .addFilter(new Guard(settings));
        routing.register(new PageRoutes(), new HealthRoutes(host), new OpenAiRoutes(answers), new OllamaRoutes(answers),
                new TokenRoutes(host),
                new AppRoutes(host, apps), new PlanRoutes(answers), new MetricsRoutes(meters));
        ErrorHandlers.register(routing);
        return routing;
    }

    private <B extends ListenerConfig.BuilderBase<B, P>, P extends ListenerConfig> B configured(B listener, Answers answers,
            Apps apps) {
        Limits limits = settings.limits();
        return listener.routing(routes(answers, apps))
                .maxPayloadSize(BODY_SLACK * limits.bodyBytes()).maxTcpConnections(limits.connections())
                .idleConnectionTimeout(limits.idle()).idleConnectionPeriod(limits.idle().dividedBy(4))
                .shutdownGracePeriod(Duration.ofSeconds(1))
                .connectionOptions(SocketOptions.builder().tcpNoDelay(true).build())
                .directHandlers(ErrorHandlers.direct())
                .addProtocol(Http1Config.builder().maxHeadersSize(HEADER_SLACK * limits.headerBytes())
                        .addReceiveListener(new HeaderDeadlines(deadlines, limits.headers())).build());
    }
}
