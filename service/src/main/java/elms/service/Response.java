package elms.service;

import elms.engine.model.SubModel;
import elms.planner.Latency;
import elms.planner.Plan;
import java.util.List;

/**
 * What came of a request.
 *
 * @param promptTokens of the whole prompt, before any of it was cut
 * @param cachedTokens of the plan's tokens, those whose keys and values were in the prefix cache
 * @param answeredBy the level that gave each token of the answer after the first: the plan's, or under load a smaller one
 * @param queueMillis from arrival until its first token was read
 * @param measured both latencies, from the request's arrival
 */
public record Response(String text, FinishReason finishReason, int promptTokens, int cachedTokens, int completionTokens, Plan plan,
        List<SubModel> answeredBy, double queueMillis, Latency measured) {
    /** Why an answer ended. */
    public enum FinishReason {
        /** The model ended it, or a stop string did. */
        STOP,
        /** It reached its longest length, or the context is full. */
        LENGTH,
        /** The caller gave it up. */
        CANCELLED
    }

    /** Mean level of the answer's tokens, as a share of the decoder. */
    public double answerLevel() {
        return answeredBy.stream().mapToDouble(SubModel::share).average().orElse(plan.decode().share());
    }

    public boolean sloMet() {
        return measured.within(plan.slo());
    }
}
