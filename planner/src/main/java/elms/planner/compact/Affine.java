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
        addProducts(x, rows, out, workspace);
        return out;
    }

    /** Adds the products to rows of bias.length floats, without the bias. */
    void addProducts(float[] x, int rows, float[] to, Workspace workspace) {
        workspace.kernels().matmulAdd(x, rows, weights, to);
    }
}
