package elms.client;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.OptionalDouble;

/**
 * What came of a request.
 *
 * @param finishReason {@code stop}, {@code length}, {@code tool_calls} or {@code cancelled}
 * @param toolCalls what the answer calls; its text is empty then
 * @param prefillLevel mean share of the decoder that read the prompt
 * @param decodeLevel share of the decoder that answered
 */
public record Response(String text, String finishReason, List<ToolCall> toolCalls, int promptTokens, int cachedTokens,
        int completionTokens, double prefillLevel, double decodeLevel, Latency slo, Latency predicted, Latency measured,
        boolean sloMet) {
    /**
     * A call of a tool.
     *
     * @param arguments a JSON object
     */
    public record ToolCall(String name, String arguments) {
        private static ToolCall of(JsonNode call) {
            return new ToolCall(call.at("/function/name").asText(), call.at("/function/arguments").asText());
        }
    }

    /** Time to first token and time per output token, in milliseconds. */
    public record Latency(OptionalDouble ttftMillis, OptionalDouble tpotMillis) {
        private static Latency of(JsonNode times) {
            return new Latency(millis(times.path("ttft_ms")), millis(times.path("tpot_ms")));
        }

        private static OptionalDouble millis(JsonNode number) {
            return number.isNumber() ? OptionalDouble.of(number.doubleValue()) : OptionalDouble.empty();
        }
    }

    static Response of(String text, String finishReason, JsonNode calls, JsonNode usage, JsonNode elms) {
        return new Response(text, finishReason, calls.valueStream().map(ToolCall::of).toList(),
                usage.path("prompt_tokens").asInt(),
                usage.at("/prompt_tokens_details/cached_tokens").asInt(), usage.path("completion_tokens").asInt(),
                elms.path("prefill_level").asDouble(), elms.path("decode_level").asDouble(), Latency.of(elms.path("slo")),
                Latency.of(elms.path("predicted")), Latency.of(elms.path("measured")), elms.path("slo_met").asBoolean());
    }
}
