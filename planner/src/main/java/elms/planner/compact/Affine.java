package elms.planner.compact;

import elms.kernels.Matrix;
import elms.planner.compact.Workspace.Buffer;

/** weights · x + bias. */
public record Affine(Matrix weights, float[] bias) {
    /** Rows of x.columns() floats to rows of bias.length floats, in a buffer. */
    float[] of(float[] x, int rows, Buffer buffer, Workspace workspace) {
        float[] out = workspace.get(buffer, rows * bias.length);
        for (int row = 0; row < rows; row++) {
            System.arraycopy(bias, 0, out, row * bias.length, bias.length);
        }
        workspace.kernels().matmulAdd(x, rows, weights, out);
        return out;
    }
}
