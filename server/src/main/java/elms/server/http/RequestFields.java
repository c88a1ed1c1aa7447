package elms.server.http;

import elms.engine.decode.Sampling;
import elms.engine.text.Message;
import elms.service.Pin;
import elms.service.Request;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Reads what is common to all requests for an answer, in OpenAI's names and those of llama-server. */
final class RequestFields {
    private static final int MOST_STOPS = 16;
    private static final int USUAL_TOKENS = 512;

    private RequestFields() {}

    /**
     * The request in a body.
     *
     * @param options where sampling and stop strings stand: in the body itself, or in a field of it
     */
    static Request read(Fields body, Fields options, List<Message> messages, SloFields slo, Optional<Integer> maxTokens) {
        refuseWhatIsMissing(body);
        return new Request(messages, slo.slo(), slo.strict(), pin(body), slo.floor(), false, Optional.empty(), sampling(options),
                maxTokens.orElse(USUAL_TOKENS), stops(options));
    }

    /** The longest answer, by any of the names of that field. */
    static Optional<Integer> maxTokens(Fields body, String... names) {
        for (String name : names) {
            OptionalInt tokens = body.integer(name, 1, Integer.MAX_VALUE);
            if (tokens.isPresent()) {
                return Optional.of(tokens.getAsInt());
            }
        }
        return Optional.empty();
    }

    private static Sampling sampling(Fields options) {
        Sampling usual = Sampling.GREEDY;
        return new Sampling(
                (float) options.number("temperature", 0, 100).orElse(usual.temperature()),
                options.integer("top_k", 0, Integer.MAX_VALUE).orElse(usual.topK()),
                (float) Math.max(Float.MIN_NORMAL, options.number("top_p", 0, 1).orElse(usual.topP())),
                (float) options.number("min_p", 0, 1).orElse(usual.minP()),
                (float) options.number("repeat_penalty", 0.01, 100).orElse(usual.repeatPenalty()),
                options.longInteger("seed", Long.MIN_VALUE, Long.MAX_VALUE).orElse(usual.seed()));
    }

    private static List<String> stops(Fields options) {
        List<String> stops = options.texts("stop", MOST_STOPS);
        if (stops.contains("")) {
            throw ApiException.field("stop", "a stop string is empty");
        }
        return stops;
    }

    /** {@code elms.plan}: levels to run at, for tests and comparisons. */
    private static Optional<Pin> pin(Fields body) {
        return body.object("elms").flatMap(elms -> elms.object("plan")).map(plan -> new Pin(share(plan, "prompt"),
                share(plan, "answer")));
    }

    private static double share(Fields plan, String name) {
        double share = plan.number(name, 0, 1).orElse(1);
        if (share == 0) {
            throw ApiException.field(plan.path(name), plan.path(name) + " must be above zero");
        }
        return share;
    }

    /** What would change the answer must not be passed over. */
    private static void refuseWhatIsMissing(Fields body) {
        if (body.integer("n", 1, 1 << 20).orElse(1) != 1) {
            throw ApiException.unsupported("n", "one answer a request is all there is; n must be 1");
        }
        for (String penalty : List.of("presence_penalty", "frequency_penalty")) {
            if (body.number(penalty, -2, 2).orElse(0) != 0) {
                throw ApiException.unsupported(penalty, penalty + " is not supported; use repeat_penalty");
            }
        }
        if (!body.node("logit_bias").isMissingNode() && !body.node("logit_bias").isEmpty()) {
            throw ApiException.unsupported("logit_bias", "logit_bias is not supported");
        }
        for (String name : List.of("chat_template", "chat_template_kwargs")) {
            if (body.has(name)) {
                throw ApiException.unsupported(name, name + " is not supported: the model's own template is used");
            }
        }
    }
}
