package elms.planner;

import elms.engine.model.SubModel;
import elms.planner.compact.CompactLm;
import elms.planner.compact.Opinion;
import elms.planner.compact.PromptReader;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.LongSupplier;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Turns an SLO into a plan: of all that are predicted to keep it, the one whose answer promises to be best. The full model reads and
 * answers where there is time for it. Where there is not, the {@link CompactLm} says which parts of the prompt matter and what each
 * shape of plan is worth; where reading it would leave no time for the question, what may be cut is dropped unread. Without a
 * compact language model, or in a prompt of which nothing may be cut, one level reads everything.
 */
public final class Planner {
    /** How much more it costs to read the end of a prompt at a smaller level than what is before it, and to answer. */
    private static final double END_WORTH = 6;
    private static final double ANSWER_WORTH = 12;
    /** Two standard errors of the difference of what two plans are worth on average, as 300 prompts tell it. */
    private static final double ALIKE = 0.04;

    private final List<SubModel> levels;
    private final Forecast forecast;
    private final Optional<PromptReader> reader;
    private final PlanForm form;
    private final LongSupplier clock;
    private final ReadingPace pace = new ReadingPace();

    /**
     * @param levels largest first; the first is the full model
     * @param reader what scores prompts and shapes of plans
     */
    public Planner(List<SubModel> levels, Forecast forecast, Optional<PromptReader> reader, PlanForm form) {
        this(levels, forecast, reader, form, System::nanoTime);
    }

    /**
     * A planner with a clock of its own, so that the same requests get the same plans.
     *
     * @param clock nanoseconds, as of {@link System#nanoTime}
     */
    public Planner(List<SubModel> levels, Forecast forecast, Optional<PromptReader> reader, PlanForm form, LongSupplier clock) {
        this.levels = List.copyOf(levels);
        this.forecast = forecast;
        this.reader = reader;
        this.form = form;
        this.clock = clock;
    }

    /** Plans a request that has the machine to itself, without a bound on quality. */
    public Plan plan(Prompt prompt, int answerTokens, Slo slo, double overheadMillis) {
        return plan(prompt, answerTokens, slo, overheadMillis, Terms.ALONE);
    }

    /**
     * Plans a request. Without a feasible plan the fastest that the terms allow is taken, which says that it is not feasible.
     *
     * @param answerTokens most tokens of the answer
     * @param overheadMillis time already spent since the request's arrival
     */
    public Plan plan(Prompt prompt, int answerTokens, Slo slo, double overheadMillis, Terms terms) {
        long start = clock.getAsLong();
        Latency limit = limit(prompt.tokens(), answerTokens, slo);
        Budget all = new Budget(limit, answerTokens, overheadMillis, terms.alone() && form == PlanForm.ELMS);
        SubModel full = levels.get(0);
        Candidate whole = steady(Assignment.all(prompt, full), full, all).losing(0);
        if (whole.predicted().within(limit)) {
            return whole.plan(limit);
        }
        boolean readAtLeisure = within(whole.predicted().ttftMillis(), limit.ttftMillis());
        boolean evident = prompt.cuttable().isEmpty() || readAtLeisure && form == PlanForm.ELMS;
        if (reader.isEmpty() || evident && !terms.boundsLoss()) {
            return oneLevel(prompt, all).plan(limit);
        }
        Shaper unread = new Shaper(prompt, Opinion.unread(prompt.encoding()), levels);
        if (form == PlanForm.ELMS && !terms.boundsLoss() && !leavesTime(unread, pace.millis(prompt.tokens()), all)) {
            return unread(unread, all.after((clock.getAsLong() - start) / 1e6)).plan(limit);
        }
        long before = clock.getAsLong();
        Opinion opinion = reader.get().read(prompt.text(), prompt.cuttable());
        pace.observe(prompt.tokens(), (clock.getAsLong() - before) / 1e6);
        Budget left = all.after((clock.getAsLong() - start) / 1e6);
        Shaper shaper = new Shaper(prompt, opinion, levels);
        Decision decision = new Decision(opinion.qualities());
        return (form == PlanForm.PAPER ? words(shaper, decision, left, terms)
                : segments(shaper, decision, left, terms)).plan(limit);
    }

