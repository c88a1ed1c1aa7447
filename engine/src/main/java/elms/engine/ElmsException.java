package elms.engine;

/** Something that the user can mend. Its message is one sentence that says what is wrong and, where that helps, what to do. */
public class ElmsException extends RuntimeException {
    public ElmsException(String message) {
        super(message);
    }

    public ElmsException(String message, Throwable cause) {
        super(message, cause);
    }
}
