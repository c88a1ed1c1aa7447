package elms.server.http;

import elms.engine.text.Message;
import elms.engine.text.Range;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Reads the messages of a chat in OpenAI's shape. */
final class ChatMessages {
    private static final int MOST_MESSAGES = 4096;
    private static final int MOST_PARTS = 4096;
    /** What a part that is text is called, by the route and by who wrote it. */
    private static final Set<String> TEXTS = Set.of("text", "input_text", "output_text");

    private ChatMessages() {}

    /** The messages of a chat, of which there must be one. */
    static List<Message> read(Fields body) {
        List<Message> messages = read(body, "messages");
        if (messages.isEmpty()) {
            throw ApiException.field("messages", "messages is missing or empty");
        }
        return messages;
    }

    /** The messages in a field of {@code /v1/responses}, which may hold other things too. */
    static List<Message> items(Fields body, String name) {
        return body.objects(name, MOST_MESSAGES).stream().map(item -> {
            if (!item.text("type").orElse("message").equals("message")) {
                throw ApiException.unsupported(item.path("type"), "this route reads messages only");
            }
            return message(item);
        }).toList();
    }

    /** The messages in a field, of which there may be none. */
    static List<Message> read(Fields body, String name) {
        return body.objects(name, MOST_MESSAGES).stream().map(ChatMessages::message).toList();
    }

    private static Message message(Fields message) {
        String role = message.requiredText("role");
        return switch (role) {
            case "assistant" -> message.has("tool_calls") ? calls(message) : content(message, role);
            case "system", "user" -> content(message, role);
            case "tool" -> Message.user("Result: " + content(message, role).content());
            case "developer" -> content(message, "system");
            default -> throw ApiException.field(message.path("role"), "there is no role '" + role
                    + "'; use system, user, assistant or tool");
        };
    }

    /** Calls of tools, in the form in which they are asked for. */
    private static Message calls(Fields message) {
        StringBuilder text = new StringBuilder(content(message, "assistant").content());
        for (Fields call : message.objects("tool_calls", MOST_PARTS)) {
            Fields function = call.object("function").orElseThrow(() -> ApiException.field(call.path("function"),
                    call.path("function")
                    + " is missing"));
            String arguments = function.node("arguments").isTextual() ? function.requiredText("arguments")
                    : function.node("arguments").toString();
            text.append(text.isEmpty() ? "" : "\n").append("{\"name\": \"").append(function.requiredText("name"))
                    .append("\", \"arguments\": ")
                    .append(arguments).append('}');
        }
        return Message.assistant(text.toString());
    }

    /** A part that is marked {@code elms_protected} is never cut. */
    private static Message content(Fields message, String role) {
        if (!message.node("content").isArray()) {
            return new Message(role, message.text("content").orElse(""));
        }
        StringBuilder text = new StringBuilder();
        List<Range> kept = new ArrayList<>();
        for (Fields part : message.objects("content", MOST_PARTS)) {
            if (!TEXTS.contains(part.requiredText("type"))) {
                throw ApiException.unsupported(part.path("type"), "this model reads text only");
            }
            int start = text.length();
            text.append(part.requiredText("text"));
            if (part.flag("elms_protected", false)) {
                kept.add(new Range(start, text.length()));
            }
        }
        return new Message(role, text.toString(), kept);
    }
}
