package elms.server.http;

import elms.planner.Plan;
import elms.service.Response;
import elms.service.TokenScore;
import java.util.List;

/** The form in which one answer goes to a client, in one piece or in many. One for each request. */
interface ReplyForm {
    /** How pieces are told apart. */
    enum Framing {
        /** Server-sent events, ended by {@code [DONE]}. */
        EVENTS("text/event-stream", "data: ", "\n\n", "data: [DONE]\n\n"),
        /** Server-sent events that tell their kind first; the last kind ends the stream. */
        NAMED_EVENTS("text/event-stream", "data: ", "\n\n", ""),
        /** A JSON document a line. */
        LINES("application/x-ndjson", "", "\n", "");

        private final String contentType;
        private final String before;
        private final String after;
        private final String last;

        Framing(String contentType, String before, String after, String last) {
            this.contentType = contentType;
            this.before = before;
            this.after = after;
            this.last = last;
        }

        String contentType() {
            return contentType;
        }

        String before(Object document) {
            return document instanceof Named named ? "event: " + named.event() + "\n" + before : before;
        }

        String after() {
            return after;
        }

        /** What ends the stream. */
        String last() {
            return last;
        }
    }

    /** A document that tells its kind. */
    interface Named {
        String event();
    }

    Framing framing();

    /** What is sent when the plan is made. */
    List<Object> begin(Plan plan);

    /** Takes how likely a token of the next piece was. */
    default void scored(TokenScore score) {}

    /** What is sent for a piece of the answer. */
    List<Object> piece(String text);

    /** What is sent when the answer is complete. */
    List<Object> end(Response response);

    /** What is sent when the answer fails in the middle. */
    default Object failure(ApiException failure) {
        return failure.reply();
    }

    /** The whole answer in one document. */
    Object whole(Response response);
}
