package elms.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import elms.engine.ElasticModel;
import elms.engine.NanoModel;
import elms.engine.decode.Transformer;
import elms.engine.gguf.GgufFile;
import elms.eval.SpanQuality.PlanQuality;
import elms.kernels.Kernels;
import elms.kernels.ScalarKernels;
import elms.text.GgufTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpanQualityTest {
    private static final int QUESTIONS = 8;

    @TempDir
    Path folder;

    @Test
    void everyPlanIsComparedWithTheFullModelAndWithItsRival() throws IOException {
        Path task = folder.resolve("task.jsonl");
        Files.writeString(task, IntStream.range(0, QUESTIONS).mapToObj(i -> """
                {"question": "is it %d", "choices": ["no", "yes, it is", "who"], "answer": %d}
                """.formatted(i, i % 3)).collect(Collectors.joining()));
        try (GgufFile file = GgufFile.open(NanoModel.CHAT.write(folder));
                GgufTokenizer tokenizer = new GgufTokenizer(file.metadata()); Kernels kernels = new ScalarKernels(1)) {
            ElasticModel model = NanoLevels.of(file, tokenizer);
            List<PlanQuality> plans = new SpanQuality(model, kernels, share -> {}).measure(List.of(task), 2).plans();
            PlanQuality full = plans.getFirst();
            assertThat(full.difference()).isEqualTo(new PairedDifference(0, 0));
            assertThat(full.accNorm()).isEqualTo(fullModel(model, kernels, task));
            for (PlanQuality plan : plans) {
                PlanQuality rival = plans.stream().filter(other -> other.plan().equals(plan.against())).findFirst().orElseThrow();
                assertThat(plan.difference().mean()).isCloseTo(plan.accNorm() - full.accNorm(), within(1e-12));
                assertThat(plan.differenceFromIt().mean()).isCloseTo(plan.accNorm() - rival.accNorm(), within(1e-12));
            }
        }
    }

    /** Share of the first two questions that are answered rightly behind the last five. */
    private static double fullModel(ElasticModel model, Kernels kernels, Path task) {
        List<Question> all = Question.read(task, Long.MAX_VALUE);
        String examples = Question.examples(all.subList(QUESTIONS - SpanPlan.SHOTS, QUESTIONS));
        try (MultipleChoice choice = new MultipleChoice(new Transformer(model.weights(), kernels), model.tokenizer(),
                Reading.all(model.full()))) {
            return all.subList(0, 2).stream().filter(question -> choice.answer(examples, question).rightByLength()).count() / 2.0;
        }
    }
}
