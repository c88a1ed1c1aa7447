package elms.eval.baseline;

import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.model.ModelConfig;
import elms.engine.model.SubModel;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Collapses runs of layers into their first, from the last layers down, as long as what the output head reads stays alike: the
 * search of LaCo (Yang et al., arXiv 2402.11187), with its settings. LaCo adds the differences between the layers' weights to the
 * one that stays; packed matrices cannot be added up, so here the others are left out.
 */
public final class CollapsedLayers implements LayerChoice {
    /** Layers that become one. */
    private static final int RUN = 4;
    /** Layers to go down after a run was collapsed. */
    private static final int INTERVAL = 2;
    /** The first layer that may stay for a run. */
    private static final int LOWEST = 1;
    /** Least cosines to be tried, from the first down, until enough layers are left out. */
    private static final double FIRST_COSINE = 0.95;
    private static final double COSINE_STEP = 0.05;

    private final Weights weights;
    private final ModelConfig config;
    private final Transformer transformer;
    private final List<int[]> texts;
    private final List<float[]> reference;
    private final Map<Set<Integer>, Double> similarity = new HashMap<>();
    private final Map<Double, List<Integer>> collapsed = new HashMap<>();

    /**
     * @param texts of at most {@link Transformer#CHUNK} tokens each
     */
    public CollapsedLayers(Weights weights, Kernels kernels, List<int[]> texts) {
        this.weights = weights;
        this.config = weights.config();
        this.texts = texts;
        transformer = new Transformer(weights, kernels);
        reference = texts.stream().map(text -> hidden(Set.of(), text)).toList();
    }

    @Override
    public String name() {
        return "collapsed runs (LaCo)";
    }

    @Override
    public List<Integer> layers(int count) {
        List<Integer> left = List.of();
        for (double cosine = FIRST_COSINE; left.size() < count && cosine > -1; cosine -= COSINE_STEP) {
            left = collapsed.computeIfAbsent(cosine, this::collapsed);
        }
        return left.subList(0, Math.min(count, left.size()));
    }

    /** Layers that are left out while the cosine to the full model stays above a bound, in the order in which they are. */
    private List<Integer> collapsed(double cosine) {
        List<Integer> kept = new ArrayList<>(IntStream.range(0, config.layers()).boxed().toList());
        List<Integer> left = new ArrayList<>();
        int at = kept.size() - RUN;
        while (at >= LOWEST) {
            List<Integer> run = List.copyOf(kept.subList(at + 1, Math.min(at + RUN, kept.size())));
            List<Integer> without = Stream.concat(left.stream(), run.stream()).toList();
            if (similarity.computeIfAbsent(Set.copyOf(without), this::similarity) > cosine) {
                left.addAll(run);
                kept.removeAll(run);
                at = Math.min(at - INTERVAL, kept.size() - RUN);
            } else {
                at--;
            }
        }
        return left;
    }

    /** Mean cosine over tokens between what the output head reads without some layers, and with them. */
    private double similarity(Set<Integer> without) {
        double sum = 0;
        long tokens = 0;
        for (int i = 0; i < texts.size(); i++) {
            float[] hidden = hidden(without, texts.get(i));
            for (int from = 0; from < hidden.length; from += config.width()) {
                sum += Cosine.of(reference.get(i), hidden, from, config.width());
                tokens++;
            }
        }
        return sum / tokens;
    }

    private float[] hidden(Collection<Integer> without, int[] text) {
        try (KvCache cache = transformer.newCache(text.length)) {
            transformer.read(text, SubModel.of(weights, LayerChoice.without(config, without)), cache);
            return transformer.hidden(0, text.length);
        }
    }
}
