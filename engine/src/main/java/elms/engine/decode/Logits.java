package elms.engine.decode;

import java.util.Arrays;
import java.util.stream.IntStream;

/** Arithmetic on rows of logits. */
public final class Logits {
    /** As many are found faster one by one than by sorting all. */
    private static final int FEW = 128;

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
        long[] keys = IntStream.range(0, logits.length).mapToLong(token -> key(logits[token], token)).toArray();
        long[] least = count <= FEW ? least(keys, Math.min(count, keys.length)) : sorted(keys);
        int[] best = new int[Math.min(count, keys.length)];
        Arrays.setAll(best, i -> (int) least[i]);
        return best;
    }

    /** A number that is smaller for a higher score, and for the first of equal ones. */
    private static long key(float score, int token) {
        int bits = Float.floatToIntBits(score);
        int ascending = bits >= 0 ? bits : bits ^ 0x7fff_ffff;
        return (long) ~ascending << 32 | token;
    }

    private static long[] sorted(long[] keys) {
        Arrays.sort(keys);
        return keys;
    }

    /** The few smallest keys, in order. */
    private static long[] least(long[] keys, int count) {
        long[] least = new long[count];
        int found = 0;
        for (long key : keys) {
            if (found < count || count > 0 && key < least[count - 1]) {
                int place = found < count ? found++ : count - 1;
                for (; place > 0 && key < least[place - 1]; place--) {
                    least[place] = least[place - 1];
                }
                least[place] = key;
            }
        }
        return least;
    }

    /** The natural logarithm of the softmax of a row of logits, at one token. */
    public static double logProbability(float[] logits, int from, int vocabulary, int token) {
        return logits[from + token] - logSumExp(logits, from, vocabulary);
    }
}
