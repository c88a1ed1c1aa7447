package elms.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import elms.server.grammar.JsonSchema;
import elms.server.grammar.Rule;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * A function that the model may ask to be called.
 *
 * @param arguments what its arguments satisfy
 * @param described as it came, for the model to read
 */
record Tool(String name, Rule arguments, JsonNode described) {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]{1,64}");
    private static final String ARGUMENTS = "arguments";

    static Tool read(Fields tool) {
        Fields function = tool.object("function").orElseThrow(() -> ApiException.field(tool.path("function"),
                tool.path("function")
                + " is missing"));
        String name = function.requiredText("name");
        if (!NAME.matcher(name).matches()) {
            throw ApiException.field(function.path("name"), function.path("name")
                    + " must be up to 64 letters, digits, dots, dashes and"
                    + " underscores");
        }
        Rule arguments = AnswerShape.rule(function.has("parameters") ? function.node("parameters") : null,
                function.path("parameters"));
        return new Tool(name, arguments, tool.node("function"));
    }

    /** A call of it: {@code {"name": ..., "arguments": {...}}}. */
    Rule call() {
        Map<String, Rule> members = new LinkedHashMap<>();
        members.put("name", Rule.text("\"" + name + "\""));
        members.put(ARGUMENTS, arguments);
        return JsonSchema.object(members);
    }

    /** Any text that does not look like a call. */
    static Rule noCall() {
        return Rule.optional(Rule.sequence(Rule.range(0x21, 0xff, "{"), Rule.repeated(Rule.range(0, 0xff, ""))));
    }

    /** Tells a model what it may call, and how. */
    static String instructions(List<Tool> tools) {
        StringBuilder text = new StringBuilder("You may call functions. To call one, answer with nothing but JSON of the form "
                + "{\"name\": NAME, \"arguments\": {...}}. The functions:");
        tools.forEach(tool -> text.append('\n').append(tool.described));
        return text.toString();
    }

    /**
     * A call that the model asks for.
     *
     * @param arguments a JSON object
     */
    record Call(String id, String name, JsonNode arguments) {
        /** Reads an answer; one that broke off is none. */
        static Optional<Call> of(String answer) {
            if (!answer.startsWith("{")) {
                return Optional.empty();
            }
            try {
                JsonNode json = Json.read(answer.getBytes(StandardCharsets.UTF_8));
                return Optional.of(new Call("call_" + UUID.randomUUID().toString().replace("-", ""), json.path("name").asText(),
                        json.path(ARGUMENTS)));
            } catch (ApiException brokeOff) {
                return Optional.empty();
            }
        }
    }
}
