package elms.server;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonInclude.Include;
import elms.planner.Latency;
import elms.planner.Plan;
import elms.service.Response;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * What became of a request's SLO, as {@code elms run --json} prints it and the server sends it in the field {@code elms}.
 *
 * @param spans of the prompt, each with the level that read it
 * @param prefillLevel mean level over the tokens read
 * @param decodeLevel that is to answer, or of what has been answered the mean level
 * @param headStart tokens of the answer that are handed out together, given by the full model; 1 holds none back
 * @param promptTokensBefore tokens of the whole prompt
 * @param promptTokensAfter tokens that were read
 * @param feasible whether the SLO was predicted to be kept
 * @param qualityLoss most quality that the plan was predicted to lose beside the full plan; absent where nothing predicts it
 * @param measured absent in a report on a plan that has not run
 * @param queueMs from arrival until the first token was read
 */
@JsonInclude(Include.NON_ABSENT)
public record ElmsReport(List<Span> spans, double prefillLevel, double decodeLevel, int headStart,
        Optional<Integer> promptTokensBefore, int promptTokensAfter, Times slo, Times predicted, boolean feasible,
        OptionalDouble qualityLoss, Optional<Times> measured, OptionalDouble queueMs, Optional<Boolean> sloMet) {
    /**
     * Tokens read at one level.
     *
     * @param text what they stand for, where it is asked for
     */
    @JsonInclude(Include.NON_ABSENT)
    public record Span(int tokens, double level, Optional<String> text) {}

    /** Both latencies in milliseconds. */
    public record Times(OptionalDouble ttftMs, OptionalDouble tpotMs) {
        public static Times of(Latency latency) {
            return new Times(latency.ttftMillis(), latency.tpotMillis());
        }
    }

    /** What came of a request. */
    public static ElmsReport of(Response response) {
        ElmsReport plan = of(response.plan());
        return new ElmsReport(plan.spans, plan.prefillLevel, response.answerLevel(), plan.headStart,
                Optional.of(response.promptTokens()), plan.promptTokensAfter, plan.slo, plan.predicted, plan.feasible,
                plan.qualityLoss, Optional.of(Times.of(response.measured())), OptionalDouble.of(response.queueMillis()),
                Optional.of(response.sloMet()));
    }

    /** What is planned for a request. */
    public static ElmsReport of(Plan plan) {
        List<Span> spans = plan.spans().stream().map(span -> new Span(span.length(), span.level().share(), Optional.empty()))
                .toList();
        return new ElmsReport(spans, plan.prefillLevel(), plan.decode().share(), plan.answering().headStart(),
                Optional.empty(), plan.promptTokens(), Times.of(plan.slo()), Times.of(plan.predicted()), plan.feasible(),
                plan.loss(), Optional.empty(), OptionalDouble.empty(), Optional.empty());
    }

    /** The same report with the text of each span, one for each. */
    public ElmsReport withTexts(List<String> texts) {
        List<Span> told = IntStream.range(0, spans.size())
                .mapToObj(i -> new Span(spans.get(i).tokens, spans.get(i).level, Optional.of(texts.get(i)))).toList();
        return new ElmsReport(told, prefillLevel, decodeLevel, headStart, promptTokensBefore, promptTokensAfter, slo, predicted,
                feasible, qualityLoss, measured, queueMs, sloMet);
    }
}
