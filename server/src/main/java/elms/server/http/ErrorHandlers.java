package elms.server.http;

import io.helidon.http.DirectHandler;
import io.helidon.http.DirectHandler.EventType;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.HttpException;
import io.helidon.http.ServerResponseHeaders;
import io.helidon.http.Status;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.DirectHandlers;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers every failed request in OpenAI's shape, or in Ollama's on its routes. */
final class ErrorHandlers {
    /** As llm-d names the reason of a 429. */
    private static final HeaderName REASON = HeaderNames.create("x-llm-d-request-dropped-reason");
    private static final HeaderName SHOULD_RETRY = HeaderNames.create("x-should-retry");
    private static final Logger LOG = LoggerFactory.getLogger(ErrorHandlers.class);

    private ErrorHandlers() {}

    static void register(HttpRouting.Builder routing) {
        routing.error(Throwable.class, ErrorHandlers::reply);
        routing.any((request, response) -> {
            throw ApiException.of(Status.NOT_FOUND_404, "not_found", "there is nothing at " + request.path().path() + " for "
                    + request.prologue().method());
        });
    }

    /** Refusals of requests that are not even routed. */
    static DirectHandlers direct() {
        DirectHandlers.Builder handlers = DirectHandlers.builder();
        for (EventType event : EventType.values()) {
            handlers.addHandler(event, ErrorHandlers::direct);
        }
        return handlers.build();
    }

    private static DirectHandler.TransportResponse direct(DirectHandler.TransportRequest request, EventType event, Status status,
            ServerResponseHeaders headers, String message) {
        ApiException refusal = ApiException.of(status, "bad_request", status.reasonPhrase()
                + (message == null || message.isEmpty() ? ""
                : ": " + message));
        return DirectHandler.TransportResponse.builder().status(status).headers(headers).header(HeaderValues.CONTENT_TYPE_JSON)
                .keepAlive(false).entity(Json.write(refusal.reply())).build();
    }

    private static void reply(ServerRequest request, ServerResponse response, Throwable failure) {
        switch (failure) {
            case CloseConnectionException closed -> throw closed;
            case HttpException refused -> reply(request, response, ApiException.of(refused.status(), "bad_request",
                    refused.getMessage()));
            default -> reply(request, response, told(failure));
        }
    }

    /** What the client is told; the log gets what it must not see. */
    static ApiException told(Throwable failure) {
        ApiException told = ApiException.of(failure);
        if (told.status().code() == Status.INTERNAL_SERVER_ERROR_500.code()) {
            LOG.error("a request failed", failure);
        }
        return told;
    }

    private static void reply(ServerRequest request, ServerResponse response, ApiException told) {
        if (response.isSent()) {
            throw new CloseConnectionException("failed in mid-answer", told);
        }
        response.status(told.status()).header(HeaderValues.CONTENT_TYPE_JSON);
        if (told.status().code() == Status.TOO_MANY_REQUESTS_429.code()) {
            response.header(REASON, told.code());
        }
        if (told.temporary()) {
            response.header(HeaderNames.RETRY_AFTER, "1");
        } else {
            response.header(SHOULD_RETRY, "false");
        }
        if (told.status().code() == Status.UNAUTHORIZED_401.code()) {
            response.header(HeaderNames.WWW_AUTHENTICATE, "Bearer");
        }
        response.send(Json.write(request.path().path().startsWith(OllamaRoutes.PATH) ? OllamaForm.error(told) : told.reply()));
    }
}
