package elms.client;

/** Follows a request while it runs. Called on the thread that made the request. */
@FunctionalInterface
public interface Listener {
    /** Follows nothing. */
    Listener NONE = text -> {};

    /** The next piece of the answer. */
    void text(String piece);

    /** Asked at every piece: whether to end the answer here. */
    default boolean cancelled() {
        return false;
    }
}
