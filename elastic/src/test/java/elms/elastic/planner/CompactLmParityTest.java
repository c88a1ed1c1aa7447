package elms.elastic.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import elms.elastic.torch.Adam;
import elms.elastic.torch.Tensors;
import elms.elastic.torch.Torch;
import elms.engine.ElmsException;
import elms.engine.gguf.FloatRows;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.GgufWriter;
import elms.engine.gguf.TensorType;
import elms.engine.text.Encoding;
import elms.engine.text.Range;
import elms.kernels.Kernels;
import elms.kernels.ScalarKernels;
import elms.planner.compact.CompactLm;
import elms.planner.compact.CompactWeights;
import elms.planner.compact.Opinion;
import elms.text.WordPieceTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The encoder that is trained and the one that runs are the same, and both begin as MiniLM. */
class CompactLmParityTest {
    private static final String TEXT = "The planner reads a prompt before the model does. What does it say?";

    @TempDir
    Path folder;

    @BeforeAll
    static void needsTorch() {
        assumeTrue(Torch.isThere(), "PyTorch's libraries are not on the class path");
        Torch.exact(1);
    }

    @Test
    void whatRunsScoresAsWhatWasTrained() throws IOException {
        try (PointerScope scope = new PointerScope(); Kernels kernels = new ScalarKernels(1)) {
            MiniLm start = MiniLm.load();
            Words words = Words.of(start, new int[start.vocabulary().length], 4000);
            Adam adam = new Adam(name -> 0);
            TrainedEncoder encoder = new TrainedEncoder(start, adam);
            Map<String, float[][]> trained = new TreeMap<>(DecisionTraining.tensors(adam));
            float[] head = new float[MiniLm.WIDTH];
            for (int i = 0; i < head.length; i++) {
                head[i] = (float) Math.sin(i);
            }
            trained.put(CompactWeights.SCORE + ".weight", new float[][] {head});
            PlannerFile file = PlannerFile.undecided(words, encoder.positions(), trained);
            GgufWriter.write(folder.resolve("planner.gguf"), file.metadata(), file.tensors());
            try (GgufFile written = GgufFile.open(folder.resolve("planner.gguf"));
                    WordPieceTokenizer pieces = new WordPieceTokenizer(words.vocabulary())) {
                Opinion opinion = new CompactLm(CompactWeights.read(written), pieces::encode, kernels)
                        .read(TEXT, List.of(new Range(0, TEXT.indexOf("What"))));
                Tensor stream = encoder.layer(embedded(encoder, words, pieces.encode(TEXT)));
                float[] rows = Tensors.floats(stream);
                for (int i = 0; i < opinion.keep().length; i++) {
                    double expected = 0;
                    for (int column = 0; column < MiniLm.WIDTH; column++) {
                        expected += head[column] * rows[(i + 1) * MiniLm.WIDTH + column];
                    }
                    assertThat((double) opinion.keep()[i]).isCloseTo(expected, within(0.2));
                }
            }
        }
    }

    @Test
    void aPlannerOfAnEarlierVersionIsToBeMadeAnew() throws IOException {
        Path pack = folder.resolve("old.pack");
        GgufWriter.write(pack, Map.of(), List.of(FloatRows.tensor(CompactWeights.WORDS, TensorType.F32, new float[1][32]),
                FloatRows.tensor("planner.blk.0.query.weight", TensorType.F32, new float[1][32])));
        try (GgufFile file = GgufFile.open(pack)) {
            assertThatThrownBy(() -> CompactWeights.isIn(file)).isInstanceOf(ElmsException.class)
                    .hasMessageContaining("make it anew with elms elasticize");
        }
    }

    private static Tensor embedded(TrainedEncoder encoder, Words words, Encoding pieces) {
        IntStream begun = IntStream.concat(IntStream.of(words.begin()), Arrays.stream(pieces.ids()));
        int[] ids = IntStream.concat(begun, IntStream.of(words.end())).toArray();
        int[] kinds = new int[ids.length];
        Arrays.setAll(kinds, i -> i > 0 && i < ids.length - 1 && pieces.starts()[i - 1] < TEXT.indexOf("What") ? 0 : 1);
        return encoder.embed(Tensors.of(words.rows(ids), ids.length, MiniLm.WIDTH), kinds);
    }

    /** Numbers of ONNX Runtime 1.32 for {@code [CLS] hello world [SEP]}, behind the layer's attention. */
    @Test
    void theFileIsReadAsOnnxRuntimeReadsIt() {
        try (PointerScope scope = new PointerScope()) {
            MiniLm start = MiniLm.load();
            int[] ids = IntStream.of(101, 7592, 2088, 102).toArray();
            float[] words = new float[ids.length * MiniLm.WIDTH];
            for (int i = 0; i < ids.length; i++) {
                System.arraycopy(start.embedding("word"), ids[i] * MiniLm.WIDTH, words, i * MiniLm.WIDTH, MiniLm.WIDTH);
            }
            TrainedEncoder encoder = new TrainedEncoder(start, new Adam(name -> 0));
            Tensor embedded = encoder.embed(Tensors.of(words, ids.length, MiniLm.WIDTH), new int[ids.length]);
            float[] rows = Tensors.floats(encoder.attended(embedded));
            assertThat(Arrays.copyOfRange(rows, MiniLm.WIDTH, MiniLm.WIDTH + 6)).containsExactly(
                    new float[] {-0.31697333f, 0.9591659f, 0.41862777f, 0.12948477f, -0.14649302f, 0.8511057f}, within(1e-4f));
            assertThat(Arrays.copyOfRange(rows, 4 * MiniLm.WIDTH - 6, 4 * MiniLm.WIDTH)).containsExactly(
                    new float[] {-0.19380668f, 0.29555786f, -0.24207056f, -0.21794349f, 0.18130395f, -0.46248576f}, within(1e-4f));
            assertThat(start.largestNeurons(0, 768)).hasSize(768).isSorted().doesNotHaveDuplicates();
        }
    }
}
