package elms.planner.compact;

/** (x − mean) / deviation ⊙ weight + bias (Ba et al., arXiv 1607.06450). */
public record LayerNorm(float[] weight, float[] bias) {
    private static final float EPSILON = 1e-12f;

    /** Normalizes rows in place. */
    void apply(float[] x, int rows, Workspace workspace) {
        applyToSum(x, new float[weight.length], rows, workspace);
    }

    /** Normalizes what is the sum of each row and of a bias, in place. */
    void applyToSum(float[] x, float[] added, int rows, Workspace workspace) {
        workspace.kernels().layerNorm(x, rows, added, weight, bias, EPSILON);
    }
}
