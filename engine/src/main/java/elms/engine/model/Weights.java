package elms.engine.model;

import elms.engine.model.TensorName.Role;
import elms.kernels.Adapter;
import elms.kernels.Matrix;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The resident weights of a model, in an order. Every level is a view of them.
 *
 * @param embedding one row a token
 * @param output one row a token; the same matrix as the embedding in a model that ties them
 * @param screen finds candidates for a next token, if the pack has one
 * @param ropeFrequencies angle a position turns each rotary pair by, in radians
 */
public record Weights(ModelConfig config, Order order, Matrix embedding, List<Layer> layers, float[] outputNorm, Matrix output,
        Optional<Screen> screen, double[] ropeFrequencies) {
    /**
     * Weights of one decoder layer.
     *
     * @param adapters at every place or at none, with all their ranks and columns
     */
    public record Layer(float[] attentionNorm, Matrix q, Matrix k, Matrix v, Matrix o, float[] feedForwardNorm, Matrix gate,
            Matrix up, Matrix down, Map<Place, Adapter> adapters) {}

    public static Weights of(ModelConfig config, Order order, TensorSource source) {
        List<Layer> layers = new ArrayList<>();
        for (int layer = 0; layer < config.layers(); layer++) {
            layers.add(new Layer(
                    source.vector(new TensorName(Role.ATTENTION_NORM, layer)), source.matrix(new TensorName(Role.Q, layer)),
                    source.matrix(new TensorName(Role.K, layer)), source.matrix(new TensorName(Role.V, layer)),
                    source.matrix(new TensorName(Role.O, layer)), source.vector(new TensorName(Role.FEED_FORWARD_NORM, layer)),
                    source.matrix(new TensorName(Role.GATE, layer)), source.matrix(new TensorName(Role.UP, layer)),
                    source.matrix(new TensorName(Role.DOWN, layer)), source.adapters(layer)));
        }
        Matrix embedding = source.matrix(TensorName.of(Role.EMBEDDING));
        Matrix output = config.tiedOutput() ? embedding : source.matrix(TensorName.of(Role.OUTPUT));
        return new Weights(config, order, embedding, List.copyOf(layers), source.vector(TensorName.of(Role.OUTPUT_NORM)), output,
                source.screen(), frequencies(config, source.ropeFactors()));
    }

    private static double[] frequencies(ModelConfig config, float[] factors) {
        double[] frequencies = new double[config.ropeDims() / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(config.ropeBase(), -2.0 * i / config.ropeDims()) / factors[i] / config.ropeScale();
        }
        return frequencies;
    }
}
