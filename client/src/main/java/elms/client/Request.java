package elms.client;

import java.util.List;
import java.util.Optional;

/**
 * What an app asks for.
 *
 * @param messages the chat so far, the question last
 * @param ttft time to first token to keep: a share of the full model's (0.4) or a time (300ms); absent for the profile's
 * @param tpot time per output token, likewise
 * @param strict whether to refuse a request whose SLO is predicted to be missed
 * @param maxTokens longest answer, in tokens
 * @param tools that the answer may call
 */
public record Request(List<Message> messages, Optional<String> ttft, Optional<String> tpot, boolean strict, int maxTokens,
        Optional<Tools> tools) {
    private static final int USUAL_TOKENS = 512;

    /**
     * One turn of a chat.
     *
     * @param role {@code system}, {@code user} or {@code assistant}
     * @param kept whether it must never be cut
     */
    public record Message(String role, String content, boolean kept) {
        public static Message user(String content) {
            return new Message("user", content, false);
        }

        public static Message system(String content) {
            return new Message("system", content, false);
        }
    }

    /**
     * Functions that an answer may be a call of.
     *
     * @param json an array of them, in OpenAI's form; the profile's, so that they need not be read again
     * @param required whether the answer must be a call
     */
    public record Tools(String json, boolean required) {}

    public Request {
        messages = List.copyOf(messages);
    }

    /** A question with the profile's SLO. */
    public static Request of(String question) {
        return of(List.of(Message.user(question)));
    }

    /** A chat with the profile's SLO. */
    public static Request of(List<Message> messages) {
        return new Request(messages, Optional.empty(), Optional.empty(), false, USUAL_TOKENS, Optional.empty());
    }

    public Request withSlo(String newTtft, String newTpot) {
        return new Request(messages, Optional.of(newTtft), Optional.of(newTpot), strict, maxTokens, tools);
    }

    public Request withStrict(boolean refused) {
        return new Request(messages, ttft, tpot, refused, maxTokens, tools);
    }

    public Request withMaxTokens(int tokens) {
        return new Request(messages, ttft, tpot, strict, tokens, tools);
    }

    public Request withTools(Tools offered) {
        return new Request(messages, ttft, tpot, strict, maxTokens, Optional.of(offered));
    }
}
