package elms.server.cli;

import elms.planner.Latency;
import elms.planner.Plan;
import elms.service.Response;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** What {@code elms run} says of a request, for programs and for people. */
record RunReport(String model, String text, String finishReason, Usage usage, Elms elms) {
    record Usage(int promptTokens, int cachedTokens, int completionTokens) {}

    record Elms(List<Span> spans, double prefillLevel, double decodeLevel, int promptTokensBefore, int promptTokensAfter, Times slo,
            Times predicted, Times measured, boolean sloMet) {}

    record Span(int tokens, double level) {}

    record Times(OptionalDouble ttftMs, OptionalDouble tpotMs) {
        static Times of(Latency latency) {
            return new Times(latency.ttftMillis(), latency.tpotMillis());
        }
    }

    static RunReport of(String model, Response response) {
        Plan plan = response.plan();
        List<Span> spans = plan.spans().stream().map(span -> new Span(span.length(), span.level().share())).toList();
        return new RunReport(model, response.text(), response.finishReason().name().toLowerCase(Locale.ROOT),
                new Usage(response.promptTokens(), response.cachedTokens(), response.completionTokens()),
                new Elms(spans, plan.prefillLevel(), plan.decode().share(), response.promptTokens(), plan.promptTokens(),
                        Times.of(plan.slo()), Times.of(plan.predicted()), Times.of(response.measured()), response.sloMet()));
    }

    /** One line for a person. */
    static String line(Response response) {
        Plan plan = response.plan();
        boolean bound = plan.slo().ttftMillis().isPresent() || plan.slo().tpotMillis().isPresent();
        return String.format(Locale.ROOT, "level %.2f for the prompt, %.2f for the answer · %d prompt tokens · TTFT %s · TPOT %s%s",
                plan.prefillLevel(), plan.decode().share(), plan.promptTokens(),
                times(response.measured().ttftMillis(), plan.predicted().ttftMillis(), plan.slo().ttftMillis()),
                times(response.measured().tpotMillis(), plan.predicted().tpotMillis(), plan.slo().tpotMillis()),
                !bound ? "" : response.sloMet() ? " · SLO met" : plan.feasible() ? " · SLO missed" : " · SLO missed, no level is that fast");
    }

    private static String times(OptionalDouble measured, OptionalDouble predicted, OptionalDouble limit) {
        return millis(measured) + " (predicted " + millis(predicted) + (limit.isPresent() ? ", SLO " + millis(limit) : "") + ")";
    }

    private static String millis(OptionalDouble millis) {
        return millis.isPresent() ? String.format(Locale.ROOT, "%.1f ms", millis.getAsDouble()) : "–";
    }
}
