package elms.service;

import elms.engine.ElmsException;
import elms.engine.decode.Sampling;
import elms.engine.text.Message;
import elms.planner.Slo;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;

/**
 * What an app asks for.
 *
 * @param messages the chat so far, the question last
 * @param slo latencies to keep; with {@link Slo#NONE} those of the app's profile
 * @param strict whether to refuse a request whose SLO is predicted to be missed
 * @param pin levels to run at, instead of planning
 * @param floor what it is never given less than
 * @param tools whether the answer may be a tool call or must be JSON: the profile's least level for them holds
 * @param constraint makes what holds the answer to a form
 * @param maxTokens longest answer, in tokens
 * @param stops strings that end the answer
 * @param alternatives likeliest tokens to tell at every place of the answer, beside the one that came; absent tells no scores
 * @param shorten whether a prompt longer than the context goes without what was said first, instead of being refused
 */
public record Request(List<Message> messages, Slo slo, boolean strict, Optional<Pin> pin, Floor floor, boolean tools,
        Optional<Supplier<Constraint>> constraint, Sampling sampling, int maxTokens, List<String> stops,
        OptionalInt alternatives, boolean shorten) {
    public Request {
        messages = List.copyOf(messages);
        stops = List.copyOf(stops);
        if (maxTokens < 1) {
            throw new ElmsException("the longest answer is " + maxTokens + " tokens, but must be at least 1");
        }
        if (stops.contains("")) {
            throw new ElmsException("a stop string is empty");
        }
    }

    /** A greedy request without an SLO of its own. */
    public static Request of(List<Message> messages, int maxTokens) {
        return new Request(messages, Slo.NONE, false, Optional.empty(), Floor.NONE, false, Optional.empty(), Sampling.GREEDY,
                maxTokens, List.of(), OptionalInt.empty(), false);
    }

    public Request withMessages(List<Message> chat) {
        return new Request(chat, slo, strict, pin, floor, tools, constraint, sampling, maxTokens, stops, alternatives,
                shorten);
    }

    public Request withSlo(Slo bounds) {
        return new Request(messages, bounds, strict, pin, floor, tools, constraint, sampling, maxTokens, stops, alternatives,
                shorten);
    }

    public Request withStrict(boolean refused) {
        return new Request(messages, slo, refused, pin, floor, tools, constraint, sampling, maxTokens, stops, alternatives,
                shorten);
    }

    public Request withPin(Optional<Pin> levels) {
        return new Request(messages, slo, strict, levels, floor, tools, constraint, sampling, maxTokens, stops, alternatives,
                shorten);
    }

    public Request withFloor(Floor least) {
        return new Request(messages, slo, strict, pin, least, tools, constraint, sampling, maxTokens, stops, alternatives,
                shorten);
    }

    public Request withTools(boolean calls) {
        return new Request(messages, slo, strict, pin, floor, calls, constraint, sampling, maxTokens, stops, alternatives,
                shorten);
    }

    /** The answer is held to a form; that makes it a tool call or JSON. */
    public Request withConstraint(Supplier<Constraint> form) {
        return new Request(messages, slo, strict, pin, floor, true, Optional.of(form), sampling, maxTokens, stops, alternatives,
                shorten);
    }

    public Request withSampling(Sampling draws) {
        return new Request(messages, slo, strict, pin, floor, tools, constraint, draws, maxTokens, stops, alternatives,
                shorten);
    }

    public Request withStops(List<String> ends) {
        return new Request(messages, slo, strict, pin, floor, tools, constraint, sampling, maxTokens, ends, alternatives, shorten);
    }

    /** Tells how likely each token of the answer was: {@link Listener#scored}. */
    public Request withScores(int others) {
        return new Request(messages, slo, strict, pin, floor, tools, constraint, sampling, maxTokens, stops,
                OptionalInt.of(others), shorten);
    }

    public Request withShorten(boolean fits) {
        return new Request(messages, slo, strict, pin, floor, tools, constraint, sampling, maxTokens, stops, alternatives, fits);
    }
}
