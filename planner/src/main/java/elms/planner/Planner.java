package elms.planner;

import elms.engine.model.SubModel;
import elms.planner.compact.CompactLm;
import elms.planner.compact.Opinion;
import elms.planner.compact.PromptReader;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.LongSupplier;

/**
 * Turns an SLO into a plan: of all that are predicted to keep it, the one whose answer promises to be best. The full model reads and
 * answers where there is time for it. Where there is not, the {@link CompactLm} says which parts of the prompt matter and what each
 * shape of plan is worth; where reading it would leave no time for the question, what may be cut is dropped unread. Without a
 * compact language model, or in a prompt of which nothing may be cut, one level reads everything.
 */
public final class Planner {
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

    /**
     * Plans a request. Without a feasible plan the fastest is taken, which says that it is not feasible.
     *
     * @param answerTokens most tokens of the answer
     * @param overheadMillis time already spent since the request's arrival
     */
    public Plan plan(Prompt prompt, int answerTokens, Slo slo, double overheadMillis) {
        long start = clock.getAsLong();
        Latency limit = limit(prompt.tokens(), answerTokens, slo);
        SubModel full = levels.get(0);
        Candidate whole = candidate(Assignment.all(prompt, full), full, answerTokens, overheadMillis, 0);
        if (whole.predicted().within(limit)) {
            return whole.plan(limit);
        }
        boolean readAtLeisure = within(whole.predicted().ttftMillis(), limit.ttftMillis());
        if (reader.isEmpty() || prompt.cuttable().isEmpty() || readAtLeisure && form == PlanForm.ELMS) {
            return oneLevel(prompt, answerTokens, limit, overheadMillis).plan(limit);
        }
        Shaper unread = new Shaper(prompt, Opinion.unread(prompt.encoding()), levels);
        if (form == PlanForm.ELMS && !leavesTime(unread, pace.millis(prompt.tokens()), overheadMillis, limit)) {
            return unread(unread, answerTokens, limit, overheadMillis + (clock.getAsLong() - start) / 1e6).plan(limit);
        }
        long before = clock.getAsLong();
        Opinion opinion = reader.get().read(prompt.text(), prompt.cuttable());
        pace.observe(prompt.tokens(), (clock.getAsLong() - before) / 1e6);
        double spent = overheadMillis + (clock.getAsLong() - start) / 1e6;
        Shaper shaper = new Shaper(prompt, opinion, levels);
        return (form == PlanForm.PAPER ? words(shaper, opinion, answerTokens, limit, spent)
                : segments(shaper, opinion, answerTokens, limit, spent)).plan(limit);
    }

    /** A plan with one given level that reads everything and one that answers. */
    public Plan pinned(Prompt prompt, int answerTokens, Slo slo, SubModel reads, SubModel answers, double overheadMillis) {
        return candidate(Assignment.all(prompt, reads), answers, answerTokens, overheadMillis, 0)
                .plan(limit(prompt.tokens(), answerTokens, slo));
    }

    /** A plan that could be, and what its answer promises. */
    private record Candidate(Assignment assignment, SubModel decode, Latency predicted, double quality) {
        Plan plan(Latency limit) {
            return new Plan(assignment.spans(), decode, limit, predicted, predicted.within(limit));
        }
    }

    private Candidate candidate(Assignment assignment, SubModel answers, int answerTokens, double spent, double quality) {
        Latency predicted = Latency.of(spent + prefillMillis(assignment), decodeMillis(answers, assignment.tokens(), answerTokens));
        return new Candidate(assignment, answers, predicted, quality);
    }

    /** The largest level for the prompt and the largest for the answer that are predicted to keep the SLO, or the smallest. */
    private Candidate oneLevel(Prompt prompt, int answerTokens, Latency limit, double spent) {
        SubModel smallest = levels.get(levels.size() - 1);
        SubModel reads = levels.stream().filter(level -> within(spent + prefillMillis(Assignment.all(prompt, level)), limit.ttftMillis()))
                .findFirst().orElse(smallest);
        SubModel answers = levels.stream().filter(level -> within(decodeMillis(level, prompt.tokens(), answerTokens), limit.tpotMillis()))
                .findFirst().orElse(smallest);
        return candidate(Assignment.all(prompt, reads), answers, answerTokens, spent, 0);
    }

    /** Whether the full model could still read what may not be cut after the prompt was read. */
    private boolean leavesTime(Shaper unread, double reading, double spent, Latency limit) {
        Assignment question = unread.segments(new PlanShape(0, 1, 1));
        return reading == 0 || within(spent + reading + prefillMillis(question), limit.ttftMillis());
    }

