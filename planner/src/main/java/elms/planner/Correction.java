package elms.planner;

import java.util.Arrays;

/** What a machine's speed has become since it was profiled: the middle of the last measured over predicted times. Thread-safe. */
public final class Correction {
    private static final int REMEMBERED = 7;
    private static final double LEAST = 0.5;
    private static final double MOST = 50;

    private final double[] ratios = new double[REMEMBERED];
    private int next;

    public Correction() {
        forget();
    }

    /** Goes back to what the profile says. */
    public synchronized void forget() {
        Arrays.fill(ratios, 1);
    }

    /**
     * Takes note of a measurement.
     *
     * @param predicted what the profile alone predicts on average, in milliseconds
     */
    public synchronized void observe(double predicted, double measured) {
        if (predicted > 0 && measured > 0) {
            ratios[next] = Math.max(LEAST, Math.min(MOST, measured / predicted));
            next = (next + 1) % REMEMBERED;
        }
    }

    /** What to multiply predictions by. */
    public synchronized double factor() {
        double[] sorted = ratios.clone();
        Arrays.sort(sorted);
        return sorted[REMEMBERED / 2];
    }
}