    /** A plan with one given level that reads everything and one that answers. */
    public Plan pinned(Prompt prompt, int answerTokens, Slo slo, SubModel reads, SubModel answers, double overheadMillis) {
        Latency limit = limit(prompt.tokens(), answerTokens, slo);
        return steady(Assignment.all(prompt, reads), answers, new Budget(limit, answerTokens, overheadMillis, false)).plan(limit);
    }

    /**
     * What a plan must keep.
     *
     * @param answerTokens of the longest answer
     * @param spent milliseconds that are gone
     * @param headStart whether the answer may get one
     */
    private record Budget(Latency limit, int answerTokens, double spent, boolean headStart) {
        Budget withoutHeadStart() {
            return new Budget(limit, answerTokens, spent, false);
        }

        Budget after(double millis) {
            return new Budget(limit, answerTokens, spent + millis, headStart);
        }
    }

    /**
     * A prompt as some levels read it.
     *
     * @param worth of its shape, where that was judged
     * @param millis from the request's arrival until it is read
     * @param full the full model's steps behind it
     */
    private record Reading(Assignment assignment, double worth, double millis, Steps full) {}

    private Reading reading(Assignment assignment, Budget budget) {
        return reading(assignment, 0, budget);
    }

    private Reading reading(Assignment assignment, double worth, Budget budget) {
        return new Reading(assignment, worth, budget.spent() + forecast.prefillMillis(0, assignment.parts()),
                steps(levels.get(0), assignment, budget));
    }

    /** A plan that could be, what its answer promises, and what that is less than the full plan's, if it was judged. */
    private record Candidate(Reading reading, Answering answering, Latency predicted, double quality, OptionalDouble loss) {
        Plan plan(Latency limit) {
            return new Plan(reading.assignment().spans(), answering, limit, predicted, predicted.within(limit), loss);
        }

        Candidate worth(double promised) {
            return new Candidate(reading, answering, predicted, promised, loss);
        }

        Candidate losing(double lost) {
            return new Candidate(reading, answering, predicted, quality, OptionalDouble.of(Math.max(0, lost)));
        }
    }

    private static Candidate candidate(Reading reading, Answering answering, Steps step, Budget budget) {
        Latency predicted = Latency.of(reading.millis() + answering.heldMillis(reading.full()),
                answering.tpotMillis(budget.answerTokens(), reading.full(), step));
        return new Candidate(reading, answering, predicted, 0, OptionalDouble.empty());
    }

    private Candidate candidate(Reading reading, Answering answering, Budget budget) {
        return candidate(reading, answering, steps(answering.level(), reading.assignment(), budget), budget);
    }

    private Candidate steady(Assignment assignment, SubModel answers, Budget budget) {
        return candidate(reading(assignment, budget), Answering.steady(answers), budget);
    }

    /** With the head start that there is time for, where the answer's pace is bound. */
    private Candidate ahead(Reading reading, SubModel answers, Budget budget) {
        Latency limit = budget.limit();
        Steps step = steps(answers, reading.assignment(), budget);
        boolean bound = budget.headStart() && limit.ttftMillis().isPresent() && limit.tpotMillis().isPresent();
        Answering answering = bound ? Answering.of(answers, budget.answerTokens(), limit.ttftMillis().getAsDouble() - reading.millis(),
                reading.full(), step, limit.tpotMillis().getAsDouble()) : Answering.steady(answers);
        return candidate(reading, answering, step, budget);
    }

    /** The largest level for the prompt that is predicted to keep the SLO, or the smallest, and of those that answer the best. */
    private Candidate oneLevel(Prompt prompt, Budget budget) {
        Reading reading = levels.stream().map(level -> reading(Assignment.all(prompt, level), budget))
                .filter(read -> within(read.millis(), budget.limit().ttftMillis())).findFirst()
                .orElseGet(() -> reading(Assignment.all(prompt, levels.get(levels.size() - 1)), budget));
        return bestAnswering(reading, SubModel::share, budget);
    }

