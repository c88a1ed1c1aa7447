package elms.langchain4j;

import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import elms.planner.Slo;
import elms.service.Binding;
import java.util.List;

/**
 * What both kinds of model are made of.
 *
 * @param binding the app's, whose service answers
 * @param model name that responses carry
 * @param slo latencies to keep; with {@link Slo#NONE} those of the app's profile
 * @param strict whether to refuse a request whose SLO is predicted to be missed
 * @param parameters of requests that set none
 */
public record ElmsSettings(Binding binding, String model, Slo slo, boolean strict, ChatRequestParameters parameters,
        List<ChatModelListener> listeners) {
    private static final int USUAL_TOKENS = 512;

    public ElmsSettings {
        listeners = List.copyOf(listeners);
    }

    /** The profile's SLO, best effort, the likeliest tokens, at most 512. */
    public static ElmsSettings of(Binding binding, String model) {
        ChatRequestParameters usual = ChatRequestParameters.builder().modelName(model).temperature(0.0)
                .maxOutputTokens(USUAL_TOKENS).build();
        return new ElmsSettings(binding, model, Slo.NONE, false, usual, List.of());
    }

    public ElmsSettings withSlo(Slo bounds, boolean refused) {
        return new ElmsSettings(binding, model, bounds, refused, parameters, listeners);
    }

    /** Others than these keep the values that they have. */
    public ElmsSettings withParameters(ChatRequestParameters changed) {
        return new ElmsSettings(binding, model, slo, strict, parameters.overrideWith(changed), listeners);
    }

    public ElmsSettings withListeners(List<ChatModelListener> told) {
        return new ElmsSettings(binding, model, slo, strict, parameters, told);
    }
}
