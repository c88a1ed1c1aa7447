package elms.engine.model;

import elms.kernels.Matrix;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A level as a forward pass reads it: views of the resident weights. Making one moves no weights, and switching from one to
 * another is using the other.
 *
 * @param share the level's true share of the decoder's weights
 * @param stepBytes bytes of weights that a decode step reads, output head included
 */
public record SubModel(Weights weights, Level level, double share, List<Layer> layers, long stepBytes) {
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

        private Stream<Matrix> matrices() {
            return Stream.of(q, k, v, o, gate, up, down);
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
        double share = level.share(config);
        long bytes = layers.stream().flatMap(Layer::matrices).mapToLong(Matrix::bytes).sum() + headBytes(weights, share == 1);
        return new SubModel(weights, level, share, List.copyOf(layers), bytes);
    }

    /** The full model reads the whole head; others a screen if there is one, and the candidates that it finds. */
    private static long headBytes(Weights weights, boolean whole) {
        Matrix head = weights.output();
        return whole || weights.screen().isEmpty() ? head.bytes() : weights.screen().get().bytes()
                + head.firstRows(Math.min(head.rows(), Screen.CANDIDATE_ROWS)).bytes();
    }
}
