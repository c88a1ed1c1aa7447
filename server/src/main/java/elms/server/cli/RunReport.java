package elms.server.cli;

import elms.planner.Plan;
import elms.server.ElmsReport;
import elms.service.Response;
import java.util.Locale;
import java.util.OptionalDouble;

/** What {@code elms run} says of a request, for programs and for people. */
record RunReport(String model, String text, String finishReason, Usage usage, ElmsReport elms) {
    record Usage(int promptTokens, int cachedTokens, int completionTokens) {}

    static RunReport of(String model, Response response) {
        return new RunReport(model, response.text(), response.finishReason().name().toLowerCase(Locale.ROOT),
                new Usage(response.promptTokens(), response.cachedTokens(), response.completionTokens()), ElmsReport.of(response));
    }

    /** One line for a person. */
    static String line(Response response) {
        Plan plan = response.plan();
        boolean bound = plan.slo().ttftMillis().isPresent() || plan.slo().tpotMillis().isPresent();
        return String.format(Locale.ROOT, "level %.2f for the prompt, %.2f for the answer · %d prompt tokens · TTFT %s · TPOT %s%s",
                plan.prefillLevel(), response.answerLevel(), plan.promptTokens(),
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
