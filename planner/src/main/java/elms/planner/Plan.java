package elms.planner;

import elms.engine.model.SubModel;
import elms.planner.LatencyModel.Part;
import java.util.List;
import java.util.OptionalDouble;

/**
 * What was decided for one request.
 *
 * @param spans of the prompt, in order, each with the level that reads it
 * @param answering who gives the answer's tokens
 * @param slo the request's bounds in milliseconds, on this device
 * @param predicted 95th percentile of both latencies
 * @param feasible whether the prediction keeps the bounds
 * @param loss of quality beside the full plan, as predicted: see {@link Terms#mostLoss}. A head start is not counted; absent
 *        where no planner has judged the plan
 */
public record Plan(List<Span> spans, Answering answering, Latency slo, Latency predicted, boolean feasible, OptionalDouble loss) {
    /** Consecutive tokens that are read at one level. What was cut from the prompt is in no span. */
    public record Span(int[] tokens, SubModel level) {
        public int length() {
            return tokens.length;
        }
    }

    /** The level that answers, but for what the full model has time for. */
    public SubModel decode() {
        return answering.level();
    }

    /** Tokens that are read. */
    public int promptTokens() {
        return spans.stream().mapToInt(Span::length).sum();
    }

    /** What the latency model needs to know of its prompt. */
    public List<Part> parts() {
        return spans.stream().map(span -> new Part(span.level(), span.length())).toList();
    }

    /** Mean level over the prompt's tokens. */
    public double prefillLevel() {
        return spans.stream().mapToDouble(span -> span.length() * span.level().share()).sum() / Math.max(1, promptTokens());
    }
}
