package elms.planner;

import elms.engine.model.SubModel;
import elms.planner.Plan.Span;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;

/** Chooses the largest level for the prompt and the largest for the answer that are predicted to keep the SLO. */
public final class Planner {
    private final List<SubModel> levels;
    private final LatencyModel latency;

    /**
     * @param levels largest first; the first is the full model
     */
    public Planner(List<SubModel> levels, LatencyModel latency) {
        this.levels = List.copyOf(levels);
        this.latency = latency;
    }

    /**
     * Plans a request. Without a feasible level the smallest is taken and the plan says that it is not feasible.
     *
     * @param answerTokens most tokens of the answer
     * @param overheadMillis time already spent since the request's arrival
     */
    public Plan plan(Prompt prompt, int answerTokens, Slo slo, double overheadMillis) {
        int promptTokens = prompt.tokens();
        Latency limit = limit(promptTokens, answerTokens, slo);
        SubModel prefill = largest(limit.ttftMillis(), level -> overheadMillis + latency.prefillMillis(level, promptTokens));
        SubModel decode = largest(limit.tpotMillis(), level -> latency.decodeMillis(level, context(promptTokens, answerTokens)));
        return plan(prompt, answerTokens, prefill, decode, limit, overheadMillis);
    }

    /** A plan with one given level for everything. */
    public Plan pinned(Prompt prompt, int answerTokens, Slo slo, SubModel level, double overheadMillis) {
        return plan(prompt, answerTokens, level, level, limit(prompt.tokens(), answerTokens, slo), overheadMillis);
    }

    private Plan plan(Prompt prompt, int answerTokens, SubModel prefill, SubModel decode, Latency limit, double overheadMillis) {
        int promptTokens = prompt.tokens();
        Latency predicted = Latency.of(overheadMillis + latency.prefillMillis(prefill, promptTokens),
                latency.decodeMillis(decode, context(promptTokens, answerTokens)));
        return new Plan(List.of(new Span(prompt.encoding().ids(), prefill)), decode, limit, predicted, predicted.within(limit));
    }

    private Latency limit(int promptTokens, int answerTokens, Slo slo) {
        SubModel full = levels.get(0);
        return new Latency(
                millis(slo.ttft().map(limit -> limit.millis(latency.prefillMillis(full, promptTokens)))),
                millis(slo.tpot().map(limit -> limit.millis(latency.decodeMillis(full, context(promptTokens, answerTokens))))));
    }

    private static OptionalDouble millis(Optional<Double> limit) {
        return limit.map(OptionalDouble::of).orElseGet(OptionalDouble::empty);
    }

    private SubModel largest(OptionalDouble limit, ToDoubleFunction<SubModel> millis) {
        return levels.stream().filter(level -> limit.isEmpty() || millis.applyAsDouble(level) <= limit.getAsDouble())
                .findFirst().orElse(levels.get(levels.size() - 1));
    }

    /** Context in the middle of the answer. */
    private static int context(int promptTokens, int answerTokens) {
        return promptTokens + answerTokens / 2;
    }
}
