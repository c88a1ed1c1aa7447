package elms.engine.text;

import elms.engine.ElmsException;
import java.util.List;

/**
 * One turn of a chat.
 *
 * @param role {@code system}, {@code user} or {@code assistant}
 * @param kept pieces of the content that compression must not touch
 */
public record Message(String role, String content, List<Range> kept) {
    public Message {
        kept = List.copyOf(kept);
        int length = content.length();
        if (kept.stream().anyMatch(range -> range.end() > length)) {
            throw new ElmsException("a protected piece of a message reaches beyond its end");
        }
    }

    /** A message of which nothing is protected by its author. */
    public Message(String role, String content) {
        this(role, content, List.of());
    }

    public static Message system(String content) {
        return new Message("system", content);
    }

    public static Message user(String content) {
        return new Message("user", content);
    }

    public static Message assistant(String content) {
        return new Message("assistant", content);
    }
}
