package elms.eval;

import elms.engine.decode.KvCache;
import elms.engine.decode.Logits;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import java.util.Arrays;

/** Log-probabilities that a level gives to a text. */
public final class Perplexity {
    /** Rows of logits held at once: one is as long as the vocabulary. */
    private static final int ROWS = 64;

    private final Transformer transformer;
    private final SubModel level;

    public Perplexity(Transformer transformer, SubModel level) {
        this.transformer = transformer;
        this.level = level;
    }

    /** The natural log-probability of each token from the second on, given those before it. */
    public double[] logProbabilities(int[] ids) {
        double[] result = new double[ids.length - 1];
        try (KvCache cache = transformer.newCache(ids.length)) {
            for (int from = 0; from < result.length; from += ROWS) {
                int count = Math.min(ROWS, result.length - from);
                transformer.read(Arrays.copyOfRange(ids, from, from + count), level, cache);
                float[] logits = transformer.logits(0, count);
                int vocabulary = logits.length / count;
                for (int row = 0; row < count; row++) {
                    result[from + row] = Logits.logProbability(logits, row * vocabulary, vocabulary, ids[from + row + 1]);
                }
            }
        }
        return result;
    }

    /** Perplexity of a text cut into windows that are read each on its own, the first token of each not scored. */
    public double ofWindows(int[] ids, int window, int most) {
        double sum = 0;
        long tokens = 0;
        for (int i = 0; i < most && (i + 1) * window <= ids.length; i++) {
            for (double logProbability : logProbabilities(Arrays.copyOfRange(ids, i * window, (i + 1) * window))) {
                sum -= logProbability;
                tokens++;
            }
        }
        return Math.exp(sum / tokens);
    }
}
