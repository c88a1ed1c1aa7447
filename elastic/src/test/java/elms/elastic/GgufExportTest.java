package elms.elastic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import elms.engine.NanoModel;
import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.TensorType;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.Pack;
import elms.engine.model.SubModel;
import elms.engine.model.TestRecovery;
import elms.engine.model.TestWeights;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import elms.kernels.ScalarKernels;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An exported file, read as any GGUF file is, computes what the level computes. */
class GgufExportTest {
    private static final Kernels KERNELS = new ScalarKernels(1);
    private static final int[] TOKENS = new Random(2).ints(30, 0, 60).toArray();

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({"ODD, 1e-3", "MULTI_HEAD, 1e-3", "FOUR_BITS, 0.3"})
    void anExportComputesWhatTheLevelComputes(String name, float tolerance) throws Exception {
        NanoModel model = (NanoModel) NanoModel.class.getField(name).get(null);
        try (GgufFile file = GgufFile.open(model.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            Order order = TestWeights.shuffled(config, 6);
            Level small = Level.full(config);
            small.heads()[0] = 0;
            small.heads()[1] = config.heads() - 2;
            small.neurons()[1] = 20;
            small.neurons()[2] = 0;
            for (Level level : List.of(Level.full(config), small)) {
                Path target = folder.resolve("export.gguf");
                new GgufExport(file, config, order, level).write(target);
                float[] expected = logits(file, order, level);
                try (GgufFile exported = GgufFile.open(target)) {
                    assertThat(exported.metadata().values().keySet()).containsAll(file.metadata().values().keySet());
                    float[] actual = logits(exported, Order.identity(config), Level.full(config));
                    for (int i = 0; i < expected.length; i++) {
                        assertThat(actual[i]).isCloseTo(expected[i], within(tolerance));
                    }
                }
            }
        }
    }

    @Test
    void headsMoveBitForBitAndOnlyDownIsRounded() throws Exception {
        try (GgufFile file = GgufFile.open(NanoModel.FOUR_BITS.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            Path target = folder.resolve("export.gguf");
            new GgufExport(file, config, TestWeights.shuffled(config, 6), Level.full(config)).write(target);
            try (GgufFile exported = GgufFile.open(target)) {
                for (var tensor : exported.tensors().values()) {
                    TensorType expected = tensor.name().contains("ffn_down") ? TensorType.Q8_0 : file.tensor(tensor.name()).type();
                    assertThat(tensor.type()).as(tensor.name()).isEqualTo(expected);
                }
            }
        }
    }

    /** The engine reads no biases, so this level has none. */
    @ParameterizedTest
    @CsvSource({"ODD, 1e-3", "MULTI_HEAD, 1e-3", "FOUR_BITS, 0.3"})
    void aRecoveredExportComputesWhatTheLevelComputes(String name, float tolerance) throws Exception {
        NanoModel model = (NanoModel) NanoModel.class.getField(name).get(null);
        try (GgufFile file = GgufFile.open(model.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            Level small = Level.full(config);
            small.heads()[0] = 0;
            small.heads()[1] = config.heads() - 2;
            small.neurons()[1] = 20;
            small.neurons()[2] = 0;
            Pack pack = TestRecovery.pack(config, TestWeights.shuffled(config, 6), small, 4, 1);
            Level level = pack.levels().get(0);
            for (float[] bias : level.tuning().orElseThrow().attentionBias()) {
                Arrays.fill(bias, 0);
            }
            for (float[] bias : level.tuning().orElseThrow().feedForwardBias()) {
                Arrays.fill(bias, 0);
            }
            Path whole = folder.resolve("export.gguf");
            new RecoveredExport(file, config, pack.order(), pack.adapters().orElseThrow(), level).write(whole);
            float[] expected = logits(Weights.of(config, pack.order(), new WeightPacker(file, config, pack, Precision.FLOAT)), level);
            try (GgufFile exported = GgufFile.open(whole)) {
                assertThat(exported.tensor("blk.1.attn_output.bias").columns()).isEqualTo(config.width());
                Order identity = Order.identity(config);
                float[] actual = logits(Weights.of(config, identity, new WeightPacker(exported, config, identity, Precision.FLOAT)),
                        Level.full(config));
                for (int i = 0; i < expected.length; i++) {
                    assertThat(actual[i]).isCloseTo(expected[i], within(tolerance));
                }
            }
        }
    }

    private static float[] logits(GgufFile file, Order order, Level level) {
        ModelConfig config = ModelConfig.of(file);
        return logits(Weights.of(config, order, new WeightPacker(file, config, order, Precision.FLOAT)), level);
    }

    private static float[] logits(Weights weights, Level level) {
        Transformer transformer = new Transformer(weights, KERNELS);
        transformer.read(TOKENS, SubModel.of(weights, level), transformer.newCache(TOKENS.length));
        return transformer.logits();
    }
}
