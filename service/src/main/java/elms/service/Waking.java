package elms.service;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What reading a prompt takes more after a rest than behind other work, in milliseconds: what was not used for a while has to be fetched
 * from afar, its addresses too. The middle of the last few times; nothing before the first.
 */
final class Waking {
    /** Milliseconds without a pass that are a rest. */
    static final double REST = 50;
    private static final int LATELY = 7;

    private final Deque<Double> added = new ArrayDeque<>();
    private double lastWork = Double.POSITIVE_INFINITY;

    /** Notes that a pass has ended. */
    void worked(double now) {
        lastWork = now;
    }

    /** Whether what begins now begins after a rest. */
    boolean rested(double now) {
        return now - lastWork >= REST;
    }

    /** Learns from a prompt that was read after a rest. */
    void readTook(double predicted, double measured) {
        added.addLast(Math.max(0, measured - predicted));
        if (added.size() > LATELY) {
            added.removeFirst();
        }
    }

    /** What a prompt that is read from now on takes more. */
    double millis(double now) {
        return rested(now) && !added.isEmpty() ? added.stream().sorted().toList().get(added.size() / 2) : 0;
    }

    void forget() {
        added.clear();
    }
}
