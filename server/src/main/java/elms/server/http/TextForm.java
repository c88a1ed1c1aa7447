package elms.server.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonInclude.Include;
import elms.planner.Plan;
import elms.server.ElmsReport;
import elms.service.Response;
import java.util.List;

/**
 * A reply of {@code /v1/completions}.
 *
 * @param echo what the text begins with
 */
record TextForm(ReplyHead head, String echo) implements ReplyForm {
    @JsonInclude(Include.NON_NULL)
    record Completion(String id, String object, long created, String model, List<Choice> choices, Usage usage, ElmsReport elms) {}

    record Choice(String text, int index, Object logprobs, String finishReason) {}

    @Override
    public Framing framing() {
        return Framing.EVENTS;
    }

    @Override
    public List<Object> begin(Plan plan) {
        return List.of(reply(echo, null, null, head.report(plan)));
    }

    @Override
    public List<Object> piece(String text) {
        return List.of(reply(text, null, null, null));
    }

    @Override
    public List<Object> end(Response response) {
        Completion last = reply("", ReplyHead.finishReason(response), null, head.report(response));
        return head.includeUsage() ? List.of(last, new Completion(head.id(), last.object, head.created(), head.model(), List.of(),
                Usage.of(response), null)) : List.of(last);
    }

    @Override
    public Completion whole(Response response) {
        return reply(echo + response.text(), ReplyHead.finishReason(response), Usage.of(response), head.report(response));
    }

    private Completion reply(String text, String finishReason, Usage usage, ElmsReport elms) {
        return new Completion(head.id(), "text_completion", head.created(), head.model(),
                List.of(new Choice(text, 0, null, finishReason)), usage, elms);
    }
}
