package elms.eval;

import elms.engine.ElasticModel;
import elms.engine.decode.KvCache;
import elms.engine.decode.Logits;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.eval.MultipleChoice.Accuracy;
import elms.eval.MultipleChoice.Answer;
import elms.kernels.Kernels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;

/** How good each level of a model is: divergence from the full one, perplexity, zero-shot accuracy. */
public final class LanguageQuality {
    private static final int RESAMPLES = 1000;
    private static final double TAIL = 0.025;

    /** What was measured. */
    public record Report(String model, String heldout, List<LevelQuality> levels) {}

    /**
     * One level.
     *
     * @param share of the decoder's weights, adapters counted
     * @param kl from the full model, in nats a token
     * @param klInterval 95% bootstrap interval over windows
     */
    public record LevelQuality(double share, double kl, double[] klInterval, double perplexity, Map<String, Accuracy> tasks,
            double meanAcc) {}

    private final ElasticModel model;
    private final Transformer transformer;
    private final DoubleConsumer progress;

    public LanguageQuality(ElasticModel model, Kernels kernels, DoubleConsumer progress) {
        this.model = model;
        transformer = new Transformer(model.weights(), kernels);
        this.progress = progress;
    }

    /** Measures every level on held-out text and on the first rows of some tasks. */
    public Report measure(HeldOut heldOut, List<Path> tasks, long limit) {
        int levels = model.levels().size();
        double[][] divergence = new double[levels][heldOut.windows().size()];
        double[] loss = new double[levels];
        for (int window = 0; window < heldOut.windows().size(); window++) {
            progress.accept((double) window / heldOut.windows().size() / 2);
            compare(heldOut.windows().get(window), window, divergence, loss);
        }
        long scored = heldOut.windows().stream().mapToLong(window -> window.length - 1).sum();
        List<LevelQuality> qualities = new ArrayList<>();
        for (int i = 0; i < levels; i++) {
            SubModel level = model.levels().get(i);
            double base = 0.5 + 0.5 * i / levels;
            Map<String, Accuracy> accuracy = new LinkedHashMap<>();
            for (Path task : tasks) {
                progress.accept(base + 0.5 / levels * accuracy.size() / tasks.size());
                accuracy.put(Question.task(task), accuracy(level, Question.read(task, limit)));
            }
            qualities.add(new LevelQuality(level.share(), Arrays.stream(divergence[i]).average().orElse(Double.NaN),
                    interval(divergence[i]), Math.exp(loss[i] / scored), accuracy,
                    accuracy.values().stream().mapToDouble(Accuracy::acc).average().orElse(Double.NaN)));
        }
        return new Report(model.name(), heldOut.name(), qualities);
    }

    private Accuracy accuracy(SubModel level, List<Question> questions) {
        MultipleChoice choice = new MultipleChoice(transformer, model.tokenizer(), Reading.all(level));
        List<Answer> answers = questions.stream().map(choice::answer).toList();
        return Accuracy.of(answers);
    }

    /** Reads a window chunk by chunk with every level; the full model comes first. */
    private void compare(int[] ids, int window, double[][] divergence, double[] loss) {
        List<KvCache> caches = model.levels().stream().map(level -> transformer.newCache(ids.length)).toList();
        for (int from = 0; from < ids.length; from += Transformer.CHUNK) {
            int[] chunk = Arrays.copyOfRange(ids, from, Math.min(ids.length, from + Transformer.CHUNK));
            int[] next = Arrays.copyOfRange(ids, from + 1, Math.min(ids.length, from + Transformer.CHUNK + 1));
            float[] full = null;
            double[] fullTotals = null;
            for (int i = 0; i < caches.size(); i++) {
                transformer.read(chunk, model.levels().get(i), caches.get(i));
                float[] own = transformer.logits(0, chunk.length);
                double[] totals = totals(own, chunk.length);
                full = full == null ? own : full;
                fullTotals = fullTotals == null ? totals : fullTotals;
                divergence[i][window] += divergence(full, fullTotals, own, totals) / ids.length;
                for (int row = 0; row < next.length; row++) {
                    loss[i] += totals[row] - own[row * (own.length / chunk.length) + next[row]];
                }
            }
        }
        caches.forEach(KvCache::close);
    }

    /** Logarithm of the sum of the exponentials of each row. */
    private static double[] totals(float[] logits, int rows) {
        int vocabulary = logits.length / rows;
        return IntStream.range(0, rows).parallel().mapToDouble(row -> Logits.logSumExp(logits, row * vocabulary, vocabulary)).toArray();
    }

    /** Sum over rows of KL(full ‖ own). */
    private static double divergence(float[] full, double[] fullTotals, float[] own, double[] totals) {
        int vocabulary = full.length / totals.length;
        return full == own ? 0 : IntStream.range(0, totals.length).parallel().mapToDouble(row -> {
            double sum = 0;
            for (int i = row * vocabulary; i < (row + 1) * vocabulary; i++) {
                sum += Math.exp(full[i] - fullTotals[row]) * (full[i] - own[i]);
            }
            return sum - fullTotals[row] + totals[row];
        }).sum();
    }

    /** Percentile bootstrap interval of the mean (Efron, 1979). */
    private static double[] interval(double[] values) {
        Random random = new Random(1);
        double[] means = IntStream.range(0, RESAMPLES)
                .mapToDouble(i -> random.ints(values.length, 0, values.length).mapToDouble(j -> values[j]).average().orElse(Double.NaN))
                .sorted().toArray();
        return new double[] {means[(int) (TAIL * RESAMPLES)], means[(int) ((1 - TAIL) * RESAMPLES)]};
    }
}
