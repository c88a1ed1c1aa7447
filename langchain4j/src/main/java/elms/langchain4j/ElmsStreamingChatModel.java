package elms.langchain4j;

import dev.langchain4j.model.ModelProvider;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import elms.service.Listener;
import elms.service.Request;
import elms.service.Response;
import elms.service.Response.FinishReason;
import java.util.List;

/** As {@link ElmsChatModel}, piece by piece: handlers are called on a virtual thread, and may cancel. */
public record ElmsStreamingChatModel(ElmsSettings settings) implements StreamingChatModel {
    @Override
    public void doChat(ChatRequest asked, StreamingChatResponseHandler handler) {
        Thread.ofVirtual().name("elms-langchain4j").start(() -> answer(asked, handler));
    }

    /** As in other models, nothing more is heard of an answer that was cancelled. */
    private void answer(ChatRequest asked, StreamingChatResponseHandler handler) {
        try {
            Request request = Translation.request(asked, settings);
            Response response = settings.binding().call(request, new Pieces(handler));
            if (response.finishReason() != FinishReason.CANCELLED) {
                handler.onCompleteResponse(Translation.response(response, settings));
            }
        } catch (RuntimeException e) {
            handler.onError(e);
        }
    }

    /** Hands pieces on, until it is cancelled. */
    private static final class Pieces implements Listener, StreamingHandle {
        private final StreamingChatResponseHandler handler;
        private volatile boolean cancelled;
        private volatile Runnable end = () -> {};

        Pieces(StreamingChatResponseHandler handler) {
            this.handler = handler;
        }

        @Override
        public void begun(Runnable cancel) {
            end = cancel;
        }

        @Override
        public void text(String piece) {
            if (!cancelled) {
                handler.onPartialResponse(new PartialResponse(piece), new PartialResponseContext(this));
            }
        }

        @Override
        public void cancel() {
            cancelled = true;
            end.run();
        }

        @Override
        public boolean isCancelled() {
            return cancelled;
        }
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
