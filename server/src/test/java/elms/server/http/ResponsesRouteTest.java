package elms.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import elms.server.http.NanoServer.Reply;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code /v1/responses}, besides what {@link ClientsTest} sees through OpenAI's own client. */
class ResponsesRouteTest extends LocalServerTest {
    private static final String ROUTE = "/v1/responses";

    @ParameterizedTest
    @ValueSource(strings = {"[{\"role\": \"user\", \"content\": \"hello\"}]",
        "[{\"type\": \"message\", \"role\": \"user\", \"content\": [{\"type\": \"input_text\", \"text\": \"hello\"}]}]"})
    void messagesAreReadAsATextIs(String input) throws Exception {
        String fields = ", \"max_output_tokens\": 8}";
        JsonNode text = server.post(ROUTE, "{\"input\": \"hello\"" + fields).json();
        JsonNode messages = server.post(ROUTE, "{\"input\": " + input + fields).json();
        assertThat(messages.at("/output/0/content")).isEqualTo(text.at("/output/0/content"));
        assertThat(messages.at("/output/0/content/0/text").asText()).isNotEmpty();
        assertThat(messages.at("/elms/measured/ttft_ms").isNumber()).isTrue();
        assertThat(messages.at("/store").asBoolean(true)).isFalse();
    }

    @Test
    void anAnswerThatIsCutSaysSo() throws Exception {
        JsonNode cut = server.post(ROUTE, "{\"input\": \"hello\", \"max_output_tokens\": 1}").json();
        assertThat(cut.at("/status").asText()).isEqualTo("incomplete");
        assertThat(cut.at("/incomplete_details/reason").asText()).isEqualTo("max_output_tokens");
        JsonNode whole = server.post(ROUTE, "{\"input\": \"hello\", \"text\": {\"format\": {\"type\": \"json_schema\", "
                + "\"name\": \"sky\", \"schema\": {\"enum\": [\"blue\"]}}}}").json();
        assertThat(whole.at("/status").asText()).isEqualTo("completed");
        assertThat(whole.at("/output/0/content/0/text").asText()).isEqualTo("\"blue\"");
    }

    @Test
    void eventsHaveTheirNamesAndComeInOrder() throws Exception {
        Reply reply = server.post(ROUTE, "{\"input\": \"hello\", \"max_output_tokens\": 6, \"stream\": true}");
        List<String> names = reply.body().lines().filter(line -> line.startsWith("event: "))
                .map(line -> line.substring("event: ".length())).toList();
        assertThat(reply.events()).extracting(event -> event.at("/type").asText()).containsExactlyElementsOf(names);
        assertThat(reply.events()).extracting(event -> event.at("/sequence_number").asInt())
                .containsExactlyElementsOf(IntStream.range(0, names.size()).boxed().toList());
        assertThat(names).startsWith("response.created", "response.in_progress", "response.output_item.added",
                "response.content_part.added", "response.output_text.delta").endsWith("response.output_text.done",
                "response.content_part.done", "response.output_item.done", "response.incomplete");
        assertThat(reply.body()).doesNotContain("[DONE]");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "\"input\": []                                              | input",
        "\"instructions\": \"be short\"                             | input",
        "\"input\": 7                                               | input",
        "\"input\": \"a\", \"previous_response_id\": \"resp_1\"     | previous_response_id",
        "\"input\": \"a\", \"background\": true                     | background",
        "\"input\": \"a\", \"tools\": [{\"type\": \"web_search\"}]  | tools",
        "\"input\": [{\"type\": \"item_reference\", \"id\": \"x\"}] | input[0].type",
        "\"input\": \"a\", \"text\": {\"format\": {\"type\": \"x\"}} | text.format.type"})
    void whatThisRouteDoesNotDoItSays(String fields, String param) throws Exception {
        Reply reply = server.post(ROUTE, "{" + fields + "}");
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.json().at("/error/param").asText()).isEqualTo(param);
    }
}
