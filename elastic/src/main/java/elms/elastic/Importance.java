package elms.elastic;

import elms.elastic.recovery.Decoder;
import elms.elastic.recovery.TaylorScores;
import elms.elastic.torch.Torch;
import elms.engine.model.Weights;
import elms.kernels.Matrix;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;

/** What makes a unit of the full model important. */
public sealed interface Importance {
    /** Its name, for people. */
    String text();

    /**
     * Scores of all units.
     *
     * @param weights in the original order
     * @param statistics of the activations on some texts
     * @param texts the same
     */
    UnitScores of(Weights weights, UnitStatistics statistics, List<int[]> texts);

    /**
     * The mean square of what a unit adds to the residual stream: its activations weighted by the columns that read them (the
     * criterion of Wanda, Sun et al., arXiv 2306.11695, summed over a unit).
     */
    record Activation() implements Importance {
        @Override
        public String text() {
            return "activation";
        }

        @Override
        public UnitScores of(Weights weights, UnitStatistics statistics, List<int[]> texts) {
            return added(weights, statistics::headPower, statistics::neuronPower);
        }
    }

    /** The same about its mean, which a bias can stand in for (the criterion of FLAP, An et al., arXiv 2312.11983). */
    record Fluctuation() implements Importance {
        @Override
        public String text() {
            return "fluctuation";
        }

        @Override
        public UnitScores of(Weights weights, UnitStatistics statistics, List<int[]> texts) {
            return added(weights, statistics::headVariance, statistics::neuronVariance);
        }
    }

    /** What the loss of the next token would change by without a unit's weights, to first order ({@link TaylorScores}). */
    record Taylor(Torch torch) implements Importance {
        @Override
        public String text() {
            return "taylor";
        }

        @Override
        public UnitScores of(Weights weights, UnitStatistics statistics, List<int[]> texts) {
            try (PointerScope scope = new PointerScope()) {
                return TaylorScores.of(new Decoder(weights, torch.type()), weights.config(), texts);
            }
        }
    }

    /** A moment of each activation times the squared norm of the column that reads it, summed over the dimensions of a head. */
    private static UnitScores added(Weights weights, IntFunction<double[]> heads, IntFunction<double[]> neurons) {
        int layers = weights.config().layers();
        double[][] headScores = new double[layers][];
        double[][] neuronScores = new double[layers][];
        for (int layer = 0; layer < layers; layer++) {
            double[] dimensions = times(heads.apply(layer), squaredColumns(weights.layers().get(layer).o()));
            headScores[layer] = sumOfRuns(dimensions, weights.config().headDim());
            neuronScores[layer] = times(neurons.apply(layer), squaredColumns(weights.layers().get(layer).down()));
        }
        return new UnitScores(headScores, neuronScores);
    }

    private static double[] squaredColumns(Matrix matrix) {
        double[] sums = new double[matrix.columns()];
        float[] row = new float[matrix.columns()];
        for (int r = 0; r < matrix.rows(); r++) {
            matrix.readRow(r, row, 0);
            for (int column = 0; column < row.length; column++) {
                sums[column] += row[column] * row[column];
            }
        }
        return sums;
    }

    private static double[] times(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).toArray();
    }

    private static double[] sumOfRuns(double[] values, int run) {
        double[] sums = new double[values.length / run];
        for (int i = 0; i < values.length; i++) {
            sums[i / run] += values[i];
        }
        return sums;
    }
}
