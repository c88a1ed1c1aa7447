package elms.engine.text;

import java.util.List;

/** Lays out a chat in the form a model was trained on. */
@FunctionalInterface
public interface ChatTemplate {
    /** Renders the messages, followed by what invites the assistant to answer. */
    RenderedChat render(List<Message> messages);
}
