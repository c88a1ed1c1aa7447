package elms.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import elms.server.http.NanoServer.Reply;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code /api/...} as an Ollama client meets it. */
class OllamaRoutesTest extends LocalServerTest {
    @Test
    void aChatIsAStreamOfLinesUnlessToldOtherwise() throws Exception {
        String body = "{\"model\": \"nano\", \"messages\": [{\"role\": \"user\", \"content\": \"hello\"}], \"options\": {\"num_predict\": 8}";
        Reply whole = server.post("/api/chat", body + ", \"stream\": false}");
        Reply stream = server.post("/api/chat", body + "}");
        assertThat(stream.header("content-type")).isEqualTo("application/x-ndjson");
        List<JsonNode> lines = lines(stream);
        StringBuilder text = new StringBuilder();
        lines.forEach(line -> text.append(line.at("/message/content").asText()));
        assertThat(text.toString()).isEqualTo(whole.json().at("/message/content").asText()).isNotEmpty();
        assertThat(lines).allMatch(line -> line.at("/model").asText().equals("nano") && line.at("/created_at").asText()
                .contains("T"));
        JsonNode last = lines.getLast();
        assertThat(last.at("/done").asBoolean()).isTrue();
        assertThat(last.at("/done_reason").asText()).isIn("stop", "length");
        assertThat(last.at("/eval_count").asInt()).isBetween(1, 8);
        assertThat(last.at("/prompt_eval_count").asInt()).isPositive();
        assertThat(last.at("/total_duration").asLong()).isGreaterThanOrEqualTo(last.at("/prompt_eval_duration").asLong());
        assertThat(last.at("/elms/decode_level").asDouble()).isEqualTo(1);
    }

    @Test
    void aPromptIsAnsweredOrContinued() throws Exception {
        String body = "{\"model\": \"nano:latest\", \"stream\": false, \"prompt\": \"once\", \"options\": {\"num_predict\": 4}";
        JsonNode answered = server.post("/api/generate", body + "}").json();
        JsonNode continued = server.post("/api/generate", body + ", \"raw\": true}").json();
        assertThat(answered.at("/response").isTextual()).isTrue();
        assertThat(continued.at("/prompt_eval_count").asInt()).isEqualTo(4).isLessThan(answered.at("/prompt_eval_count").asInt());
    }

    @Test
    void theModelIsListedShownAndRunning() throws Exception {
        assertThat(server.get("/api/version").json().at("/version").asText()).matches("\\d+\\.\\d+\\.\\d+");
        JsonNode listed = server.get("/api/tags").json().at("/models/0");
        assertThat(listed.at("/name").asText()).isEqualTo("nano");
        assertThat(listed.at("/details/family").asText()).isEqualTo("llama");
        assertThat(listed.at("/size").asLong()).isPositive();
        JsonNode shown = server.post("/api/show", "{\"model\": \"nano\"}").json();
        assertThat(shown.at("/model_info/llama.context_length").asInt()).isEqualTo(2048);
        assertThat(shown.at("/model_info/elms.levels").size()).isEqualTo(2);
        assertThat(server.get("/api/ps").json().at("/models/0/context_length").asInt()).isEqualTo(2048);
    }

    @Test
    void aModelThatIsNotKeptAliveComesBackForTheNextRequest() throws Exception {
        Reply unload = server.post("/api/generate", "{\"model\": \"nano\", \"keep_alive\": 0, \"stream\": false}");
        assertThat(unload.json().at("/done_reason").asText()).isEqualTo("unload");
        while (server.get("/api/ps").json().at("/models").size() > 0) {
            Thread.sleep(5);
        }
        assertThat(server.get("/api/tags").json().at("/models").size()).isEqualTo(1);
        assertThat(server.get("/health").status()).isEqualTo(200);
        Reply again = server.post("/api/generate",
                "{\"model\": \"nano\", \"keep_alive\": \"-1m\", \"prompt\": \"hello\", \"stream\": false,"
                + "\"options\": {\"num_predict\": 2}}");
        assertThat(again.json().at("/done").asBoolean()).isTrue();
        assertThat(server.get("/api/ps").json().at("/models").size()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"keep_alive\": \"soon\"", "\"keep_alive\": 1e300", "\"keep_alive\": \"5m and a bit\"",
            "\"keep_alive\": []",
        "\"options\": {\"num_predict\": 1e10}", "\"options\": {\"temperature\": -1}", "\"options\": 7", "\"images\": [\"x\"]"})
    void whatMakesNoSenseIsRefusedInOllamasShape(String field) throws Exception {
        Reply reply = server.post("/api/generate", "{\"model\": \"nano\", \"prompt\": \"x\", " + field + "}");
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.json().at("/error").isTextual()).isTrue();
    }

    @Test
    void anUnknownModelIsNotFound() throws Exception {
        assertThat(server.post("/api/chat", "{\"model\": \"llama3\", \"messages\": []}").status()).isEqualTo(404);
        assertThat(server.post("/api/show", "{\"model\": \"llama3\"}").status()).isEqualTo(404);
    }

    private static List<JsonNode> lines(Reply reply) throws Exception {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : reply.body().lines().toList()) {
            lines.add(new ObjectMapper().readTree(line));
        }
        return lines;
    }
}
