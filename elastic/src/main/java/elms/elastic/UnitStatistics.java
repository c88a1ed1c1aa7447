package elms.elastic;

import elms.engine.decode.Probe;
import elms.engine.model.ModelConfig;

/** First and second moments of what every head dimension and every neuron of the full model puts out. */
final class UnitStatistics implements Probe {
    private final double[][] headSums;
    private final double[][] headSquares;
    private final double[][] neuronSums;
    private final double[][] neuronSquares;
    private long tokens;

    UnitStatistics(ModelConfig config) {
        int headOutputs = config.heads() * config.headDim();
        headSums = new double[config.layers()][headOutputs];
        headSquares = new double[config.layers()][headOutputs];
        neuronSums = new double[config.layers()][config.neurons()];
        neuronSquares = new double[config.layers()][config.neurons()];
    }

    @Override
    public void heads(int layer, float[] attended, int tokens) {
        add(attended, tokens, headSums[layer], headSquares[layer]);
        if (layer == 0) {
            this.tokens += tokens;
        }
    }

    @Override
    public void neurons(int layer, float[] activations, int tokens) {
        add(activations, tokens, neuronSums[layer], neuronSquares[layer]);
    }

    private static void add(float[] rows, int tokens, double[] sums, double[] squares) {
        int width = sums.length;
        for (int token = 0; token < tokens; token++) {
            for (int i = 0; i < width; i++) {
                double value = rows[token * width + i];
                sums[i] += value;
                squares[i] += value * value;
            }
        }
    }

    /** Variance of each head dimension: what cannot be replaced by a constant. */
    double[] headVariance(int layer) {
        return variance(headSums[layer], headSquares[layer]);
    }

    /** Variance of each neuron. */
    double[] neuronVariance(int layer) {
        return variance(neuronSums[layer], neuronSquares[layer]);
    }

    /** Mean square of each head dimension. */
    double[] headPower(int layer) {
        return mean(headSquares[layer]);
    }

    /** Mean square of each neuron. */
    double[] neuronPower(int layer) {
        return mean(neuronSquares[layer]);
    }

    private double[] mean(double[] sums) {
        double[] mean = new double[sums.length];
        for (int i = 0; i < mean.length; i++) {
            mean[i] = sums[i] / tokens;
        }
        return mean;
    }

    private double[] variance(double[] sums, double[] squares) {
        double[] variance = mean(squares);
        for (int i = 0; i < variance.length; i++) {
            variance[i] -= sums[i] / tokens * (sums[i] / tokens);
        }
        return variance;
    }
}
