package elms.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import elms.engine.ElmsException;
import elms.engine.text.Message;
import elms.server.grammar.JsonSchema;
import elms.server.grammar.Rule;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the answer of a chat is held to.
 *
 * @param rule texts that it may be; absent for any
 * @param tools that it may call
 */
record AnswerShape(Optional<Rule> rule, List<Tool> tools) {
    static final AnswerShape FREE = new AnswerShape(Optional.empty(), List.of());
    private static final int MOST_TOOLS = 128;

    /** Reads {@code response_format}, {@code tools} and {@code tool_choice}. */
    static AnswerShape read(Fields body) {
        List<Tool> tools = tools(body);
        JsonNode choice = body.node("tool_choice");
        boolean named = choice.isObject();
        String how = named ? choice.at("/function/name").asText() : choice.asText(tools.isEmpty() ? "none" : "auto");
        if (!named && !List.of("none", "auto", "required").contains(how) || named && tools.stream().noneMatch(tool -> tool.name()
                .equals(how))) {
            throw ApiException.field("tool_choice", "tool_choice must be none, auto, required, or one of the tools");
        }
        Optional<Rule> format = body.object("response_format").flatMap(AnswerShape::format);
        if (tools.isEmpty() || !named && how.equals("none")) {
            return new AnswerShape(format, List.of());
        }
        if (format.isPresent()) {
            throw ApiException.unsupported("response_format", "response_format and tools do not go together");
        }
        List<Tool> callable = named ? tools.stream().filter(tool -> tool.name().equals(how)).toList() : List.copyOf(tools);
        return ofTools(callable, named || how.equals("required"));
    }

    /** The tools in a body, of which there may be none. */
    static List<Tool> tools(Fields body) {
        return body.objects("tools", MOST_TOOLS).stream().map(Tool::read).toList();
    }

    /** An answer that is a call of a tool, or may be one. */
    static AnswerShape ofTools(List<Tool> tools, boolean required) {
        Rule call = Rule.choice(tools.stream().map(Tool::call).toList());
        return new AnswerShape(Optional.of(required ? call : Rule.choice(List.of(call, Tool.noCall()))), tools);
    }

    /** An answer of JSON: {@code null} for any object. */
    static AnswerShape ofSchema(JsonNode schema, String param) {
        return new AnswerShape(Optional.of(rule(schema, param)), List.of());
    }

    static Rule rule(JsonNode schema, String param) {
        try {
            return schema == null ? JsonSchema.anyObject() : JsonSchema.rule(schema);
        } catch (ElmsException e) {
            throw ApiException.field(param, e.getMessage());
        }
    }

    private static Optional<Rule> format(Fields format) {
        return switch (format.requiredText("type")) {
            case "text" -> Optional.empty();
            case "json_object" -> Optional.of(rule(null, "response_format"));
            case "json_schema" -> {
                Fields schema = format.object("json_schema").orElseThrow(() -> ApiException.field(format.path("json_schema"),
                        format.path("json_schema") + " is missing"));
                yield Optional.of(rule(schema.has("schema") ? schema.node("schema") : null, schema.path("schema")));
            }
            default -> throw ApiException.field(format.path("type"),
                    "there is no such response_format; use text, json_object or json_schema");
        };
    }

    /** The messages, with the tools described to a model whose template knows none. */
    List<Message> instruct(List<Message> messages) {
        return instruct(messages, tools);
    }

    /** The messages, of which there may be none, with tools described at their beginning. */
    static List<Message> instruct(List<Message> messages, List<Tool> tools) {
        if (tools.isEmpty()) {
            return messages;
        }
        List<Message> instructed = new ArrayList<>(messages);
        boolean hasSystem = !messages.isEmpty() && messages.getFirst().role().equals("system");
        String before = hasSystem ? messages.getFirst().content() + "\n\n" : "";
        Message system = new Message("system", before + Tool.instructions(tools), hasSystem ? messages.getFirst().kept()
                : List.of());
        if (hasSystem) {
            instructed.set(0, system);
        } else {
            instructed.addFirst(system);
        }
        return instructed;
    }

    /** The call that an answer is, if it is one. */
    Optional<Tool.Call> call(String answer) {
        return tools.isEmpty() ? Optional.empty() : Tool.Call.of(answer);
    }
}
