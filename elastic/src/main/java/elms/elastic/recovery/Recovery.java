package elms.elastic.recovery;

import elms.elastic.Elasticizer;
import elms.elastic.Progress;
import elms.elastic.recovery.Checkpoint.Spent;
import elms.elastic.torch.Torch;
import elms.engine.gguf.GgufFile;
import elms.engine.model.Adapters;
import elms.engine.model.ModelConfig;
import elms.engine.model.Pack;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/**
 * Recovers the levels of a pack, from its checkpoint to the finished pack.
 *
 * @param file the base model
 * @param baseSha256 its hash
 */
public record Recovery(GgufFile file, String baseSha256, Checkpoint checkpoint) {
    private static final long SEED = 1;

    /**
     * Throws {@link elms.engine.ElmsException} if this machine has not the memory or the disk for a training.
     *
     * @param sequences to train on
     * @param levels how many
     * @param rank of their adapters
     */
    public void require(Torch torch, long sequences, int levels, int rank) throws IOException {
        Requirements.of(ModelConfig.of(file), levels, rank, torch.type(), sequences).check(checkpoint.folder());
    }

    /** Begins anew; nothing is trained yet. */
    public void begin(Pack pack, List<int[]> training) throws IOException {
        checkpoint.begin(pack, ModelConfig.of(file), training, SEED);
    }

    /**
     * Goes on with the training until the budget is spent, and makes the pack.
     *
     * @param budget of the whole recovery, earlier runs included
     * @param kernels to measure the recovered levels with
     */
    public Pack run(Duration budget, Torch torch, Kernels kernels, Progress progress) throws IOException {
        ModelConfig config = ModelConfig.of(file);
        Pack start = checkpoint.read(config, baseSha256);
        List<int[]> texts = checkpoint.texts();
        require(torch, texts.size(), start.levels().size(), start.adapters().map(Adapters::rank).orElse(0));
        Weights weights = Weights.of(config, start.order(), new WeightPacker(file, config, start.order(), Precision.PACKED));
        try (Distillation distillation = new Distillation(checkpoint, start, weights, torch)) {
            distillation.run(budget, progress);
        }
        Spent spent = checkpoint.spent();
        Pack learnt = checkpoint.read(config, baseSha256);
        String provenance = learnt.provenance() + "; then distilled, half from the full model and half from the texts, all levels"
                + " together, into adapters of rank up to " + learnt.adapters().map(Adapters::rank).orElse(0) + ", norms and biases: "
                + Math.ceilDiv(spent.seconds(), 60) + " min, " + spent.batches() + " batches of " + Distillation.BATCH + " sequences of "
                + texts.get(0).length + " tokens, seed " + SEED;
        return new Elasticizer(file, kernels, progress).remeasured(new Pack(learnt.baseSha256(), learnt.order(), learnt.levels(),
                new float[0][], learnt.adapters(), provenance), texts);
    }
}
