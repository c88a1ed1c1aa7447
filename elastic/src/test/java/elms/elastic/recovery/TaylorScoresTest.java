package elms.elastic.recovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import elms.elastic.UnitScores;
import elms.elastic.torch.Tensors;
import elms.elastic.torch.Torch;
import elms.engine.NanoModel;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.TensorType;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TaylorScoresTest {
    /** Of a weight, by which it is changed up and down. */
    private static final double STEP = 0.1;
    private static final int LENGTH = 8;
    private static final int LAYER = 1;
    private static final int UNIT = 2;

    @TempDir
    Path folder;

    @BeforeAll
    static void needsPyTorch() {
        assumeTrue(Torch.isThere(), "PyTorch's libraries are not on the class path");
    }

    /** Smaller than the usual ones, since each weight is tried; with grouped queries and without. */
    static Stream<NanoModel> models() {
        return Stream.of(new NanoModel(2, 12, 4, 2, 6, 9, 31, true, TensorType.F32, 5),
                new NanoModel(2, 12, 3, 3, 4, 7, 29, false, TensorType.F32, 6));
    }

    @ParameterizedTest
    @MethodSource("models")
    void scoresAreWhatEachWeightOfAUnitChangesTheLossBy(NanoModel nano) {
        try (GgufFile file = GgufFile.open(nano.write(folder)); PointerScope scope = new PointerScope()) {
            ModelConfig config = ModelConfig.of(file);
            Order identity = Order.identity(config);
            Weights weights = Weights.of(config, identity, new WeightPacker(file, config, identity, Precision.FLOAT));
            Student full = Student.full(config);
            List<int[]> texts = RecoveryFixture.texts(config).stream().limit(2).map(text -> Arrays.copyOf(text, LENGTH)).toList();
            UnitScores scores = TaylorScores.of(new Decoder(weights, Torch.exact(1).type()), config, texts);
            Decoder decoder = new Decoder(weights, Torch.exact(1).type());
            Decoder.Block block = decoder.blocks().get(LAYER);
            int dims = config.headDim();
            int first = UNIT * dims;
            ToDoubleFunction<Tensor> changes = part -> changes(decoder, full, texts, part);
            double head = Stream.of(block.q().narrow(0, first, dims), block.o().narrow(1, first, dims)).mapToDouble(changes).sum();
            double neuron = Stream.of(block.gate().narrow(0, UNIT, 1), block.up().narrow(0, UNIT, 1), block.down().narrow(1, UNIT, 1))
                    .mapToDouble(changes).sum();
            assertThat(scores.heads()[LAYER][UNIT]).isCloseTo(head, within(0.02 * head));
            assertThat(scores.neurons()[LAYER][UNIT]).isCloseTo(neuron, within(0.02 * neuron));
        }
    }

    /** Sum over the weights of how the loss changes with them, up and down, as a share of the step. */
    private static double changes(Decoder decoder, Student full, List<int[]> texts, Tensor part) {
        double sum = 0;
        for (long row = 0; row < part.size(0); row++) {
            for (long column = 0; column < part.size(1); column++) {
                try (PointerScope scope = new PointerScope(); NoGradGuard guard = new NoGradGuard()) {
                    Tensor weight = part.narrow(0, row, 1).narrow(1, column, 1);
                    Tensor before = weight.clone();
                    weight.mul_(Tensors.scalar(1 + STEP));
                    double more = loss(decoder, full, texts);
                    weight.copy_(before).mul_(Tensors.scalar(1 - STEP));
                    double less = loss(decoder, full, texts);
                    weight.copy_(before);
                    sum += Math.abs(more - less) / (2 * STEP);
                }
            }
        }
        return sum;
    }

    /** Mean loss a token; the texts are of one length. */
    private static double loss(Decoder decoder, Student full, List<int[]> texts) {
        int length = texts.get(0).length;
        float[] probabilities = Tensors.floats(decoder.probabilities(decoder.hidden(texts, full, full, length)));
        int vocabulary = probabilities.length / length / texts.size();
        return IntStream.range(0, length * texts.size()).filter(i -> i % length > 0)
                .mapToDouble(i -> -Math.log(probabilities[(i - 1) * vocabulary + texts.get(i / length)[i % length]])).average()
                .orElseThrow();
    }
}
