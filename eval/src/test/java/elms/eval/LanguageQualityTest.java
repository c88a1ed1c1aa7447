package elms.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import elms.engine.ElasticModel;
import elms.engine.ElmsException;
import elms.engine.NanoModel;
import elms.engine.gguf.GgufFile;
import elms.eval.LanguageQuality.LevelQuality;
import elms.eval.LanguageQuality.Report;
import elms.eval.baseline.LayerChoice;
import elms.kernels.Kernels;
import elms.kernels.ScalarKernels;
import elms.text.GgufTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LanguageQualityTest {
    private static final String QUESTION = """
            {"question": "is it", "context": "so it is", "choices": ["no", "yes, it is"], "answer": 1}
            """;

    /** Leaves out the last layers. */
    private record LastLayers(int all) implements LayerChoice {
        @Override
        public String name() {
            return "the last";
        }

        @Override
        public List<Integer> layers(int count) {
            return IntStream.range(all - count, all).boxed().toList();
        }
    }

    @TempDir
    Path folder;

    @Test
    void theFullModelDiffersInNothingFromItselfAndOthersAreComparedWithTheNearestLevel() throws IOException {
        write("qa/boolq.validation.jsonl", QUESTION.repeat(2));
        write("instruct/dolly.jsonl", """
                {"instruction": "say", "input": ""}
                {"instruction": "go", "input": "on"}
                """);
        Report report = measure();
        LevelQuality full = report.levels().getFirst();
        assertThat(full.kl()).isZero();
        assertThat(full.answers()).containsOnlyKeys("dolly", "boolq").allSatisfy((source, likeness) -> {
            assertThat(likeness.exact()).isEqualTo(1);
            assertThat(likeness.rougeL()).isEqualTo(1);
            assertThat(likeness.n()).isEqualTo(2);
        });
        LevelQuality half = report.levels().get(1);
        assertThat(half.kl()).isPositive();
        assertThat(report.baselines()).singleElement().satisfies(other -> {
            assertThat(other.against()).isEqualTo(half.share());
            assertThat(other.klDifference().mean()).isCloseTo(other.quality().kl() - half.kl(), within(1e-9));
            assertThat(other.accDifference().mean()).isCloseTo(other.quality().meanAcc() - half.meanAcc(), within(1e-9));
            assertThat(other.answerDifferences()).containsOnlyKeys("dolly", "boolq").allSatisfy((source, difference) ->
                    assertThat(difference.mean()).isCloseTo(other.quality().answers().get(source).rougeL()
                            - half.answers().get(source).rougeL(), within(1e-9)));
        });
    }

    @Test
    void withoutPromptsItSaysWhatTheFolderMustHold() {
        assertThatThrownBy(this::measure).isInstanceOf(ElmsException.class).hasMessageContaining("instruct/dolly.jsonl");
    }

    private void write(String name, String text) throws IOException {
        Files.createDirectories(folder.resolve(name).getParent());
        Files.writeString(folder.resolve(name), text);
    }

    private Report measure() throws IOException {
        write("task.jsonl", QUESTION.repeat(3));
        try (GgufFile file = GgufFile.open(NanoModel.CHAT.write(folder));
                GgufTokenizer tokenizer = new GgufTokenizer(file.metadata()); Kernels kernels = new ScalarKernels(1)) {
            ElasticModel model = NanoLevels.of(file, tokenizer);
            HeldOut heldOut = new HeldOut("two windows", List.of(tokenizer.encode("what is it that he said").ids(),
                    tokenizer.encode("and so it was said again").ids()));
            return new LanguageQuality(model, kernels, share -> {}).measure(heldOut, List.of(folder.resolve("task.jsonl")),
                    folder, 2, List.of(new LastLayers(model.config().layers())));
        }
    }
}
