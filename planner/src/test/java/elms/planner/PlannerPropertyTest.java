package elms.planner;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.text.Range;
import elms.planner.compact.Opinion;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;

class PlannerPropertyTest {
    private static final TestLevels LEVELS = TestLevels.make();
    private static final String TEXT = (("word ".repeat(20)).strip() + "\n\n").repeat(5) + "What is the answer?";
    /** About ten seconds for the text: what the test itself takes counts for nothing. */
    private static final LatencyModel SLOW =
            new LatencyModel(new double[] {0, 0, 1250, 0, 0}, new double[] {0, 1000, 0, 0}, 1, 1, Settling.NONE);

    @Property(tries = 300)
    void aFeasiblePlanIsFoundWheneverThereIsOneAndItKeepsTheSlo(@ForAll @DoubleRange(min = 0.02, max = 1.1) double ttft,
            @ForAll @DoubleRange(min = 0.3, max = 1.1) double tpot, @ForAll long seed, @ForAll PlanForm form) {
        Prompt prompt = TextPrompt.of(TEXT, new Range(0, TEXT.indexOf("What")));
        Random random = new Random(seed);
        Opinion opinion = TextPrompt.opinion(prompt, word -> random.nextFloat());
        for (int i = 0; i < opinion.qualities().length; i++) {
            opinion.qualities()[i] = random.nextFloat();
        }
        // The clock runs on while a plan is made; here nothing costs time but what is planned.
        Slo slo = new Slo(Optional.of(new Limit.Time(10_000 * ttft)), Optional.of(new Limit.Ratio(tpot)));
        Plan plan = new Planner(LEVELS.all(), new Forecast(SLOW), Optional.of((text, cuttable) -> opinion), form).plan(prompt, 8, slo, 0);
        if (plan.feasible()) {
            assertThat(plan.predicted().within(plan.slo())).isTrue();
        } else if (form == PlanForm.ELMS) {
            Assignment least = new Shaper(prompt, opinion, LEVELS.all()).segments(PlanShape.SEGMENTS.getLast());
            assertThat(Latency.of(SLOW.prefillMillis(0, least.parts()) + 1e3, SLOW.decodeMillis(LEVELS.all().getLast(), least.tokens() + 4))
                    .within(plan.slo())).isFalse();
        }
        assertThat(plan.spans().getLast().tokens()).endsWith(prompt.encoding().ids()[prompt.tokens() - 1]);
    }
}
