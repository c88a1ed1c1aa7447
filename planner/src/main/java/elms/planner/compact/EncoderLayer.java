package elms.planner.compact;

import elms.kernels.KeyValues;
import elms.planner.compact.Workspace.Buffer;

/**
 * A layer of a bidirectional encoder with norms behind its blocks (Devlin et al., arXiv 1810.04805). The activation of its
 * feed-forward block is {@link #activate}, not quite GELU.
 *
 * @param input queries, keys and values, one after another
 */
public record EncoderLayer(Affine input, Affine output, LayerNorm attentionNorm, Affine up, Affine down,
        LayerNorm feedForwardNorm) {
    /** Where the activation's gate is fully open; that makes its slope at zero GELU's. */
    static final float OPEN = 1.88f;

    /** Reads rows of the layer's width, and writes as many to {@code x}. */
    void apply(float[] x, int rows, int heads, Workspace workspace) {
        output.addProducts(attend(x, rows, heads, workspace), rows, x, workspace);
        attentionNorm.applyToSum(x, output.bias(), rows, workspace);
        float[] activations = up.of(x, rows, Buffer.ACTIVATIONS, workspace);
        activate(activations, rows * up.bias().length);
        down.addProducts(activations, rows, x, workspace);
        feedForwardNorm.applyToSum(x, down.bias(), rows, workspace);
    }

    /** Attention of every position to all: that of one last position which has the query heads of all of them. */
    private float[] attend(float[] x, int rows, int heads, Workspace workspace) {
        int width = output.bias().length;
        int headDim = width / heads;
        float[] projected = input.of(x, rows, Buffer.PROJECTED, workspace);
        float[] queries = workspace.get(Buffer.QUERIES, rows * width);
        float[] keys = workspace.get(Buffer.KEYS, rows * width);
        float[] values = workspace.get(Buffer.VALUES, rows * width);
        float[] attended = workspace.get(Buffer.ATTENDED, rows * width);
        int[] kvHeadOf = new int[heads * rows];
        for (int row = 0; row < rows; row++) {
            int from = 3 * row * width;
            System.arraycopy(projected, from + width, keys, row * width, width);
            System.arraycopy(projected, from + 2 * width, values, row * width, width);
            for (int head = 0; head < heads; head++) {
                kvHeadOf[head * rows + row] = head;
                System.arraycopy(projected, from + head * headDim, queries, (head * rows + row) * headDim, headDim);
            }
        }
        try (KeyValues all = workspace.kernels().newCache(heads, headDim)) {
            all.append(keys, values, rows);
            workspace.kernels().attention(queries, 1, kvHeadOf, all, attended);
        }
        for (int head = 0; head < heads; head++) {
            for (int row = 0; row < rows; row++) {
                System.arraycopy(attended, (head * rows + row) * headDim, queries, row * width + head * headDim, headDim);
            }
        }
        return queries;
    }

    /** x · (½ + ¾ t − ¼ t³), where t is x / {@value #OPEN}, held between −1 and 1: GELU without an exponential. */
    static void activate(float[] x, int count) {
        for (int i = 0; i < count; i++) {
            float t = Math.max(-1, Math.min(1, x[i] * (1 / OPEN)));
            x[i] *= 0.5f + t * (0.75f - 0.25f * t * t);
        }
    }
}
