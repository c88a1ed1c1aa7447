package elms.elastic;

/** Follows a long task. */
@FunctionalInterface
public interface Progress {
    /**
     * @param step what is being done
     * @param share of all the work that is done, from 0 to 1
     */
    void at(String step, double share);
}
