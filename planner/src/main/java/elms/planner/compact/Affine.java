package elms.planner.compact;

import elms.kernels.Kernels;
import elms.kernels.Matrix;

/** weights · x + bias. */
public record Affine(Matrix weights, float[] bias) {
    /** Rows of x.columns() floats to rows of bias.length floats. */
    float[] of(float[] x, int rows, Kernels kernels) {
        float[] out = new float[rows * bias.length];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(bias, 0, out, row * bias.length, bias.length);
        }
        kernels.matmulAdd(x, rows, weights, out);
        return out;
    }
}
