package elms.eval;

import elms.engine.ElasticModel;
import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.kernels.Kernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;

/** Speed of every level, medians over some rounds: prefill of 512 tokens, decode behind them, and switching. */
public final class Bench {
    private static final int PROMPT = 512;
    private static final int STEPS = 64;
    private static final int ROUNDS = 5;
    private static final int WARM_UPS = 2;

    /**
     * What was measured.
     *
     * @param switchUs what switching costs a decode step
     * @param peakRssMb most memory the process has held, where the system tells
     */
    public record Report(String model, String provider, int threads, List<LevelSpeed> levels, double switchUs,
            OptionalDouble peakRssMb) {}

    /** Tokens a second at one level. */
    public record LevelSpeed(double level, double prefillTokS, double decodeTokS) {}

    private final ElasticModel model;
    private final Kernels kernels;
    private final Transformer transformer;

    public Bench(ElasticModel model, Kernels kernels) {
        this.model = model;
        this.kernels = kernels;
        transformer = new Transformer(model.weights(), kernels);
    }

    /**
     * Measures all levels in turn, so that a machine that slows down slows all of them.
     *
     * @param progress told the share that is done
     */
    public Report run(DoubleConsumer progress) {
        int levels = model.levels().size();
        double[][] prefill = new double[levels][ROUNDS];
        double[][] decode = new double[levels][ROUNDS];
        for (int round = -WARM_UPS; round < ROUNDS; round++) {
            for (int i = 0; i < levels; i++) {
                KvCache cache = transformer.newCache(PROMPT + STEPS);
                double prefillSeconds = prefill(model.levels().get(i), cache);
                double decodeSeconds = decode(model.levels().get(i), cache);
                if (round >= 0) {
                    prefill[i][round] = PROMPT / prefillSeconds;
                    decode[i][round] = STEPS / decodeSeconds;
                }
                progress.accept((double) ((round + WARM_UPS) * levels + i + 1) / ((ROUNDS + WARM_UPS) * levels));
            }
        }
        List<LevelSpeed> speeds = new ArrayList<>();
        for (int i = 0; i < levels; i++) {
            speeds.add(new LevelSpeed(model.levels().get(i).share(), median(prefill[i]), median(decode[i])));
        }
        return new Report(model.name(), kernels.description(), kernels.threads(), speeds, switchMicros(), peakRssMb());
    }

    private double prefill(SubModel level, KvCache cache) {
        int[] ids = ids();
        long start = System.nanoTime();
        transformer.read(ids, level, cache);
        transformer.logits();
        return secondsSince(start);
    }

    private double decode(SubModel level, KvCache cache) {
        int[] ids = ids();
        long start = System.nanoTime();
        for (int step = 0; step < STEPS; step++) {
            step(level, ids[step], cache);
        }
        return secondsSince(start);
    }

    /**
     * Makes the view of a level and runs a step with it, changing the level at every step, or at every second one: the median
     * difference of a step.
     */
    private double switchMicros() {
        SubModel[] levels = {model.full(), model.levels().get(model.levels().size() / 2)};
        double[] extra = new double[ROUNDS];
        for (int round = -WARM_UPS; round < ROUNDS; round++) {
            double often = alternating(levels, 1);
            double seldom = alternating(levels, STEPS / 2);
            if (round >= 0) {
                extra[round] = (often - seldom) / (STEPS - 2) * 1e6;
            }
        }
        return Math.max(0, median(extra));
    }

    private double alternating(SubModel[] levels, int stay) {
        int[] ids = ids();
        KvCache cache = transformer.newCache(STEPS);
        SubModel level = levels[0];
        long start = System.nanoTime();
        for (int step = 0; step < STEPS; step++) {
            if (step % stay == 0) {
                level = SubModel.of(model.weights(), levels[step / stay % 2].level());
            }
            step(level, ids[step], cache);
        }
        return secondsSince(start);
    }

    private void step(SubModel level, int id, KvCache cache) {
        transformer.read(new int[] {id}, level, cache);
        transformer.logits();
    }

    private int[] ids() {
        int vocabulary = model.config().vocabulary();
        return IntStream.range(0, PROMPT).map(i -> (int) ((100 + i * 7919L) % vocabulary)).toArray();
    }

    private static double secondsSince(long start) {
        return (System.nanoTime() - start) / 1e9;
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    /** The high-water mark that Linux keeps. */
    private static OptionalDouble peakRssMb() {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("VmHWM:"))
                    .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / 1024).findFirst();
        } catch (IOException e) {
            return OptionalDouble.empty();
        }
    }
}
