package elms.server.http;

import elms.engine.text.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads what {@code /v1/responses} is asked: a text or messages. Nothing is kept from one request to the next. */
final class ResponsesInput {
    /** What refers to earlier requests, or asks for more than an answer. */
    private static final List<String> MISSING = List.of("previous_response_id", "conversation", "prompt", "tools");

    private ResponsesInput() {}

    /** The chat in a body; {@code instructions} come first. */
    static List<Message> messages(Fields body) {
        for (String name : MISSING) {
            if (body.has(name) && !(body.node(name).isArray() && body.node(name).isEmpty())) {
                throw ApiException.unsupported(name, name + " is not supported: this route answers one text or chat, and keeps"
                        + " nothing of it; /v1/chat/completions has tools");
            }
        }
        if (body.flag("background", false)) {
            throw ApiException.unsupported("background", "background is not supported: an answer is for who waits for it");
        }
        List<Message> messages = new ArrayList<>();
        body.text("instructions").ifPresent(text -> messages.add(Message.system(text)));
        if (body.node("input").isTextual()) {
            messages.add(Message.user(body.requiredText("input")));
        } else {
            messages.addAll(ChatMessages.items(body, "input"));
        }
        if (!body.has("input") || messages.isEmpty()) {
            throw ApiException.field("input", "input is missing or empty");
        }
        return messages;
    }

    /** {@code text.format}: what the answer is held to. */
    static AnswerShape shape(Fields body) {
        Optional<Fields> format = body.object("text").flatMap(text -> text.object("format"));
        return format.map(own -> switch (own.requiredText("type")) {
            case "text" -> AnswerShape.FREE;
            case "json_object" -> AnswerShape.ofSchema(null, "text.format");
            case "json_schema" -> AnswerShape.ofSchema(own.has("schema") ? own.node("schema") : null, "text.format.schema");
            default -> throw ApiException.field(own.path("type"),
                    "there is no such format; use text, json_object or json_schema");
        }).orElse(AnswerShape.FREE);
    }
}
