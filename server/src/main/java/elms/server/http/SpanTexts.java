package elms.server.http;

import elms.engine.text.Tokenizer;
import elms.planner.Plan;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The text of each span of a plan, without control tokens. */
final class SpanTexts {
    private SpanTexts() {}

    static List<String> of(Plan plan, Tokenizer tokenizer) {
        return plan.spans().stream().map(span -> text(span.tokens(), tokenizer)).toList();
    }

    static String text(int[] tokens, Tokenizer tokenizer) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int token : tokens) {
            bytes.writeBytes(tokenizer.bytes(token));
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
