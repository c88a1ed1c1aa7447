package elms.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import elms.engine.NanoModel;
import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.gguf.GgufFile;
import elms.engine.model.WeightPacker.Precision;
import elms.kernels.Adapter;
import elms.kernels.Form;
import elms.kernels.Kernels;
import elms.kernels.Matrix;
import elms.kernels.MatrixPacker;
import elms.kernels.ScalarKernels;
import elms.kernels.jdk.VectorKernels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Levels with adapters, norms and biases of their own. */
class RecoveredLevelTest {
    private static final int RANK = 5;
    private static final int[] TOKENS = new Random(4).ints(60, 0, 60).toArray();
    private static final Kernels SCALAR = new ScalarKernels(1);
    private static final Kernels VECTOR = new VectorKernels(2);

    @TempDir
    Path folder;

    static Stream<NanoModel> models() {
        return Stream.of(NanoModel.ODD, NanoModel.MULTI_HEAD, NanoModel.FOUR_BITS);
    }

    @ParameterizedTest
    @MethodSource("models")
    void adaptersAreWhatTheyWouldBeMergedIntoTheWeights(NanoModel model) {
        try (GgufFile file = GgufFile.open(model.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            Order order = TestWeights.shuffled(config, 3);
            Pack pack = TestRecovery.pack(config, order, Level.full(config), RANK, 5);
            Weights weights = Weights.of(config, order, new WeightPacker(file, config, pack, Precision.FLOAT));
            Level tuned = pack.levels().get(0);
            Tuning own = tuned.tuning().orElseThrow();
            Level biasesOnly = tuned.with(new Tuning(0, own.attentionNorm(), own.attentionBias(), own.feedForwardNorm(),
                    own.feedForwardBias()));
            float[] expected = logits(merged(weights), biasesOnly, SCALAR);
            assertClose(logits(weights, tuned, SCALAR), expected);
            assertClose(logits(weights, tuned, VECTOR), expected);
            assertThat(logits(weights, Level.full(config), SCALAR)[7]).isNotCloseTo(expected[7], within(1e-2f));
        }
    }

    @Test
    void aPackAndAPackedFileHoldTheAdapters() throws Exception {
        try (GgufFile file = GgufFile.open(NanoModel.FOUR_BITS.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            Order order = TestWeights.shuffled(config, 6);
            Pack pack = TestRecovery.pack(config, order, narrow(config), RANK, 7);
            pack.write(folder.resolve("test.pack"));
            Pack read = Pack.read(folder.resolve("test.pack"), config, "0123");
            WeightPacker packer = new WeightPacker(file, config, read, Precision.PACKED);
            float[] expected = logits(Weights.of(config, order, packer), read.levels().get(0), VECTOR);
            PackedFile.write(folder.resolve("test.weights"), config, "key", packer);
            Weights mapped = Weights.of(config, order, PackedFile.open(folder.resolve("test.weights"), config, "key"));
            assertThat(logits(mapped, read.levels().get(0), VECTOR)).isEqualTo(expected);
            float[] unwritten = logits(Weights.of(config, order, new WeightPacker(file, config, pack, Precision.PACKED)),
                    pack.levels().get(0), VECTOR);
            for (int i = 0; i < expected.length; i++) {
                assertThat(unwritten[i]).isCloseTo(expected[i], within(0.1f));
            }
            assertThat(read.levels().get(0).share(config)).isGreaterThan(narrow(config).share(config));
        }
    }

    @Test
    void chunksDoNotChangeATokensBits() {
        try (GgufFile file = GgufFile.open(NanoModel.FOUR_BITS.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            Pack pack = TestRecovery.pack(config, Order.identity(config), narrow(config), RANK, 8);
            Weights weights = Weights.of(config, pack.order(), new WeightPacker(file, config, pack, Precision.PACKED));
            float[] expected = logits(weights, pack.levels().get(0), VECTOR);
            Transformer transformer = new Transformer(weights, VECTOR);
            KvCache cache = transformer.newCache(TOKENS.length);
            for (int token : TOKENS) {
                transformer.read(new int[] {token}, SubModel.of(weights, pack.levels().get(0)), cache);
            }
            assertThat(transformer.logits()).isEqualTo(expected);
        }
    }

    @Test
    void aLevelBeyondTheAdaptersRankIsRefused() throws Exception {
        try (GgufFile file = GgufFile.open(NanoModel.ODD.write(folder))) {
            ModelConfig config = ModelConfig.of(file);
            Pack pack = TestRecovery.pack(config, Order.identity(config), narrow(config), RANK, 9);
            new Pack("0123", pack.order(), pack.levels(), new float[0][], Optional.empty(), "").write(folder.resolve("test.pack"));
            assertThatThrownBy(() -> Pack.read(folder.resolve("test.pack"), config, "0123")).hasMessageContaining("rank 5");
        }
    }

    /** A layer without heads, another without neurons, and widths between. */
    private static Level narrow(ModelConfig config) {
        Level level = Level.full(config);
        Arrays.setAll(level.heads(), layer -> layer == 1 ? 0 : Math.max(1, config.heads() - layer));
        Arrays.setAll(level.neurons(), layer -> layer == 2 ? 0 : config.neurons() - 32);
        return level;
    }

    private static float[] logits(Weights weights, Level level, Kernels kernels) {
        Transformer transformer = new Transformer(weights, kernels);
        transformer.read(TOKENS, SubModel.of(weights, level), transformer.newCache(TOKENS.length));
        return transformer.logits().clone();
    }

    private static Weights merged(Weights weights) {
        List<Weights.Layer> layers = new ArrayList<>();
        for (Weights.Layer layer : weights.layers()) {
            Adapter attention = layer.adapters().get(Place.ATTENTION_INPUT);
            Adapter feedForward = layer.adapters().get(Place.FEED_FORWARD_INPUT);
            layers.add(new Weights.Layer(layer.attentionNorm(), behind(layer.q(), attention), behind(layer.k(), attention),
                    behind(layer.v(), attention), beside(layer.o(), layer.adapters().get(Place.ATTENTION_OUTPUT)),
                    layer.feedForwardNorm(), behind(layer.gate(), feedForward), behind(layer.up(), feedForward),
                    beside(layer.down(), layer.adapters().get(Place.FEED_FORWARD_OUTPUT)), Map.of()));
        }
        return new Weights(weights.config(), weights.order(), weights.embedding(), layers, weights.outputNorm(), weights.output(),
                weights.screen(), weights.ropeFrequencies());
    }

    /** W · (1 + adapter), row by row. */
    private static Matrix behind(Matrix w, Adapter adapter) {
        float[][] adapted = matrix(adapter);
        return changed(w, row -> {
            float[] sum = row.clone();
            for (int i = 0; i < row.length; i++) {
                for (int column = 0; column < row.length; column++) {
                    sum[column] += row[i] * adapted[i][column];
                }
            }
            return sum;
        });
    }

    /** W + adapter. */
    private static Matrix beside(Matrix w, Adapter adapter) {
        float[][] adapted = matrix(adapter);
        int[] next = {0};
        return changed(w, row -> {
            float[] sum = row.clone();
            for (int column = 0; column < row.length; column++) {
                sum[column] += adapted[next[0]][column];
            }
            next[0]++;
            return sum;
        });
    }

    /** up · down as one matrix: what the adapter makes of unit vectors. */
    private static float[][] matrix(Adapter adapter) {
        float[][] rows = new float[adapter.bias().length][adapter.columns()];
        for (int column = 0; column < adapter.columns(); column++) {
            float[] unit = new float[adapter.columns()];
            unit[column] = 1;
            float[] out = new float[rows.length];
            adapter.apply(unit, 0, 1, out);
            for (int row = 0; row < rows.length; row++) {
                rows[row][column] = out[row];
            }
        }
        return rows;
    }

    private static Matrix changed(Matrix w, UnaryOperator<float[]> change) {
        MatrixPacker packer = new MatrixPacker(Form.F32, w.rows(), w.columns());
        for (int r = 0; r < w.rows(); r++) {
            float[] row = new float[w.columns()];
            w.readRow(r, row, 0);
            packer.putRow(r, change.apply(row));
        }
        return packer.matrix();
    }

    private static void assertClose(float[] actual, float[] expected) {
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).isCloseTo(expected[i], within(1e-3f));
        }
    }
}
