package elms.server.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import elms.engine.ElmsException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which texts a grammar lets through, byte by byte. */
class JsonSchemaTest {
    private static final String PERSON = """
            {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "mood": {"enum": ["good", 7,
            null]}},
             "required": ["name", "age"], "additionalProperties": false}""";
    private static final String TREE = """
            {"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {"value": {"type": "number"},
             "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}, "required": ["value"]}}}""";

    @ParameterizedTest
    @ValueSource(strings = {"{\"name\":\"A\",\"age\":3}", "{\"name\": \"A\\n\\u00e9é\", \"age\": -12, \"mood\": \"good\"}",
        "{\"name\":\"\",\"age\":0,\"mood\":null}"})
    void whatSatisfiesASchemaIsLetThrough(String text) {
        assertThat(accepts(PERSON, text)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"age\":3,\"name\":\"A\"}", "{\"name\":\"A\"}", "{\"name\":\"A\",\"age\":3.5}",
            "{\"name\":\"A\",\"age\":03}",
        "{\"name\":\"A\",\"age\":3,\"mood\":8}", "{\"name\":\"A\",\"age\":3,}", "{\"name\":\"A\",\"age\":3} ",
        "{\"name\":\"\n\",\"age\":3}",
        "{\"name\":\"\\x\",\"age\":3}", "", "[]", "{\"name\":\"A\",\"age\":3,\"more\":1}"})
    void whatDoesNotIsNot(String text) {
        assertThat(accepts(PERSON, text)).isFalse();
    }

    @Test
    void aSchemaMayContainItself() {
        assertThat(accepts(TREE, "{\"value\":1,\"children\":[{\"value\":2.5e3},{\"value\":3,\"children\":[]}]}")).isTrue();
        assertThat(accepts(TREE, "{\"value\":1,\"children\":[{}]}")).isFalse();
        assertThat(accepts("{\"$ref\": \"#\"}", "{}")).isFalse();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{\"type\":\"array\",\"items\":{\"type\":\"boolean\"},\"minItems\":1,\"maxItems\":2} | [true] | []",
        "{\"type\":\"array\",\"items\":{\"type\":\"boolean\"},\"minItems\":1,\"maxItems\":2} | [true,false] | [true,true,true]",
        "{\"type\":\"array\",\"minItems\":2} | [1, \"a\", {}] | [1]",
        "{\"type\":[\"string\",\"null\"]} | null | 1",
        "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1}}}]} | {\"a\":1} | {\"a\":2}",
        "{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{}}} | {\"b\":[]} | {\"b\":1,\"a\":2}",
        "{\"type\":\"object\"} | {\"x\":{\"y\":[1,2]}} | []",
        "{} | \"any\" | x"})
    void eachKindOfSchemaHoldsToItsForm(String schema, String good, String bad) {
        assertThat(accepts(schema, good)).as(good).isTrue();
        assertThat(accepts(schema, bad)).as(bad).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"7", "\"string\"", "{\"type\": \"date\"}", "{\"pattern\": \"a+\"}",
            "{\"$ref\": \"http://elms.example\"}",
        "{\"$ref\": \"#/nowhere\"}", "{\"enum\": []}", "{\"type\": \"array\", \"minItems\": 100000}",
        "{\"type\": \"object\", \"properties\": {\"a\": {}}, \"required\": [\"b\"]}",
        "{\"type\": \"array\", \"minItems\": 3, \"maxItems\": 2}"})
    void whatCannotBeHeldToIsRefused(String schema) {
        assertThatThrownBy(() -> accepts(schema, "")).isInstanceOf(ElmsException.class);
    }

    /** An answer that nests for ever is held back, and takes no memory for ever. */
    @Test
    void nestingHasAnEnd() {
        assertThat(accepts("{}", "[".repeat(20) + "]".repeat(20))).isTrue();
        assertThat(accepts("{}", "[".repeat(100_000) + "]".repeat(100_000))).isFalse();
    }

    private static boolean accepts(String schema, String text) {
        Automaton automaton = new Automaton(rule(schema));
        int state = automaton.start();
        for (byte value : text.getBytes(StandardCharsets.UTF_8)) {
            state = automaton.next(state, value & 0xff);
            if (state == Automaton.DEAD) {
                return false;
            }
        }
        return automaton.ends(state);
    }

    private static Rule rule(String schema) {
        try {
            return JsonSchema.rule(new ObjectMapper().readTree(schema));
        } catch (IOException e) {
            throw new IllegalArgumentException(schema, e);
        }
    }
}
