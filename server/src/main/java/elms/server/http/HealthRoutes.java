package elms.server.http;

import io.helidon.http.HeaderValues;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import java.util.Map;

/** Whether the server can answer: {@code /health}, without a key. */
final class HealthRoutes implements HttpService {
    private final ModelHost host;

    HealthRoutes(ModelHost host) {
        this.host = host;
    }

    @Override
    public void routing(HttpRules rules) {
        rules.get("/health", (request, response) -> {
            if (host.closing()) {
                throw ApiException.closing();
            }
            if (!host.ready()) {
                throw ApiException.loading();
            }
            response.header(HeaderValues.CONTENT_TYPE_JSON).send(Json.write(Map.of("status", "ok")));
        });
    }
}
