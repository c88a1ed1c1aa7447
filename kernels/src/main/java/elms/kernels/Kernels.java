package elms.kernels;

import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.Optional;

/**
 * The arithmetic of a transformer's forward pass on rows of floats, one row a token. Arrays are dense: row t of an
 * n-column array starts at t·n. Outputs never alias inputs unless a method says so.
 *
 * <p>Every provider is batch-invariant: the bits of a token's result do not depend on how many tokens it is computed with,
 * where the batch was cut, or how many threads there are. An instance serves one caller at a time, together with its
 * {@link #forPrompts}.
 */
public interface Kernels extends AutoCloseable {
    /** One matrix of a multiplication that several share an input with. */
    record Product(Matrix weights, float[] out) {}

    /**
     * What becomes of the residual stream before a block reads it: {@link #rmsNorm}, and where there is an adapter n + adapter(n) of that.
     */
    record Norm(float[] weight, float epsilon, Optional<Adapter> adapter) {}

    /** What runs and on how many threads, for one log line. */
    String description();

    int threads();

    /**
     * What computes tokens of prompts, which come by many: these kernels, or others with the same caches and another rounding. So the bits
     * of a token depend on what it is, but still not on what is beside it. To be closed with these.
     */
    default Kernels forPrompts() {
        return this;
    }

    /** Is told of a mapped file, from its first byte on, that holds weights: has the system keep it where it is read fast, if it can. */
    default void willRead(ByteBuffer mapped) {}

    /** out[t·rows + r] = Σ_c x[t·columns + c] · weights[r][c], for every product; all have as many columns as x. */
    void matmul(float[] x, int tokens, Product... products);

    /** As {@link #matmul(float[], int, Product...)} of what a norm makes of x, which normed may hold afterwards. */
    default void matmul(float[] x, int tokens, Norm norm, float[] normed, Product... products) {
        normalize(x, tokens, norm, normed);
        matmul(normed, tokens, products);
    }

    /** out[r] = Σ_c x[c] · weights[r][c] for one token and at least the rows of some panels, the same as for all of them. */
    void matmul(float[] x, Matrix weights, BitSet panels, float[] out);

    /**
     * out[p] is the largest score of a panel's rows, for every panel.
     *
     * @param scores those of one token, from {@code first} on
     * @param rows how many there are; the last panel may have fewer than others
     */
    default void largestOfPanels(float[] scores, int first, int rows, float[] out) {
        for (int panel = 0; panel < Matrix.panels(rows); panel++) {
            float largest = Float.NEGATIVE_INFINITY;
            for (int row = panel * Matrix.PANEL_ROWS; row < Math.min((panel + 1) * Matrix.PANEL_ROWS, rows); row++) {
                largest = Math.max(largest, scores[first + row]);
            }
            out[panel] = largest;
        }
    }

    /** y[t·rows + r] += Σ_c x[t·columns + c] · weights[r][c]: a matrix that writes to the residual stream. */
    void matmulAdd(float[] x, int tokens, Matrix weights, float[] y);

    /** As {@link #matmulAdd(float[], int, Matrix, float[])}, then {@link #adapt} with the same input. */
    default void matmulAdd(float[] x, int tokens, Matrix weights, Adapter adapter, float[] y) {
        matmulAdd(x, tokens, weights, y);
        adapt(x, tokens, adapter, y);
    }

    /** y[t] += adapter(x[t]). Both arrays may be the same. */
    void adapt(float[] x, int tokens, Adapter adapter, float[] y);

    /** out = silu(gate · x) ⊙ (up · x), the input half of a SwiGLU block (Shazeer, arXiv 2002.05202). */
    void gatedMatmul(float[] x, int tokens, Matrix gate, Matrix up, float[] out);

    /** As {@link #gatedMatmul(float[], int, Matrix, Matrix, float[])} of what a norm makes of x, which normed may hold afterwards. */
    default void gatedMatmul(float[] x, int tokens, Norm norm, float[] normed, Matrix gate, Matrix up, float[] out) {
        normalize(x, tokens, norm, normed);
        gatedMatmul(normed, tokens, gate, up, out);
    }

    /** out = norm(x), with its adapter. */
    default void normalize(float[] x, int tokens, Norm norm, float[] out) {
        rmsNorm(x, tokens, norm.weight(), norm.epsilon(), out);
        norm.adapter().ifPresent(adapter -> adapt(out, tokens, adapter, out));
    }

    /** out[t] = x[t] / sqrt(mean(x[t]²) + epsilon) ⊙ weight (Zhang and Sennrich, arXiv 1910.07467). */
    void rmsNorm(float[] x, int tokens, float[] weight, float epsilon, float[] out);

    /**
     * x[t] = (x[t] + added − mean) / sqrt(variance + epsilon) ⊙ weight + bias, in place (Ba et al., arXiv 1607.06450).
     *
     * @param added to every row, as weight and bias are
     */
    void layerNorm(float[] x, int tokens, float[] added, float[] weight, float[] bias, float epsilon);

    /** An empty cache for one layer. */
    KeyValues newCache(int heads, int headDim);

    /** Pages of keys and of values that caches hold which are not closed; what several share counts once. */
    int pagesInUse();

    /** Bytes of Java's heap for pages of keys and values, those in use and those kept for the next caches: what was needed at once. */
    long pageBytes();

    /**
     * Causal grouped-query attention (Ainslie et al., arXiv 2305.13245) of the last {@code tokens} positions in
     * {@code cache}, which {@link #newCache} made and which already holds their keys and values.
     *
     * @param queries one row of kvHeadOf.length · headDim floats a token
     * @param kvHeadOf the key/value head that each query head reads
     * @param out same shape as {@code queries}
     */
    void attention(float[] queries, int tokens, int[] kvHeadOf, KeyValues cache, float[] out);

    /**
     * Rotary position embedding (Su et al., arXiv 2104.09864) in place, on pairs (i, i + half) of every head, where half is
     * cos.length / tokens. Dimensions from 2·half on stay as they are.
     *
     * @param x one row of heads · headDim floats a token
     * @param cos cosine of position · frequency, one row of half floats a token
     * @param sin likewise
     */
    default void rotate(float[] x, int tokens, int heads, int headDim, float[] cos, float[] sin) {
        rotate(x, 0, tokens, heads, headDim, cos.length / tokens, cos, sin);
    }

    /** {@link #rotate} of tokens {@code [first, last)}. */
    static void rotate(float[] x, int first, int last, int heads, int headDim, int half, float[] cos, float[] sin) {
        for (int token = first; token < last; token++) {
            int angle = token * half;
            for (int head = 0; head < heads; head++) {
                int at = (token * heads + head) * headDim;
                for (int i = 0; i < half; i++) {
                    float a = x[at + i];
                    float b = x[at + half + i];
                    x[at + i] = a * cos[angle + i] - b * sin[angle + i];
                    x[at + half + i] = b * cos[angle + i] + a * sin[angle + i];
                }
            }
        }
    }

    @Override
    void close();
}
