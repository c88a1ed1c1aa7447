package elms.elastic;

import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.Tuning;
import elms.engine.model.Weights;
import elms.kernels.Matrix;
import java.util.stream.IntStream;

/**
 * The first step of recovery: units that a level leaves out are replaced by their means, which become biases (An et al., FLAP,
 * arXiv 2312.11983).
 */
final class Compensation {
    private final Weights weights;
    /** Means in the order of the units. */
    private final double[][] heads;
    private final double[][] neurons;

    /**
     * @param weights in any order
     * @param statistics of the units where the original model has them
     */
    Compensation(Weights weights, UnitStatistics statistics) {
        this.weights = weights;
        Order order = weights.order();
        int headDim = weights.config().headDim();
        heads = new double[weights.config().layers()][];
        neurons = new double[heads.length][];
        for (int layer = 0; layer < heads.length; layer++) {
            double[] headMean = statistics.headMean(layer);
            double[] neuronMean = statistics.neuronMean(layer);
            heads[layer] = IntStream.of(order.heads()[layer])
                    .flatMap(head -> IntStream.range(head * headDim, (head + 1) * headDim)).mapToDouble(i -> headMean[i]).toArray();
            neurons[layer] = IntStream.of(order.neurons()[layer]).mapToDouble(i -> neuronMean[i]).toArray();
        }
    }

    /** The level with its biases; norms stay the model's own. */
    Level of(Level level, int rank) {
        ModelConfig config = weights.config();
        int layers = config.layers();
        Tuning tuning = new Tuning(rank, new float[layers][], new float[layers][], new float[layers][], new float[layers][]);
        for (int layer = 0; layer < layers; layer++) {
            Weights.Layer own = weights.layers().get(layer);
            tuning.attentionNorm()[layer] = own.attentionNorm().clone();
            tuning.attentionBias()[layer] = missing(own.o(), heads[layer], level.heads()[layer] * config.headDim());
            tuning.feedForwardNorm()[layer] = own.feedForwardNorm().clone();
            tuning.feedForwardBias()[layer] = missing(own.down(), neurons[layer], level.neurons()[layer]);
        }
        return level.with(tuning);
    }

    /** What the columns from one on add on average. */
    private static float[] missing(Matrix matrix, double[] means, int from) {
        float[] bias = new float[matrix.rows()];
        float[] row = new float[matrix.columns()];
        for (int r = 0; r < bias.length && from < means.length; r++) {
            matrix.readRow(r, row, 0);
            double sum = 0;
            for (int column = from; column < means.length; column++) {
                sum += row[column] * means[column];
            }
            bias[r] = (float) sum;
        }
        return bias;
    }
}
