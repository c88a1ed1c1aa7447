package elms.elastic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import elms.elastic.torch.Torch;
import elms.engine.NanoModel;
import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.SubModel;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import elms.kernels.jdk.VectorKernels;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ImportanceTest {
    private static final Kernels KERNELS = new VectorKernels(2);
    private static final int USELESS_HEAD = 1;
    private static final int USELESS_NEURON = 20;

    @TempDir
    Path folder;

    static Stream<NanoModel> models() {
        return Stream.of(NanoModel.ODD, NanoModel.MULTI_HEAD);
    }

    @ParameterizedTest
    @MethodSource("models")
    void unitsThatNothingReadsComeLastByTheirActivations(NanoModel nano) throws Exception {
        uselessUnitsComeLast(nano, new Importance.Activation());
    }

    @ParameterizedTest
    @MethodSource("models")
    void unitsThatNothingReadsComeLastByTheirFluctuation(NanoModel nano) throws Exception {
        uselessUnitsComeLast(nano, new Importance.Fluctuation());
    }

    @ParameterizedTest
    @MethodSource("models")
    void unitsThatNothingReadsComeLastByTheirGradients(NanoModel nano) throws Exception {
        assumeTrue(Torch.isThere(), "PyTorch's libraries are not on the class path");
        uselessUnitsComeLast(nano, new Importance.Taylor(Torch.exact(1)));
    }

    /** What is always the same is a bias's to replace. */
    @Test
    void aConstantUnitIsFirstByItsActivationsAndLastByItsFluctuation() {
        try (GgufFile file = GgufFile.open(NanoModel.ODD.write(folder))) {
            Weights weights = weights(file);
            ModelConfig config = weights.config();
            UnitStatistics statistics = new UnitStatistics(config);
            Random random = new Random(3);
            int tokens = 50;
            for (int layer = 0; layer < config.layers(); layer++) {
                float[] attended = noise(tokens * config.heads() * config.headDim(), random);
                float[] activations = noise(tokens * config.neurons(), random);
                for (int token = 0; token < tokens; token++) {
                    activations[token * config.neurons() + USELESS_NEURON] = 100;
                    for (int i = 0; i < config.headDim(); i++) {
                        attended[(token * config.heads() + USELESS_HEAD) * config.headDim() + i] = -100;
                    }
                }
                statistics.heads(layer, attended, tokens);
                statistics.neurons(layer, activations, tokens);
            }
            Order byActivation = new Importance.Activation().of(weights, statistics, List.of()).order();
            Order byFluctuation = new Importance.Fluctuation().of(weights, statistics, List.of()).order();
            assertThat(List.of(byActivation.heads())).allSatisfy(heads -> assertThat(heads).startsWith(USELESS_HEAD));
            assertThat(List.of(byActivation.neurons())).allSatisfy(neurons -> assertThat(neurons).startsWith(USELESS_NEURON));
            assertThat(List.of(byFluctuation.heads())).allSatisfy(heads -> assertThat(heads).endsWith(USELESS_HEAD));
            assertThat(List.of(byFluctuation.neurons())).allSatisfy(neurons -> assertThat(neurons).endsWith(USELESS_NEURON));
        }
    }

    private void uselessUnitsComeLast(NanoModel nano, Importance importance) throws Exception {
        Path path = folder.resolve("planted.gguf");
        GgufWriter.write(path, nano.metadata(), nano.tensors().stream().map(tensor -> {
            if (tensor.name().endsWith("attn_output.weight")) {
                return withoutColumns(tensor, USELESS_HEAD * nano.headDim(), nano.headDim());
            }
            return tensor.name().endsWith("ffn_down.weight") ? withoutColumns(tensor, USELESS_NEURON, 1) : tensor;
        }).toList());
        try (GgufFile file = GgufFile.open(path)) {
            Weights weights = weights(file);
            List<int[]> texts = texts(weights.config());
            Order order = importance.of(weights, statistics(weights, texts), texts).order();
            assertThat(List.of(order.heads())).allSatisfy(heads -> assertThat(heads).endsWith(USELESS_HEAD));
            assertThat(List.of(order.neurons())).allSatisfy(neurons -> assertThat(neurons).endsWith(USELESS_NEURON));
        }
    }

    /** A matrix of floats with zeros in some columns. */
    private static GgufWriter.Tensor withoutColumns(GgufWriter.Tensor tensor, int from, int count) {
        int columns = tensor.shape().get(0).intValue();
        return new GgufWriter.Tensor(tensor.name(), tensor.type(), tensor.shape(), () -> {
            ByteBuffer bytes = tensor.content().get();
            for (int i = 0; i < bytes.limit() / Float.BYTES; i++) {
                if (i % columns >= from && i % columns < from + count) {
                    bytes.putFloat(i * Float.BYTES, 0);
                }
            }
            return bytes;
        });
    }

    private static Weights weights(GgufFile file) {
        ModelConfig config = ModelConfig.of(file);
        Order identity = Order.identity(config);
        return Weights.of(config, identity, new WeightPacker(file, config, identity, Precision.FLOAT));
    }

    private static UnitStatistics statistics(Weights weights, List<int[]> texts) {
        UnitStatistics statistics = new UnitStatistics(weights.config());
        Transformer transformer = new Transformer(weights, KERNELS);
        for (int[] text : texts) {
            try (KvCache cache = transformer.newCache(text.length)) {
                transformer.read(text, SubModel.of(weights, Level.full(weights.config())), cache, statistics);
            }
        }
        return statistics;
    }

    private static List<int[]> texts(ModelConfig config) {
        Random random = new Random(2);
        return Stream.generate(() -> random.ints(30, 0, config.vocabulary()).toArray()).limit(3).toList();
    }

    private static float[] noise(int count, Random random) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
