package elms.elastic.recovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import elms.elastic.Divergence;
import elms.elastic.torch.Torch;
import elms.engine.ElmsException;
import elms.engine.NanoModel;
import elms.engine.decode.KvCache;
import elms.engine.decode.Logits;
import elms.engine.decode.Transformer;
import elms.engine.gguf.GgufFile;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Pack;
import elms.engine.model.SubModel;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import elms.kernels.jdk.VectorKernels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DistillationTest {
    private static final Kernels KERNELS = new VectorKernels(2);

    @TempDir
    Path folder;
    private Path model;
    private ModelConfig config;
    private Checkpoint checkpoint;
    private Pack start;
    private Weights weights;

    @BeforeEach
    void begin() throws Exception {
        assumeTrue(Torch.isThere(), "PyTorch's libraries are not on the class path");
        model = NanoModel.ODD.write(folder);
        config = RecoveryFixture.config(model);
        checkpoint = new Checkpoint(folder.resolve("recovery"));
        start = RecoveryFixture.begun(checkpoint, config);
        weights = RecoveryFixture.weights(model, start);
    }

    @Test
    void everyLevelComesCloserToTheFullModel() throws Exception {
        try (Distillation distillation = new Distillation(checkpoint, start, weights, Torch.exact(1), 0)) {
            train(distillation, 60, 60);
        }
        Pack learnt = checkpoint.read(config, RecoveryFixture.HASH);
        List<int[]> texts = RecoveryFixture.texts(config);
        Divergence before = new Divergence(weights, KERNELS, texts);
        Divergence after = new Divergence(RecoveryFixture.weights(model, learnt), KERNELS, texts);
        for (int i = 0; i < start.levels().size(); i++) {
            assertThat(after.of(learnt.levels().get(i))).as("level " + i).isLessThan(0.8 * before.of(start.levels().get(i)));
        }
    }

    @Test
    void everyLevelLearnsTheTextToo() throws Exception {
        train(checkpoint, 60);
        Pack learnt = checkpoint.read(config, RecoveryFixture.HASH);
        Weights after = RecoveryFixture.weights(model, learnt);
        for (int i = 0; i < start.levels().size(); i++) {
            assertThat(surprise(after, learnt.levels().get(i))).as("level " + i).isLessThan(surprise(weights, start.levels().get(i)) - 0.1);
        }
    }

    /** A run that was saved and gone on with ends with the very numbers of one that was not. */
    @Test
    void resumingChangesNothing() throws Exception {
        Checkpoint other = new Checkpoint(folder.resolve("other"));
        RecoveryFixture.begun(other, config);
        train(checkpoint, 7);
        train(other, 3);
        Path part = folder.resolve("other/state.gguf.killed.part");
        Files.createFile(part);
        other.read(config, RecoveryFixture.HASH);
        assertThat(part).doesNotExist();
        train(other, 4);
        assertThat(other.spent()).isEqualTo(new Checkpoint.Spent(7, 7)).isEqualTo(checkpoint.spent());
        RecoveryFixture.assertSame(other, checkpoint);
        try (GgufFile state = GgufFile.open(other.state())) {
            assertThat(state.tensors().keySet())
                    .contains("level.0.attn_norm", "level.0.attn_norm.m", "blk.0.adapter.ffn_input.up.v");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void fewLevelsAreTrainedToo(int count) throws Exception {
        Pack few = new Pack(start.baseSha256(), start.order(), start.levels().subList(0, count), new float[0][], Optional.empty(), "");
        checkpoint.begin(few, config, RecoveryFixture.texts(config), 1);
        List<Double> losses = train(checkpoint, 31);
        assertThat(losses).hasSize(4);
        assertThat(losses.get(3)).isLessThan(losses.get(0));
    }

    @Test
    void progressAndTimeAreOfTheWholeBudget() throws Exception {
        List<Double> shares = new ArrayList<>();
        try (Distillation distillation = new Distillation(checkpoint, start, weights, Torch.exact(1))) {
            distillation.run(Duration.ofSeconds(1), (step, share) -> shares.add(share));
        }
        assertThat(shares).isSorted().endsWith(1.0);
        int batches = checkpoint.spent().batches();
        assertThat(batches).isPositive();
        try (Distillation distillation = new Distillation(checkpoint, start, weights, Torch.exact(1))) {
            distillation.run(Duration.ofSeconds(1), (step, share) -> shares.add(share));
        }
        assertThat(checkpoint.spent().batches()).isEqualTo(batches);
    }

    @Test
    void aCheckpointThatIsMissingOrOfAnotherModelIsRefused() {
        assertThatThrownBy(() -> new Checkpoint(folder.resolve("none")).read(config, RecoveryFixture.HASH))
                .isInstanceOf(ElmsException.class).hasMessageContaining("no recovery of this model to go on with");
        assertThatThrownBy(() -> checkpoint.read(config, "another")).isInstanceOf(ElmsException.class)
                .hasMessageContaining("was made for another base model");
    }

    /** What the texts' own next tokens cost a level, in nats a token. */
    private double surprise(Weights weights, Level level) {
        Transformer transformer = new Transformer(weights, KERNELS);
        int vocabulary = config.vocabulary();
        return RecoveryFixture.texts(config).stream().mapToDouble(text -> {
            try (KvCache cache = transformer.newCache(text.length)) {
                transformer.read(text, SubModel.of(weights, level), cache);
                float[] logits = transformer.logits(0, text.length);
                return IntStream.range(1, text.length).mapToDouble(i -> Logits.logSumExp(logits, (i - 1) * vocabulary, vocabulary)
                        - logits[(i - 1) * vocabulary + text[i]]).average().orElseThrow();
            }
        }).average().orElseThrow();
    }

    /** Goes on for some batches, as if they took a second each; returns the losses that were measured. */
    private List<Double> train(Checkpoint state, int count) throws Exception {
        int before = state.spent().batches();
        try (Distillation distillation = new Distillation(state, state.read(config, RecoveryFixture.HASH), weights, Torch.exact(1))) {
            return train(distillation, count, before + count);
        }
    }

    private static List<Double> train(Distillation distillation, int count, int seconds) throws Exception {
        List<Double> losses = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            distillation.batch(0).ifPresent(losses::add);
        }
        distillation.save(seconds);
        return losses;
    }
}
