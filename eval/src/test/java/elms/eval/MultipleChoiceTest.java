package elms.eval;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.NanoModel;
import elms.engine.decode.KvCache;
import elms.engine.decode.Logits;
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
import elms.text.GgufTokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MultipleChoiceTest {
    private static final String EXAMPLES = "Question: who\nAnswer: me\n\n";
    private static final List<String> CHOICES = List.of("yes and yes again", "no", "a third, longer answer", "no no");

    @TempDir
    Path folder;

    @Test
    void theLikeliestChoiceIsTheAnswerWhoeverReadsWhat() {
        try (GgufFile file = GgufFile.open(NanoModel.CHAT.write(folder)); GgufTokenizer tokenizer = new GgufTokenizer(file.metadata());
                Kernels kernels = new ScalarKernels(1)) {
            ModelConfig config = ModelConfig.of(file);
            Weights weights = SmolLm2.weights(file, Order.identity(config), Precision.FLOAT);
            Level half = Level.full(config);
            Arrays.fill(half.neurons(), config.neurons() / 2);
            SubModel full = SubModel.of(weights, Level.full(config));
            SubModel small = SubModel.of(weights, half);
            for (Reading reading : List.of(Reading.all(full), new Reading(small, full, full, 1, small),
                    new Reading(small, small, full, 5, full))) {
                Transformer transformer = new Transformer(weights, kernels);
                double[] scores = CHOICES.stream().mapToDouble(choice -> score(transformer, tokenizer, reading, choice)).toArray();
                double[] byLength = IntStream.range(0, scores.length).mapToDouble(i -> scores[i] / CHOICES.get(i).length()).toArray();
                for (int answer = 0; answer < CHOICES.size(); answer++) {
                    MultipleChoice.Answer given = new MultipleChoice(transformer, tokenizer, reading)
                            .answer(EXAMPLES, new Question("Question: is it\nAnswer:", CHOICES, answer));
                    assertThat(given.right()).isEqualTo(scores[answer] == Arrays.stream(scores).max().orElseThrow());
                    assertThat(given.rightByLength()).isEqualTo(byLength[answer] == Arrays.stream(byLength).max().orElseThrow());
                }
            }
        }
    }

    @Test
    void examplesThatAreReadOnceChangeNoAnswer() {
        try (GgufFile file = GgufFile.open(NanoModel.CHAT.write(folder));
                GgufTokenizer tokenizer = new GgufTokenizer(file.metadata()); Kernels kernels = new ScalarKernels(1)) {
            ModelConfig config = ModelConfig.of(file);
            Weights weights = SmolLm2.weights(file, Order.identity(config), Precision.FLOAT);
            Level half = Level.full(config);
            Arrays.fill(half.neurons(), config.neurons() / 2);
            SubModel full = SubModel.of(weights, Level.full(config));
            Transformer transformer = new Transformer(weights, kernels);
            Reading reading = Reading.butTheEnd(SubModel.of(weights, half), 9, full, full);
            List<Question> questions = Stream.of("is it", "who", "a question that is longer than the end", "is it not", "why")
                    .flatMap(asked -> IntStream.range(0, CHOICES.size())
                            .mapToObj(answer -> new Question("Question: " + asked + "\nAnswer:", CHOICES, answer))).toList();
            try (MultipleChoice together = new MultipleChoice(transformer, tokenizer, reading)) {
                for (Question question : questions) {
                    try (MultipleChoice alone = new MultipleChoice(transformer, tokenizer, reading)) {
                        assertThat(together.answer(EXAMPLES, question)).isEqualTo(alone.answer(EXAMPLES, question));
                    }
                }
            }
        }
    }

    /** Token by token. */
    private static double score(Transformer transformer, GgufTokenizer tokenizer, Reading reading, String choice) {
        int examples = tokenizer.encode(EXAMPLES).length();
        int context = tokenizer.encode(EXAMPLES + "Question: is it\nAnswer:").length();
        int[] ids = tokenizer.encode(EXAMPLES + "Question: is it\nAnswer: " + choice).ids();
        double sum = 0;
        try (KvCache cache = transformer.newCache(ids.length)) {
            for (int i = 0; i < ids.length - 1; i++) {
                SubModel level = i >= context ? reading.answer() : i >= context - reading.endTokens() ? reading.end()
                        : i >= examples ? reading.question() : reading.examples();
                if (i < context) {
                    transformer.read(new int[] {ids[i]}, level, cache);
                } else {
                    transformer.step(ids[i], level, cache);
                }
                float[] logits = transformer.logits();
                sum += i >= context - 1 ? Logits.logProbability(logits, 0, logits.length, ids[i + 1]) : 0;
            }
        }
        return sum;
    }
}
