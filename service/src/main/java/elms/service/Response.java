package elms.service;

import elms.planner.Latency;
import elms.planner.Plan;

/**
 * What came of a request.
 *
 * @param measured both latencies, from the request's arrival
 */
public record Response(String text, FinishReason finishReason, int completionTokens, Plan plan, Latency measured) {
    /** Why an answer ended. */
    public enum FinishReason {
        /** The model ended it, or a stop string did. */
        STOP,
        /** It reached its longest length, or the context is full. */
        LENGTH,
        /** The caller gave it up. */
        CANCELLED
    }

    public boolean sloMet() {
        return measured.within(plan.slo());
    }
}
