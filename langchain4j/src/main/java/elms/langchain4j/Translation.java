package elms.langchain4j;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import elms.engine.decode.Offsets;
import elms.engine.decode.Sampling;
import elms.engine.text.Message;
import elms.service.Floor;
import elms.service.Request;
import elms.service.Response;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;

/** LangChain4j's requests to Elms's, and responses back. */
final class Translation {
    private Translation() {}

    static Request request(ChatRequest asked, ElmsSettings settings) {
        ChatRequestParameters parameters = asked.parameters();
        refuseWhatIsMissing(parameters, settings);
        Sampling usual = Sampling.GREEDY;
        Sampling sampling = new Sampling(Optional.ofNullable(parameters.temperature()).map(Double::floatValue)
                .orElse(usual.temperature()),
                Optional.ofNullable(parameters.topK()).orElse(usual.topK()),
                Optional.ofNullable(parameters.topP()).map(Double::floatValue).orElse(usual.topP()), usual.minP(),
                usual.repeatPenalty(), usual.seed(),
                new Offsets(Optional.ofNullable(parameters.presencePenalty()).orElse(0.0).floatValue(),
                Optional.ofNullable(parameters.frequencyPenalty()).orElse(0.0).floatValue(), Map.of()));
        return new Request(asked.messages().stream().map(Translation::message).toList(), settings.slo(), settings.strict(),
                Optional.empty(),
                Floor.NONE, false, Optional.empty(), sampling, parameters.maxOutputTokens(),
                Optional.ofNullable(parameters.stopSequences()).orElse(List.of()),
                OptionalInt.empty(), false);
    }

    private static void refuseWhatIsMissing(ChatRequestParameters parameters, ElmsSettings settings) {
        if (!settings.model().equals(parameters.modelName())) {
            throw new UnsupportedFeatureException("this model is " + settings.model() + ", not " + parameters.modelName());
        }
        if (!parameters.toolSpecifications().isEmpty()) {
            throw new UnsupportedFeatureException("tools are not supported in process; call the server");
        }
        if (parameters.responseFormat() != null && !parameters.responseFormat().equals(ResponseFormat.TEXT)) {
            throw new UnsupportedFeatureException("response formats are not supported in process; call the server");
        }
    }

    private static Message message(ChatMessage message) {
        return switch (message) {
            case SystemMessage system -> Message.system(system.text());
            case UserMessage user when user.hasSingleText() -> Message.user(user.singleText());
            case AiMessage answer when !answer.hasToolExecutionRequests() -> Message.assistant(answer.text());
            default -> throw new UnsupportedFeatureException("messages of type " + message.type()
                    + " with more than one text are not supported");
        };
    }

    static ChatResponse response(Response response, ElmsSettings settings) {
        ChatResponseMetadata.Builder<?> metadata = ChatResponseMetadata.builder();
        metadata.id(UUID.randomUUID().toString());
        metadata.modelName(settings.model());
        metadata.tokenUsage(new TokenUsage(response.promptTokens(), response.completionTokens()));
        metadata.finishReason(switch (response.finishReason()) {
            case STOP -> FinishReason.STOP;
            case LENGTH -> FinishReason.LENGTH;
            case CANCELLED -> FinishReason.OTHER;
        });
        return ChatResponse.builder().aiMessage(AiMessage.from(response.text())).metadata(new ElmsResponseMetadata(metadata,
                response)).build();
    }
}
