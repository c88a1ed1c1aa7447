package elms.client;

/** The server refused a request, failed, or could not be reached. */
public final class ElmsClientException extends RuntimeException {
    private final int status;
    private final String code;

    ElmsClientException(int status, String code, String message, Throwable cause) {
        super(message, cause);
        this.status = status;
        this.code = code;
    }

    /** The HTTP status; 0 if there was none. */
    public int status() {
        return status;
    }

    /** Why, in one word: {@code slo_infeasible}, {@code queue_full}, {@code quota_exceeded}, {@code loading}, ... */
    public String code() {
        return code;
    }
}
