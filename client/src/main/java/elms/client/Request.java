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
 */
public record Request(List<Message> messages, Optional<String> ttft, Optional<String> tpot, boolean strict, int maxTokens) {
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
    }

    public Request {
        messages = List.copyOf(messages);
    }

    /** A question with the profile's SLO. */
    public static Request of(String question) {
        return new Request(List.of(Message.user(question)), Optional.empty(), Optional.empty(), false, USUAL_TOKENS);
    }

    public Request withSlo(String newTtft, String newTpot) {
        return new Request(messages, Optional.of(newTtft), Optional.of(newTpot), strict, maxTokens);
    }

    public Request withStrict(boolean refused) {
        return new Request(messages, ttft, tpot, refused, maxTokens);
    }

    public Request withMaxTokens(int tokens) {
        return new Request(messages, ttft, tpot, strict, tokens);
    }
}
