package elms.server.http;

import elms.server.http.ServerSettings.Limits;
import io.helidon.http.HeaderValues;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.HttpSecurity;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;

/** Routes requests, each of which knows its {@link ClientConnection}, and closes connections whose last response is sent. */
final class ConnectionRouting implements HttpRouting {
    private final HttpRouting routes;
    private final Deadlines deadlines;
    private final Limits limits;

    /** What Helidon takes a routing from. */
    record Source(ConnectionRouting routing) implements io.helidon.common.Builder<Source, HttpRouting> {
        @Override
        public ConnectionRouting build() {
            return routing;
        }
    }

    ConnectionRouting(HttpRouting routes, Deadlines deadlines, Limits limits) {
        this.routes = routes;
        this.deadlines = deadlines;
        this.limits = limits;
    }

    @Override
    public void route(ConnectionContext connection, RoutingRequest request, RoutingResponse response) {
        ClientConnection client = new ClientConnection(connection, deadlines, limits);
        request.context().register(client);
        routes.route(connection, request, response);
        if (response.headers().containsToken(HeaderValues.CONNECTION_CLOSE)) {
            client.drain(request);
            throw new CloseConnectionException("as the response has announced");
        }
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
}
