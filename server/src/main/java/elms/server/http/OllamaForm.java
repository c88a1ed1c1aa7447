package elms.server.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonInclude.Include;
import com.fasterxml.jackson.databind.JsonNode;
import elms.planner.Plan;
import elms.server.ElmsReport;
import elms.service.Response;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * A reply of {@code /api/chat} or {@code /api/generate}.
 *
 * @param shape that the answer is held to; what may call a tool comes in one piece
 * @param chat whether pieces are messages
 * @param start when the request came, in nanoseconds
 */
record OllamaForm(ReplyHead head, AnswerShape shape, boolean chat, long start) implements ReplyForm {
    private static final double NANOS = 1e6;

    /** A line of a stream, and a whole reply. */
    @JsonInclude(Include.NON_NULL)
    record Line(String model, String createdAt, Turn message, String response, boolean done, String doneReason,
            Long totalDuration,
            Long loadDuration, Integer promptEvalCount, Long promptEvalDuration, Integer evalCount, Long evalDuration,
            ElmsReport elms) {}

    /** A message. */
    record Turn(String role, String content, @JsonInclude(Include.NON_EMPTY) List<ToolCall> toolCalls) {}

    record ToolCall(Function function) {}

    record Function(String name, JsonNode arguments) {}

    /** An error in Ollama's shape. */
    static Map<String, String> error(ApiException failure) {
        return Map.of("error", failure.getMessage());
    }

    @Override
    public Framing framing() {
        return Framing.LINES;
    }

    @Override
    public List<Object> begin(Plan plan) {
        return List.of();
    }

    @Override
    public List<Object> piece(String text) {
        return shape.tools().isEmpty() ? List.of(line(text)) : List.of();
    }

    @Override
    public List<Object> end(Response response) {
        return List.of(last(shape.tools().isEmpty() ? "" : response.text(), response));
    }

    @Override
    public Object whole(Response response) {
        return last(response.text(), response);
    }

    @Override
    public Object failure(ApiException failure) {
        return error(failure);
    }

    /** What answers a request that only loads or unloads the model. */
    static Line nothing(String model, boolean chat, String reason) {
        return new Line(model, Instant.now().toString(), chat ? new Turn("assistant", "", List.of()) : null, chat ? null : "",
                true, reason, null, null, null, null,
                null, null, null);
    }

    private Line line(String text) {
        return new Line(head.model(), Instant.now().toString(), turn(text), chat ? null : text, false, null, null, null, null,
                null, null,
                null, null);
    }

    private Turn turn(String text) {
        return chat ? new Turn("assistant", text, List.of()) : null;
    }

    /** The answer, or the call that it is. */
    private Turn answer(String text) {
        return shape.call(text).map(call -> new Turn("assistant", "",
                List.of(new ToolCall(new Function(call.name(), call.arguments())))))
                .orElseGet(() -> turn(text));
    }

    private Line last(String text, Response response) {
        double ttft = response.measured().ttftMillis().orElse(0);
        OptionalDouble tpot = response.measured().tpotMillis();
        return new Line(head.model(), Instant.now().toString(), answer(text), chat ? null : text, true,
                ReplyHead.finishReason(response), System.nanoTime() - start, 0L, response.promptTokens(),
                Math.round(NANOS * ttft),
                response.completionTokens(), Math.round(NANOS * tpot.orElse(0) * Math.max(0, response.completionTokens() - 1)),
                head.report(response));
    }
}
