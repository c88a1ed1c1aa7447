package elms.elastic;

import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.gguf.GgufFile;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.Pack;
import elms.engine.model.SubModel;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import elms.kernels.Matrix;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.DoubleStream;

/** Makes a pack: statistics of the activations, the order by importance, anchor layers by leaving one layer out, levels. */
public final class Elasticizer {
    /** Shares of the decoder's weights that levels aim at. */
    private static final double[] SHARES = {0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3};
    private static final double STATISTICS_PART = 0.2;
    private static final double DIRECTIONS_FROM = 0.9;
    /** Share of the width. */
    private static final double DIRECTIONS = 0.45;
    private static final int LEAST_VOCABULARY = 16_384;
    private static final int LEAST_WIDTH = 256;
    /** Neighbouring tokens' hidden states are alike. */
    private static final int HIDDEN_STEP = 2;

    private final Kernels kernels;
    private final Progress progress;

    public Elasticizer(Kernels kernels, Progress progress) {
        this.kernels = kernels;
        this.progress = progress;
    }

    /**
     * Makes the pack of a base model.
     *
     * @param baseSha256 hash of {@code file}
     * @param provenance what the calibration is, for the pack
     */
    public Pack make(GgufFile file, String baseSha256, Calibration calibration, String provenance) {
        ModelConfig config = ModelConfig.of(file);
        Order identity = Order.identity(config);
        Weights weights = Weights.of(config, identity, new WeightPacker(file, config, identity, Precision.PACKED));
        Order order = Importance.order(weights, statistics(weights, calibration.statistics()));
        Set<Integer> anchors = Levels.anchors(lossWithoutEachLayer(weights, calibration.selection()));
        List<Level> levels = DoubleStream.of(SHARES).mapToObj(share -> Levels.of(config, anchors, share)).distinct().toList();
        float[][] directions = directions(file, config, order, levels, calibration.statistics());
        progress.at("Done", 1);
        return new Pack(baseSha256, order, levels, directions, provenance + "; anchor layers " + anchors);
    }

    /** Directions of the screen, from what the levels below the full one give the output head; none where it would save little. */
    private float[][] directions(GgufFile file, ModelConfig config, Order order, List<Level> levels, List<int[]> texts) {
        if (config.vocabulary() < LEAST_VOCABULARY || config.width() < LEAST_WIDTH) {
            return new float[0][];
        }
        Weights weights = Weights.of(config, order, new WeightPacker(file, config, order, Precision.PACKED));
        Transformer transformer = new Transformer(weights, kernels);
        HiddenStatistics statistics = new HiddenStatistics(config.width());
        for (int i = 0; i < texts.size(); i++) {
            progress.at("Measuring what the output head reads", DIRECTIONS_FROM + (1 - DIRECTIONS_FROM) * i / texts.size());
            try (KvCache cache = transformer.newCache(texts.get(i).length)) {
                transformer.read(texts.get(i), SubModel.of(weights, levels.get(i % levels.size())), cache);
            }
            statistics.add(transformer.hidden(0, texts.get(i).length), HIDDEN_STEP);
        }
        return statistics.directions((int) (DIRECTIONS * config.width()) / Matrix.BLOCK_COLUMNS * Matrix.BLOCK_COLUMNS);
    }

    private UnitStatistics statistics(Weights weights, List<int[]> texts) {
        UnitStatistics statistics = new UnitStatistics(weights.config());
        Transformer transformer = new Transformer(weights, kernels);
        SubModel full = SubModel.of(weights, Level.full(weights.config()));
        for (int i = 0; i < texts.size(); i++) {
            progress.at("Measuring activations", STATISTICS_PART * i / texts.size());
            try (KvCache cache = transformer.newCache(texts.get(i).length)) {
                transformer.read(texts.get(i), full, cache, statistics);
            }
        }
        return statistics;
    }

    /** Divergence from the full model when one layer is skipped, for every layer. */
    private double[] lossWithoutEachLayer(Weights weights, List<int[]> texts) {
        Divergence divergence = new Divergence(weights, kernels, texts);
        double[] loss = new double[weights.config().layers()];
        Arrays.setAll(loss, layer -> {
            progress.at("Leaving out layers", STATISTICS_PART + (DIRECTIONS_FROM - STATISTICS_PART) * layer / loss.length);
            Level without = Level.full(weights.config());
            without.heads()[layer] = 0;
            without.neurons()[layer] = 0;
            return divergence.of(without);
        });
        return loss;
    }
}
