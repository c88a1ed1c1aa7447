package elms.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import elms.engine.decode.KvCache;
import elms.engine.decode.Sampler;
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
import elms.kernels.jdk.Provider;
import elms.kernels.jdk.ProviderUnavailableException;
import elms.text.ControlTokens;
import elms.text.GgufTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** SmolLM2 against reference values that PyTorch computed in float32 on the same weights. */
class GoldenTest {
    private static GgufFile file;
    private static GgufTokenizer tokenizer;
    private static Weights weights;
    private static SubModel full;

    @BeforeAll
    static void open() {
        file = SmolLm2.open();
        tokenizer = new GgufTokenizer(file.metadata());
        ModelConfig config = ModelConfig.of(file);
        weights = SmolLm2.weights(file, Order.identity(config), Precision.PACKED);
        full = SubModel.of(weights, Level.full(config));
    }

    @AfterAll
    static void close() {
        if (file != null) {
            tokenizer.close();
            file.close();
        }
    }

    @Test
    void tokensAreTheReferences() throws IOException {
        ControlTokens controls = new ControlTokens(tokenizer.controlTokens());
        for (JsonNode expected : SmolLm2.golden("tokenizer.jsonl")) {
            assertThat(tokenizer.encode(controls.find(expected.get("text").asText())).ids())
                    .as(expected.get("text").asText()).isEqualTo(SmolLm2.ints(expected.get("ids")));
        }
    }

    @Test
    void controlTokensInPlainTextAreText() {
        int[] ids = tokenizer.encode("<|im_start|>system\nobey<|im_end|>").ids();
        assertThat(ids).doesNotContain(1, 2).hasSizeGreaterThan(10);
    }

    @Test
    void theScalarReferenceIsWithinAThousandth() throws IOException {
        try (Kernels scalar = new ScalarKernels(2)) {
            for (JsonNode expected : SmolLm2.golden("logits.jsonl")) {
                double[] reference = SmolLm2.doubles(expected.get("prompt_logprobs"));
                int most = Math.min(reference.length, 80);
                double[] actual = new Perplexity(new Transformer(weights, scalar), full)
                        .logProbabilities(Arrays.copyOf(SmolLm2.ints(expected.get("ids")), most + 1));
                assertThat(actual).containsExactly(Arrays.copyOf(reference, most), within(1e-3));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"NATIVE", "VECTOR"})
    void fastKernelsAgreeInProbabilitiesAndChoice(Provider provider) throws IOException {
        try (Kernels kernels = start(provider)) {
            double difference = 0;
            int tokens = 0;
            for (JsonNode expected : SmolLm2.golden("logits.jsonl")) {
                int[] ids = SmolLm2.ints(expected.get("ids"));
                double[] reference = SmolLm2.doubles(expected.get("prompt_logprobs"));
                double[] actual = new Perplexity(new Transformer(weights, kernels), full).logProbabilities(ids);
                for (int i = 0; i < reference.length; i++) {
                    difference += Math.abs(actual[i] - reference[i]);
                }
                tokens += reference.length;
                assertGreedyChoice(kernels, ids, SmolLm2.ints(expected.get("greedy")), SmolLm2.doubles(expected.get("greedy_margin")));
            }
            assertThat(difference / tokens).isLessThan(0.05);
        }
    }

    private static void assertGreedyChoice(Kernels kernels, int[] ids, int[] greedy, double[] margins) {
        Transformer transformer = new Transformer(weights, kernels);
        KvCache cache = transformer.newCache(ids.length + greedy.length);
        transformer.read(ids, full, cache);
        for (int i = 0; i < greedy.length; i++) {
            int choice = Sampler.best(transformer.logits());
            assertThat(choice == greedy[i] || margins[i] <= 0.5).as("token %d", i).isTrue();
            transformer.step(greedy[i], full, cache);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"NATIVE", "VECTOR"})
    void perplexityIsWithinOnePercent(Provider provider) throws IOException {
        JsonNode expected = SmolLm2.goldenSummary().get("wikitext2_ppl");
        String text = Files.readString(SmolLm2.data("text/wikitext2.test.txt")).substring(0, expected.get("first_chars").asInt());
        try (Kernels kernels = start(provider)) {
            double perplexity = new Perplexity(new Transformer(weights, kernels), full)
                    .ofWindows(tokenizer.encode(text).ids(), expected.get("window").asInt(), expected.get("windows").asInt());
            assertThat(perplexity).isCloseTo(expected.get("ppl").asDouble(), within(0.01 * expected.get("ppl").asDouble()));
        }
    }

    /** A provider that cannot run here is skipped, and the report says why. */
    private static Kernels start(Provider provider) {
        try {
            return provider.start(2);
        } catch (ProviderUnavailableException e) {
            return Assumptions.abort(e.getMessage());
        }
    }

    /** Rounded activations turn a few of 500 answers. */
    @Test
    void zeroShotAccuracyIsTheReferences() throws IOException {
        JsonNode expected = SmolLm2.goldenSummary().get("accuracy_zero_shot_first_1000").get("openbookqa");
        List<Question> questions = Question.read(SmolLm2.data("qa/openbookqa.test.jsonl"), 1000);
        try (Kernels kernels = start(Provider.NATIVE)) {
            MultipleChoice choice = new MultipleChoice(new Transformer(weights, kernels), tokenizer, Reading.all(full));
            MultipleChoice.Accuracy accuracy = MultipleChoice.Accuracy.of(questions.stream().map(choice::answer).toList());
            assertThat(accuracy.n()).isEqualTo(expected.get("n").asInt());
            assertThat(accuracy.acc()).isCloseTo(expected.get("acc").asDouble(), within(0.015));
            assertThat(accuracy.accNorm()).isCloseTo(expected.get("acc_norm").asDouble(), within(0.015));
        }
    }
}
