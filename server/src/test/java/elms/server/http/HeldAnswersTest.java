package elms.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import elms.server.http.NanoServer.Reply;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers that are held to JSON or to a tool's arguments, by a model that left alone writes noise. */
class HeldAnswersTest extends LocalServerTest {
    private static final String CHAT = "/v1/chat/completions";
    private static final String SCHEMA = "{\"type\": \"object\", \"properties\": {\"sky\": {\"enum\": [\"blue\", \"grey\"]}, "
            + "\"sure\": {\"type\": \"boolean\"}, \"digits\": {\"type\": \"array\", \"items\": {\"enum\": [1, 2]}, \"minItems\": 2, \"maxItems\": 3}}, "
            + "\"required\": [\"sky\", \"sure\", \"digits\"]}";
    private static final String TOOLS =
            "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"look_up\", \"description\": \"Looks up the sky\", "
            + "\"parameters\": " + SCHEMA + "}}]";
    private static final String QUESTION =
            "\"messages\": [{\"role\": \"user\", \"content\": \"How is the sky?\"}], \"max_tokens\": 200";

    @ParameterizedTest
    @ValueSource(strings = {"\"temperature\": 0", "\"temperature\": 2, \"seed\": 1, \"top_k\": 0, \"top_p\": 1, \"min_p\": 0",
        "\"temperature\": 2, \"seed\": 2, \"top_k\": 0, \"top_p\": 1, \"min_p\": 0"})
    void anAnswerSatisfiesItsSchema(String sampling) throws Exception {
        JsonNode json = server.post(CHAT, "{" + QUESTION + ", " + sampling + ", \"response_format\": {\"type\": \"json_schema\", "
                + "\"json_schema\": {\"name\": \"sky\", \"schema\": " + SCHEMA + "}}}").json();
        assertThat(json.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
        requireSky(new ObjectMapper().readTree(json.at("/choices/0/message/content").asText()));
    }

    /** What the model itself finds likely, whatever the form allows: so its own favourite is often another token. */
    @Test
    void aHeldAnswerIsScoredByTheModelAloneAndBiasesCannotBreakIt() throws Exception {
        JsonNode choice = server.post(CHAT, "{" + QUESTION + ", \"logprobs\": true, \"top_logprobs\": 1, "
                + "\"logit_bias\": {\"120\": 100}, \"presence_penalty\": 1, \"response_format\": {\"type\": \"json_schema\", "
                + "\"json_schema\": {\"name\": \"sky\", \"schema\": " + SCHEMA + "}}}").json().at("/choices/0");
        requireSky(new ObjectMapper().readTree(choice.at("/message/content").asText()));
        JsonNode told = choice.at("/logprobs/content");
        assertThat(told.size()).isGreaterThan(20);
        assertThat(told).allSatisfy(token -> assertThat(token.at("/logprob").asDouble())
                .isLessThanOrEqualTo(token.at("/top_logprobs/0/logprob").asDouble()));
        assertThat(told).anySatisfy(token -> assertThat(token.at("/token")).isNotEqualTo(token.at("/top_logprobs/0/token")));
    }

    @Test
    void ollamasFormatHoldsToo() throws Exception {
        JsonNode json = server.post("/api/generate", "{\"model\": \"nano\", \"prompt\": \"sky?\", \"stream\": false, \"format\": "
                + SCHEMA + "}").json();
        requireSky(new ObjectMapper().readTree(json.at("/response").asText()));
        JsonNode any = server.post("/api/generate",
                "{\"model\": \"nano\", \"prompt\": \"sky?\", \"stream\": false, \"format\": \"json\", "
                + "\"options\": {\"num_predict\": 30}}").json();
        assertThat(any.at("/response").asText()).startsWith("{");
    }

    @Test
    void aRequiredToolIsCalled() throws Exception {
        String body = "{" + QUESTION + ", " + TOOLS + ", \"tool_choice\": \"required\"";
        JsonNode choice = server.post(CHAT, body + "}").json().at("/choices/0");
        assertThat(choice.at("/finish_reason").asText()).isEqualTo("tool_calls");
        assertThat(choice.at("/message/content").isNull()).isTrue();
        JsonNode call = choice.at("/message/tool_calls/0");
        assertThat(call.at("/type").asText()).isEqualTo("function");
        assertThat(call.at("/function/name").asText()).isEqualTo("look_up");
        requireSky(new ObjectMapper().readTree(call.at("/function/arguments").asText()));

        List<JsonNode> events = server.post(CHAT, body + ", \"stream\": true}").events();
        List<JsonNode> calls = events.stream().filter(event -> event.at("/choices/0/delta/tool_calls").isArray()).toList();
        assertThat(calls).singleElement()
                .satisfies(event -> assertThat(event.at("/choices/0/delta/tool_calls/0/function/arguments"))
                .isEqualTo(call.at("/function/arguments")));
        assertThat(events.stream().map(event -> event.at("/choices/0/delta/content").asText("")).collect(Collectors.joining()))
                .isEmpty();
        assertThat(events.getLast().at("/choices/0/finish_reason").asText()).isEqualTo("tool_calls");
    }

    @Test
    void aToolsResultGoesBackToTheModel() throws Exception {
        Reply reply = server.post(CHAT,
                "{\"messages\": [{\"role\": \"user\", \"content\": \"sky?\"}, {\"role\": \"assistant\", \"content\": null, "
                + "\"tool_calls\": [{\"id\": \"1\", \"type\": \"function\", \"function\": {\"name\": \"look_up\", \"arguments\": \"{}\"}}]}, "
                + "{\"role\": \"tool\", \"tool_call_id\": \"1\", \"content\": \"blue\"}], \"max_tokens\": 2, \"tool_choice\": \"none\", " + TOOLS + "}");
        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.json().at("/choices/0/message/tool_calls").isMissingNode()).isTrue();
    }

