package elms.server.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonInclude.Include;
import elms.planner.Plan;
import elms.server.ElmsReport;
import elms.service.Response;
import java.util.List;

/** A reply of {@code /v1/chat/completions}. */
record ChatForm(ReplyHead head) implements ReplyForm {
    @JsonInclude(Include.NON_NULL)
    record Completion(String id, String object, long created, String model, List<Choice> choices, Usage usage, ElmsReport elms) {}

    record Choice(int index, Message message, Object logprobs, String finishReason) {}

    record Message(String role, String content, String refusal) {}

    @JsonInclude(Include.NON_NULL)
    record Chunk(String id, String object, long created, String model, List<Change> choices, Usage usage, ElmsReport elms) {}

    record Change(int index, Delta delta, Object logprobs, String finishReason) {}

    @JsonInclude(Include.NON_NULL)
    record Delta(String role, String content) {}

    @Override
    public Framing framing() {
        return Framing.EVENTS;
    }

    @Override
    public List<Object> begin(Plan plan) {
        return List.of(chunk(new Delta("assistant", ""), null, head.report(plan)));
    }

    @Override
    public List<Object> piece(String text) {
        return List.of(chunk(new Delta(null, text), null, null));
    }

    @Override
    public List<Object> end(Response response) {
        Chunk last = chunk(new Delta(null, null), ReplyHead.finishReason(response), head.report(response));
        return head.includeUsage() ? List.of(last, new Chunk(head.id(), last.object, head.created(), head.model(), List.of(),
                Usage.of(response), null)) : List.of(last);
    }

    @Override
    public Completion whole(Response response) {
        Choice choice = new Choice(0, new Message("assistant", response.text(), null), null, ReplyHead.finishReason(response));
        return new Completion(head.id(), "chat.completion", head.created(), head.model(), List.of(choice), Usage.of(response),
                head.report(response));
    }

    private Chunk chunk(Delta delta, String finishReason, ElmsReport elms) {
        return new Chunk(head.id(), "chat.completion.chunk", head.created(), head.model(),
                List.of(new Change(0, delta, null, finishReason)), null, elms);
    }
}
