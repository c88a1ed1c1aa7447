package elms.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import elms.engine.NanoModel;
import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.TensorType;
import elms.engine.model.WeightPacker.Precision;
import elms.kernels.Form;
import elms.kernels.Kernels;
import elms.kernels.Matrix;
import elms.kernels.ScalarKernels;
import elms.kernels.jdk.VectorKernels;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Order, levels and switching on random models of odd shapes. The same is tested on real weights in the module eval. */
class ElasticityTest {
    private static final Kernels VECTOR = new VectorKernels(2);
    private static final Kernels SCALAR = new ScalarKernels(1);
    private static final int[] TOKENS = new Random(4).ints(150, 0, 60).toArray();

    @TempDir
    Path folder;

    static Stream<NanoModel> models() {
        return Stream.of(NanoModel.ODD, NanoModel.MULTI_HEAD, NanoModel.FOUR_BITS);
    }

    @ParameterizedTest
    @MethodSource("models")
    void anOrderDoesNotChangeTheFullModel(NanoModel model) {
        try (GgufFile file = GgufFile.open(model.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            float[] expected = logits(weights(file, Order.identity(config), Precision.FLOAT), Level.full(config), SCALAR);
            Order order = TestWeights.shuffled(config, 7);
            assertClose(logits(weights(file, order, Precision.FLOAT), Level.full(config), SCALAR), expected, 1e-3f);
            assertClose(logits(weights(file, order, Precision.FLOAT), Level.full(config), VECTOR), expected, 1e-3f);
            float[] packed = logits(weights(file, order, Precision.PACKED), Level.full(config), VECTOR);
            assertThat(meanDifference(packed, expected)).isLessThan(0.05);
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void aLevelIsTheFullModelWithTheOtherUnitsMasked(NanoModel model) {
        try (GgufFile file = GgufFile.open(model.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            Weights weights = weights(file, TestWeights.shuffled(config, 8), Precision.FLOAT);
            for (int seed = 0; seed < 5; seed++) {
                Level level = randomLevel(config, seed);
                float[] masked = logits(TestWeights.masked(weights, level), Level.full(config), SCALAR);
                assertClose(logits(weights, level, SCALAR), masked, 1e-3f);
                assertClose(logits(weights, level, VECTOR), masked, 1e-3f);
            }
        }
    }

    @Test
    void chunksSpansAndThreadsDoNotChangeATokensBits() {
        try (GgufFile file = GgufFile.open(NanoModel.FOUR_BITS.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            Weights weights = weights(file, TestWeights.shuffled(config, 9), Precision.PACKED);
            SubModel[] levels = {SubModel.of(weights, Level.full(config)), SubModel.of(weights, randomLevel(config, 3)),
                SubModel.of(weights, randomLevel(config, 4))};
            float[] expected = null;
            for (int chunk : new int[] {1, 2, 7, 50}) {
                for (int threads : new int[] {1, 2, 3}) {
                    try (Kernels kernels = new VectorKernels(threads)) {
                        Transformer transformer = new Transformer(weights, kernels);
                        KvCache cache = transformer.newCache(200);
                        for (int span = 0; span < 3; span++) {
                            for (int from = span * 50; from < (span + 1) * 50; from += chunk) {
                                int to = Math.min(from + chunk, (span + 1) * 50);
                                transformer.read(Arrays.copyOfRange(TOKENS, from, to), levels[span], cache);
                            }
                        }
                        float[] logits = transformer.logits();
                        expected = expected == null ? logits : expected;
                        assertThat(logits).isEqualTo(expected);
                    }
                }
            }
        }
    }

    @Test
    void aSkippedLayerStillWritesItsKeysAndValues() {
        try (GgufFile file = GgufFile.open(NanoModel.ODD.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            Weights weights = weights(file, Order.identity(config), Precision.FLOAT);
            Level skipping = Level.full(config);
            skipping.heads()[0] = 0;
            skipping.neurons()[0] = 0;
            Transformer transformer = new Transformer(weights, SCALAR);
            KvCache cache = transformer.newCache(20);
            transformer.read(new int[] {1, 2, 3}, SubModel.of(weights, skipping), cache);
            assertThat(cache.length()).isEqualTo(3);
            transformer.read(new int[] {4}, SubModel.of(weights, Level.full(config)), cache);
            assertThat(transformer.logits()).doesNotContain(Float.NaN);
            assertThat(skipping.share(config)).isLessThan(1).isGreaterThan(0.7);
        }
    }

    @Test
    void truncatingTheCacheForgetsExactlyTheRest() {
        try (GgufFile file = GgufFile.open(NanoModel.ODD.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            Weights weights = weights(file, Order.identity(config), Precision.FLOAT);
            SubModel full = SubModel.of(weights, Level.full(config));
            Transformer transformer = new Transformer(weights, VECTOR);
            KvCache cache = transformer.newCache(200);
            transformer.read(TOKENS, full, cache);
            float[] expected = transformer.logits().clone();
            cache.truncate(70);
            transformer.read(Arrays.copyOfRange(TOKENS, 70, TOKENS.length), full, cache);
            assertThat(transformer.logits()).isEqualTo(expected);
        }
    }

    @Test
    void candidatesBelowTheFullLevelHaveTheirExactScores() {
        NanoModel manyWords = new NanoModel(2, 64, 4, 2, 16, 96, 20_000, true, TensorType.F32, 5);
        try (GgufFile file = GgufFile.open(manyWords.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            float[][] directions = new float[32][config.width()];
            for (int i = 0; i < directions.length; i++) {
                directions[i][2 * i] = 1;
            }
            Order order = Order.identity(config);
            Pack pack = new Pack("", order, List.of(), directions, Optional.empty(), "");
            Weights weights = Weights.of(config, order, new WeightPacker(file, config, pack, Precision.PACKED));
            for (Kernels kernels : new Kernels[] {SCALAR, VECTOR}) {
                Transformer transformer = new Transformer(weights, kernels);
                transformer.read(new int[] {3, 1, 4}, SubModel.of(weights, Level.full(config)), transformer.newCache(10));
                assertThat(transformer.candidates()).doesNotContain(Float.NEGATIVE_INFINITY);
                transformer.read(new int[] {3, 1, 4}, SubModel.of(weights, randomLevel(config, 1)), transformer.newCache(10));
                float[] candidates = transformer.candidates().clone();
                float[] exact = transformer.logits();
                int scored = 0;
                for (int token = 0; token < exact.length; token++) {
                    if (candidates[token] != Float.NEGATIVE_INFINITY) {
                        assertThat(candidates[token]).isEqualTo(exact[token]);
                        scored++;
                    }
                }
                assertThat(scored).isGreaterThan(Screen.CANDIDATE_ROWS - Matrix.PANEL_ROWS);
                assertThat(kernels != SCALAR || scored < exact.length / 4).isTrue();
            }
        }
    }

    @Test
    void aPackedFileHoldsTheSameWeights() throws Exception {
        try (GgufFile file = GgufFile.open(NanoModel.FOUR_BITS.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            Order order = TestWeights.shuffled(config, 11);
            WeightPacker packer = new WeightPacker(file, config, order, Precision.PACKED);
            float[] expected = logits(Weights.of(config, order, packer), Level.full(config), VECTOR);
            Path path = folder.resolve("weights.packed");
            PackedFile.write(path, config, "key", packer);
            Weights mapped = Weights.of(config, order, PackedFile.open(path, config, "key"));
            assertThat(logits(mapped, Level.full(config), VECTOR)).isEqualTo(expected);
            assertThat(mapped.layers().get(0).gate().form()).isEqualTo(Form.Q4);
            assertThat(mapped.layers().get(0).down().form()).isEqualTo(Form.Q8);
        }
    }

    private static Weights weights(GgufFile file, Order order, Precision precision) {
        ModelConfig config = ModelConfig.of(file);
        return Weights.of(config, order, new WeightPacker(file, config, order, precision));
    }

    private static float[] logits(Weights weights, Level level, Kernels kernels) {
        Transformer transformer = new Transformer(weights, kernels);
        transformer.read(TOKENS, SubModel.of(weights, level), transformer.newCache(200));
        return transformer.logits(100, 50);
    }

    private static Level randomLevel(ModelConfig config, long seed) {
        Random random = new Random(seed);
        Level level = Level.full(config);
        for (int layer = 0; layer < config.layers(); layer++) {
            level.heads()[layer] = random.nextInt(config.heads() + 1);
            level.neurons()[layer] = random.nextInt(config.neurons() + 1);
        }
        return level;
    }

    private static double meanDifference(float[] actual, float[] expected) {
        double sum = 0;
        for (int i = 0; i < expected.length; i++) {
            sum += Math.abs(actual[i] - expected[i]);
        }
        return sum / expected.length;
    }

    private static void assertClose(float[] actual, float[] expected, float tolerance) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).isCloseTo(expected[i], within(tolerance));
        }
    }
}
