package elms.server.http;

import elms.server.http.ServerSettings.Limits;
import io.helidon.http.HeaderValues;
import io.helidon.http.Headers;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http.ErrorHandler;
import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.HttpFeature;
import io.helidon.webserver.http.HttpRoute;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.HttpSecurity;
import io.helidon.webserver.http.HttpService;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import java.util.function.Supplier;

/** Routes requests, each of which knows its {@link ClientConnection}, and closes connections whose last response is sent. */
final class ConnectionRouting implements HttpRouting {
    private final HttpRouting routes;
    private final Deadlines deadlines;
    private final Limits limits;

    private ConnectionRouting(HttpRouting routes, Deadlines deadlines, Limits limits) {
        this.routes = routes;
        this.deadlines = deadlines;
        this.limits = limits;
    }

    static Builder builder(Deadlines deadlines, Limits limits) {
        return new Builder(HttpRouting.builder(), deadlines, limits);
    }

    @Override
    public void route(ConnectionContext connection, RoutingRequest request, RoutingResponse response) {
        ClientConnection client = new ClientConnection(connection, deadlines, limits);
        request.context().register(client);
        routes.route(connection, request, response);
        if (isLast(request.headers()) || isLast(response.headers())) {
            client.drain(request);
            throw new CloseConnectionException("as was announced");
        }
        client.awaitNext();
    }

    private static boolean isLast(Headers headers) {
        return headers.containsToken(HeaderValues.CONNECTION_CLOSE);
    }

    @Override
    public HttpSecurity security() {
        return routes.security();
    }

    @Override
    public void beforeStart() {
        routes.beforeStart();
    }

    @Override
    public void afterStop() {
        routes.afterStop();
    }

    /** Builds the routes as Helidon's own builder does. */
    static final class Builder implements HttpRouting.Builder {
        private final HttpRouting.Builder routes;
        private final Deadlines deadlines;
        private final Limits limits;

        private Builder(HttpRouting.Builder routes, Deadlines deadlines, Limits limits) {
            this.routes = routes;
            this.deadlines = deadlines;
            this.limits = limits;
        }

        @Override
        public Builder register(HttpService... services) {
            routes.register(services);
            return this;
        }

        @Override
        public Builder register(String path, HttpService... services) {
            routes.register(path, services);
            return this;
        }

        @Override
        public Builder route(HttpRoute route) {
            routes.route(route);
            return this;
        }

        @Override
        public Builder addFilter(Filter filter) {
            routes.addFilter(filter);
            return this;
        }

        @Override
        public Builder addFeature(Supplier<? extends HttpFeature> feature) {
            routes.addFeature(feature);
            return this;
        }

        @Override
        public <T extends Throwable> Builder error(Class<T> kind, ErrorHandler<? super T> handler) {
            routes.error(kind, handler);
            return this;
        }

        @Override
        public Builder maxReRouteCount(int count) {
            routes.maxReRouteCount(count);
            return this;
        }

        @Override
        public Builder security(HttpSecurity security) {
            routes.security(security);
            return this;
        }

        @Override
        public Builder copy() {
            return new Builder(routes.copy(), deadlines, limits);
        }

        @Override
        public ConnectionRouting build() {
            return new ConnectionRouting(routes.build(), deadlines, limits);
        }
    }
}