    /**
     * What may not be cut, at the largest level that there is time for, and of the rest what time is left for, the end first. So
     * little can be read that hearing the compact language model about it would take more than it is worth.
     */
    private Candidate unread(Shaper unread, int answerTokens, Latency limit, double spent) {
        double smallest = levels.get(levels.size() - 1).share();
        List<PlanShape> shapes = new ArrayList<>();
        levels.forEach(level -> shapes.add(new PlanShape(0, level.share(), level.share())));
        shapes.add(new PlanShape(0, smallest, smallest, smallest));
        Candidate best = null;
        for (PlanShape shape : shapes) {
            Assignment assignment = unread.segments(shape);
            for (SubModel answers : levels) {
                double quality = shape.questionLevel() + shape.endLevel() + answers.share();
                best = better(best, candidate(assignment, answers, answerTokens, spent, quality), limit);
            }
        }
        return filled(unread, best, answerTokens, limit, spent);
    }

    /** The best feasible combination of a shape and a level that answers, with what it leaves of the time spent. */
    private Candidate segments(Shaper shaper, Opinion opinion, int answerTokens, Latency limit, double spent) {
        Decision decision = new Decision(opinion.qualities());
        Candidate best = null;
        for (int shape = 0; shape < PlanShape.SEGMENTS.size(); shape++) {
            Assignment assignment = shaper.segments(PlanShape.SEGMENTS.get(shape));
            for (SubModel answers : levels) {
                best = better(best, candidate(assignment, answers, answerTokens, spent,
                        decision.segments(shape) + decision.answer(answers.share())), limit);
            }
        }
        return filled(shaper, best, answerTokens, limit, spent);
    }

    /** A plan that spends what another leaves of the time. */
    private Candidate filled(Shaper shaper, Candidate chosen, int answerTokens, Latency limit, double spent) {
        if (!chosen.predicted().within(limit)) {
            return chosen;
        }
        Assignment filled = shaper.filled(chosen.assignment(), assignment ->
                candidate(assignment, chosen.decode(), answerTokens, spent, 0).predicted().within(limit));
        return candidate(filled, chosen.decode(), answerTokens, spent, chosen.quality());
    }

    /** The same in the paper's form. */
    private Candidate words(Shaper shaper, Opinion opinion, int answerTokens, Latency limit, double spent) {
        Decision decision = new Decision(opinion.qualities());
        Candidate best = null;
        for (int shape = 0; shape < PlanShape.WORDS.size(); shape++) {
            Assignment assignment = shaper.words(PlanShape.WORDS.get(shape));
            SubModel level = assignment.parts().get(0).level();
            best = better(best, candidate(assignment, level, answerTokens, spent, decision.words(shape)), limit);
        }
        return best;
    }

    /** A feasible plan before one that is not; of feasible ones that of higher quality, of others the faster. */
    private static Candidate better(Candidate best, Candidate other, Latency limit) {
        if (best == null) {
            return other;
        }
        Comparator<Candidate> byQuality = Comparator.comparingDouble(Candidate::quality);
        Comparator<Candidate> bySpeed = Comparator.comparingDouble(candidate -> -excess(candidate.predicted(), limit));
        boolean feasible = other.predicted().within(limit);
        if (feasible != best.predicted().within(limit)) {
            return feasible ? other : best;
        }
        return (feasible ? byQuality : bySpeed).compare(other, best) > 0 ? other : best;
    }

    /** By what factor the worse of both latencies exceeds its limit. */
    private static double excess(Latency predicted, Latency limit) {
        return Math.max(excess(predicted.ttftMillis(), limit.ttftMillis()), excess(predicted.tpotMillis(), limit.tpotMillis()));
    }

    private static double excess(OptionalDouble millis, OptionalDouble limit) {
        return millis.isEmpty() || limit.isEmpty() ? 0 : millis.getAsDouble() / limit.getAsDouble();
    }

    private double prefillMillis(Assignment assignment) {
        return forecast.prefillMillis(0, assignment.parts());
    }

    /** In the middle of the longest answer. */
    private double decodeMillis(SubModel level, int promptTokens, int answerTokens) {
        return forecast.decodeMillis(level, promptTokens + answerTokens / 2);
    }

    /** The request's bounds in milliseconds: a ratio is of the full model's latency on this machine when nothing else runs. */
    public Latency limit(int promptTokens, int answerTokens, Slo slo) {
        SubModel full = levels.get(0);
        LatencyModel profile = forecast.profile();
        return new Latency(
                millis(slo.ttft().map(limit -> limit.millis(profile.prefillMillis(full, promptTokens)))),
                millis(slo.tpot().map(limit -> limit.millis(profile.decodeMillis(full, promptTokens + answerTokens / 2)))));
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
