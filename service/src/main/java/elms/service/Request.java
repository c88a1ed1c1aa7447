package elms.service;

import elms.engine.ElmsException;
import elms.engine.decode.Sampling;
import elms.engine.text.Message;
import elms.planner.Slo;
import java.util.List;
import java.util.OptionalDouble;

/**
 * What an app asks for.
 *
 * @param messages the chat so far, the question last
 * @param slo latencies to keep
 * @param strict whether to refuse a request whose SLO is predicted to be missed
 * @param level runs everything at the level nearest to this share of the decoder, instead of planning
 * @param maxTokens longest answer, in tokens
 * @param stops strings that end the answer
 */
public record Request(List<Message> messages, Slo slo, boolean strict, OptionalDouble level, Sampling sampling, int maxTokens,
        List<String> stops) {
    public Request {
        messages = List.copyOf(messages);
        stops = List.copyOf(stops);
        if (maxTokens < 1) {
            throw new ElmsException("the longest answer is " + maxTokens + " tokens, but must be at least 1");
        }
        if (stops.contains("")) {
            throw new ElmsException("a stop string is empty");
        }
        level.ifPresent(share -> {
            if (!(share > 0 && share <= 1)) {
                throw new ElmsException("the level is " + share + ", but must be above 0 and at most 1");
            }
        });
    }

    /** A greedy request without an SLO. */
    public static Request of(List<Message> messages, int maxTokens) {
        return new Request(messages, Slo.NONE, false, OptionalDouble.empty(), Sampling.GREEDY, maxTokens, List.of());
    }
}
