package elms.elastic;

import elms.engine.decode.Probe;
import elms.engine.model.ModelConfig;

/** Mean squares of what every head dimension and every neuron of the full model puts out. */
final class UnitStatistics implements Probe {
    private final double[][] headSquares;
    private final double[][] neuronSquares;
    private long tokens;

    UnitStatistics(ModelConfig config) {
        int headOutputs = config.heads() * config.headDim();
        headSquares = new double[config.layers()][headOutputs];
        neuronSquares = new double[config.layers()][config.neurons()];
    }

    @Override
    public void heads(int layer, float[] attended, int tokens) {
        add(attended, tokens, headSquares[layer]);
        if (layer == 0) {
            this.tokens += tokens;
        }
    }

    @Override
    public void neurons(int layer, float[] activations, int tokens) {
        add(activations, tokens, neuronSquares[layer]);
    }

    private static void add(float[] rows, int tokens, double[] squares) {
        int width = squares.length;
        for (int token = 0; token < tokens; token++) {
            for (int i = 0; i < width; i++) {
                double value = rows[token * width + i];
                squares[i] += value * value;
            }
        }
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
}
