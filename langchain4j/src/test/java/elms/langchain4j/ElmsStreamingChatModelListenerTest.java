package elms.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelListenerIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import elms.service.Binding;
import elms.service.BusyException;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** LangChain4j's own tests of listeners, for streams. A model of noise ends where it may, not where it should. */
class ElmsStreamingChatModelListenerTest extends AbstractStreamingChatModelListenerIT {
    private NanoBinding service;

    @BeforeEach
    void open() throws IOException {
        service = new NanoBinding();
    }

    @AfterEach
    void close() {
        service.close();
    }

    @Override
    protected StreamingChatModel createModel(ChatModelListener listener) {
        return new ElmsStreamingChatModel(settings(service.bind("app"), listener));
    }

    @Override
    protected StreamingChatModel createFailingModel(ChatModelListener listener) {
        Binding closed = service.bind("closed");
        closed.close();
        return new ElmsStreamingChatModel(settings(closed, listener));
    }

    private ElmsSettings settings(Binding binding, ChatModelListener listener) {
        return ElmsSettings.of(binding, modelName()).withListeners(List.of(listener))
                .withParameters(ChatRequestParameters.builder()
                .temperature(temperature()).topP(topP()).maxOutputTokens(maxTokens()).build());
    }

    @Override
    protected String modelName() {
        return "nano";
    }

    @Override
    protected Class<? extends Exception> expectedExceptionClass() {
        return BusyException.class;
    }

    @Override
    protected boolean supportsTools() {
        return false;
    }

    @Override
    protected boolean assertFinishReason() {
        return false;
    }
}
