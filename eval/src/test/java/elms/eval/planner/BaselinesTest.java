package elms.eval.planner;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.ElasticModel;
import elms.engine.NanoModel;
import elms.engine.gguf.GgufFile;
import elms.engine.model.Level;
import elms.engine.model.ModelConfig;
import elms.engine.model.Order;
import elms.engine.model.SubModel;
import elms.engine.model.WeightPacker;
import elms.engine.model.WeightPacker.Precision;
import elms.engine.model.Weights;
import elms.engine.text.Encoding;
import elms.engine.text.Range;
import elms.engine.text.RenderedChat;
import elms.planner.Assignment;
import elms.planner.Decision;
import elms.planner.LatencyModel;
import elms.planner.PlanShape;
import elms.planner.Prompt;
import elms.planner.Settling;
import elms.planner.Shaper;
import elms.planner.compact.Opinion;
import elms.text.GgufTokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BaselinesTest {
    /** Time is proportional to the weights read. */
    private static final LatencyModel LATENCY =
            new LatencyModel(new double[] {0, 0, 100, 0, 0}, new double[] {0, 1000, 0, 0}, 1, 1, Settling.NONE);
    private static final String EXAMPLES = "Question: is it so\nAnswer: yes, it is so today.\n\n".repeat(5);
    private static final String QUESTION = "Question: who is it\nAnswer:";

    @TempDir
    Path folder;

    private GgufFile file;
    private GgufTokenizer tokenizer;
    private ElasticModel model;
    private Prompt prompt;
    private Baselines baselines;

    @BeforeEach
    void load() {
        file = GgufFile.open(NanoModel.CHAT.write(folder));
        tokenizer = new GgufTokenizer(file.metadata());
        ModelConfig config = ModelConfig.of(file);
        Order order = Order.identity(config);
        Weights weights = Weights.of(config, order, new WeightPacker(file, config, order, Precision.FLOAT));
        List<SubModel> levels = new ArrayList<>(List.of(SubModel.of(weights, Level.full(config))));
        for (double share : new double[] {0.8, 0.6, 0.4}) {
            Level level = Level.full(config);
            Arrays.fill(level.neurons(), (int) (share * config.neurons()));
            Arrays.fill(level.heads(), (int) Math.round(share * config.heads()));
            levels.add(SubModel.of(weights, level));
        }
        model = new ElasticModel("nano", weights, levels, tokenizer, messages -> new RenderedChat("", List.of()));
        Encoding encoding = tokenizer.encode(EXAMPLES + QUESTION);
        prompt = new Prompt(EXAMPLES + QUESTION, encoding, List.of(new Range(0, EXAMPLES.length())));
        Opinion opinion = new Opinion(encoding, new float[encoding.length()], new float[0], new float[Decision.OUTPUTS]);
        baselines = new Baselines(model, prompt, new Shaper(prompt, opinion, model.levels()));
    }

    @AfterEach
    void close() {
        tokenizer.close();
        file.close();
    }

    private Limits limits(SloPair slo) {
        return new Limits(model, LATENCY, prompt, slo, 0);
    }

    @Test
    void everyWayKeepsTheSloWhereAPairOfThePapersFormDoes() {
        double[] worth = new Random(1).doubles(PlanShape.WORDS.size()).toArray();
        for (SloPair slo : SloPair.combinations()) {
            Limits limits = limits(slo);
            boolean level = model.levels().stream().anyMatch(each -> limits.keeps(new Way(Assignment.all(prompt, each), each)));
            Random random = new Random(slo.ttft() + slo.tpot());
            assertThat(baselines.fixed(limits).stream().flatMap(Optional::stream)).allMatch(limits::keeps);
            if (level) {
                assertThat(Stream.of(baselines.levelOnly(limits), baselines.independent(limits, worth), baselines.promptOnly(limits),
                        baselines.randomPair(limits, random), baselines.randomShape(limits, random))).allMatch(limits::keeps);
            }
        }
    }

    @Test
    void theTwoDecisionsAreMadeApartAndTheShareStaysWhereTheyBreakTheSlo() {
        double[] worth = new double[PlanShape.WORDS.size()];
        for (int i = 0; i < worth.length; i++) {
            PlanShape shape = PlanShape.WORDS.get(i);
            worth[i] = shape.kept() + shape.level();
        }
        Way free = baselines.independent(limits(new SloPair(200, 200)), worth);
        assertThat(free.assignment().tokens()).isEqualTo(prompt.tokens());
        assertThat(free.answer()).isEqualTo(model.full());
        Way tight = baselines.independent(limits(new SloPair(90, 100)), worth);
        assertThat(tight.assignment().tokens()).isEqualTo(prompt.tokens());
        assertThat(tight.answer()).isEqualTo(model.levels().get(1));
    }

    @Test
    void theCompactLanguageModelsTimeCountsUnlessTheFullModelReadsAll() {
        Assignment smaller = Assignment.all(prompt, model.levels().get(1));
        double millis = LATENCY.prefillMillis(0, smaller.parts());
        double full = LATENCY.prefillMillis(model.full(), prompt.tokens());
        SloPair slo = new SloPair((int) Math.ceil(100 * millis / full), 100);
        assertThat(limits(slo).reads(smaller)).isTrue();
        assertThat(new Limits(model, LATENCY, prompt, slo, 0.1 * full).reads(smaller)).isFalse();
        Limits whole = new Limits(model, LATENCY, prompt, new SloPair(100, 100), 0.1 * full);
        assertThat(whole.reads(Assignment.all(prompt, model.full()))).isTrue();
    }
}
