package elms.planner.compact;

import elms.planner.compact.Workspace.Buffer;

/** (x − mean) / deviation ⊙ weight + bias (Ba et al., arXiv 1607.06450). */
public record LayerNorm(float[] weight, float[] bias) {
    private static final float EPSILON = 1e-12f;

    /** Normalizes rows in place. */
    void apply(float[] x, int rows, Workspace workspace) {
        int width = weight.length;
        float[] centred = workspace.get(Buffer.CENTRED, rows * width);
        for (int row = 0; row < rows; row++) {
            int at = row * width;
            float mean = sum(x, at, width) / width;
            for (int i = 0; i < width; i++) {
                centred[at + i] = x[at + i] - mean;
            }
        }
        workspace.kernels().rmsNorm(centred, rows, weight, EPSILON, x);
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < width; i++) {
                x[row * width + i] += bias[i];
            }
        }
    }

    /** In four parts side by side: a single sum would wait for each of its additions. */
    private static float sum(float[] x, int from, int count) {
        float a = 0;
        float b = 0;
        float c = 0;
        float d = 0;
        int i = from;
        for (; i + 4 <= from + count; i += 4) {
            a += x[i];
            b += x[i + 1];
            c += x[i + 2];
            d += x[i + 3];
        }
        for (; i < from + count; i++) {
            a += x[i];
        }
        return a + b + (c + d);
    }
}
