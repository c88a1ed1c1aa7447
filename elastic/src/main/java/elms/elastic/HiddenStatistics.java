package elms.elastic;

import java.util.Comparator;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;

/** Second moments of what the output head reads. */
final class HiddenStatistics {
    private final int width;
    private final double[][] moments;

    HiddenStatistics(int width) {
        this.width = width;
        moments = new double[width][width];
    }

    /** Adds every {@code step}-th of some rows of the model's width. */
    void add(float[] hidden, int step) {
        for (int from = 0; from < hidden.length; from += step * width) {
            for (int i = 0; i < width; i++) {
                double a = hidden[from + i];
                for (int j = 0; j <= i; j++) {
                    moments[i][j] += a * hidden[from + j];
                }
            }
        }
    }

    /** The orthonormal directions that hold most of the energy (principal components, not centred), most first. */
    float[][] directions(int count) {
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
