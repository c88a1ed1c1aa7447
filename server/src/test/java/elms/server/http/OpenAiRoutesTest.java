package elms.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import elms.server.http.NanoServer.Reply;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code /v1/...} as an OpenAI client meets it. */
class OpenAiRoutesTest extends LocalServerTest {
    private static final String CHAT = "/v1/chat/completions";
    /** Keeps the token that ends an answer from being drawn: longer ones leave their head start behind. */
    private static final String ENDLESS = "\"logit_bias\": {\"257\": -100}";

    @Test
    void aChatIsAnsweredInOpenAisShapeWithAnElmsObject() throws Exception {
        Reply reply = server.post(CHAT, body("\"max_tokens\": 6"));
        assertThat(reply.status()).isEqualTo(200);
        JsonNode json = reply.json();
        assertThat(json.at("/object").asText()).isEqualTo("chat.completion");
        assertThat(json.at("/model").asText()).isEqualTo("nano");
        assertThat(json.at("/choices/0/message/role").asText()).isEqualTo("assistant");
        assertThat(json.at("/choices/0/finish_reason").asText()).isIn("stop", "length");
        assertThat(json.at("/usage/total_tokens").asInt())
                .isEqualTo(json.at("/usage/prompt_tokens").asInt() + json.at("/usage/completion_tokens").asInt());
        assertThat(json.at("/usage/prompt_tokens_details/cached_tokens").isInt()).isTrue();
        for (String number : List.of("prefill_level", "decode_level", "prompt_tokens_before", "prompt_tokens_after",
                "predicted/ttft_ms",
                "measured/ttft_ms", "queue_ms", "spans/0/level")) {
            assertThat(json.at("/elms/" + number).isNumber()).as(number).isTrue();
        }
    }

    @Test
    void aStreamGivesTheSameTextThenTheUsageThenDone() throws Exception {
        String whole = server.post(CHAT, body("\"max_tokens\": 30")).json().at("/choices/0/message/content").asText();
        Reply reply = server.post(CHAT,
                body("\"max_tokens\": 30, \"stream\": true, \"stream_options\": {\"include_usage\": true}"));
        assertThat(reply.header("content-type")).isEqualTo("text/event-stream");
        assertThat(reply.body()).endsWith("data: [DONE]\n\n");
        List<JsonNode> events = reply.events();
        assertThat(events.getFirst().at("/choices/0/delta/role").asText()).isEqualTo("assistant");
        assertThat(events.getFirst().at("/elms/predicted/ttft_ms").isNumber()).isTrue();
        assertThat(events.stream().map(event -> event.at("/choices/0/delta/content").asText("")).collect(Collectors.joining()))
                .isEqualTo(whole).isNotEmpty();
        JsonNode usage = events.getLast();
        assertThat(usage.at("/choices").size()).isZero();
        assertThat(usage.at("/usage/completion_tokens").asInt()).isPositive();
        JsonNode last = events.get(events.size() - 2);
        assertThat(last.at("/choices/0/finish_reason").asText()).isIn("stop", "length");
        assertThat(last.at("/elms/measured/ttft_ms").isNumber()).isTrue();
    }

    @Test
    void aTextIsContinuedWithoutTheChatTemplate() throws Exception {
        JsonNode json = server.post("/v1/completions", "{\"prompt\": \"once\", \"max_tokens\": 4, \"echo\": true}").json();
        assertThat(json.at("/object").asText()).isEqualTo("text_completion");
        assertThat(json.at("/usage/prompt_tokens").asInt()).isEqualTo(4);
        assertThat(json.at("/choices/0/text").asText()).startsWith("once").hasSizeGreaterThan(4);
        Reply stream = server.post("/v1/completions", "{\"prompt\": \"once\", \"max_tokens\": 4, \"stream\": true}");
        assertThat(stream.events().stream().map(event -> event.at("/choices/0/text").asText("")).collect(Collectors.joining()))
                .isEqualTo(json.at("/choices/0/text").asText().substring(4));
    }

