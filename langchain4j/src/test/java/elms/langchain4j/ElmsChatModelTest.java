package elms.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import elms.planner.Limit;
import elms.planner.Slo;
import elms.service.InfeasibleException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ElmsChatModelTest {
    private static NanoBinding service;
    private static ElmsSettings settings;

    @BeforeAll
    static void open() throws IOException {
        service = new NanoBinding();
        settings = ElmsSettings.of(service.bind("app"), "nano").withParameters(ChatRequestParameters.builder().maxOutputTokens(12)
                .build());
    }

    @AfterAll
    static void close() {
        service.close();
    }

    @Test
    void aChatIsAnsweredAndTellsWhatBecameOfItsSlo() {
        ChatResponse response = new ElmsChatModel(settings.withSlo(new Slo(Optional.of(new Limit.Time(1e6)), Optional.empty()),
                false))
                .chat(SystemMessage.from("be kind"), UserMessage.from("hello"), AiMessage.from("hi"),
                UserMessage.from("and now?"));
        assertThat(response.aiMessage().text()).isNotEmpty();
        assertThat(response.tokenUsage().outputTokenCount()).isBetween(1, 12);
        assertThat(((ElmsResponseMetadata) response.metadata()).elms().sloMet()).isTrue();
    }

    @Test
    void aStreamGivesTheSameAnswer() throws Exception {
        String whole = new ElmsChatModel(settings).chat("hello");
        CompletableFuture<ChatResponse> complete = new CompletableFuture<>();
        List<String> pieces = new ArrayList<>();
        new ElmsStreamingChatModel(settings).chat("hello", new Handler(complete) {
            @Override
            public void onPartialResponse(String piece) {
                pieces.add(piece);
            }
        });
        assertThat(complete.get(30, TimeUnit.SECONDS).aiMessage().text()).isEqualTo(whole).isEqualTo(String.join("", pieces));
    }

    @Test
    void aStreamCanBeCancelled() throws Exception {
        ElmsSettings longAnswers = settings.withParameters(ChatRequestParameters.builder().maxOutputTokens(1500).build());
        CompletableFuture<ChatResponse> complete = new CompletableFuture<>();
        CompletableFuture<String> cancelled = new CompletableFuture<>();
        new ElmsStreamingChatModel(longAnswers).chat("hello", new Handler(complete) {
            @Override
            public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
                context.streamingHandle().cancel();
                cancelled.complete(piece.text());
            }
        });
        assertThat(cancelled.get(30, TimeUnit.SECONDS)).isNotEmpty();
        assertThat(new ElmsChatModel(settings).chat("the next one")).isNotNull();
        assertThat(complete).isNotDone();
    }

    @Test
    void strictAndUnsupportedRequestsAreRefused() {
        ElmsChatModel strict = new ElmsChatModel(settings.withSlo(new Slo(Optional.of(new Limit.Time(1e-9)), Optional.empty()),
                true));
        assertThatThrownBy(() -> strict.chat("hello")).isInstanceOf(InfeasibleException.class);
        assertThatThrownBy(() -> new ElmsChatModel(settings).chat(ChatRequest.builder().messages(UserMessage.from("hello"))
                .toolSpecifications(ToolSpecification.builder().name("add").build()).build()))
                .isInstanceOf(UnsupportedFeatureException.class);
    }

    /** Keeps the end of a stream. */
    private static class Handler implements StreamingChatResponseHandler {
        private final CompletableFuture<ChatResponse> complete;

        Handler(CompletableFuture<ChatResponse> complete) {
            this.complete = complete;
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
