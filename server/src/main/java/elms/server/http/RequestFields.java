package elms.server.http;

import elms.engine.decode.Offsets;
import elms.engine.decode.Sampling;
import elms.engine.text.Message;
import elms.service.Pin;
import elms.service.Request;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Reads what is common to all requests for an answer, in OpenAI's names and those of llama-server. */
final class RequestFields {
    private static final int MOST_STOPS = 16;
    private static final int USUAL_TOKENS = 512;
    private static final double MOST_PENALTY = 2;
    private static final double MOST_BIAS = 100;
    private static final int MOST_BIASES = 1024;
    /** Most other tokens that are told beside one. */
    static final int MOST_ALTERNATIVES = 20;

    private RequestFields() {}

    /**
     * The request in a body.
     *
     * @param options where sampling and stop strings stand: in the body itself, or in a field of it
     */
    static Request read(Fields body, Fields options, List<Message> messages, SloFields slo, Optional<Integer> maxTokens) {
        refuseWhatIsMissing(body);
        return new Request(messages, slo.slo(), slo.strict(), pin(body), slo.floor(), false, Optional.empty(), sampling(options),
                maxTokens.orElse(USUAL_TOKENS), stops(options), OptionalInt.empty(), shorten(body));
    }

    /** Whether a prompt may be shortened to the context: by the field that OpenAI's responses have, or by Ollama's. */
    private static boolean shorten(Fields body) {
        String way = body.text("truncation").orElse("disabled");
        if (!List.of("auto", "disabled").contains(way)) {
            throw ApiException.field("truncation", "truncation must be 'auto' or 'disabled'");
        }
        return way.equals("auto") || body.flag("truncate", false);
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
                options.number("repeat_penalty", 0.01, 100).stream().mapToObj(penalty -> (float) penalty).findFirst(),
                options.longInteger("seed", Long.MIN_VALUE, Long.MAX_VALUE).orElse(usual.seed()),
                offsets(options));
    }

    private static Offsets offsets(Fields options) {
        Map<Integer, Float> bias = new HashMap<>();
        options.object("logit_bias").ifPresent(tokens -> tokens.names(MOST_BIASES).forEach(token -> bias.put(token(tokens, token),
                (float) tokens.number(token, -MOST_BIAS, MOST_BIAS).orElse(0))));
        return new Offsets((float) options.number("presence_penalty", -MOST_PENALTY, MOST_PENALTY).orElse(0),
                (float) options.number("frequency_penalty", -MOST_PENALTY, MOST_PENALTY).orElse(0), bias);
    }

    private static int token(Fields tokens, String name) {
        try {
            return Integer.parseInt(name);
        } catch (NumberFormatException e) {
            throw ApiException.field(tokens.path(name), tokens.path(name) + " is no token; call tokens by their numbers");
        }
    }

    /** {@code logprobs} and {@code top_logprobs} of a chat: the request with its tokens' scores told, if they are asked for. */
    static Request scored(Fields body, Request request) {
        boolean asked = body.flag("logprobs", false);
        OptionalInt others = body.integer("top_logprobs", 0, MOST_ALTERNATIVES);
        if (others.isPresent() && !asked) {
            throw ApiException.field("top_logprobs", "top_logprobs needs logprobs to be true");
        }
        return asked ? request.withScores(others.orElse(0)) : request;
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
            throw ApiException.unsupported("n", "each answer has its own plan and SLO; send n requests instead of one");
        }
        for (String name : List.of("chat_template", "chat_template_kwargs")) {
            if (body.has(name)) {
                throw ApiException.unsupported(name, name + " is not supported: the model's own template is used");
            }
        }
    }
}
