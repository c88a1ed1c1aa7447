package elms.elastic.recovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.contentOf;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import elms.elastic.torch.Torch;
import elms.engine.NanoModel;
import elms.engine.gguf.GgufFile;
import elms.engine.model.ModelConfig;
import elms.engine.model.Pack;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import elms.kernels.ScalarKernels;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A training in a process of its own, as {@code elms elasticize} runs it, that is killed again and again. */
class KilledTrainingTest {
    /** So long that its learning rates do not fall within the test: then batches are the same however long they take. */
    private static final Duration BUDGET = Duration.ofDays(1_000_000);
    private static final int KILLS = 2;
    /** Batches until a kill, and after the last one. */
    private static final int BATCHES = 5;

    @TempDir
    Path folder;

    /** Goes on with the training of a model and writes its state after each batch, until it is killed. */
    public static void main(String[] modelAndFolder) throws Exception {
        try (GgufFile file = GgufFile.open(Path.of(modelAndFolder[0])); Kernels kernels = new ScalarKernels(1)) {
            new Recovery(file, RecoveryFixture.HASH, new Checkpoint(Path.of(modelAndFolder[1]), Duration.ZERO))
                    .run(BUDGET, Torch.exact(1), kernels, (step, share) -> {});
        }
    }

    @Test
    @Timeout(120)
    void itGoesOnAndEndsWithTheVeryNumbersOfOneThatWasNot() throws Exception {
        assumeTrue(Torch.isThere(), "PyTorch's libraries are not on the class path");
        Path model = NanoModel.ODD.write(folder);
        ModelConfig config = RecoveryFixture.config(model);
        Checkpoint killed = new Checkpoint(folder.resolve("killed"));
        Checkpoint whole = new Checkpoint(folder.resolve("whole"));
        RecoveryFixture.begun(killed, config);
        RecoveryFixture.begun(whole, config);
        for (int i = 0; i < KILLS; i++) {
            trainAndKill(model, killed);
        }
        train(model, config, killed, BATCHES);
        train(model, config, whole, killed.spent().batches());
        assertThat(killed.spent().batches()).isEqualTo(whole.spent().batches()).isGreaterThanOrEqualTo((KILLS + 1) * BATCHES);
        RecoveryFixture.assertSame(killed, whole);
    }

    /** Lets it come some batches further, and kills it wherever it is then: in a batch, or while it writes. */
    private void trainAndKill(Path model, Checkpoint checkpoint) throws Exception {
        int before = checkpoint.spent().batches();
        Path said = folder.resolve("said");
        Process training = new ProcessBuilder(System.getProperty("java.home") + "/bin/java", "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"), KilledTrainingTest.class.getName(),
                model.toString(), checkpoint.folder().toString()).redirectErrorStream(true).redirectOutput(said.toFile()).start();
        try {
            while (checkpoint.spent().batches() < before + BATCHES) {
                assertThat(training.waitFor(10, TimeUnit.MILLISECONDS)).as(() -> "it said " + contentOf(said.toFile())).isFalse();
            }
        } finally {
            training.destroyForcibly().waitFor();
        }
    }

    private static void train(Path model, ModelConfig config, Checkpoint checkpoint, int batches) throws Exception {
        Pack pack = checkpoint.read(config, RecoveryFixture.HASH);
        try (GgufFile file = GgufFile.open(model)) {
            Weights weights = Weights.of(config, pack.order(), new WeightPacker(file, config, pack.order(), Precision.PACKED));
            try (Distillation distillation = new Distillation(checkpoint, pack, weights, Torch.exact(1))) {
                for (int i = 0; i < batches; i++) {
                    distillation.batch(0);
                }
                distillation.save(checkpoint.spent().seconds());
            }
        }
    }
}
