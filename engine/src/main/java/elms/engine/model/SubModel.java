package elms.engine.model;

import elms.kernels.Matrix;
import java.util.ArrayList;
import java.util.List;

/**
 * A level as a forward pass reads it: views of the resident weights. Making one moves no weights, and switching from one to
 * another is using the other.
 *
 * @param share the level's true share of the decoder's weights
 */
public record SubModel(Weights weights, Level level, double share, List<Layer> layers) {
    /**
     * One layer of a level.
     *
     * @param kvHeadOf the key/value head that each kept query head reads
     */
    public record Layer(float[] attentionNorm, Matrix q, Matrix k, Matrix v, Matrix o, int[] kvHeadOf, float[] feedForwardNorm,
            Matrix gate, Matrix up, Matrix down) {
        public int heads() {
            return kvHeadOf.length;
        }

        public int neurons() {
            return gate.rows();
        }
    }

    public static SubModel of(Weights weights, Level level) {
        ModelConfig config = weights.config();
        level.check(config);
        List<Layer> layers = new ArrayList<>();
        for (int i = 0; i < config.layers(); i++) {
            Weights.Layer layer = weights.layers().get(i);
            int[] kvHeadOf = new int[level.heads()[i]];
            for (int head = 0; head < kvHeadOf.length; head++) {
                kvHeadOf[head] = weights.order().heads()[i][head] / (config.heads() / config.kvHeads());
            }
            int headRows = kvHeadOf.length * config.headDim();
            int neurons = level.neurons()[i];
            layers.add(new Layer(layer.attentionNorm(), layer.q().firstRows(headRows), layer.k(), layer.v(),
                    layer.o().firstColumns(headRows), kvHeadOf, layer.feedForwardNorm(), layer.gate().firstRows(neurons),
                    layer.up().firstRows(neurons), layer.down().firstColumns(neurons)));
        }
        return new SubModel(weights, level, level.share(config), List.copyOf(layers));
    }
}
