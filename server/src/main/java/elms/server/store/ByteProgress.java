package elms.server.store;

/** Follows bytes that are fetched or written. */
@FunctionalInterface
public interface ByteProgress {
    /**
     * @param done bytes so far
     * @param total bytes in all, or -1 if that is not known
     */
    void at(long done, long total);
}
