package elms.eval.baseline;

import elms.elastic.Divergence;
import elms.engine.decode.KvCache;
import elms.engine.decode.Probe;
import elms.engine.decode.Transformer;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.SubModel;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Leaves out first the layer that is worth least by itself.
 *
 * @param ranking layers, the least valuable first
 */
public record RankedLayers(String name, List<Integer> ranking) implements LayerChoice {
    @Override
    public List<Integer> layers(int count) {
        return ranking.subList(0, count);
    }

    /** By the divergence from the full model when a layer alone is left out. */
    public static RankedLayers byLeaveOneOut(Weights weights, Kernels kernels, List<int[]> texts) {
        Divergence divergence = new Divergence(weights, kernels, texts);
        ModelConfig config = weights.config();
        return leastFirst("leave one out", IntStream.range(0, config.layers())
                .mapToDouble(layer -> divergence.of(LayerChoice.without(config, List.of(layer)))).toArray());
    }

    /**
     * By block influence (Men et al., ShortGPT, arXiv 2403.03853): one minus the cosine between what goes into a layer and what
     * comes out, the mean over all tokens.
     */
    public static RankedLayers byBlockInfluence(Weights weights, Kernels kernels, List<int[]> texts) {
        ModelConfig config = weights.config();
        Streams streams = new Streams(config);
        Transformer transformer = new Transformer(weights, kernels);
        SubModel full = SubModel.of(weights, Level.full(config));
        for (int[] text : texts) {
            try (KvCache cache = transformer.newCache(text.length)) {
                transformer.read(text, full, cache, streams);
            }
        }
        return leastFirst("block influence (ShortGPT)", Arrays.stream(streams.cosines).map(sum -> -sum).toArray());
    }

    private static RankedLayers leastFirst(String name, double[] worth) {
        return new RankedLayers(name, IntStream.range(0, worth.length).boxed()
                .sorted(Comparator.comparingDouble(layer -> worth[layer])).toList());
    }

    /** Sums over tokens of the cosine between the residual stream before and behind each layer. */
    private static final class Streams implements Probe {
        private final int width;
        private final double[] cosines;
        private float[] before = {};

        Streams(ModelConfig config) {
            width = config.width();
            cosines = new double[config.layers()];
        }

        @Override
        public void stream(int layer, float[] x, int tokens) {
            for (int token = 0; token < tokens && layer > 0; token++) {
                cosines[layer - 1] += Cosine.of(before, x, token * width, width);
            }
            before = x.clone();
        }
    }
}
