package elms.eval;

import elms.engine.ElasticModel;
import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.eval.Timing.Spread;
import elms.kernels.Kernels;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;

/**
 * Speed of every level, medians over some rounds: prefill of 512 tokens, decode behind them and from an empty context, steps
 * of several streams, and switching.
 */
public final class Bench {
    static final int PROMPT = 512;
    static final int STEPS = 64;

    private static final int WARM_UPS = 2;
    /** Of what switching makes: the difference of two noisy times that are ten times as large. */
    private static final int SWITCH_ROUNDS = 15;
    private static final Duration WARM_UP_TIME = Duration.ofSeconds(20);

    /**
     * What was measured.
     *
     * @param switchUs what switching costs a decode step
     * @param peakRssMb most memory the process has held before the steps of several streams, where the system tells
     */
    public record Report(String model, String provider, int threads, List<LevelSpeed> levels, List<BatchSteps.Step> batches,
            double switchUs, OptionalDouble peakRssMb) {}

    /** Tokens a second at one level; the empty context holds one token. */
    public record LevelSpeed(double level, double prefillTokS, double decodeTokS, double decodeEmptyTokS) {}

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
     * @param rounds to take medians of, after two that warm up
     * @param progress told the share that is done
     * @param afterRound measures something else between the rounds, under the same conditions
     */
    public Report run(int rounds, DoubleConsumer progress, Runnable afterRound) {
        int levels = model.levels().size();
        double[][] prefill = new double[levels][rounds];
        double[][] decode = new double[levels][rounds];
        double[][] decodeEmpty = new double[levels][rounds];
        for (int round = -WARM_UPS; round < rounds; round++) {
            for (int i = 0; i < levels; i++) {
                SubModel level = model.levels().get(i);
                Round behindPrompt = round(level, PROMPT, STEPS);
                Round fromEmpty = round(level, 1, STEPS);
                if (round >= 0) {
                    prefill[i][round] = behindPrompt.prefillTokS;
                    decode[i][round] = behindPrompt.decodeTokS;
                    decodeEmpty[i][round] = fromEmpty.decodeTokS;
                }
                progress.accept((double) ((round + WARM_UPS) * levels + i + 1) / ((rounds + WARM_UPS) * levels));
            }
            if (round >= 0) {
                afterRound.run();
            }
        }
        List<LevelSpeed> speeds = new ArrayList<>();
        for (int i = 0; i < levels; i++) {
            speeds.add(new LevelSpeed(model.levels().get(i).share(), Spread.of(prefill[i]).median(), Spread.of(decode[i]).median(),
                    Spread.of(decodeEmpty[i]).median()));
        }
        double switching = switchMicros();
        OptionalDouble peak = ProcessMemory.peakMb();
        return new Report(model.name(), kernels.description(), kernels.threads(), speeds,
                new BatchSteps(model, transformer).measure(), switching, peak);
    }

    /**
     * Measures the full model as {@link BenchProgram} wants it, once the code is compiled.
     *
     * @param prompt tokens of the prompt, at least 1
     * @param steps tokens decoded behind it
     */
    public Timing time(int prompt, int steps, int repeats) {
        OptionalDouble startRssMb = ProcessMemory.residentMb();
        CodeWarmUp.run(() -> {
            for (int warmUp = 0; warmUp < WARM_UPS; warmUp++) {
                round(model.full(), prompt, steps);
            }
        }, WARM_UP_TIME);
        double[] prefill = new double[repeats];
        double[] decode = new double[repeats];
        for (int repeat = 0; repeat < repeats; repeat++) {
            Round round = round(model.full(), prompt, steps);
            prefill[repeat] = round.prefillTokS;
            decode[repeat] = round.decodeTokS;
        }
        return new Timing("elms", kernels.threads(), prompt, steps, Spread.of(prefill), Spread.of(decode), startRssMb,
                ProcessMemory.peakMb());
    }

    private record Round(double prefillTokS, double decodeTokS) {}

    private Round round(SubModel level, int prompt, int steps) {
        try (KvCache cache = transformer.newCache(prompt + steps)) {
            double prefillSeconds = prefill(level, prompt, cache);
            double decodeSeconds = decode(level, steps, cache);
            return new Round(prompt / prefillSeconds, steps / decodeSeconds);
        }
    }

    private double prefill(SubModel level, int prompt, KvCache cache) {
        int[] ids = ids(prompt);
        long start = System.nanoTime();
        transformer.read(ids, level, cache);
        transformer.candidates();
        return secondsSince(start);
    }

    private double decode(SubModel level, int steps, KvCache cache) {
        int[] ids = ids(steps);
        long start = System.nanoTime();
        for (int step = 0; step < steps; step++) {
            step(level, ids[step], cache);
        }
        return secondsSince(start);
    }

    /**
     * Makes the view of a level and runs a step with it, changing the level at every step, or once, half-way: the median difference
     * of a step.
     */
    private double switchMicros() {
        SubModel[] levels = {model.full(), model.levels().get(model.levels().size() / 2)};
        double[] extra = new double[SWITCH_ROUNDS];
        for (int round = -WARM_UPS; round < SWITCH_ROUNDS; round++) {
            double often = alternating(levels, 1);
            double seldom = alternating(levels, STEPS / 2);
            if (round >= 0) {
                extra[round] = (often - seldom) / (STEPS - 2) * 1e6;
            }
        }
        return Math.max(0, Spread.of(extra).median());
    }

    private double alternating(SubModel[] levels, int stay) {
        int[] ids = ids(STEPS);
        try (KvCache cache = transformer.newCache(STEPS)) {
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
    }

    private void step(SubModel level, int id, KvCache cache) {
        transformer.step(id, level, cache);
        transformer.candidates();
    }

    private int[] ids(int count) {
        int vocabulary = model.config().vocabulary();
        return IntStream.range(0, count).map(i -> (int) ((100 + i * 7919L) % vocabulary)).toArray();
    }

    private static double secondsSince(long start) {
        return (System.nanoTime() - start) / 1e9;
    }
}
