package elms.elastic;

import elms.engine.model.ModelConfig;
import elms.kernels.Matrix;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;

/** Second moments of what the output head reads. */
final class HiddenStatistics {
    /** Share of the width. */
    private static final double DIRECTIONS = 0.45;
    private static final int LEAST_VOCABULARY = 16_384;
    private static final int LEAST_WIDTH = 256;
    /** Neighbouring tokens' hidden states are alike. */
    private static final int STEP = 2;

    private final int width;
    private final double[][] moments;
    private boolean empty = true;

    HiddenStatistics(int width) {
        this.width = width;
        moments = new double[width][width];
    }

    /** Whether a screen would save much of the output head's time. */
    static boolean isWorthAScreen(ModelConfig config) {
        return config.vocabulary() >= LEAST_VOCABULARY && config.width() >= LEAST_WIDTH;
    }

    /** Adds some rows of the model's width. */
    void add(float[] hidden) {
        empty = false;
        for (int from = 0; from < hidden.length; from += STEP * width) {
            for (int i = 0; i < width; i++) {
                double a = hidden[from + i];
                for (int j = 0; j <= i; j++) {
                    moments[i][j] += a * hidden[from + j];
                }
            }
        }
    }

    /** The orthonormal directions that hold most of the energy (principal components, not centred), most first; none of no rows. */
    float[][] directions() {
        int count = empty ? 0 : (int) (DIRECTIONS * width) / Matrix.BLOCK_COLUMNS * Matrix.BLOCK_COLUMNS;
        return count == 0 ? new float[0][] : directions(count);
    }

    private float[][] directions(int count) {
        DMatrixRMaj matrix = new DMatrixRMaj(width, width);
        for (int i = 0; i < width; i++) {
            for (int j = 0; j <= i; j++) {
                matrix.set(i, j, moments[i][j]);
                matrix.set(j, i, moments[i][j]);
            }
        }
        EigenDecomposition_F64<DMatrixRMaj> eigen = DecompositionFactory_DDRM.eig(width, true, true);
        if (!eigen.decompose(matrix)) {
            throw new IllegalStateException("the eigenvectors of the hidden states were not found");
        }
        return IntStream.range(0, width).boxed().sorted(Comparator.comparingDouble(i -> -eigen.getEigenvalue(i).getReal())).limit(count)
                .map(i -> floats(eigen.getEigenVector(i))).toArray(float[][]::new);
    }

    private static float[] floats(DMatrixRMaj vector) {
        float[] floats = new float[vector.getNumElements()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) vector.get(i);
        }
        return floats;
    }
}
