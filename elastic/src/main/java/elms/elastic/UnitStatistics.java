package elms.elastic;

import elms.engine.decode.Probe;
import elms.engine.model.ModelConfig;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Means and mean squares of what every head dimension and every neuron of the full model puts out. */
final class UnitStatistics implements Probe {
    /** Sums over tokens, one number a unit. */
    private record Sums(double[] plain, double[] squared) {
        Sums(int units) {
            this(new double[units], new double[units]);
        }

        void add(float[] rows, int tokens) {
            int width = plain.length;
            for (int token = 0; token < tokens; token++) {
                for (int i = 0; i < width; i++) {
                    double value = rows[token * width + i];
                    plain[i] += value;
                    squared[i] += value * value;
                }
            }
        }
    }

    private final Sums[] heads;
    private final Sums[] neurons;
    private long tokens;

    UnitStatistics(ModelConfig config) {
        heads = new Sums[config.layers()];
        neurons = new Sums[config.layers()];
        Arrays.setAll(heads, layer -> new Sums(config.heads() * config.headDim()));
        Arrays.setAll(neurons, layer -> new Sums(config.neurons()));
    }

    @Override
    public void heads(int layer, float[] attended, int tokens) {
        heads[layer].add(attended, tokens);
        if (layer == 0) {
            this.tokens += tokens;
        }
    }

    @Override
    public void neurons(int layer, float[] activations, int tokens) {
        neurons[layer].add(activations, tokens);
    }

    /** Mean of each head dimension. */
    double[] headMean(int layer) {
        return mean(heads[layer].plain);
    }

    /** Mean of each neuron. */
    double[] neuronMean(int layer) {
        return mean(neurons[layer].plain);
    }

    /** Mean square of each head dimension. */
    double[] headPower(int layer) {
        return mean(heads[layer].squared);
    }

    /** Mean square of each neuron. */
    double[] neuronPower(int layer) {
        return mean(neurons[layer].squared);
    }

    /** Variance of each head dimension. */
    double[] headVariance(int layer) {
        return variance(headPower(layer), headMean(layer));
    }

    /** Variance of each neuron. */
    double[] neuronVariance(int layer) {
        return variance(neuronPower(layer), neuronMean(layer));
    }

    private static double[] variance(double[] powers, double[] means) {
        return IntStream.range(0, powers.length).mapToDouble(i -> Math.max(0, powers[i] - means[i] * means[i])).toArray();
    }

    private double[] mean(double[] sums) {
        return Arrays.stream(sums).map(sum -> sum / tokens).toArray();
    }
}
