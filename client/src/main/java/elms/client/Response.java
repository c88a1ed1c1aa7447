package elms.client;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.OptionalDouble;

/**
 * What came of a request.
 *
 * @param finishReason {@code stop}, {@code length} or {@code cancelled}
 * @param prefillLevel mean share of the decoder that read the prompt
 * @param decodeLevel share of the decoder that answered
 */
public record Response(String text, String finishReason, int promptTokens, int cachedTokens, int completionTokens,
        double prefillLevel,
        double decodeLevel, Latency slo, Latency predicted, Latency measured, boolean sloMet) {
    /** Time to first token and time per output token, in milliseconds. */
    public record Latency(OptionalDouble ttftMillis, OptionalDouble tpotMillis) {
        private static Latency of(JsonNode times) {
            return new Latency(millis(times.path("ttft_ms")), millis(times.path("tpot_ms")));
        }

        private static OptionalDouble millis(JsonNode number) {
            return number.isNumber() ? OptionalDouble.of(number.doubleValue()) : OptionalDouble.empty();
        }
    }

    static Response of(String text, String finishReason, JsonNode usage, JsonNode elms) {
        return new Response(text, finishReason, usage.path("prompt_tokens").asInt(),
                usage.at("/prompt_tokens_details/cached_tokens").asInt(), usage.path("completion_tokens").asInt(),
                elms.path("prefill_level").asDouble(), elms.path("decode_level").asDouble(), Latency.of(elms.path("slo")),
                Latency.of(elms.path("predicted")), Latency.of(elms.path("measured")), elms.path("slo_met").asBoolean());
    }
}
