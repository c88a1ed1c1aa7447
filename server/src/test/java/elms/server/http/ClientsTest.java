package elms.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.NotFoundException;
import com.openai.errors.RateLimitException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseStreamEvent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.ollama.OllamaChatModel;
import dev.langchain4j.model.ollama.OllamaModels;
import dev.langchain4j.model.ollama.OllamaStreamingChatModel;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Clients that others wrote, as their users use them. */
@Timeout(60)
class ClientsTest {
    private static final int TOKENS = 12;

    @TempDir
    static Path folder;

    private static NanoServer server;
    private static OpenAIClient openAi;

    @BeforeAll
    static void start() {
        server = NanoServer.start(folder, ServerSettings.local());
        openAi = OpenAIOkHttpClient.builder().baseUrl(server.address() + "/v1").apiKey("none").build();
    }

    @AfterAll
    static void stop() {
        openAi.close();
        server.close();
    }

    private static ChatCompletionCreateParams.Builder hello() {
        return ChatCompletionCreateParams.builder().model("nano").addUserMessage("hello").maxCompletionTokens(TOKENS);
    }

    @Test
    void theOpenAiClientChats() {
        ChatCompletion answer = openAi.chat().completions().create(hello().build());
        assertThat(answer.validate().choices().getFirst().message().content()).isPresent();
        assertThat(answer.usage().orElseThrow().completionTokens()).isBetween(1L, (long) TOKENS);
        try (StreamResponse<ChatCompletionChunk> stream = openAi.chat().completions().createStreaming(hello()
                .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build()).build())) {
            var chunks = stream.stream().map(ChatCompletionChunk::validate).toList();
            assertThat(chunks.stream().flatMap(chunk -> chunk.choices().stream()).map(choice -> choice.delta().content()
                    .orElse(""))
                    .collect(Collectors.joining())).isEqualTo(answer.choices().getFirst().message().content().orElseThrow());
            assertThat(chunks.getLast().usage()).isPresent();
        }
    }

    @Test
    void theOpenAiClientSetsAnSloAndReadsWhatBecameOfIt() {
        ChatCompletion answer = openAi.chat().completions().create(hello()
                .putAdditionalBodyProperty("slo", JsonValue.from(Map.of("tpot", 0.85))).build());
        JsonValue elms = answer._additionalProperties().get("elms");
        assertThat(elms.convert(Map.class).get("decode_level")).asInstanceOf(InstanceOfAssertFactories.DOUBLE).isLessThan(1);
        assertThatThrownBy(() -> openAi.chat().completions().create(hello()
                .putAdditionalBodyProperty("slo", JsonValue.from(Map.of("ttft_ms", 0.001, "strict", true))).build()))
                .isInstanceOf(RateLimitException.class).hasMessageContaining("no plan keeps this SLO");
    }

    @Test
    void theOpenAiClientReadsLogprobs() {
        ChatCompletion answer = openAi.chat().completions().create(hello().logprobs(true).topLogprobs(3).presencePenalty(0.5)
                .logitBias(ChatCompletionCreateParams.LogitBias.builder().putAdditionalProperty("97", JsonValue.from(5)).build())
                .build());
        var told = answer.validate().choices().getFirst().logprobs().orElseThrow().content().orElseThrow();
        assertThat(told).isNotEmpty().allSatisfy(token -> assertThat(token.topLogprobs()).hasSize(3));
    }

    @Test
    void theOpenAiClientGetsResponses() {
        ResponseCreateParams.Builder hello = ResponseCreateParams.builder().model("nano").instructions("be short").input("hello")
                .maxOutputTokens(TOKENS).temperature(0.0);
        Response answer = openAi.responses().create(hello.build()).validate();
        String text = text(answer);
        assertThat(text).isNotEmpty();
        assertThat(answer.usage().orElseThrow().outputTokens()).isBetween(1L, (long) TOKENS);
        assertThat(text).isEqualTo(openAi.chat().completions().create(ChatCompletionCreateParams.builder().model("nano")
                .addSystemMessage("be short").addUserMessage("hello").maxCompletionTokens(TOKENS).build()).choices().getFirst()
                .message().content().orElseThrow());
        try (StreamResponse<ResponseStreamEvent> stream = openAi.responses().createStreaming(hello.build())) {
            var events = stream.stream().map(ResponseStreamEvent::validate).toList();
            assertThat(events.getFirst().created()).isPresent();
            assertThat(events.stream().flatMap(event -> event.outputTextDelta().stream()).map(delta -> delta.delta())
                    .collect(Collectors.joining())).isEqualTo(text);
            assertThat(events.stream().flatMap(event -> event.outputTextDone().stream())).singleElement()
                    .satisfies(done -> assertThat(done.text()).isEqualTo(text));
            Response last = events.getLast().completed().map(event -> event.response())
                    .or(() -> events.getLast().incomplete().map(event -> event.response())).orElseThrow();
            assertThat(text(last)).isEqualTo(text);
            assertThat(last.status()).isEqualTo(answer.status());
        }
    }

    private static String text(Response response) {
        return response.output().stream().flatMap(item -> item.message().stream()).flatMap(message -> message.content().stream())
                .map(part -> part.outputText().orElseThrow().text()).collect(Collectors.joining());
    }

    @Test
    void theOpenAiClientListsModels() {
        assertThat(openAi.models().list().data()).extracting(model -> model.id()).contains("nano", "nano:fast");
        assertThatThrownBy(() -> openAi.chat().completions().create(hello().model("gpt-5").build()))
                .isInstanceOf(NotFoundException.class);
    }

    @Test
    void langchain4jsOpenAiModelsChat() throws Exception {
        ChatResponse answer = OpenAiChatModel.builder().baseUrl(server.address() + "/v1").apiKey("none")
                .modelName("nano@tpot=0.85")
                .maxTokens(TOKENS).temperature(0.0).build().chat(UserMessage.from("hello"));
        assertThat(answer.tokenUsage().outputTokenCount()).isBetween(1, TOKENS);
        OpenAiStreamingChatModel streaming = OpenAiStreamingChatModel.builder().baseUrl(server.address() + "/v1").apiKey("none")
                .modelName("nano@tpot=0.85").maxTokens(TOKENS).temperature(0.0).build();
        Collected collected = new Collected();
        streaming.chat("hello", collected);
        assertThat(collected.complete.get(30, TimeUnit.SECONDS).aiMessage().text()).isEqualTo(answer.aiMessage().text())
                .isEqualTo(collected.text.toString());
    }

    @Test
    void langchain4jsOllamaModelsChat() throws Exception {
        ChatResponse answer = OllamaChatModel.builder().baseUrl(server.address()).modelName("nano").numPredict(TOKENS)
                .temperature(0.0)
                .build().chat(UserMessage.from("hello"));
        assertThat(answer.tokenUsage().outputTokenCount()).isBetween(1, TOKENS);
        OllamaStreamingChatModel streaming = OllamaStreamingChatModel.builder().baseUrl(server.address()).modelName("nano")
                .numPredict(TOKENS).temperature(0.0).build();
        Collected collected = new Collected();
        streaming.chat("hello", collected);
        assertThat(collected.complete.get(30, TimeUnit.SECONDS).aiMessage().text()).isEqualTo(answer.aiMessage().text())
                .isEqualTo(collected.text.toString());
        OllamaModels models = OllamaModels.builder().baseUrl(server.address()).build();
        assertThat(models.availableModels().content()).singleElement().satisfies(model -> assertThat(model.getName())
                .isEqualTo("nano"));
        assertThat(models.runningModels().content()).singleElement().satisfies(model -> assertThat(model.getName())
                .isEqualTo("nano"));
        assertThat(models.modelCard("nano").content().getDetails().getFamily()).isEqualTo("llama");
    }

    /** Keeps what comes. */
    private static final class Collected implements StreamingChatResponseHandler {
        private final StringBuilder text = new StringBuilder();
        private final CompletableFuture<ChatResponse> complete = new CompletableFuture<>();

        @Override
        public void onPartialResponse(String piece) {
            text.append(piece);
        }

        @Override
        public void onCompleteResponse(ChatResponse response) {
            complete.complete(response);
        }

        @Override
        public void onError(Throwable error) {
            complete.completeExceptionally(error);
        }
    }
}
