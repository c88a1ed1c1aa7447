package elms.engine.decode;

/** Arithmetic on rows of logits. */
public final class Logits {
    private Logits() {}

    /** Natural logarithm of the sum of the exponentials of {@code logits[from ... from + vocabulary - 1]}: what a softmax divides by. */
    public static double logSumExp(float[] logits, int from, int vocabulary) {
        double largest = Double.NEGATIVE_INFINITY;
        for (int i = from; i < from + vocabulary; i++) {
            largest = Math.max(largest, logits[i]);
        }
        double sum = 0;
        for (int i = from; i < from + vocabulary; i++) {
            sum += Math.exp(logits[i] - largest);
        }
        return largest + Math.log(sum);
    }

    /** The {@code count} tokens with the highest scores, best first, equal ones by number. */
    public static int[] best(float[] logits, int count) {
        int[] best = new int[Math.min(count, logits.length)];
        int found = 0;
        for (int token = 0; token < logits.length; token++) {
            if (found < best.length || found > 0 && logits[token] > logits[best[found - 1]]) {
                int place = found < best.length ? found++ : found - 1;
                for (; place > 0 && logits[token] > logits[best[place - 1]]; place--) {
                    best[place] = best[place - 1];
                }
                best[place] = token;
            }
        }
        return best;
    }

    /** The natural logarithm of the softmax of a row of logits, at one token. */
    public static double logProbability(float[] logits, int from, int vocabulary, int token) {
        return logits[from + token] - logSumExp(logits, from, vocabulary);
    }
}