    /** The full model needs 1 for both, the small one about 0.7. Apps share no cache, so a new one is served from none. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "x-llm-d-slo-ttft-ms | %.3f", "x-slo-ttft-ms | %.3f"})
    void anSloComesByHeader(String name, String form) throws Exception {
        double full = server.post(CHAT, body("\"max_tokens\": 2"), "x-elms-app", "measures-" + name).json()
                .at("/elms/predicted/ttft_ms").asDouble();
        JsonNode elms = server.post(CHAT, body("\"max_tokens\": 2"), "x-elms-app", "asks-" + name, name,
                String.format(form, 0.85 * full)).json().at("/elms");
        assertThat(elms.at("/slo/ttft_ms").asDouble()).isBetween(0.84 * full, 0.86 * full);
        assertThat(elms.at("/prefill_level").asDouble()).isLessThan(1);
        assertThat(elms.at("/decode_level").asDouble()).isEqualTo(1);
    }

    /** Each from an app of its own: what a warm prefix saves of the TTFT goes to a head start of the full model. */
    @ParameterizedTest
    @ValueSource(strings = {
        "\"slo\": {\"tpot\": 0.85}", "\"slo\": {\"tpot\": \"0.85\"}", "\"model\": \"nano@tpot=0.85\"",
        "\"model\": \"nano:interactive@ttft=1.2,tpot=0.85\"", "\"slo\": {\"tpot\": 0.85}, \"model\": \"nano@tpot=2\""})
    void anSloComesByBodyAndByModelName(String field) throws Exception {
        JsonNode elms = server.post(CHAT, body("\"max_tokens\": 60, " + ENDLESS + ", " + field),
                "x-elms-app", "asks-" + Integer.toHexString(field.hashCode())).json().at("/elms");
        assertThat(elms.at("/decode_level").asDouble()).isLessThan(1);
        assertThat(elms.at("/prefill_level").asDouble()).isEqualTo(1);
    }

    @Test
    void profilesAreListedAndChooseLevels() throws Exception {
        List<String> ids = server.get("/v1/models").json().at("/data").findValuesAsText("id");
        assertThat(ids).containsExactly("nano", "nano:interactive", "nano:balanced", "nano:fast");
        assertThat(server.get("/v1/models/nano:fast").json().at("/id").asText()).isEqualTo("nano:fast");
        JsonNode elms = server.post(CHAT, body("\"max_tokens\": 60, \"model\": \"nano:balanced\""), "x-elms-app", "new").json()
                .at("/elms");
        assertThat(elms.at("/prefill_level").asDouble()).isLessThan(1);
        assertThat(elms.at("/decode_level").asDouble()).isLessThan(1);
    }

    @Test
    void anUnknownModelIsNotFound() throws Exception {
        Reply reply = server.post(CHAT, body("\"model\": \"gpt-5\""));
        assertThat(reply.status()).isEqualTo(404);
        assertThat(reply.json().at("/error/code").asText()).isEqualTo("model_not_found");
        assertThat(server.get("/v1/models/gpt-5").status()).isEqualTo(404);
    }

    @Test
    void aStrictRequestThatCannotBeKeptGets429WithAReason() throws Exception {
        for (String stream : List.of("false", "true")) {
            Reply reply = server.post(CHAT, body("\"stream\": " + stream + ", \"slo\": {\"ttft_ms\": 0.001, \"strict\": true}"));
            assertThat(reply.status()).isEqualTo(429);
            assertThat(reply.header("x-llm-d-request-dropped-reason")).isEqualTo("slo_infeasible");
            assertThat(reply.header("x-should-retry")).isEqualTo("false");
            assertThat(reply.json().at("/error/message").asText()).contains("no plan keeps this SLO");
        }
        JsonNode bestEffort = server.post(CHAT, body("\"max_tokens\": 2, \"slo\": {\"ttft_ms\": 0.001}")).json();
        assertThat(bestEffort.at("/elms/feasible").asBoolean(true)).isFalse();
    }

    @Test
    void aPinnedPlanIsRun() throws Exception {
        JsonNode elms = server.post(CHAT, body("\"max_tokens\": 2, \"elms\": {\"plan\": {\"prompt\": 0.6, \"answer\": 0.6}, "
                + "\"show_text\": true}")).json().at("/elms");
        assertThat(elms.at("/decode_level").asDouble()).isLessThan(1);
        assertThat(elms.at("/prefill_level").asDouble()).isLessThan(1);
        assertThat(elms.at("/spans/0/text").asText()).contains("hello");
    }

