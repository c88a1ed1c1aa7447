package elms.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Fields of a JSON object that a client sent. What is there has the right type and lies in its range, or the request is refused.
 */
final class Fields {
    /** An object without fields. */
    static final Fields NONE = new Fields(JsonNodeFactory.instance.objectNode(), "");

    private final ObjectNode object;
    private final String path;

    private Fields(ObjectNode object, String path) {
        this.object = object;
        this.path = path;
    }

    /** Reads the body of a request. */
    static Fields of(byte[] body) {
        if (!(Json.read(body) instanceof ObjectNode object)) {
            throw ApiException.field(null, "the body must be a JSON object");
        }
        return new Fields(object, "");
    }

    /** Where a field is, for messages. */
    String path(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    /** The field as it came; a {@link MissingNode} if it is absent or null. */
    JsonNode node(String name) {
        JsonNode node = object.get(name);
        return node == null || node.isNull() ? MissingNode.getInstance() : node;
    }

    /** Names of the fields, which are at most so many. */
    List<String> names(int most) {
        if (object.size() > most) {
            throw ApiException.field(path, path + " must have at most " + most + " fields");
        }
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    boolean has(String name) {
        return !node(name).isMissingNode();
    }

    Optional<String> text(String name) {
        JsonNode node = node(name);
        if (node.isMissingNode()) {
            return Optional.empty();
        }
        if (!node.isTextual()) {
            throw ApiException.field(path(name), path(name) + " must be a string");
        }
        return Optional.of(node.textValue());
    }

    String requiredText(String name) {
        return text(name).orElseThrow(() -> ApiException.field(path(name), path(name) + " is missing"));
    }

    OptionalDouble number(String name, double least, double most) {
        JsonNode node = node(name);
        if (node.isMissingNode()) {
            return OptionalDouble.empty();
        }
        double number = node.doubleValue();
        if (!node.isNumber() || !(number >= least && number <= most)) {
            throw ApiException.field(path(name), path(name) + " must be a number between " + plain(least) + " and "
                    + plain(most));
        }
        return OptionalDouble.of(number);
    }

    OptionalInt integer(String name, int least, int most) {
        OptionalLong number = longInteger(name, least, most);
        return number.isPresent() ? OptionalInt.of((int) number.getAsLong()) : OptionalInt.empty();
    }

    OptionalLong longInteger(String name, long least, long most) {
        JsonNode node = node(name);
        if (node.isMissingNode()) {
            return OptionalLong.empty();
        }
        if (!node.isIntegralNumber() || !node.canConvertToLong() || node.longValue() < least || node.longValue() > most) {
            throw ApiException.field(path(name), path(name) + " must be a whole number between " + least + " and " + most);
        }
        return OptionalLong.of(node.longValue());
    }

    boolean flag(String name, boolean otherwise) {
        JsonNode node = node(name);
        if (!node.isMissingNode() && !node.isBoolean()) {
            throw ApiException.field(path(name), path(name) + " must be true or false");
        }
        return node.isMissingNode() ? otherwise : node.booleanValue();
    }

    Optional<Fields> object(String name) {
        return node(name).isMissingNode() ? Optional.empty() : Optional.of(object(node(name), path(name)));
    }

    /** The objects of an array; none if it is absent. */
    List<Fields> objects(String name, int most) {
        List<Fields> objects = new ArrayList<>();
        for (JsonNode element : array(name, most)) {
            objects.add(object(element, path(name) + "[" + objects.size() + "]"));
        }
        return objects;
    }

    /** The elements of an array; none if it is absent. */
    Iterable<JsonNode> array(String name, int most) {
        JsonNode node = node(name);
        if (!node.isMissingNode() && !node.isArray() || node.size() > most) {
            throw ApiException.field(path(name), path(name) + " must be an array of at most " + most + " elements");
        }
        return node;
    }

    /** Strings of an array, or the one string that stands there alone; none if it is absent. */
    List<String> texts(String name, int most) {
        if (node(name).isTextual()) {
            return List.of(node(name).textValue());
        }
        List<String> texts = new ArrayList<>();
        for (JsonNode element : array(name, most)) {
            if (!element.isTextual()) {
                throw ApiException.field(path(name), path(name) + " must be a string or an array of strings");
            }
            texts.add(element.textValue());
        }
        return texts;
    }

    private static Fields object(JsonNode node, String path) {
        if (!(node instanceof ObjectNode object)) {
            throw ApiException.field(path, path + " must be an object");
        }
        return new Fields(object, path);
    }

    private static String plain(double number) {
        return number == Math.rint(number) && Math.abs(number) < 1e15 ? String.valueOf((long) number) : String.valueOf(number);
    }
}
