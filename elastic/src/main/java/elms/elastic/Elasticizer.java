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
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Makes a pack: statistics of the activations, the best order by importance, widths by what each block of each layer is worth,
 * biases for what is left out, directions of the screen. What takes longer is {@link elms.elastic.recovery.Recovery}'s.
 */
public final class Elasticizer {
    /** Sequences to choose coarse widths on. */
    private static final int FEW = 2;
    private static final double STATISTICS_PART = 0.2;
    private static final double DIRECTIONS_FROM = 0.9;

    /**
     * An order of the units, and levels of it.
     *
     * @param text what makes a unit important here
     * @param divergences of the levels from the full model, in nats a token
     */
    private record Candidate(String text, Order order, List<Level> levels, List<Double> divergences) {
        double divergence() {
            return divergences.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
        }

        String each() {
            return divergences.stream().map(loss -> String.format(Locale.ROOT, "%.3f", loss)).collect(Collectors.joining(", "));
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%s %.3f", text, divergence());
        }
    }

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
     * @param source what the calibration is, for the pack's provenance
     */
    public Pack make(String baseSha256, Calibration calibration, Aims aims, String source) {
        Weights original = weights(Order.identity(config));
        UnitStatistics statistics = statistics(original, calibration.statistics());
        boolean recovered = aims.rank() > 0;
        boolean again = recovered && aims.offered().size() > 1;
        List<Candidate> candidates = new ArrayList<>();
        double part = (DIRECTIONS_FROM - STATISTICS_PART) / (aims.offered().size() + (again ? 1 : 0));
        for (Importance importance : aims.offered()) {
            double from = STATISTICS_PART + part * candidates.size();
            progress.at("Ordering units by " + importance.text(), from);
            Order order = importance.of(original, statistics, calibration.statistics()).order();
            Candidate candidate = candidate(importance.text(), order, statistics, calibration, aims, recovered && !again,
                    (step, share) -> progress.at(step, from + part * share));
            progress.at("KL of the levels before recovery, ordered by " + candidate + " (" + candidate.each() + ")", from + part);
            candidates.add(candidate);
        }
        Candidate chosen = Collections.min(candidates, Comparator.comparingDouble(Candidate::divergence));
        Candidate best = again ? candidate(chosen.text(), chosen.order(), statistics, calibration, aims, true,
                (step, share) -> progress.at(step, DIRECTIONS_FROM - part * (1 - share))) : chosen;
        Pack pack = new Pack(baseSha256, best.order(), best.levels(), new float[0][], Optional.empty(),
                provenance(best, candidates) + ", widths by what each layer is worth, means as biases, calibrated on " + source);
        return withDirections(pack, weights(best.order()), calibration.statistics());
    }

    /**
     * @param finely whether widths are measured at all thirds and on all passages, as befits those that will be trained; to see
     *     which order is better less will do
     */
    private Candidate candidate(String text, Order order, UnitStatistics statistics, Calibration calibration, Aims aims,
            boolean finely, Progress own) {
        Weights weights = weights(order);
        Compensation compensation = new Compensation(weights, statistics);
        List<int[]> selection = calibration.selection();
        List<int[]> few = selection.subList(0, Math.min(FEW, selection.size()));
        Divergence divergence = new Divergence(weights, kernels, aims.rank() > 0 ? selection : few);
        Widths widths = Widths.measure(config, finely ? Widths.THIRDS : Widths.COARSE,
                level -> divergence.of(compensation.of(level, 0), finely ? selection.size() : few.size()), own);
        List<Level> levels = aims.shares().stream().map(share -> level(share, widths, compensation, aims.rank())).toList();
        return new Candidate(text, order, levels, levels.stream().map(divergence::of).toList());
    }

    private static String provenance(Candidate best, List<Candidate> candidates) {
        return "order by " + best.text() + candidates.stream().map(Candidate::toString)
                .collect(Collectors.joining(", ", " (mean KL of levels before recovery: ", ")"));
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
                    statistics.add(transformer.hidden(0, texts.get(i).length));
                }
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
