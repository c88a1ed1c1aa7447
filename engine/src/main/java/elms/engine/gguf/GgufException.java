package elms.engine.gguf;

import elms.engine.ElmsException;

/** A file that is not a usable GGUF file. */
public final class GgufException extends ElmsException {
    public GgufException(String message) {
        super(message);
    }

    public GgufException(String message, Throwable cause) {
        super(message, cause);
    }
}
