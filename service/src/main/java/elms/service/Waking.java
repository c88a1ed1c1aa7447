package elms.service;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;

/**
 * What a request takes more after a rest than what was promised, until its prompt is read, in milliseconds: what was not used for a while
 * has to be fetched from afar, its addresses too, for planning as for reading. The second longest of the last few times, so that seldom
 * more is needed; before the first what the machine's profile says.
 */
final class Waking {
    /** Milliseconds without a pass that are a rest. */
    static final double REST = 50;
    private static final int LATELY = 9;

    private final double usual;
    private final Deque<Double> added = new ArrayDeque<>();
    private double lastWork = Double.POSITIVE_INFINITY;
    /** When the last rest began that a request ended. */
    private double ended = Double.NEGATIVE_INFINITY;
    /** The request that ended it, while it has the machine to itself. */
    private Call woken;
    /** When its prompt would be read if it had not come after a rest. */
    private double otherwise;

    /**
     * @param usual milliseconds that it takes by the profile
     */
    Waking(double usual) {
        this.usual = usual;
    }

    /** Notes that a pass has ended. */
    void worked(double now) {
        lastWork = now;
    }

    /** Whether what begins now begins after a rest. */
    boolean rested(double now) {
        return now - lastWork >= REST;
    }

    /** What a request takes more that is planned now. */
    double millis(double now) {
        return !rested(now) ? 0
                : added.stream().sorted(Comparator.reverseOrder()).skip(added.size() > 1 ? 1 : 0).findFirst().orElse(usual);
    }

    /**
     * Notes that a request starts.
     *
     * @param promised when its prompt is to be read, {@link #millis} included
     */
    void starts(Call call, double promised, double now) {
        boolean first = rested(now) && lastWork != ended;
        woken = first ? call : null;
        if (first) {
            ended = lastWork;
            otherwise = promised - millis(now);
        }
    }

    /** Learns from a request whose prompt has been read, if it ended a rest and no other started meanwhile. */
    void read(Call call, double now) {
        if (call == woken) {
            added.addLast(Math.max(0, now - otherwise));
            if (added.size() > LATELY) {
                added.removeFirst();
            }
            woken = null;
        }
    }

    void forget() {
        added.clear();
    }
}
