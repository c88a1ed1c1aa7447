package elms.planner;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * What a machine's speed has become since it was profiled, by the last ratios of measured to predicted times. What is likely is the
 * middle of the last {@value #LATELY}: four tell of a change, one alone of nothing. What is promised is a 95th percentile: of
 * n + 1 ratios that come in any order the last is the largest once in n + 1 times (Vovk et al., 2005, conformal prediction), so the
 * largest of {@value #ENOUGH} before it is exceeded once in 20 times, and so is the second of {@value #REMEMBERED}.
 * Thread-safe.
 */
public final class Correction {
    private static final int LATELY = 7;
    /** One promise of so many may be broken. */
    private static final int ONE_OF = 20;
    private static final int ENOUGH = ONE_OF - 1;
    private static final int REMEMBERED = 2 * ONE_OF - 1;
    /** Ratios of one answer are alike: of the profile's margin at least so much is kept. */
    private static final double LEAST_MARGIN = 1.15;
    /** What took less of the predicted time was not the work that was predicted: no host becomes that fast. */
    private static final double LEAST_RATIO = 0.05;
    /** What two interruptions may do to the promises that follow. */
    private static final double MOST_MARGIN = 2;

    private final Deque<Double> ratios = new ArrayDeque<>();
    private double factor = 1;
    /** Of the ratios; absent while there are too few. */
    private OptionalDouble percentile = OptionalDouble.empty();

    /** Goes back to what the profile says. */
    public synchronized void forget() {
        ratios.clear();
        factor = 1;
        percentile = OptionalDouble.empty();
    }

    /**
     * Takes note of a measurement.
     *
     * @param predicted what the profile alone predicts on average, in milliseconds
     */
    public synchronized void observe(double predicted, double measured) {
        if (predicted > 0 && measured > LEAST_RATIO * predicted) {
            ratios.addFirst(measured / predicted);
            if (ratios.size() > REMEMBERED) {
                ratios.removeLast();
            }
            factor = Stream.concat(ratios.stream(), Stream.generate(() -> 1.0)).limit(LATELY).sorted().toList().get(LATELY / 2);
            int above = (ratios.size() + 1) / ONE_OF;
            percentile = ratios.stream().sorted(Comparator.reverseOrder()).limit(above).mapToDouble(ratio -> ratio).min();
        }
    }

    /** What to multiply mean predictions by. */
    public synchronized double factor() {
        return factor;
    }

    /**
     * What to multiply mean predictions by, so that what is measured next is less in 95% of cases. Until {@value #ENOUGH} ratios are
     * known that is the profile's margin, on a machine at most as fast as it was then.
     *
     * @param margin 95th percentile of measured over predicted in the profile
     */
    public synchronized double promised(double margin) {
        if (percentile.isEmpty()) {
            return Math.max(1, factor) * margin;
        }
        return Math.max(factor * Math.min(margin, LEAST_MARGIN), Math.min(factor * MOST_MARGIN, percentile.getAsDouble()));
    }
}
