package elms.server.http;

import elms.engine.text.Tokenizer;
import elms.planner.Plan;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The text of tokens. */
final class SpanTexts {
    private static final byte[] NOTHING = {};
    private static final byte[] LINE = {'\n'};

    private SpanTexts() {}

    /** The text of each span of a plan, with a new line where a control token stands. */
    static List<String> of(Plan plan, Tokenizer tokenizer) {
        return plan.spans().stream().map(span -> text(span.tokens(), tokenizer, LINE)).toList();
    }

    /** The text of tokens, without control tokens. */
    static String text(int[] tokens, Tokenizer tokenizer) {
        return text(tokens, tokenizer, NOTHING);
    }

    private static String text(int[] tokens, Tokenizer tokenizer, byte[] control) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int token : tokens) {
            byte[] own = tokenizer.bytes(token);
            bytes.writeBytes(own.length == 0 ? control : own);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
