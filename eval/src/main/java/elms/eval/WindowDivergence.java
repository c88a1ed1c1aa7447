package elms.eval;

import elms.engine.decode.KvCache;
import elms.engine.decode.Logits;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;

/**
 * What levels predict on held-out text, beside what the full model predicts.
 *
 * @param divergence mean KL(full ‖ level) of a token, in nats: one row a level, one column a window
 * @param perplexity of each level
 */
record WindowDivergence(double[][] divergence, double[] perplexity) {
    /**
     * Reads every window with every level, chunk by chunk.
     *
     * @param levels the full model first
     */
    static WindowDivergence measure(Transformer transformer, List<SubModel> levels, List<int[]> windows,
            DoubleConsumer progress) {
        double[][] divergence = new double[levels.size()][windows.size()];
        double[] loss = new double[levels.size()];
        for (int window = 0; window < windows.size(); window++) {
            progress.accept((double) window / windows.size());
            compare(transformer, levels, windows.get(window), window, divergence, loss);
        }
        long scored = windows.stream().mapToLong(window -> window.length - 1).sum();
        return new WindowDivergence(divergence, Arrays.stream(loss).map(sum -> Math.exp(sum / scored)).toArray());
    }

    private static void compare(Transformer transformer, List<SubModel> levels, int[] ids, int window, double[][] divergence,
            double[] loss) {
        List<KvCache> caches = levels.stream().map(level -> transformer.newCache(ids.length)).toList();
        for (int from = 0; from < ids.length; from += Transformer.CHUNK) {
            int[] chunk = Arrays.copyOfRange(ids, from, Math.min(ids.length, from + Transformer.CHUNK));
            int[] next = Arrays.copyOfRange(ids, from + 1, Math.min(ids.length, from + Transformer.CHUNK + 1));
            float[] full = null;
            float[] probabilities = null;
            double[] fullTotals = null;
            for (int i = 0; i < caches.size(); i++) {
                transformer.read(chunk, levels.get(i), caches.get(i));
                float[] own = transformer.logits(0, chunk.length);
                double[] totals = totals(own, chunk.length);
                if (full == null) {
                    full = own;
                    fullTotals = totals;
                    probabilities = probabilities(own, totals);
                }
                divergence[i][window] += divergence(probabilities, full, fullTotals, own, totals) / ids.length;
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
        return IntStream.range(0, rows).parallel()
                .mapToDouble(row -> Logits.logSumExp(logits, row * vocabulary, vocabulary)).toArray();
    }

    private static float[] probabilities(float[] logits, double[] totals) {
        int vocabulary = logits.length / totals.length;
        float[] probabilities = new float[logits.length];
        IntStream.range(0, totals.length).parallel().forEach(row -> {
            for (int i = row * vocabulary; i < (row + 1) * vocabulary; i++) {
                probabilities[i] = (float) Math.exp(logits[i] - totals[row]);
            }
        });
        return probabilities;
    }

    /** Sum over rows of KL(full ‖ own). */
    private static double divergence(float[] probabilities, float[] full, double[] fullTotals, float[] own, double[] totals) {
        int vocabulary = full.length / totals.length;
        return full == own ? 0 : IntStream.range(0, totals.length).parallel().mapToDouble(row -> {
            double sum = 0;
            for (int i = row * vocabulary; i < (row + 1) * vocabulary; i++) {
                sum += probabilities[i] * (full[i] - own[i]);
            }
            return sum - fullTotals[row] + totals[row];
        }).sum();
    }
}
