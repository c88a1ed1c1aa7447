package elms.service;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.model.SubModel;
import elms.engine.text.Message;
import elms.planner.Answering;
import elms.planner.Forecast;
import elms.planner.LatencyModel;
import elms.planner.Limit;
import elms.planner.Plan;
import elms.planner.Plan.Span;
import elms.planner.Prompt;
import elms.planner.Settling;
import elms.planner.Slo;
import elms.service.Scheduler.Start;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who is next, told by a clock that stands where a test puts it. Work costs what {@link NanoService#LATENCY} says. */
class SchedulerTest {
    private static final int PROMPT_TOKENS = 100;
    private static final int ANSWER_TOKENS = 20;
    private static final int CONTEXT = PROMPT_TOKENS + ANSWER_TOKENS / 2;
    private static final double FAR = 1e6;

    @TempDir
    Path folder;

    private NanoService nano;
    private Planning planning;
    private Costs costs;
    private Scheduler scheduler;

    @BeforeEach
    void load() {
        nano = new NanoService(folder);
        Forecast forecast = new Forecast(NanoService.LATENCY);
        planning = new Planning(nano.model(), forecast, Settings.usual());
        costs = new Costs(forecast);
        scheduler = new Scheduler(Policy.ELMS, nano.model().levels(), costs, true);
    }

    @AfterEach
    void close() {
        nano.close();
    }

    @Test
    void theEarliestDeadlineGoesFirst() {
        Job calm = waiting(AppProfile.of("calm"), slo(3000, FAR), 0);
        Job hasty = waiting(AppProfile.of("hasty"), slo(500, FAR), 100);
        Job important = waiting(AppProfile.of("important").withPriority(1), slo(2500, FAR), 50);
        assertThat(order(200)).containsExactly(hasty, important, calm);
        assertThat(important.urgency()).isEqualTo(1550);
    }

    @Test
    void whoIsInNoHurryWaitsButNotForEver() {
        Job unbound = waiting(AppProfile.of("unbound"), Slo.NONE, 0);
        Job first = waiting(AppProfile.of("first"), slo(1000, FAR), 100);
        Job last = waiting(AppProfile.of("last"), slo(1000, FAR), Job.PATIENCE);
        assertThat(order(Job.PATIENCE)).containsExactly(first, unbound, last);
    }

    @Test
    void whatCannotBeInTimeIsLateAndGivesWay() {
        Job job = waiting(AppProfile.of("app"), slo(200, FAR), 0);
        double least = costs.read(level(2), 0, PROMPT_TOKENS);
        assertThat(scheduler.nowLate(199 - least)).isEmpty();
        assertThat(scheduler.nowLate(201 - least)).containsExactly(job);
        job.makeLate();
        assertThat(scheduler.nowLate(5000)).isEmpty();
        assertThat(job.deadline()).isEqualTo(Job.PATIENCE);
    }

    @Test
    void aRequestStartsOnlyIfAllThatRunKeepTheirPace() {
        double alone = costs.step(level(0), CONTEXT);
        Job running = answering(slo(FAR, 1.2 * alone), level(0), 0);
        Job next = waiting(AppProfile.of("next"), slo(FAR, FAR), 0);
        assertThat(scheduler.start(0)).isEmpty();
        scheduler.remove(running);
        assertThat(scheduler.start(0).orElseThrow().job()).isSameAs(next);
    }

    @Test
    void streamsThatShareTheTimeGoOnAtASmallerLevelAndGetTheirOwnBack() {
        Job first = answering(slo(FAR, 40), level(0), 0);
        first.setLevel(level(0));
        scheduler.settle(0);
        assertThat(first.level()).isEqualTo(level(0));
        double two = costs.step(level(1), 2, CONTEXT);
        Job second = answering(slo(FAR, two * 1.01), level(0), 0);
        scheduler.settle(0);
        assertThat(List.of(first.level(), second.level())).containsOnly(level(1));
        scheduler.remove(second);
        scheduler.settle(0);
        assertThat(first.level()).isEqualTo(level(0));
    }

    @Test
    void aStreamWhoseLossIsBoundedKeepsItsPlansLevelBesideOthers() {
        Request bounded = request(slo(FAR, 40)).withFloor(new Floor(0, 0.2));
        Job first = waiting(AppProfile.of("stream"), bounded, 0);
        begin(first, level(0));
        scheduler.remove(first);
        scheduler.answers(first);
        next(first, 0);
        first.answer().handOut(0);
        double two = costs.step(level(1), 2, CONTEXT);
        Job second = answering(slo(FAR, two * 1.01), level(0), 0);
        scheduler.settle(0);
        assertThat(first.level()).isEqualTo(level(0));
        assertThat(second.level()).isNotEqualTo(level(0));
    }

    @Test
    void whoNeedsMoreThanItWasGivenWaitsForRoomForThat() {
        double reading = costs.read(level(0), 0, PROMPT_TOKENS) / (ANSWER_TOKENS - 1);
        double between = (costs.step(level(0), 2, CONTEXT) + costs.step(level(1), 2, CONTEXT)) / 2;
        Job running = answering(slo(FAR, between + reading), level(0), 0);
        Job next = waiting(AppProfile.of("next"), slo(FAR, FAR), 0);
        assertThat(scheduler.start(0).orElseThrow().answer()).hasValue(level(1));
        scheduler.postpone(next, level(0));
        assertThat(scheduler.waiting()).containsExactly(next);
        assertThat(scheduler.start(0)).isEmpty();
        scheduler.remove(running);
        assertThat(scheduler.start(0).orElseThrow().job()).isSameAs(next);
    }

    @Test
    void aStreamThatCannotKeepItsPaceIsInNoHurryAnyMore() {
        Job stream = answering(slo(FAR, costs.step(level(0), CONTEXT)), level(0), 0);
        scheduler.settle(1000);
        assertThat(stream.late()).isTrue();
        assertThat(stream.calm()).isTrue();
    }

    @Test
    void aStreamWhoseFirstTokenCameTooLateIsInNoHurryAnyMore() {
        Job inTime = answering(slo(50, FAR), 0, Answering.steady(level(0)));
        Job tooLate = answering(slo(50, FAR), 0, Answering.steady(level(0)));
        next(inTime, 49);
        inTime.answer().handOut(50);
        next(tooLate, 49);
        tooLate.answer().handOut(51);
        scheduler.settle(60);
        assertThat(inTime.late()).isFalse();
        assertThat(tooLate.late()).isTrue();
    }

    @Test
    void whoseFirstTokenIsNotThereWhenItIsDueIsInNoHurryAnyMore() {
        waiting(AppProfile.of("prompt"), slo(50, FAR), 0);
        start(level(0));
        Job reads = scheduler.running().getFirst();
        scheduler.settle(50);
        assertThat(reads.late()).isFalse();
        scheduler.settle(51);
        assertThat(reads.late()).isTrue();
    }

    @Test
    void aRequestIsLateWhenItLikelyIsAndNotWhenItMightBe() {
        Forecast careful = new Forecast(new LatencyModel(new double[] {0, 0, 1, 0, 0}, new double[] {0, 1, 0, 0}, 1.5, 1, Settling.NONE));
        costs = new Costs(careful);
        scheduler = new Scheduler(Policy.ELMS, nano.model().levels(), costs, true);
        Job job = waiting(AppProfile.of("app"), slo(200, FAR), 0);
        double promised = costs.read(level(2), 0, PROMPT_TOKENS);
        assertThat(scheduler.nowLate(201 - promised)).isEmpty();
        assertThat(scheduler.nowLate(201 - promised / 1.5)).containsExactly(job);
    }

    @Test
    void whoNeverFindsRoomIsInNoHurryAfterItsPatience() {
        answering(slo(FAR, costs.step(level(0), CONTEXT)), level(0), 0);
        Job job = waiting(AppProfile.of("app"), new Slo(Optional.empty(), Optional.of(new Limit.Time(1e-6))), 0);
        assertThat(scheduler.start(0)).isEmpty();
        assertThat(scheduler.nowLate(Job.PATIENCE - 1)).isEmpty();
        assertThat(scheduler.nowLate(Job.PATIENCE + 1)).containsExactly(job);
        job.makeLate();
        assertThat(scheduler.start(0).orElseThrow().job()).isSameAs(job);
    }

    @Test
    void whoIsInNoHurryStartsBesideOthersUntilThereAreMany() {
        for (int i = 0; i < 8; i++) {
            answering(Slo.NONE, level(0), 0);
        }
        Job waits = waiting(AppProfile.of("waits"), Slo.NONE, 0);
        assertThat(scheduler.start(1)).isEmpty();
        scheduler.remove(scheduler.running().getFirst());
        assertThat(scheduler.start(1).orElseThrow().job()).isSameAs(waits);
    }

    @Test
    void aPromptIsReadWhileStreamsHaveTimeAndATokenThatIsDueGoesFirst() {
        Job stream = answering(slo(FAR, 1000), level(1), 0);
        Job prompt = waiting(AppProfile.of("prompt"), slo(1500, FAR), 0);
        start(level(0));
        assertThat(scheduler.next(1)).get().isInstanceOfSatisfying(Work.Read.class, read -> {
            assertThat(read.job()).isSameAs(prompt);
            assertThat(read.riders()).isEmpty();
        });
        assertThat(scheduler.next(999.9)).get().isEqualTo(new Work.Step(List.of(stream)));
    }

    @Test
    void streamsOfTheLevelThatReadsRideAlong() {
        Job stream = answering(slo(FAR, 1000), level(0), 0);
        waiting(AppProfile.of("prompt"), slo(1500, FAR), 0);
        start(level(0));
        assertThat(scheduler.next(1)).get().isInstanceOfSatisfying(Work.Read.class,
                read -> assertThat(read.riders()).containsExactly(stream));
    }

    @Test
    void streamsOfOneLevelStepTogetherTheMostUrgentFirst() {
        Job slow = answering(slo(FAR, 500), level(0), 0);
        Job fast = answering(slo(FAR, 300), level(1), 0);
        Job other = answering(slo(FAR, 900), level(1), 0);
        assertThat(scheduler.next(1)).get().isEqualTo(new Work.Step(List.of(fast, other)));
        scheduler.remove(fast);
        assertThat(scheduler.next(1)).get().isEqualTo(new Work.Step(List.of(slow)));
    }

    @Test
    void streamsInNoHurryDoNotLengthenTheStepsOfOthers() {
        Job calm = answering(Slo.NONE, level(1), 0);
        Job other = answering(Slo.NONE, level(1), 0);
        Job hurried = answering(slo(FAR, 50), level(1), 0);
        assertThat(scheduler.next(1)).get().isEqualTo(new Work.Step(List.of(hurried)));
        for (int token = 2; token <= 5; token++) {
            next(hurried, 50 * token);
        }
        assertThat(scheduler.next(Job.UNHURRIED_STEP)).get().isEqualTo(new Work.Step(List.of(calm, other)));
    }

    /** Starts all that wait, one after the other, each as if it were alone. */
    private List<Job> order(double now) {
        List<Job> order = new ArrayList<>();
        for (Optional<Start> next = scheduler.start(now); next.isPresent(); next = scheduler.start(now)) {
            order.add(next.get().job());
            scheduler.remove(next.get().job());
        }
        return order;
    }

    private void start(SubModel level) {
        Job job = scheduler.start(1).orElseThrow().job();
        begin(job, level);
    }

    @Test
    void aHeadStartIsHeldBackUntilItIsWholeOrDue() {
        double step = costs.step(level(0), CONTEXT);
        Job job = answering(slo(100 * step, 0.7 * step), 0, new Answering(3, 5, level(2)));
        next(job, 50 * step);
        assertThat(scheduler.holdsBack(job, 50 * step)).isTrue();
        assertThat(scheduler.holdsBack(job, 98 * step - 1e-6)).isTrue();
        assertThat(scheduler.holdsBack(job, 98.5 * step)).isFalse();
        next(job, 51 * step);
        assertThat(scheduler.holdsBack(job, 51 * step)).isTrue();
        next(job, 52 * step);
        assertThat(scheduler.holdsBack(job, 52 * step)).isFalse();
    }

    @Test
    void aHeadStartIsNotHeldBackBesideOthers() {
        double step = costs.step(level(0), CONTEXT);
        Job job = answering(slo(100 * step, 0.7 * step), 0, new Answering(3, 5, level(2)));
        next(job, 50 * step);
        answering(slo(FAR, FAR), level(0), 0);
        assertThat(scheduler.holdsBack(job, 50 * step)).isFalse();
    }

    @Test
    void whoIsAheadOfItsPaceHasTheFullModelUntilItIsNot() {
        double step = costs.step(level(0), CONTEXT);
        Job job = answering(slo(100 * step, 0.7 * step), 0, new Answering(3, 5, level(2)));
        for (int token = 1; token <= 3; token++) {
            scheduler.settle((50 + token) * step);
            assertThat(job.level()).isEqualTo(level(0));
            next(job, (50 + token) * step);
        }
        job.answer().handOut(53 * step);
        scheduler.settle(53 * step);
        assertThat(job.level()).isEqualTo(level(0));
        scheduler.settle(54.2 * step);
        assertThat(job.level()).as("the fourth token is due at 55.1 steps").isEqualTo(level(2));
        next(job, 54 * step);
        next(job, 55 * step);
        scheduler.settle(53 * step);
        assertThat(job.level()).as("five tokens were promised").isEqualTo(level(2));
    }

    private static Request request(Slo slo) {
        return Request.of(List.of(Message.user("x")), ANSWER_TOKENS).withSlo(slo);
    }

    private Job waiting(AppProfile app, Slo slo, double arrival) {
        return waiting(app, request(slo), arrival);
    }

    private Job waiting(AppProfile app, Request request, double arrival) {
        String text = "x".repeat(PROMPT_TOKENS);
        Prompt prompt = new Prompt(text, nano.model().tokenizer().encode(text), List.of());
        Call call = new Call(app, request, prompt, ANSWER_TOKENS, arrival);
        Job job = new Job(call, planning.limit(prompt, ANSWER_TOKENS, request.slo()), planning.levels(call), 0, PROMPT_TOKENS);
        scheduler.add(job);
        return job;
    }

    /** A stream whose first token came at some time. */
    private Job answering(Slo slo, SubModel level, double first) {
        Job job = answering(slo, first, Answering.steady(level));
        next(job, first);
        job.answer().handOut(first);
        return job;
    }

    /** A stream that has no token yet. */
    private Job answering(Slo slo, double arrival, Answering answering) {
        Job job = waiting(AppProfile.of("stream"), slo, arrival);
        begin(job, answering);
        scheduler.remove(job);
        scheduler.answers(job);
        return job;
    }

    private void next(Job job, double now) {
        job.answer().next(new float[nano.model().tokenizer().vocabulary()], false, now);
    }

    private void begin(Job job, SubModel level) {
        begin(job, Answering.steady(level));
    }

    private void begin(Job job, Answering answering) {
        int[] ids = job.call().prompt().encoding().ids();
        Plan plan = new Plan(List.of(new Span(ids, answering.level())), answering, job.limit(), job.limit(), true,
                OptionalDouble.empty());
        job.start(plan, new Answer(job.call(), plan, nano.model().tokenizer()), nano.transformer().newCache(200), 0);
    }

    private SubModel level(int index) {
        return nano.model().levels().get(index);
    }

    private static Slo slo(double ttftMillis, double tpotMillis) {
        return new Slo(Optional.of(new Limit.Time(ttftMillis)), Optional.of(new Limit.Time(tpotMillis)));
    }
}
