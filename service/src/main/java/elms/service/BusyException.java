package elms.service;

import elms.engine.ElmsException;

/** There is no room for a request. Nothing was computed for it. */
public final class BusyException extends ElmsException {
    /** Why there is none. */
    public enum Reason {
        /** As many requests wait as the service lets wait. */
        QUEUE_FULL,
        /** As many requests of the app wait or run as its profile allows. */
        QUOTA,
        /** The service refuses what is late, and this would be. */
        LATE,
        /** The service or the app's binding is closed, or about to be. */
        CLOSED
    }

    private final Reason reason;

    BusyException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