    /**
     * The best way to answer after a prompt.
     *
     * @param worth of a level that answers
     */
    private Candidate bestAnswering(Reading reading, ToDoubleFunction<SubModel> worth, Budget budget) {
        return best(levels.stream().map(level -> answering(reading, level, worth, budget)), budget);
    }

    private Candidate answering(Reading reading, SubModel level, ToDoubleFunction<SubModel> worth, Budget budget) {
        Candidate candidate = ahead(reading, level, budget);
        double byFull = candidate.answering().fullShare(budget.answerTokens());
        return candidate.worth(byFull * worth.applyAsDouble(levels.get(0)) + (1 - byFull) * worth.applyAsDouble(level));
    }

    private static Candidate best(Stream<Candidate> candidates, Budget budget) {
        return candidates.reduce((one, other) -> better(one, other, budget.limit())).orElseThrow();
    }

    /** Whether the full model could still read what may not be cut after the prompt was read. */
    private boolean leavesTime(Shaper unread, double hearing, Budget budget) {
        Assignment question = unread.segments(new PlanShape(0, 1, 1));
        return hearing == 0 || within(hearing + reading(question, budget).millis(), budget.limit().ttftMillis());
    }

    /**
     * What may not be cut, at the largest levels that there is time for, and of the rest what time is left for, the end first. So
     * little can be read that hearing the compact language model about it would take more than it is worth.
     */
    private Candidate unread(Shaper unread, Budget budget) {
        Stream<PlanShape> shapes = levels.stream().map(SubModel::share)
                .flatMap(level -> Stream.of(new PlanShape(0, level, level), new PlanShape(0, level, level, level)));
        Candidate best = best(shapes.map(shape -> bestAnswering(reading(unread.segments(shape), budget),
                answers -> shape.questionLevel() + END_WORTH * shape.endLevel() + ANSWER_WORTH * answers.share(), budget)), budget);
        return filled(unread, best, budget);
    }

    /**
     * The most promising feasible combination of a shape and a level that answers, with what it leaves of the time spent: first on
     * reading, then on a head start. Reading is cut for a head start only where the answer cannot keep its pace without one.
     */
    private Candidate segments(Shaper shaper, Decision decision, Budget budget, Terms terms) {
        List<Reading> readings = IntStream.range(0, PlanShape.SEGMENTS.size())
                .mapToObj(shape -> reading(shaper.segments(PlanShape.SEGMENTS.get(shape)), decision.segments(shape), budget)).toList();
        Budget steadily = budget.withoutHeadStart();
        Candidate steady = filled(shaper, mostRead(answered(readings, decision, steadily, terms), budget), budget);
        if (!budget.headStart()) {
            return steady;
        }
        if (!steady.predicted().within(budget.limit())) {
            return filled(shaper, mostRead(answered(readings, decision, budget, terms), budget), budget);
        }
        return best(answered(List.of(steady.reading()), decision, budget, terms).stream(), budget);
    }

    /** Readings of shapes that the decision head has judged, each answered by all levels that the terms allow behind it. */
    private List<Candidate> answered(List<Reading> readings, Decision decision, Budget budget, Terms terms) {
        return readings.stream().flatMap(reading -> {
            ToDoubleFunction<SubModel> worth = answers -> reading.worth() + decision.answer(answers.share());
            ToDoubleFunction<SubModel> loss = answers -> decision.full() - worth.applyAsDouble(answers);
            return levels.stream().filter(answers -> terms.allows(loss.applyAsDouble(answers)))
                    .map(answers -> answering(reading, answers, worth, budget).losing(loss.applyAsDouble(answers)));
        }).toList();
    }

