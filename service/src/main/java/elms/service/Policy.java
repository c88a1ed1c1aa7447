package elms.service;

import elms.engine.ElmsException;

/**
 * How requests are ordered and planned. {@link #ELMS} is the service's own; the others are there to be compared with it.
 *
 * @param byDeadline whether the earliest deadline comes first, or the earliest arrival
 * @param dropsLate whether a request whose first token cannot come in time is refused
 * @param aware whether plans know how long a request has waited and what else runs
 * @param streams most requests at work at once
 */
public record Policy(boolean byDeadline, boolean dropsLate, boolean aware, int streams) {
    public static final Policy ELMS = new Policy(true, false, true, Costs.MOST_STREAMS);

    /** As {@link #ELMS}, but every request is planned as if it were alone. */
    public static final Policy UNAWARE = new Policy(true, false, false, Costs.MOST_STREAMS);

    /** One request after the other. */
    public static final Policy FIRST_COME = new Policy(false, false, false, 1);

    /** One request after the other, the most urgent first, those that are late not at all. */
    public static final Policy DROPS_LATE = new Policy(true, true, false, 1);

    public Policy {
        if (streams < 1 || streams > Costs.MOST_STREAMS) {
            throw new ElmsException("a policy has " + streams + " streams, but must have between 1 and " + Costs.MOST_STREAMS);
        }
    }
}
