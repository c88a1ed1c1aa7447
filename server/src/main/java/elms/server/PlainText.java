package elms.server;

import elms.engine.text.ChatTemplate;
import elms.engine.text.Message;
import elms.engine.text.RenderedChat;
import java.util.List;

/** A chat template that lets a text be continued as it is: one message of the role {@link #ROLE}. */
public record PlainText(ChatTemplate chats) implements ChatTemplate {
    private static final String ROLE = "text";

    /** What is continued. */
    public static Message of(String text) {
        return new Message(ROLE, text);
    }

    @Override
    public RenderedChat render(List<Message> messages) {
        boolean plain = messages.size() == 1 && messages.getFirst().role().equals(ROLE);
        return plain ? new RenderedChat(messages.getFirst().content(), List.of()) : chats.render(messages);
    }
}
