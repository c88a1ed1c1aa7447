package elms.planner;

import elms.planner.LatencyModel.Run;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * How much longer the first {@link Steps} on a level take than later ones. A level that is small enough is in the processor's caches
 * behind some steps, a large one never is; where the line is depends on the machine. Between measured levels lie the others.
 *
 * @param share of each measured level, smallest first; there may be none
 * @param unsettled what the first step takes more, over a settled one
 * @param decay of that with each step
 */
public record Settling(double[] share, double[] unsettled, double[] decay) {
    /** All steps take the same time. */
    public static final Settling NONE = new Settling(new double[0], new double[0], new double[0]);

    /** Decays that are tried: none is so slow that steps have not settled at the end of a run. */
    private static final int DECAYS = 20;

    public Settling {
        if (share.length != unsettled.length || share.length != decay.length) {
            throw new IllegalArgumentException("each measured level has its share, and how its steps settle");
        }
    }

    /** What runs have in common whose first steps come behind something else. */
    static Settling of(List<Run> runs) {
        List<Double> shares = runs.stream().map(run -> run.level().share()).distinct().sorted().toList();
        double[] unsettled = new double[shares.size()];
        double[] decay = new double[shares.size()];
        for (int i = 0; i < unsettled.length; i++) {
            double share = shares.get(i);
            Steps fitted = fit(excess(runs.stream().filter(run -> run.level().share() == share).toList()));
            unsettled[i] = fitted.unsettled();
            decay[i] = fitted.decay();
        }
        return new Settling(shares.stream().mapToDouble(each -> each).toArray(), unsettled, decay);
    }

    /** The geometric series that is nearest to some numbers. */
    private static Steps fit(double[] excess) {
        Steps nearest = new Steps(1, 0, 0);
        double least = Double.POSITIVE_INFINITY;
        for (int i = 0; i < DECAYS; i++) {
            double decay = i / (double) DECAYS;
            double product = 0;
            double square = 0;
            double power = 1;
            for (double each : excess) {
                product += each * power;
                square += power * power;
                power *= decay;
            }
            double unsettled = Math.max(0, product / square);
            double error = unsettled * unsettled * square - 2 * unsettled * product;
            if (error < least) {
                least = error;
                nearest = new Steps(1, unsettled, decay);
            }
        }
        return nearest;
    }

    /** By how much each step takes longer than those of the last quarter of its run, as a share: the middle of all runs. */
    private static double[] excess(List<Run> runs) {
        double[] excess = new double[runs.stream().mapToInt(run -> run.millis().length).min().orElseThrow()];
        for (int i = 0; i < excess.length; i++) {
            int step = i;
            excess[i] = median(runs.stream().mapToDouble(run -> run.millis()[step] / settled(run))) - 1;
        }
        return excess;
    }

    private static double settled(Run run) {
        int steps = run.millis().length;
        return median(Arrays.stream(run.millis(), steps * 3 / 4, steps));
    }

    private static double median(DoubleStream numbers) {
        double[] sorted = numbers.sorted().toArray();
        return sorted[sorted.length / 2];
    }

    /**
     * Steps on a level.
     *
     * @param share of the level
     */
    Steps steps(double share, double settled) {
        return new Steps(settled, between(unsettled, share), between(decay, share));
    }

    private double between(double[] values, double at) {
        int above = 0;
        while (above < share.length && share[above] < at) {
            above++;
        }
        if (share.length == 0) {
            return 0;
        }
        if (above == 0 || above == share.length) {
            return values[Math.min(above, share.length - 1)];
        }
        double part = (at - share[above - 1]) / (share[above] - share[above - 1]);
        return values[above - 1] + part * (values[above] - values[above - 1]);
    }
}
