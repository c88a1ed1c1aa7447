package elms.elastic;

import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.kernels.Matrix;
import java.util.Comparator;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** Width vectors: anchor layers keep everything, the others the same share of their heads and neurons. */
final class Levels {
    /** Neurons are kept in whole blocks of columns. */
    private static final int STEP = Matrix.BLOCK_COLUMNS;

    private Levels() {}

    /** The fifth of the layers without which the model loses most. */
    static Set<Integer> anchors(double[] lossWithout) {
        return new TreeSet<>(IntStream.range(0, lossWithout.length).boxed()
                .sorted(Comparator.comparingDouble(layer -> -lossWithout[layer])).limit(lossWithout.length / 5).toList());
    }

    /** A level of about this share of the decoder's weights, or the smallest that keeps a head and a block in every layer. */
    static Level of(ModelConfig config, Set<Integer> anchors, double share) {
        int others = config.layers() - anchors.size();
        double layerWeights = config.heads() * config.headWeights() + config.neurons() * config.neuronWeights();
        double left = (share * config.decoderWeights() - config.layers() * config.fixedWeights()) / others
                - layerWeights * anchors.size() / others;
        int heads = clamp(Math.round(left / layerWeights * config.heads()), 1, config.heads());
        long blocks = Math.round((left - heads * config.headWeights()) / (STEP * config.neuronWeights()));
        int neurons = clamp(blocks * STEP, Math.min(STEP, config.neurons()), config.neurons());
        Level level = Level.full(config);
        for (int layer = 0; layer < config.layers(); layer++) {
            if (!anchors.contains(layer)) {
                level.heads()[layer] = heads;
                level.neurons()[layer] = neurons;
            }
        }
        return level;
    }

    private static int clamp(long value, int least, int most) {
        return (int) Math.max(least, Math.min(most, value));
    }
}
