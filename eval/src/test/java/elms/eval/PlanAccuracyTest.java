package elms.eval;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.NanoModel;
import elms.engine.decode.Transformer;
import elms.engine.gguf.GgufFile;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.SubModel;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import elms.kernels.ScalarKernels;
import elms.planner.Answering;
import elms.planner.Plan.Span;
import elms.text.GgufTokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlanAccuracyTest {
    private static final List<String> CHOICES = List.of("yes and yes again", "no", "a third, longer answer", "no no");

    @TempDir
    Path folder;

    @Test
    void whatWasAnsweredOnceIsNotAnsweredAgain() {
        try (GgufFile file = GgufFile.open(NanoModel.CHAT.write(folder));
                GgufTokenizer tokenizer = new GgufTokenizer(file.metadata()); Kernels kernels = new ScalarKernels(1)) {
            ModelConfig config = ModelConfig.of(file);
            Weights weights = SmolLm2.weights(file, Order.identity(config), Precision.FLOAT);
            SubModel full = SubModel.of(weights, Level.full(config));
            List<Span> spans = List.of(new Span(tokenizer.encode("Question: who\nAnswer:").ids(), full));
            Question question = new Question("Question: who\nAnswer:", CHOICES, 0);
            AnswerStore known = AnswerStore.inMemory();
            PlanAccuracy accuracy = new PlanAccuracy(new Transformer(weights, kernels), full, tokenizer, known);
            int choice = accuracy.choice(spans, Answering.steady(full), question);
            AnswerStore.Key key = AnswerStore.Key.of(spans, Answering.steady(full), CHOICES);
            float[] scores = known.find(key).orElseThrow();
            assertThat(scores).hasSize(CHOICES.size());
            int other = (choice + 1) % CHOICES.size();
            scores[other] = 0;
            assertThat(accuracy.choice(spans, Answering.steady(full), question)).isEqualTo(other);
        }
    }

    @Test
    void aPlanAnswersAsTheReadingThatItDescribes() {
        try (GgufFile file = GgufFile.open(NanoModel.CHAT.write(folder));
                GgufTokenizer tokenizer = new GgufTokenizer(file.metadata()); Kernels kernels = new ScalarKernels(1)) {
            ModelConfig config = ModelConfig.of(file);
            Weights weights = SmolLm2.weights(file, Order.identity(config), Precision.FLOAT);
            Level half = Level.full(config);
            Arrays.fill(half.neurons(), config.neurons() / 2);
            SubModel full = SubModel.of(weights, Level.full(config));
            SubModel small = SubModel.of(weights, half);
            Transformer transformer = new Transformer(weights, kernels);
            for (String context : List.of("Question: is it\nAnswer:", "Question: who\nAnswer:", "What now")) {
                int[] ids = tokenizer.encode(context).ids();
                List<Span> spans = List.of(new Span(Arrays.copyOf(ids, 4), small),
                        new Span(Arrays.copyOfRange(ids, 4, ids.length), full));
                Reading reading = new Reading(small, small, full, ids.length - 4, small);
                for (int answer = 0; answer < CHOICES.size(); answer++) {
                    Question question = new Question(context, CHOICES, answer);
                    assertThat(new PlanAccuracy(transformer, full, tokenizer, AnswerStore.inMemory())
                            .right(spans, Answering.steady(small), question))
                            .isEqualTo(new MultipleChoice(transformer, tokenizer, reading).answer(question).rightByLength());
                }
            }
        }
    }
}
