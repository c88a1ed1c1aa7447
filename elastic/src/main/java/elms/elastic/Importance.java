package elms.elastic;

import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.Weights;
import elms.kernels.Matrix;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Importance of a unit: the mean square of what it adds to the residual stream, its activations weighted by the columns that
 * read them (the criterion of Wanda, Sun et al., arXiv 2306.11695, summed over a unit).
 */
final class Importance {
    private Importance() {}

    /** Units of every layer, most important first. */
    static Order order(Weights weights, UnitStatistics statistics) {
        ModelConfig config = weights.config();
        int[][] heads = new int[config.layers()][];
        int[][] neurons = new int[config.layers()][];
        for (int layer = 0; layer < config.layers(); layer++) {
            double[] headPower = times(statistics.headPower(layer), squaredColumns(weights.layers().get(layer).o()));
            heads[layer] = mostFirst(sumOfRuns(headPower, config.headDim()));
            neurons[layer] = mostFirst(times(statistics.neuronPower(layer), squaredColumns(weights.layers().get(layer).down())));
        }
        return new Order(heads, neurons);
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

    private static int[] mostFirst(double[] scores) {
        return IntStream.range(0, scores.length).boxed().sorted(Comparator.comparingDouble(i -> -scores[i]))
                .mapToInt(Integer::intValue).toArray();
    }
}