    /** Of the plans that promise about as much as the best, the one that reads most: what was asked is not cut for a guess. */
    private static Candidate mostRead(List<Candidate> candidates, Budget budget) {
        Candidate best = best(candidates.stream(), budget);
        return candidates.stream()
                .filter(other -> other.predicted().within(budget.limit()) && other.quality() >= best.quality() - ALIKE)
                .max(Comparator.comparingDouble((Candidate other) -> other.reading().assignment().work())
                        .thenComparingDouble(Candidate::quality))
                .orElse(best);
    }

    /** A plan that spends what another leaves of the time. */
    private Candidate filled(Shaper shaper, Candidate chosen, Budget budget) {
        if (!chosen.predicted().within(budget.limit())) {
            return chosen;
        }
        Answering answering = chosen.answering();
        Assignment filled = shaper.filled(chosen.reading().assignment(), assignment ->
                candidate(reading(assignment, budget), answering, budget).predicted().within(budget.limit()));
        Reading reading = reading(filled, chosen.reading().worth(), budget);
        return new Candidate(reading, answering, candidate(reading, answering, budget).predicted(), chosen.quality(), chosen.loss());
    }

    /** The same in the paper's form. */
    private Candidate words(Shaper shaper, Decision decision, Budget budget, Terms terms) {
        return best(IntStream.range(0, PlanShape.WORDS.size()).boxed()
                .filter(shape -> terms.allows(decision.words(0) - decision.words(shape))).map(shape -> {
                    Assignment assignment = shaper.words(PlanShape.WORDS.get(shape));
                    return steady(assignment, assignment.parts().get(0).level(), budget).worth(decision.words(shape))
                            .losing(decision.words(0) - decision.words(shape));
                }), budget);
    }

    /** A feasible plan before one that is not; of feasible ones that of higher quality, of others the faster. */
    private static Candidate better(Candidate best, Candidate other, Latency limit) {
        Comparator<Candidate> byQuality = Comparator.comparingDouble(Candidate::quality);
        Comparator<Candidate> bySpeed = Comparator.comparingDouble(candidate -> -excess(candidate.predicted(), limit));
        boolean feasible = other.predicted().within(limit);
        if (feasible != best.predicted().within(limit)) {
            return feasible ? other : best;
        }
        return (feasible ? byQuality : bySpeed).compare(other, best) > 0 ? other : best;
    }

    /** By what factors both latencies exceed their limits, multiplied; one that is kept counts as 1. */
    private static double excess(Latency predicted, Latency limit) {
        return excess(predicted.ttftMillis(), limit.ttftMillis()) * excess(predicted.tpotMillis(), limit.tpotMillis());
    }

    private static double excess(OptionalDouble millis, OptionalDouble limit) {
        return within(millis, limit) ? 1 : millis.getAsDouble() / limit.getAsDouble();
    }

    /** In the middle of the longest answer. */
    private Steps steps(SubModel level, Assignment assignment, Budget budget) {
        return forecast.steps(level, assignment.tokens() + budget.answerTokens() / 2);
    }

    /** The request's bounds in milliseconds: a ratio is of what the full model takes for it in an idle service, by the profile. */
    public Latency limit(int promptTokens, int answerTokens, Slo slo) {
        SubModel full = levels.get(0);
        LatencyModel profile = forecast.profile();
        return new Latency(
                millis(slo.ttft().map(limit -> limit.millis(profile.ttftMillis(full, promptTokens)))),
                millis(slo.tpot().map(limit -> limit.millis(profile.tpotMillis(full, promptTokens, answerTokens)))));
    }

    private static OptionalDouble millis(Optional<Double> limit) {
        return limit.map(OptionalDouble::of).orElseGet(OptionalDouble::empty);
    }

    private static boolean within(double millis, OptionalDouble limit) {
        return limit.isEmpty() || millis <= limit.getAsDouble();
    }

    private static boolean within(OptionalDouble millis, OptionalDouble limit) {
        return millis.isEmpty() || within(millis.getAsDouble(), limit);
    }
}
