package elms.server.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonInclude.Include;
import elms.planner.Plan;
import elms.server.ElmsReport;
import elms.service.Response;
import elms.service.TokenScore;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A reply of {@code /v1/chat/completions}. What may be a tool call is held back until it is complete. */
final class ChatForm implements ReplyForm {
    private final ReplyHead head;
    private final AnswerShape shape;
    /** Of tokens that have not been sent. */
    private final List<TokenScore> scores = new ArrayList<>();
    private boolean begun;
    private boolean heldBack;

    ChatForm(ReplyHead head, AnswerShape shape) {
        this.head = head;
        this.shape = shape;
    }

    @JsonInclude(Include.NON_NULL)
    record Completion(String id, String object, long created, String model, List<Choice> choices, Usage usage, ElmsReport elms) {}

    record Choice(int index, Message message, ChatLogprobs logprobs, String finishReason) {}

    record Message(String role, String content, String refusal, @JsonInclude(Include.NON_EMPTY) List<ToolCall> toolCalls) {}

    @JsonInclude(Include.NON_NULL)
    record Chunk(String id, String object, long created, String model, List<Change> choices, Usage usage, ElmsReport elms) {}

    record Change(int index, Delta delta, ChatLogprobs logprobs, String finishReason) {}

    @JsonInclude(Include.NON_NULL)
    record Delta(String role, String content, List<ToolCall> toolCalls) {}

    @JsonInclude(Include.NON_NULL)
    record ToolCall(Integer index, String id, String type, Function function) {
        static ToolCall of(Integer index, Tool.Call call) {
            return new ToolCall(index, call.id(), "function", new Function(call.name(), call.arguments().toString()));
        }
    }

    record Function(String name, String arguments) {}

    @Override
    public Framing framing() {
        return Framing.EVENTS;
    }

    @Override
    public List<Object> begin(Plan plan) {
        return List.of(chunk(new Delta("assistant", "", null), null, null, head.report(plan)));
    }

    @Override
    public List<Object> piece(String text) {
        heldBack = begun ? heldBack : !shape.tools().isEmpty() && text.startsWith("{");
        begun = true;
        return heldBack ? List.of() : List.of(chunk(new Delta(null, text, null)));
    }

    @Override
    public void scored(TokenScore score) {
        scores.add(score);
    }

    @Override
    public List<Object> end(Response response) {
        List<Object> chunks = new ArrayList<>();
        Optional<Tool.Call> call = shape.call(response.text());
        if (heldBack && call.isPresent()) {
            chunks.add(chunk(new Delta(null, null, List.of(ToolCall.of(0, call.get()))), null, null, null));
        } else if (heldBack) {
            chunks.add(chunk(new Delta(null, response.text(), null)));
        }
        chunks.add(chunk(new Delta(null, null, null), null, finishReason(response, call), head.report(response)));
        if (head.includeUsage()) {
            chunks.add(new Chunk(head.id(), "chat.completion.chunk", head.created(), head.model(), List.of(), Usage.of(response),
                    null));
        }
        return chunks;
    }

    @Override
    public Completion whole(Response response) {
        Optional<Tool.Call> call = shape.call(response.text());
        Message message = new Message("assistant", call.isPresent() ? null : response.text(), null,
                call.map(own -> List.of(ToolCall.of(null, own))).orElse(List.of()));
        ChatLogprobs logprobs = call.isPresent() ? null : ChatLogprobs.of(scores, head.tokenizer());
        return new Completion(head.id(), "chat.completion", head.created(), head.model(),
                List.of(new Choice(0, message, logprobs, finishReason(response, call))), Usage.of(response),
                head.report(response));
    }

    private static String finishReason(Response response, Optional<Tool.Call> call) {
        return call.isPresent() ? "tool_calls" : ReplyHead.finishReason(response);
    }

    /** A piece of text, with how likely its tokens were. */
    private Chunk chunk(Delta text) {
        ChatLogprobs logprobs = ChatLogprobs.of(scores, head.tokenizer());
        scores.clear();
        return chunk(text, logprobs, null, null);
    }

    private Chunk chunk(Delta delta, ChatLogprobs logprobs, String finishReason, ElmsReport elms) {
        return new Chunk(head.id(), "chat.completion.chunk", head.created(), head.model(),
                List.of(new Change(0, delta, logprobs, finishReason)), null, elms);
    }
}
