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
import java.util.List;
import java.util.Optional;

/**
 * Makes a pack: statistics of the activations, the order by importance, widths by what each block of each layer is worth, biases
 * for what is left out, directions of the screen. What takes longer is {@link elms.elastic.recovery.Recovery}'s.
 */
public final class Elasticizer {
    /** Shares of the decoder's weights that levels aim at. */
    public static final List<Double> SHARES = List.of(0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3);
    /** Sequences to choose coarse widths on. */
    private static final int FEW = 2;
    private static final double STATISTICS_PART = 0.2;
    private static final double DIRECTIONS_FROM = 0.9;

    private final GgufFile file;
    private final ModelConfig config;
    private final Kernels kernels;
    private final Progress progress;

    public Elasticizer(GgufFile file, Kernels kernels, Progress progress) {
        this.file = file;
        this.config = ModelConfig.of(file);
        this.kernels = kernels;
        this.progress = progress;
    }

    /**
     * Makes the pack of a base model.
     *
     * @param baseSha256 hash of the base file
     * @param shares of the decoder's weights that levels aim at, adapters counted
     * @param rank most that recovery may give a level's adapters; 0 if none follows, when widths need less care, too
     * @param provenance what the calibration is, for the pack
     */
    public Pack make(String baseSha256, Calibration calibration, List<Double> shares, int rank, String provenance) {
        Weights original = weights(Order.identity(config));
        UnitStatistics statistics = statistics(original, calibration.statistics());
        Order order = Importance.order(original, statistics);
        Weights weights = weights(order);
        Compensation compensation = new Compensation(weights, statistics);
        List<int[]> selection = calibration.selection();
        Divergence divergence = new Divergence(weights, kernels,
                rank > 0 ? selection : selection.subList(0, Math.min(FEW, selection.size())));
        Widths widths = Widths.measure(config, rank > 0 ? Widths.THIRDS : Widths.COARSE,
                level -> divergence.of(compensation.of(level, 0)),
                (step, share) -> progress.at(step, STATISTICS_PART + (DIRECTIONS_FROM - STATISTICS_PART) * share));
        List<Level> levels = shares.stream().map(share -> level(share, widths, compensation, rank)).toList();
        Pack pack = new Pack(baseSha256, order, levels, new float[0][], Optional.empty(), provenance);
        return withDirections(pack, weights, calibration.statistics());
    }

    /** A level whose adapters are counted in its share. */
    private Level level(double share, Widths widths, Compensation compensation, int most) {
        Level without = widths.of(share);
        int rank = Rank.of(without, most, config);
        double adapters = (double) without.adapterWeights(config, rank) / config.decoderWeights();
        return compensation.of(widths.of(share - adapters), rank);
    }

    /** The pack with the screen's directions, from what its levels give the output head; none where it would save little. */
    private Pack withDirections(Pack pack, Weights weights, List<int[]> texts) {
        HiddenStatistics statistics = new HiddenStatistics(config.width());
        if (HiddenStatistics.isWorthAScreen(config)) {
            Transformer transformer = new Transformer(weights, kernels);
            for (int i = 0; i < texts.size(); i++) {
                progress.at("Measuring what the output head reads", DIRECTIONS_FROM + (1 - DIRECTIONS_FROM) * i / texts.size());
                try (KvCache cache = transformer.newCache(texts.get(i).length)) {
                    transformer.read(texts.get(i), SubModel.of(weights, pack.levels().get(i % pack.levels().size())), cache);
                }
                statistics.add(transformer.hidden(0, texts.get(i).length));
            }
        }
        progress.at("Done", 1);
        return new Pack(pack.baseSha256(), pack.order(), pack.levels(), statistics.directions(), pack.adapters(), pack.provenance());
    }

    /**
     * The pack with the screen's directions, measured anew on its levels as they are now.
     *
     * @param texts the first of these are read
     */
    public Pack remeasured(Pack pack, List<int[]> texts) {
        Weights weights = Weights.of(config, pack.order(), new WeightPacker(file, config, pack, Precision.PACKED));
        return withDirections(pack, weights, texts.subList(0, Math.min(Calibration.MOST_STATISTICS, texts.size())));
    }

    private Weights weights(Order order) {
        return Weights.of(config, order, new WeightPacker(file, config, order, Precision.PACKED));
    }

    private UnitStatistics statistics(Weights weights, List<int[]> texts) {
        UnitStatistics statistics = new UnitStatistics(config);
        Transformer transformer = new Transformer(weights, kernels);
        SubModel full = SubModel.of(weights, Level.full(config));
        for (int i = 0; i < texts.size(); i++) {
            progress.at("Measuring activations", STATISTICS_PART * i / texts.size());
            try (KvCache cache = transformer.newCache(texts.get(i).length)) {
                transformer.read(texts.get(i), full, cache, statistics);
            }
        }
        return statistics;
    }
}
