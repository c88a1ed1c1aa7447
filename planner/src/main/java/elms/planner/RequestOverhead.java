package elms.planner;

/**
 * What a request to an idle service takes beside the model's own work: its prompt is rendered and tokenized, caches and addresses are
 * cold after a rest, the first token has its way to the app. The 95th percentile of requests is that of the work with this overhead.
 *
 * @param ttftMillis added to the time to first token
 * @param tpotFactor of the time per output token
 */
public record RequestOverhead(double ttftMillis, double tpotFactor) {
    /** Without a service around the model. */
    public static final RequestOverhead NONE = new RequestOverhead(0, 1);

    public RequestOverhead {
        if (!(ttftMillis >= 0) || !(tpotFactor > 0)) {
            throw new IllegalArgumentException("a request takes no less than its work, but its overhead is " + ttftMillis
                    + " ms and a factor of " + tpotFactor);
        }
    }
}
