package elms.planner;

import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.planner.LatencyModel.Run;
import elms.planner.LatencyModel.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;

/**
 * Measures prefill and decode at a few levels and lengths, some seconds in all. The first round of everything is thrown away:
 * it compiles code and takes memory.
 */
public final class Profiler {
    private static final int[] PROMPTS = {16, 48, 128, 300, 512};
    private static final int PROMPT_ROUNDS = 4;
    /** A long prompt, whose time is mostly attention's. */
    private static final int LONG_PROMPT = 1536;
    private static final int LONG_ROUNDS = 2;
    /** Share of the whole time that prefill takes. */
    private static final double PREFILL_PART = 0.7;
    private static final int[] CONTEXTS = {32, 512};
    /** In a run, which settles within half of them. */
    private static final int STEPS = 32;
    private static final int STEP_ROUNDS = 4;
    /** A margin that tells of something else which ran meanwhile: then all is measured again, and the steadiest profile is kept. */
    private static final double DISTURBED = 1.5;
    private static final int ATTEMPTS = 2;

    private final Transformer transformer;
    private final DoubleConsumer progress;

    /**
     * @param progress told the share of the work that is done, from 0 to 1
     */
    public Profiler(Transformer transformer, DoubleConsumer progress) {
        this.transformer = transformer;
        this.progress = progress;
    }

    /** Does once what is measured: the more often, the faster is the code. */
    public void warmUp(List<SubModel> levels) {
        for (SubModel level : measured(levels)) {
            for (int tokens : PROMPTS) {
                prefill(level, tokens);
            }
            for (int context : CONTEXTS) {
                try (KvCache cache = transformer.newCache(context + STEPS)) {
                    transformer.read(ids(context), level, cache);
                    steps(level, cache);
                }
            }
        }
    }

    /** Measures the largest, the middle and the smallest of the levels. */
    public LatencyModel measure(List<SubModel> levels) {
        LatencyModel steadiest = measureOnce(levels, share -> progress.accept(share / ATTEMPTS));
        for (int attempt = 1; attempt < ATTEMPTS && disturbance(steadiest) > DISTURBED; attempt++) {
            int before = attempt;
            LatencyModel again = measureOnce(levels, share -> progress.accept((before + share) / ATTEMPTS));
            steadiest = disturbance(again) < disturbance(steadiest) ? again : steadiest;
        }
        progress.accept(1);
        return steadiest;
    }

    private static double disturbance(LatencyModel latency) {
        return Math.max(latency.prefillMargin(), latency.decodeMargin());
    }

    private LatencyModel measureOnce(List<SubModel> levels, DoubleConsumer progress) {
        List<SubModel> chosen = measured(levels);
        List<Sample> prefill = new ArrayList<>();
        List<Run> decode = new ArrayList<>();
        for (int round = -1; round < PROMPT_ROUNDS; round++) {
            for (SubModel level : chosen) {
                for (int tokens : PROMPTS) {
                    Sample sample = new Sample(level, tokens, prefill(level, tokens));
                    if (round >= 0) {
                        prefill.add(sample);
                    }
                }
            }
            progress.accept(PREFILL_PART * (round + 2) / (PROMPT_ROUNDS + 2));
        }
        if (LONG_PROMPT + STEPS < transformer.weights().config().context()) {
            chosen.forEach(level -> measureLong(level, prefill, decode));
        }
        progress.accept(PREFILL_PART);
        measureSteps(chosen, decode, progress);
        return LatencyModel.fit(prefill, decode);
    }

    private static List<SubModel> measured(List<SubModel> levels) {
        return IntStream.of(0, levels.size() / 2, levels.size() - 1).distinct().mapToObj(levels::get).toList();
    }

    private double prefill(SubModel level, int tokens) {
        int[] ids = ids(tokens);
        try (KvCache cache = transformer.newCache(tokens)) {
            long start = System.nanoTime();
            transformer.read(ids, level, cache);
            transformer.candidates();
            return millisSince(start);
        }
    }

    private void measureLong(SubModel level, List<Sample> prefill, List<Run> decode) {
        for (int round = -1; round < LONG_ROUNDS; round++) {
            try (KvCache cache = transformer.newCache(LONG_PROMPT + STEPS)) {
                long start = System.nanoTime();
                transformer.read(ids(LONG_PROMPT), level, cache);
                transformer.candidates();
                double millis = millisSince(start);
                Run run = steps(level, cache);
                if (round >= 0) {
                    prefill.add(new Sample(level, LONG_PROMPT, millis));
                    decode.add(run);
                }
            }
        }
    }

    /** In turn, so that a machine that slows down for a second slows all levels, and each one's first steps come behind another. */
    private void measureSteps(List<SubModel> levels, List<Run> decode, DoubleConsumer progress) {
        List<KvCache> caches = new ArrayList<>();
        try {
            for (int context : CONTEXTS) {
                for (SubModel level : levels) {
                    KvCache cache = transformer.newCache(context + STEPS * (STEP_ROUNDS + 1));
                    caches.add(cache);
                    transformer.read(ids(context), level, cache);
                }
            }
            for (int round = -1; round < STEP_ROUNDS; round++) {
                for (int i = 0; i < caches.size(); i++) {
                    Run run = steps(levels.get(i % levels.size()), caches.get(i));
                    if (round >= 0) {
                        decode.add(run);
                    }
                }
                progress.accept(PREFILL_PART + (1 - PREFILL_PART) * (round + 2) / (STEP_ROUNDS + 1));
            }
        } finally {
            caches.forEach(KvCache::close);
        }
    }

    private Run steps(SubModel level, KvCache cache) {
        int before = cache.length();
        int[] ids = ids(STEPS);
        double[] millis = new double[STEPS];
        for (int i = 0; i < STEPS; i++) {
            long start = System.nanoTime();
            transformer.step(ids[i], level, cache);
            transformer.candidates();
            millis[i] = millisSince(start);
        }
        return new Run(level, before, millis);
    }

    private int[] ids(int count) {
        int vocabulary = transformer.weights().config().vocabulary();
        return IntStream.range(0, count).map(i -> (int) (i * 7919L % vocabulary)).toArray();
    }

    private static double millisSince(long start) {
        return (System.nanoTime() - start) / 1e6;
    }
}
