package elms.eval;

import elms.engine.ElasticModel;
import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.decode.Transformer.Continuation;
import elms.engine.model.SubModel;
import elms.eval.Timing.Spread;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** What a step of several streams costs, in one pass, and one after the other. */
public final class BatchSteps {
    private static final int CONTEXT = 300;
    private static final int STREAMS = 8;
    private static final int REPEATS = 40;
    private static final double[] LEVELS = {1, 0.6, 0.4, 0.3};

    /**
     * Milliseconds to give each of some streams its next token, behind 300 to 500.
     *
     * @param one of a single stream
     * @param eightInTurn of eight, one after the other
     */
    public record Step(double level, double one, double two, double four, double eight, double eightInTurn) {}

    private final ElasticModel model;
    private final Transformer transformer;

    BatchSteps(ElasticModel model, Transformer transformer) {
        this.model = model;
        this.transformer = transformer;
    }

    /** Medians. */
    List<Step> measure() {
        return Arrays.stream(LEVELS).mapToObj(share -> SubModel.nearest(model.levels(), share)).distinct().map(this::step)
                .toList();
    }

    private Step step(SubModel level) {
        List<KvCache> caches = Stream.generate(() -> transformer.newCache(CONTEXT + 5 * REPEATS)).limit(STREAMS).toList();
        try {
            caches.forEach(cache -> transformer.read(new int[CONTEXT], level, cache));
            double[][] millis = new double[5][REPEATS];
            for (int repeat = 0; repeat < REPEATS; repeat++) {
                for (int i = 0; i < 4; i++) {
                    millis[i][repeat] = millis(level, List.of(caches.subList(0, 1 << i)));
                }
                millis[4][repeat] = millis(level, caches.stream().map(List::of).toList());
            }
            double[] medians = Stream.of(millis).mapToDouble(times -> Spread.of(times).median()).toArray();
            return new Step(level.share(), medians[0], medians[1], medians[2], medians[3], medians[4]);
        } finally {
            caches.forEach(KvCache::close);
        }
    }

    /** Of some passes. */
    private double millis(SubModel level, List<List<KvCache>> passes) {
        List<List<Continuation>> batches = new ArrayList<>();
        passes.forEach(caches -> batches.add(caches.stream().map(cache -> new Continuation(new int[1], cache)).toList()));
        long start = System.nanoTime();
        for (List<Continuation> batch : batches) {
            transformer.step(batch, level);
            transformer.candidatesOfFirst(batch.size());
        }
        return (System.nanoTime() - start) / 1e6;
    }
}
