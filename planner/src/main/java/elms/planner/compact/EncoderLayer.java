package elms.planner.compact;

import elms.kernels.KeyValues;
import elms.kernels.Kernels;

/**
 * A layer of a bidirectional encoder with norms behind its blocks (Devlin et al., arXiv 1810.04805). The activation of its
 * feed-forward block is {@link #activate}, not quite GELU.
 */
public record EncoderLayer(Affine query, Affine key, Affine value, Affine output, LayerNorm attentionNorm, Affine up, Affine down,
        LayerNorm feedForwardNorm) {
    /** Where the activation's gate is fully open; that makes its slope at zero GELU's. */
    static final float OPEN = 1.88f;

    /** Reads rows of the layer's width, and writes as many to {@code x}. */
    void apply(float[] x, int rows, int heads, Kernels kernels) {
        add(output.of(attend(x, rows, heads, kernels), rows, kernels), x);
        attentionNorm.apply(x, rows, kernels);
        float[] activations = up.of(x, rows, kernels);
        activate(activations);
        add(down.of(activations, rows, kernels), x);
        feedForwardNorm.apply(x, rows, kernels);
    }

    /** Attention of every position to all: that of one last position which has the query heads of all of them. */
    private float[] attend(float[] x, int rows, int heads, Kernels kernels) {
        int width = query.bias().length;
        int headDim = width / heads;
        float[] queries = query.of(x, rows, kernels);
        float[] arranged = new float[queries.length];
        int[] kvHeadOf = new int[heads * rows];
        for (int head = 0; head < heads; head++) {
            for (int row = 0; row < rows; row++) {
                kvHeadOf[head * rows + row] = head;
                System.arraycopy(queries, row * width + head * headDim, arranged, (head * rows + row) * headDim, headDim);
            }
        }
        float[] attended = new float[queries.length];
        try (KeyValues all = kernels.newCache(heads, headDim)) {
            all.append(key.of(x, rows, kernels), value.of(x, rows, kernels), rows);
            kernels.attention(arranged, 1, kvHeadOf, all, attended);
        }
        for (int head = 0; head < heads; head++) {
            for (int row = 0; row < rows; row++) {
                System.arraycopy(attended, (head * rows + row) * headDim, queries, row * width + head * headDim, headDim);
            }
        }
        return queries;
    }

    private static void add(float[] from, float[] to) {
        for (int i = 0; i < to.length; i++) {
            to[i] += from[i];
        }
    }

    /** x · (½ + ¾ t − ¼ t³), where t is x / {@value #OPEN}, held between −1 and 1: GELU without an exponential. */
    static void activate(float[] x) {
        for (int i = 0; i < x.length; i++) {
            float t = Math.max(-1, Math.min(1, x[i] * (1 / OPEN)));
            x[i] *= 0.5f + t * (0.75f - 0.25f * t * t);
        }
    }
}
