package elms.server.http;

import elms.engine.ElmsException;
import elms.service.BusyException;
import elms.service.InfeasibleException;
import io.helidon.http.Status;

/** A request that is refused: what OpenAI's clients are told. */
final class ApiException extends RuntimeException {
    private final Status status;
    private final String type;
    private final String code;
    private final String param;

    private ApiException(Status status, String type, String code, String param, String message, Throwable cause) {
        super(message, cause);
        this.status = status;
        this.type = type;
        this.code = code;
        this.param = param;
    }

    /** A field that makes no sense. */
    static ApiException field(String param, String message) {
        return new ApiException(Status.BAD_REQUEST_400, "invalid_request_error", "invalid_value", param, message, null);
    }

    /** A field that Elms does not have. */
    static ApiException unsupported(String param, String message) {
        return new ApiException(Status.BAD_REQUEST_400, "invalid_request_error", "unsupported_parameter", param, message, null);
    }

    static ApiException noModel(String name, String known) {
        return new ApiException(Status.NOT_FOUND_404, "invalid_request_error", "model_not_found", "model",
                "there is no model '" + name + "' here; this server has " + known, null);
    }

    static ApiException loading() {
        return new ApiException(Status.SERVICE_UNAVAILABLE_503, "unavailable_error", "loading",  null, "Loading model", null);
    }

    static ApiException closing() {
        return new ApiException(Status.SERVICE_UNAVAILABLE_503, "unavailable_error", "closing", null,
                "the server is about to stop", null);
    }

    static ApiException of(Status status, String code, String message) {
        return new ApiException(status, status.code() >= 500 ? "server_error" : "invalid_request_error", code, null, message,
                null);
    }

    /** What a failed request is answered with. */
    static ApiException of(Throwable failure) {
        return switch (failure) {
            case ApiException known -> known;
            case InfeasibleException refusal -> new ApiException(Status.TOO_MANY_REQUESTS_429, "slo_error", "slo_infeasible",
                    "slo",
                    refusal.getMessage(), refusal);
            case BusyException busy -> busy(busy);
            case ElmsException sentence -> new ApiException(Status.BAD_REQUEST_400, "invalid_request_error", "invalid_request",
                    null,
                    sentence.getMessage(), sentence);
            default -> new ApiException(Status.INTERNAL_SERVER_ERROR_500, "server_error", "internal_error", null,
                    "something went wrong that should not have; the server's log says what", failure);
        };
    }

    private static ApiException busy(BusyException busy) {
        return switch (busy.reason()) {
            case QUEUE_FULL -> new ApiException(Status.TOO_MANY_REQUESTS_429, "rate_limit_error", "queue_full", null,
                    busy.getMessage(), busy);
            case QUOTA -> new ApiException(Status.TOO_MANY_REQUESTS_429, "rate_limit_error", "quota_exceeded", null,
                    busy.getMessage(), busy);
            case LATE -> new ApiException(Status.TOO_MANY_REQUESTS_429, "rate_limit_error", "late", null, busy.getMessage(),
                    busy);
            case CLOSED -> new ApiException(Status.SERVICE_UNAVAILABLE_503, "unavailable_error", "closing", null,
                    busy.getMessage(), busy);
        };
    }

    Status status() {
        return status;
    }

    /** Why, in one word for programs. */
    String code() {
        return code;
    }

    /** Whether the same request may succeed a moment later. */
    boolean temporary() {
        return status.code() == Status.SERVICE_UNAVAILABLE_503.code()
                || status.code() == Status.TOO_MANY_REQUESTS_429.code() && !code.equals("slo_infeasible");
    }

    /** The body of the reply. */
    ErrorReply reply() {
        return new ErrorReply(new ErrorReply.Error(getMessage(), type, param, code));
    }

    /** An error in OpenAI's shape. */
    record ErrorReply(Error error) {
        record Error(String message, String type, String param, String code) {}
    }
}
