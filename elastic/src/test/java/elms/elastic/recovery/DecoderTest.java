package elms.elastic.recovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import elms.elastic.torch.Adam;
import elms.elastic.torch.Tensors;
import elms.elastic.torch.Torch;
import elms.engine.NanoModel;
import elms.engine.decode.KvCache;
import elms.engine.decode.Transformer;
import elms.engine.gguf.GgufFile;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Pack;
import elms.engine.model.SubModel;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import elms.kernels.jdk.VectorKernels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is trained is what will run: PyTorch's forward pass agrees with ours. */
class DecoderTest {
    private static final Kernels KERNELS = new VectorKernels(2);

    @TempDir
    Path folder;

    @BeforeAll
    static void needsPyTorch() {
        assumeTrue(Torch.isThere(), "PyTorch's libraries are not on the class path");
    }

    static Stream<NanoModel> models() {
        return Stream.of(NanoModel.ODD, NanoModel.MULTI_HEAD, NanoModel.FOUR_BITS);
    }

    @ParameterizedTest
    @MethodSource("models")
    void everyLevelPredictsWhatTheEnginePredicts(NanoModel nano) throws Exception {
        Path model = nano.write(folder);
        ModelConfig config = RecoveryFixture.config(model);
        Checkpoint checkpoint = new Checkpoint(folder.resolve("recovery"));
        Pack pack = RecoveryFixture.begun(checkpoint, config);
        Weights weights = RecoveryFixture.weights(model, pack);
        List<int[]> texts = RecoveryFixture.texts(config).subList(0, 2);
        int length = texts.get(0).length;
        try (PointerScope scope = new PointerScope(); NoGradGuard guard = new NoGradGuard();
                GgufFile state = GgufFile.open(checkpoint.state())) {
            Decoder decoder = new Decoder(weights, Torch.exact(1).type());
            Adam trained = Checkpoint.trained(state);
            List<Student> students = new ArrayList<>(Student.of(pack.levels(), config, trained::value));
            Student full = Student.full(config);
            students.add(full);
            List<Level> levels = new ArrayList<>(pack.levels());
            levels.add(Level.full(config));
            for (int i = 0; i < levels.size(); i++) {
                for (int cut : new int[] {length, length / 2, 1}) {
                    float[] probabilities = Tensors.floats(decoder.probabilities(decoder.hidden(texts, students.get(i), full, cut)));
                    for (int text = 0; text < texts.size(); text++) {
                        float[] own = Arrays.copyOfRange(probabilities, text * length * config.vocabulary(),
                                (text + 1) * length * config.vocabulary());
                        agree(own, engine(weights, texts.get(text), levels.get(i), cut), config.vocabulary());
                    }
                }
            }
        }
    }

    private static void agree(float[] probabilities, float[] logits, int vocabulary) {
        for (int from = 0; from < logits.length; from += vocabulary) {
            double sum = 0;
            for (int i = from; i < from + vocabulary; i++) {
                sum += Math.exp(logits[i]);
            }
            for (int i = from; i < from + vocabulary; i++) {
                assertThat(Math.log(probabilities[i])).isCloseTo(logits[i] - Math.log(sum), within(1e-3));
            }
        }
    }

    /** Scores after each token, when a level reads the first and the full model the rest. */
    private static float[] engine(Weights weights, int[] text, Level level, int cut) {
        Transformer transformer = new Transformer(weights, KERNELS);
        float[] logits = new float[text.length * weights.config().vocabulary()];
        try (KvCache cache = transformer.newCache(text.length)) {
            transformer.read(Arrays.copyOf(text, cut), SubModel.of(weights, level), cache);
            float[] first = transformer.logits(0, cut);
            System.arraycopy(first, 0, logits, 0, first.length);
            if (cut < text.length) {
                transformer.read(Arrays.copyOfRange(text, cut, text.length), SubModel.of(weights, Level.full(weights.config())), cache);
                float[] rest = transformer.logits(0, text.length - cut);
                System.arraycopy(rest, 0, logits, first.length, rest.length);
            }
        }
        return logits;
    }
}
