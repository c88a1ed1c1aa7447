package elms.engine.model;

import elms.kernels.Adapter;
import elms.kernels.Matrix;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
     * @param adapters at every place, or at none
     */
    public record Layer(float[] attentionNorm, Matrix q, Matrix k, Matrix v, Matrix o, int[] kvHeadOf, float[] feedForwardNorm,
            Matrix gate, Matrix up, Matrix down, Map<Place, Adapter> adapters) {
        public int heads() {
            return kvHeadOf.length;
        }

        public int neurons() {
            return gate.rows();
        }

        private long bytes() {
            return Stream.of(q, k, v, o, gate, up, down).mapToLong(Matrix::bytes).sum()
                    + adapters.values().stream().mapToLong(Adapter::bytes).sum();
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
            Optional<Tuning> tuning = level.tuning();
            float[] attentionNorm = tuning.isPresent() ? tuning.get().attentionNorm()[i] : layer.attentionNorm();
            float[] feedForwardNorm = tuning.isPresent() ? tuning.get().feedForwardNorm()[i] : layer.feedForwardNorm();
            layers.add(new Layer(attentionNorm, layer.q().firstRows(headRows), layer.k(), layer.v(),
                    layer.o().firstColumns(headRows), kvHeadOf, feedForwardNorm, layer.gate().firstRows(neurons),
                    layer.up().firstRows(neurons), layer.down().firstColumns(neurons), adapters(weights, level, i)));
        }
        double share = level.share(config);
        long bytes = layers.stream().mapToLong(Layer::bytes).sum() + headBytes(weights, share == 1);
        return new SubModel(weights, level, share, List.copyOf(layers), bytes);
    }

    /** A level is itself alone: comparing its views would compare the model's weights. */
    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }

    @Override
    public String toString() {
        return "level " + share;
    }

    /** Of some levels the one whose share is nearest to {@code share}. */
    public static SubModel nearest(List<SubModel> levels, double share) {
        return levels.stream().min(Comparator.comparingDouble(level -> Math.abs(level.share - share))).orElseThrow();
    }

    private static Map<Place, Adapter> adapters(Weights weights, Level level, int index) {
        Map<Place, Adapter> adapters = new EnumMap<>(Place.class);
        level.tuning().ifPresent(tuning -> {
            for (Place place : Place.values()) {
                Adapter shared = weights.layers().get(index).adapters().get(place);
                int columns = place.columns(weights.config(), level.heads()[index], level.neurons()[index]);
                if (shared != null && tuning.rank() > 0) {
                    adapters.put(place, shared.view(tuning.rank(), columns, tuning.bias(place, index)));
                } else if (place.isOutput()) {
                    adapters.put(place, Adapter.ofBias(tuning.bias(place, index)));
                }
            }
        });
        return adapters;
    }

    /** The full model reads the whole head; others a screen if there is one, and the candidates that it finds. */
    private static long headBytes(Weights weights, boolean whole) {
        Matrix head = weights.output();
        return whole || weights.screen().isEmpty() ? head.bytes() : weights.screen().get().bytes()
                + head.firstRows(Math.min(head.rows(), Screen.CANDIDATE_ROWS)).bytes();
    }
}