    @Test
    void aStopStringEndsTheAnswer() throws Exception {
        String whole = server.post(CHAT, body("\"max_tokens\": 60")).json().at("/choices/0/message/content").asText();
        int middle = whole.offsetByCodePoints(0, whole.codePointCount(0, whole.length()) / 2);
        String stop = new String(Character.toChars(whole.codePointAt(middle)));
        String quoted = new String(Json.write(stop));
        String cut = server.post(CHAT, body("\"max_tokens\": 60, \"stop\": [" + quoted + "]")).json()
                .at("/choices/0/message/content").asText();
        assertThat(cut).isEqualTo(whole.substring(0, whole.indexOf(stop)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"temperature\": 0", "\"temperature\": 1.5, \"seed\": 3"})
    void biasesAndPenaltiesDecideWhatComes(String sampling) throws Exception {
        String fields = sampling + ", \"max_tokens\": 8, \"logit_bias\": {\"97\": 100, \"98\": 90}";
        assertThat(content(body(fields))).isEqualTo("aaaaaaaa");
        assertThat(content(body(fields + ", \"presence_penalty\": 2"))).isEqualTo("aaaaaaaa");
        String alternating = content(body(sampling + ", \"max_tokens\": 40, \"frequency_penalty\": 2, "
                + "\"logit_bias\": {\"97\": 100, \"98\": 90}"));
        assertThat(alternating).startsWith("aaa").contains("ba").containsPattern("b.*b").matches("[ab]{40}");
        String plain = content(body(sampling + ", \"max_tokens\": 40"));
        assertThat(content(body(sampling + ", \"max_tokens\": 40, \"presence_penalty\": 2"))).isNotEqualTo(plain);
    }

    @Test
    void biasesAndPenaltiesThatMakeNoSenseAreRefused() throws Exception {
        for (String field : List.of("\"logit_bias\": {\"97\": 101}", "\"logit_bias\": {\"a\": 1}", "\"logit_bias\": [1]",
                "\"logit_bias\": {\"260\": 1}", "\"logit_bias\": {\"-1\": 1}", "\"presence_penalty\": 3",
                "\"frequency_penalty\": \"much\"", "\"top_logprobs\": 2", "\"logprobs\": true, \"top_logprobs\": 21",
                "\"logprobs\": 1")) {
            assertThat(server.post(CHAT, body(field)).status()).as(field).isEqualTo(400);
        }
    }

    /** Both ways to ask tell the same of the same tokens, and the scored completion of the rendered chat agrees. */
    @Test
    void aChatTellsHowLikelyItsTokensWere() throws Exception {
        String fields = "\"max_tokens\": 12, \"logprobs\": true, \"top_logprobs\": 2";
        JsonNode choice = server.post(CHAT, body(fields)).json().at("/choices/0");
        JsonNode told = choice.at("/logprobs/content");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (JsonNode token : told) {
            token.at("/bytes").forEach(part -> bytes.write(part.asInt()));
            assertThat(token.at("/top_logprobs").size()).isEqualTo(2);
            assertThat(token.at("/logprob")).isEqualTo(token.at("/top_logprobs/0/logprob"));
            assertThat(token.at("/token")).isEqualTo(token.at("/top_logprobs/0/token"));
        }
        assertThat(bytes.toString(StandardCharsets.UTF_8)).isEqualTo(choice.at("/message/content").asText());
        List<JsonNode> streamed = new ArrayList<>();
        server.post(CHAT, body(fields + ", \"stream\": true")).events()
                .forEach(event -> event.at("/choices/0/logprobs/content").forEach(streamed::add));
        assertThat(streamed).containsExactlyElementsOf(told);
        JsonNode prompt = server.post("/tokenize",
                "{\"prompt\": \"<begin>user:hello<end><begin>assistant:\", \"add_special_tokens\": false}").json().at("/tokens");
        JsonNode scored = server.post("/v1/completions", "{\"prompt\": " + prompt + ", \"logprobs\": 2, \"max_tokens\": 12}")
                .json().at("/choices/0/logprobs/token_logprobs");
        for (int i = 0; i < told.size(); i++) {
            assertThat(told.get(i).at("/logprob").asDouble()).isCloseTo(scored.get(i).asDouble(), within(1e-6));
        }
        assertThat(server.post(CHAT, body("\"max_tokens\": 2")).json().at("/choices/0/logprobs").isNull()).isTrue();
    }

    @Test
    void whatAStopStringCutsOffIsNotTold() throws Exception {
        String fields = "\"max_tokens\": 8, \"logit_bias\": {\"97\": 100}, \"frequency_penalty\": 2, \"logprobs\": true, "
                + "\"stop\": \"aaaaaaaaa\"";
        assertThat(server.post(CHAT, body(fields)).json().at("/choices/0/logprobs/content").size()).isEqualTo(8);
        String stopped = fields.replace("aaaaaaaaa", "aaa");
        JsonNode choice = server.post(CHAT, body(stopped)).json().at("/choices/0");
        assertThat(choice.at("/message/content").asText()).isEmpty();
        assertThat(choice.at("/logprobs").isNull()).isTrue();
    }

    @Test
    void aPromptThatDoesNotFitTheContextIsRefused() throws Exception {
        Reply reply = server.post("/v1/completions", "{\"prompt\": \"" + "x".repeat(5000) + "\"}");
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.json().at("/error/message").asText()).contains("the context of nano holds 2048");
    }

