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
            float sum = 0;
            for (int i = 0; i < width; i++) {
                sum += x[at + i];
            }
            float mean = sum / width;
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
}
