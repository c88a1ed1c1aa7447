package elms.langchain4j;

import dev.langchain4j.model.ModelProvider;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import elms.service.Listener;
import java.util.List;

/**
 * An app's binding as a chat model of LangChain4j. Metadata of its responses are {@link ElmsResponseMetadata}. Interrupting the
 * calling thread ends the answer.
 */
public record ElmsChatModel(ElmsSettings settings) implements ChatModel {
    @Override
    public ChatResponse doChat(ChatRequest request) {
        return Translation.response(settings.binding().call(Translation.request(request, settings), Listener.NONE), settings);
    }

    @Override
    public ChatRequestParameters defaultRequestParameters() {
        return settings.parameters();
    }

    @Override
    public List<ChatModelListener> listeners() {
        return settings.listeners();
    }

    @Override
    public ModelProvider provider() {
        return ModelProvider.OTHER;
    }
}
