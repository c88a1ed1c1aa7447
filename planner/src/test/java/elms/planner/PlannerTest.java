package elms.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import elms.engine.model.SubModel;
import elms.engine.text.Encoding;
import elms.engine.text.Range;
import elms.planner.LatencyModel.Part;
import elms.planner.compact.Opinion;
import elms.planner.compact.PromptReader;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PlannerTest {
    /** Time is proportional to the weights read. */
    private static final LatencyModel LATENCY =
            new LatencyModel(new double[] {0, 0, 100, 0, 0}, new double[] {0, 1000, 0, 0}, 1, 1, Settling.NONE);
    private static final String TEXT = (("word ".repeat(20)).strip() + "\n\n").repeat(5) + "What is the answer?";

    private List<SubModel> levels;
    private Planner planner;

    @BeforeEach
    void load() {
        levels = TestLevels.make().all();
        planner = planner(Optional.empty(), PlanForm.ELMS);
    }

    private Planner planner(Optional<PromptReader> reader, PlanForm form) {
        return new Planner(levels, new Forecast(LATENCY), reader, form);
    }

    @Test
    void withoutAnSloTheFullModelDoesEverything() {
        Plan plan = planner.plan(prompt(100), 50, Slo.NONE, 0);
        assertThat(plan.prefillLevel()).isEqualTo(1);
        assertThat(plan.decode().share()).isEqualTo(1);
        assertThat(plan.feasible()).isTrue();
    }

    @Test
    void theLargestFeasibleLevelIsTakenForEachLatency() {
        for (double ratio = 0.45; ratio < 1.2; ratio += 0.01) {
            Plan plan = planner.plan(prompt(100), 50, slo(new Limit.Ratio(ratio), new Limit.Ratio(1.5 - ratio)), 0);
            SubModel prefill = plan.spans().get(0).level();
            if (plan.feasible()) {
                assertThat(prefill.share()).isLessThanOrEqualTo(ratio + 1e-9);
                assertThat(plan.predicted().within(plan.slo())).isTrue();
            }
            double bound = ratio;
            assertThat(levels).filteredOn(level -> level.share() <= bound).allMatch(level -> level.share() <= prefill.share());
        }
    }

    @Test
    void timeLeftBeforeTheFirstTokenGoesToAHeadStartOfTheFullModel() {
        Slo slo = slo(new Limit.Ratio(1), new Limit.Ratio(0.8));
        Plan hasty = planner.plan(prompt(100), 50, slo, 0);
        assertThat(hasty.answering()).isEqualTo(Answering.steady(hasty.decode()));
        assertThat(hasty.decode().share()).isLessThan(1);
        Slo patient = slo(new Limit.Ratio(3), new Limit.Ratio(0.8));
        Plan ahead = planner.plan(prompt(100), 50, patient, 0);
        assertThat(ahead.answering().headStart()).isGreaterThan(1);
        assertThat(ahead.answering().fullTokens()).isGreaterThan(ahead.answering().headStart());
        assertThat(ahead.feasible()).isTrue();
        assertThat(ahead.predicted().ttftMillis().orElseThrow()).isGreaterThan(LATENCY.prefillMillis(levels.get(0), 100));
        assertThat(planner.plan(prompt(100), 50, patient, 0, Terms.BESIDE_OTHERS).answering()).isEqualTo(hasty.answering());
    }

    @Test
    void whereTheFirstTokenIsTooLateTheOthersKeepTheirPace() {
        Plan plan = planner.plan(prompt(100), 50, slo(new Limit.Time(1e-6), new Limit.Ratio(0.8)), 0);
        assertThat(plan.feasible()).isFalse();
        assertThat(plan.predicted().tpotMillis().orElseThrow()).isLessThanOrEqualTo(plan.slo().tpotMillis().orElseThrow());
        assertThat(plan.decode().share()).isGreaterThan(levels.getLast().share());
    }

    @Test
    void anSloThatNothingKeepsGetsTheSmallestLevelAndIsFlagged() {
        Plan plan = planner.plan(prompt(100), 50, slo(new Limit.Time(1e-6), new Limit.Ratio(1)), 0);
        assertThat(plan.spans().get(0).level()).isEqualTo(levels.getLast());
        assertThat(plan.decode().share()).isEqualTo(1);
        assertThat(plan.feasible()).isFalse();
    }

    @Test
    void timeAlreadySpentCounts() {
        double full = LATENCY.prefillMillis(levels.get(0), 100);
        assertThat(planner.plan(prompt(100), 50, slo(new Limit.Time(full), new Limit.Ratio(1)), 0).prefillLevel()).isEqualTo(1);
        Plan late = planner.plan(prompt(100), 50, slo(new Limit.Time(full), new Limit.Ratio(1)), 0.3 * full);
        assertThat(late.prefillLevel()).isLessThan(1);
        assertThat(late.predicted().ttftMillis().orElseThrow()).isLessThanOrEqualTo(full);
    }

    @Test
    void aRatioIsAShareOfWhatARequestTakesAndNotOfItsWorkAlone() {
        Forecast requests = new Forecast(LATENCY.with(new RequestOverhead(40, 2)));
        Slo half = slo(new Limit.Ratio(0.5), new Limit.Ratio(0.5));
        Latency limit = new Planner(levels, requests, Optional.empty(), PlanForm.ELMS).limit(100, 8, half);
        assertThat(limit.ttftMillis()).hasValue(0.5 * (LATENCY.prefillMillis(levels.get(0), 100) + 40));
        assertThat(limit.tpotMillis()).hasValue(LATENCY.tpotMillis(levels.get(0), 100, 8));
    }

    @Test
    void aPinnedLevelIsKeptWhateverTheSlo() {
        Plan plan = planner.pinned(prompt(100), 50, slo(new Limit.Time(1e-6), new Limit.Time(1e-6)), levels.get(2), levels.get(2), 0);
        assertThat(plan.prefillLevel()).isCloseTo(levels.get(2).share(), within(1e-12));
        assertThat(plan.decode()).isEqualTo(levels.get(2));
        assertThat(plan.feasible()).isFalse();
    }

    @Test
    void theBestPromiseAmongFeasiblePlansIsKept() {
        Prompt prompt = TextPrompt.of(TEXT, new Range(0, TEXT.indexOf("What")));
        for (int preferred : new int[] {9, 12, 15}) {
            Opinion opinion = TextPrompt.opinion(prompt, word -> 0);
            opinion.qualities()[preferred] = 1;
            PlanShape shape = PlanShape.SEGMENTS.get(preferred);
            Plan plan = planner(Optional.of((text, cuttable) -> opinion), PlanForm.ELMS)
                    .plan(prompt, 8, slo(new Limit.Time(LATENCY.prefillMillis(levels.get(0), 50)), new Limit.Ratio(1)), 0);
            assertThat(plan.feasible()).isTrue();
            assertThat(plan.spans().getLast().level().share()).isEqualTo(shape.questionLevel());
        }
    }

    @Test
    void ofPlansThatPromiseAlikeTheOneThatReadsMostIsKept() {
        Prompt prompt = TextPrompt.of(TEXT, new Range(0, TEXT.indexOf("What")));
        assertThat(planWhereTheQuestionAloneIsBest(0.05f, prompt).promptTokens()).isLessThan(prompt.tokens());
        assertThat(planWhereTheQuestionAloneIsBest(0.03f, prompt).promptTokens()).isEqualTo(prompt.tokens());
    }

    private Plan planWhereTheQuestionAloneIsBest(float by, Prompt prompt) {
        Opinion opinion = TextPrompt.opinion(prompt, word -> 0);
        opinion.qualities()[PlanShape.SEGMENTS.indexOf(new PlanShape(0, 1, 1))] = by;
        Plan plan = planner(Optional.of((text, cuttable) -> opinion), PlanForm.ELMS)
                .plan(prompt, 8, slo(new Limit.Ratio(0.8), new Limit.Ratio(1)), 0);
        assertThat(plan.feasible()).isTrue();
        return plan;
    }

    @Test
    void aPromptIsNotReadWhereThatWouldLeaveNoTimeForTheQuestion() {
        Prompt prompt = TextPrompt.of(TEXT, new Range(0, TEXT.indexOf("What")));
        double full = LATENCY.prefillMillis(levels.get(0), prompt.tokens());
        AtomicLong clock = new AtomicLong();
        AtomicInteger readings = new AtomicInteger();
        PromptReader slow = (text, cuttable) -> {
            readings.incrementAndGet();
            clock.addAndGet(Math.round(1e6 * 0.3 * full));
            return TextPrompt.opinion(prompt, word -> 0);
        };
        planner = new Planner(levels, new Forecast(LATENCY), Optional.of(slow), PlanForm.ELMS, clock::get);
        assertThat(planner.plan(prompt, 8, slo(new Limit.Ratio(0.8), new Limit.Ratio(1)), 0).predicted().ttftMillis().orElseThrow())
                .isGreaterThan(0.3 * full);
        Plan tight = planner.plan(prompt, 8, slo(new Limit.Ratio(0.3), new Limit.Ratio(1)), 0);
        assertThat(readings).hasValue(1);
        assertThat(tight.feasible()).isTrue();
        assertThat(tight.parts()).extracting(Part::level).containsOnly(levels.get(0));
        assertThat(tight.spans().stream().flatMapToInt(span -> Arrays.stream(span.tokens())).toArray())
                .containsExactly(IntStream.range(prompt.tokens() - 25, prompt.tokens()).toArray());
        assertThat(planner.plan(prompt, 8, slo(new Limit.Ratio(0.01), new Limit.Ratio(1)), 0).feasible()).isFalse();
        assertThat(readings).hasValue(1);
    }

    @Test
    void noPlanLosesMoreQualityThanItsTermsAllow() {
        Prompt prompt = TextPrompt.of(TEXT, new Range(0, TEXT.indexOf("What")));
        Opinion opinion = TextPrompt.opinion(prompt, word -> 0);
        for (int shape = 1; shape < PlanShape.SEGMENTS.size(); shape++) {
            opinion.qualities()[shape] = -0.1f;
        }
        for (int answer = 1; answer < PlanShape.ANSWERS.size(); answer++) {
            opinion.qualities()[Decision.ANSWERS_FROM + answer] = -0.05f * answer;
        }
        planner = planner(Optional.of((text, cuttable) -> opinion), PlanForm.ELMS);
        Slo slo = slo(new Limit.Ratio(0.3), new Limit.Ratio(0.7));
        Plan best = planner.plan(prompt, 8, slo, 0, Terms.BESIDE_OTHERS);
        double least = best.loss().orElseThrow();
        assertThat(best.feasible()).isTrue();
        assertThat(least).isGreaterThan(0.1);
        for (double most : new double[] {0, 0.04, 0.1, least - 0.01, least + 1e-6, 0.6}) {
            Plan plan = planner.plan(prompt, 8, slo, 0, new Terms(false, most));
            assertThat(plan.loss().orElseThrow()).isLessThanOrEqualTo(most);
            assertThat(plan.feasible()).as("with a loss of %s", most).isEqualTo(most > least);
        }
    }

    @Test
    void aBoundOnQualityHasThePromptReadThoughThatLeavesNoTime() {
        Prompt prompt = TextPrompt.of(TEXT, new Range(0, TEXT.indexOf("What")));
        Opinion opinion = TextPrompt.opinion(prompt, word -> 0);
        AtomicInteger readings = new AtomicInteger();
        planner = planner(Optional.of((text, cuttable) -> {
            readings.incrementAndGet();
            return opinion;
        }), PlanForm.ELMS);
        Prompt whole = TextPrompt.of(TEXT);
        Slo slo = slo(new Limit.Ratio(0.8), new Limit.Ratio(1));
        assertThat(planner.plan(whole, 8, slo, 0).loss()).isEmpty();
        assertThat(readings).hasValue(0);
        assertThat(planner.plan(whole, 8, slo, 0, new Terms(true, 0.5)).loss()).hasValue(0);
        planner.plan(prompt, 8, slo(new Limit.Time(1e-6), new Limit.Ratio(1)), 0, new Terms(true, 0.5));
        assertThat(readings).hasValue(2);
        assertThat(planner.plan(prompt, 8, Slo.NONE, 0, new Terms(true, 0)).loss()).hasValue(0);
        assertThat(readings).hasValue(2);
    }

    private static Prompt prompt(int tokens) {
        return new Prompt("", new Encoding(new int[tokens], new int[tokens], new int[tokens]), List.of());
    }

    private static Slo slo(Limit ttft, Limit tpot) {
        return new Slo(Optional.of(ttft), Optional.of(tpot));
    }
}
