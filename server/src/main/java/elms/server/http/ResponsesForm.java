package elms.server.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonInclude.Include;
import elms.planner.Plan;
import elms.server.ElmsReport;
import elms.service.Response;
import elms.service.Response.FinishReason;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A reply of {@code /v1/responses}: one message of one text. Nothing of it is stored. */
final class ResponsesForm implements ReplyForm {
    private static final String IN_PROGRESS = "in_progress";
    private static final String COMPLETED = "completed";

    private final ReplyHead head;
    private final String itemId;
    private int sequence;

    ResponsesForm(ReplyHead head) {
        this.head = head;
        this.itemId = "msg_" + head.id();
    }

    /** The response as it stands. What it has of OpenAI's fields that Elms knows no choice for says what is so. */
    record Whole(String id, String object, long createdAt, String status, Object error, Incomplete incompleteDetails,
            String model, List<Item> output, boolean parallelToolCalls, boolean store, String toolChoice, List<Object> tools,
            Count usage, Map<String, String> metadata, @JsonInclude(Include.NON_NULL) ElmsReport elms) {}

    /** Why an answer is not complete. */
    record Incomplete(String reason) {}

    record Item(String type, String id, String status, String role, List<Part> content) {}

    record Part(String type, String text, List<Object> annotations, List<Object> logprobs) {
        static Part of(String text) {
            return new Part("output_text", text, List.of(), List.of());
        }
    }

    /** Tokens of a request, in this route's words. */
    record Count(int inputTokens, InputDetails inputTokensDetails, int outputTokens, OutputDetails outputTokensDetails,
            int totalTokens) {
        static Count of(Response response) {
            return new Count(response.promptTokens(), new InputDetails(response.cachedTokens(), 0), response.completionTokens(),
                    new OutputDetails(0), response.promptTokens() + response.completionTokens());
        }
    }

    record InputDetails(int cachedTokens, int cacheWriteTokens) {}

    record OutputDetails(int reasoningTokens) {}

    /** A piece of a stream; what a kind of event does not have is left out. */
    @JsonInclude(Include.NON_NULL)
    record Event(String type, int sequenceNumber, Whole response, String itemId, Integer outputIndex, Integer contentIndex,
            Item item, Part part, String delta, String text, List<Object> logprobs) implements Named {
        @Override
        public String event() {
            return type;
        }
    }

    /** An error in the middle of a stream. */
    record Failure(String type, int sequenceNumber, String code, String message, String param) implements Named {
        @Override
        public String event() {
            return type;
        }
    }

    @Override
    public Framing framing() {
        return Framing.NAMED_EVENTS;
    }

    @Override
    public List<Object> begin(Plan plan) {
        Whole empty = whole(IN_PROGRESS, null, List.of(), null, head.report(plan));
        return List.of(of("response.created", empty), of("response.in_progress", empty),
                of("response.output_item.added", item(IN_PROGRESS, List.of())), of("response.content_part.added", Part.of("")));
    }

    @Override
    public List<Object> piece(String text) {
        return List.of(text("response.output_text.delta", text, null));
    }

    @Override
    public List<Object> end(Response response) {
        Part part = Part.of(response.text());
        List<Object> events = new ArrayList<>();
        events.add(text("response.output_text.done", null, part.text));
        events.add(of("response.content_part.done", part));
        events.add(of("response.output_item.done", item(status(response), List.of(part))));
        events.add(of("response." + status(response), whole(response)));
        return events;
    }

    @Override
    public Object failure(ApiException failure) {
        return new Failure("error", sequence++, failure.code(), failure.getMessage(), failure.reply().error().param());
    }

    @Override
    public Whole whole(Response response) {
        boolean cut = response.finishReason() == FinishReason.LENGTH;
        return whole(status(response), cut ? new Incomplete("max_output_tokens") : null,
                List.of(item(status(response), List.of(Part.of(response.text())))), Count.of(response), head.report(response));
    }

    private static String status(Response response) {
        return response.finishReason() == FinishReason.LENGTH ? "incomplete" : COMPLETED;
    }

    private Whole whole(String status, Incomplete why, List<Item> output, Count usage, ElmsReport elms) {
        return new Whole(head.id(), "response", head.created(), status, null, why, head.model(), output, false, false, "none",
                List.of(), usage, Map.of(), elms);
    }

    private Item item(String status, List<Part> content) {
        return new Item("message", itemId, status, "assistant", content);
    }

    private Event text(String type, String delta, String whole) {
        return new Event(type, sequence++, null, itemId, 0, 0, null, null, delta, whole, List.of());
    }

    private Event of(String type, Whole response) {
        return new Event(type, sequence++, response, null, null, null, null, null, null, null, null);
    }

    private Event of(String type, Item item) {
        return new Event(type, sequence++, null, null, 0, null, item, null, null, null, null);
    }

    private Event of(String type, Part part) {
        return new Event(type, sequence++, null, itemId, 0, 0, null, part, null, null, null);
    }
}