    @Test
    void aPromptThatDoesNotFitTheContextIsShortenedIfTheRequestSaysSo() throws Exception {
        String turn = "{\"role\": \"user\", \"content\": \"" + "Some words that were said before. ".repeat(20) + "\"}, ";
        String chat = "{\"messages\": [{\"role\": \"system\", \"content\": \"Be kind to all.\"}, " + turn.repeat(4)
                + "{\"role\": \"user\", \"content\": \"And now?\"}], \"max_tokens\": 8, \"elms\": {\"show_text\": true}, "
                + "\"truncation\": \"%s\"}";
        assertThat(server.post(CHAT, chat.formatted("disabled")).status()).isEqualTo(400);
        assertThat(server.post(CHAT, chat.formatted("maybe")).json().at("/error/param").asText()).isEqualTo("truncation");
        Reply reply = server.post(CHAT, chat.formatted("auto"));
        assertThat(reply.status()).as(reply.body()).isEqualTo(200);
        JsonNode elms = reply.json().at("/elms");
        assertThat(elms.at("/prompt_tokens_before").asInt()).isGreaterThan(2048);
        assertThat(elms.at("/prompt_tokens_after").asInt()).isBetween(1024, 2040);
        assertThat(elms.at("/spans").toString()).contains("Be kind to all.").contains("And now?");
    }

    @Test
    void whatThisServerDoesNotDoItSays() throws Exception {
        assertThat(server.post("/v1/embeddings", "{}").status()).isEqualTo(501);
        Reply many = server.post(CHAT, body("\"n\": 2"));
        assertThat(many.status()).isEqualTo(400);
        assertThat(many.json().at("/error/code").asText()).isEqualTo("unsupported_parameter");
        for (String field : List.of("\"stop\": \"x\"", "\"presence_penalty\": 1", "\"logit_bias\": {\"5\": 1}",
                "\"stream\": true")) {
            Reply reply = server.post("/v1/completions", "{\"prompt\": \"a\", \"logprobs\": 1, " + field + "}");
            assertThat(reply.status()).as(field).isEqualTo(400);
            assertThat(reply.json().at("/error/message").asText()).contains("and logprobs do not go together");
        }
        Reply image = server.post(CHAT, "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\"}]}]}");
        assertThat(image.json().at("/error/param").asText()).isEqualTo("messages[0].content[0].type");
        assertThat(server.get("/v1/nothing").json().at("/error/code").asText()).isEqualTo("not_found");
    }

    private static String content(String body) throws Exception {
        return server.post(CHAT, body).json().at("/choices/0/message/content").asText();
    }

    private static String body(String fields) {
        return "{\"messages\": [{\"role\": \"user\", \"content\": \"hello\"}], " + fields + "}";
    }
}