    @Test
    void aToolCallRunsAtTheProfilesLeastLevel() throws Exception {
        server.put("/elms/v1/apps/tools", "{\"slo\": {\"tpot\": 0.85, \"ttft\": 0.85}}");
        String plain = "{" + QUESTION + "}";
        assertThat(server.post(CHAT, plain, "x-elms-app", "tools").json().at("/elms/decode_level").asDouble()).isLessThan(1);
        String called = "{" + QUESTION + ", " + TOOLS + ", \"tool_choice\": \"required\"}";
        assertThat(server.post(CHAT, called, "x-elms-app", "tools").json().at("/elms/decode_level").asDouble()).isEqualTo(1);
    }

    @Test
    void schemasThatCannotBeHeldAreRefusedAndTheServerLives() throws Exception {
        String deep = "{\"items\":".repeat(60_000) + "{}" + "}".repeat(60_000);
        String wide = "{\"enum\": [" + IntStream.range(0, 20_000).mapToObj(String::valueOf).collect(Collectors.joining(","))
                + "]}";
        for (String schema : List.of(deep, wide, "{\"pattern\": \"(a*)*\"}", "{\"type\": \"array\", \"maxItems\": 1e9}", "7",
                "{\"$ref\": \"#/$defs/none\"}")) {
            Reply reply = server.post(CHAT, "{" + QUESTION
                    + ", \"response_format\": {\"type\": \"json_schema\", \"json_schema\": {\"schema\": "
                    + schema + "}}}");
            assertThat(reply.status()).as(schema.substring(0, Math.min(40, schema.length()))).isEqualTo(400);
        }
        assertThat(server.post(CHAT, "{" + QUESTION + ", \"response_format\": {\"type\": \"yaml\"}}").status()).isEqualTo(400);
        assertThat(server.post(CHAT, "{" + QUESTION + ", " + TOOLS + ", \"tool_choice\": \"other\"}").status()).isEqualTo(400);
        assertThat(server.get("/health").status()).isEqualTo(200);
    }

    private static void requireSky(JsonNode sky) {
        assertThat(sky.at("/sky").asText()).isIn("blue", "grey");
        assertThat(sky.at("/sure").isBoolean()).isTrue();
        assertThat(sky.at("/digits").size()).isBetween(2, 3);
    }
}
