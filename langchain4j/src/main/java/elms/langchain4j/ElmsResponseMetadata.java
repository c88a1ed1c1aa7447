package elms.langchain4j;

import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import elms.service.Response;

/** Metadata with what became of the request's SLO. */
public final class ElmsResponseMetadata extends ChatResponseMetadata {
    private final Response response;

    ElmsResponseMetadata(ChatResponseMetadata.Builder<?> builder, Response response) {
        super(builder);
        this.response = response;
    }

    /** Levels, predicted and measured latencies. */
    public Response elms() {
        return response;
    }
}
