package elms.server.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import elms.engine.ElmsException;
import elms.server.grammar.Rule.Reference;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Turns a JSON schema into a grammar: objects with their properties in the schema's order, arrays, strings, numbers, {@code
 * enum}, {@code const}, {@code anyOf}, {@code oneOf}, {@code $ref} into the schema itself. What it cannot hold an answer to it
 * refuses.
 */
public final class JsonSchema {
    private static final int MOST_PARTS = 10_000;
    private static final int MOST_ITEMS = 256;
    private static final Set<String> MISSING = Set.of("pattern", "minLength", "maxLength", "minimum", "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum", "multipleOf", "patternProperties", "propertyNames", "minProperties", "maxProperties", "not",
            "allOf", "if",
            "dependentRequired", "dependentSchemas", "contains", "prefixItems", "unevaluatedProperties");

    private final JsonGrammar json = new JsonGrammar();
    private final JsonNode root;
    private final Map<String, Reference> references = new HashMap<>();
    private int parts;

    private JsonSchema(JsonNode root) {
        this.root = root;
    }

    /** Any JSON object. */
    public static Rule anyObject() {
        return new JsonGrammar().object();
    }

    /**
     * The texts that satisfy a schema.
     *
     * @throws ElmsException if the schema asks for something that a grammar of this kind cannot hold an answer to
     */
    public static Rule rule(JsonNode schema) {
        return new JsonSchema(schema).of(schema);
    }

    /** An object of some members, in that order. */
    public static Rule object(Map<String, Rule> members) {
        return new JsonSchema(null).object(members, members.keySet());
    }

    private Rule of(JsonNode schema) {
        if (++parts > MOST_PARTS) {
            throw new ElmsException("the schema has more than " + MOST_PARTS + " parts");
        }
        if (schema.isBoolean() && schema.booleanValue() || schema.isObject() && schema.isEmpty()) {
            return json.value();
        }
        if (!schema.isObject()) {
            throw new ElmsException("a schema must be an object");
        }
        schema.fieldNames().forEachRemaining(name -> {
            if (MISSING.contains(name)) {
                throw new ElmsException("the schema's '" + name + "' is not supported; leave it away");
            }
        });
        if (schema.has("$ref")) {
            return reference(schema.path("$ref").asText());
        }
        if (schema.has("const")) {
            return literal(schema.path("const"));
        }
        for (String name : List.of("enum", "anyOf", "oneOf")) {
            if (schema.has(name)) {
                return choice(schema.path(name), name);
            }
        }
        JsonNode type = schema.path("type");
        if (type.isArray()) {
            return Rule.choice(stream(type).map(one -> typed(schema, one.asText())).toList());
        }
        return typed(schema, type.asText(schema.has("properties") ? "object" : schema.has("items") ? "array" : "any"));
    }

    private Rule typed(JsonNode schema, String type) {
        return switch (type) {
            case "object" -> schema.path("properties").isEmpty() ? json.object() : object(schema);
            case "array" -> array(schema);
            case "string" -> json.string();
            case "integer" -> json.integer();
            case "number" -> json.number();
            case "boolean" -> json.bool();
            case "null" -> json.nothing();
            case "any" -> json.value();
            default -> throw new ElmsException("the schema has the type '" + type + "', which JSON does not have");
        };
    }

    private Rule choice(JsonNode options, String name) {
        if (!options.isArray() || options.isEmpty()) {
            throw new ElmsException("the schema's '" + name + "' must be an array with an element");
        }
        return Rule.choice(stream(options).map(option -> name.equals("enum") ? literal(option) : of(option)).toList());
    }

    private Rule literal(JsonNode value) {
        if (++parts > MOST_PARTS) {
            throw new ElmsException("the schema has more than " + MOST_PARTS + " parts");
        }
        return Rule.text(value.toString());
    }

    private Rule reference(String path) {
        JsonNode target = path.equals("#") ? root : path.startsWith("#/") ? root.at(path.substring(1)) : root.path("").path("");
        if (target.isMissingNode()) {
            throw new ElmsException("the schema's $ref '" + path + "' leads nowhere; it must begin with #/");
        }
        Reference known = references.get(path);
        if (known == null) {
            known = new Reference();
            references.put(path, known);
            known.set(of(target));
        }
        return known;
    }

    private Rule array(JsonNode schema) {
        Rule item = schema.has("items") ? of(schema.path("items")) : json.value();
        int least = schema.path("minItems").asInt(0);
        int most = schema.path("maxItems").asInt(-1);
        if (least < 0 || least > MOST_ITEMS || most > MOST_ITEMS || most >= 0 && most < least || schema.path("uniqueItems")
                .asBoolean()) {
            throw new ElmsException("an array of the schema must have between 0 and " + MOST_ITEMS
                    + " items, and not ask for uniqueItems");
        }
        Rule next = Rule.sequence(json.comma(), item);
        Rule more = most < 0 ? Rule.sequence(Rule.times(next, Math.max(0, least - 1), Math.max(0, least - 1)),
                Rule.repeated(next))
                : Rule.times(next, Math.max(0, least - 1), Math.max(0, most - 1));
        Rule some = most == 0 ? Rule.nothing() : Rule.sequence(item, more);
        return Rule.sequence(Rule.text("["), least > 0 ? some : Rule.optional(some), Rule.text("]"));
    }

    private Rule object(JsonNode schema) {
        Map<String, Rule> members = new LinkedHashMap<>();
        schema.path("properties").properties().forEach(property -> members.put(property.getKey(), of(property.getValue())));
        List<String> required = new ArrayList<>();
        schema.path("required").forEach(name -> required.add(name.asText()));
        if (!members.keySet().containsAll(required)) {
            throw new ElmsException("the schema requires a property that it does not have");
        }
        return object(members, Set.copyOf(required));
    }

    private Rule object(Map<String, Rule> members, Set<String> required) {
        Rule behindFirst = Rule.text("}");
        Rule first = Rule.text("}");
        for (Map.Entry<String, Rule> member : new LinkedHashMap<>(members).reversed().entrySet()) {
            Rule own = Rule.sequence(literal(TextNode.valueOf(member.getKey())), json.colon(),
                    member.getValue());
            Rule here = Rule.sequence(own, behindFirst);
            Rule behind = Rule.sequence(json.comma(), own, behindFirst);
            boolean must = required.contains(member.getKey());
            first = must ? here : Rule.choice(List.of(here, first));
            behindFirst = must ? behind : Rule.choice(List.of(behind, behindFirst));
        }
        return Rule.sequence(Rule.text("{"), first);
    }

    private static Stream<JsonNode> stream(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false);
    }
}
