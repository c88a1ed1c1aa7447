package elms.planner;

import elms.engine.text.Encoding;
import elms.engine.text.Range;
import java.util.List;

/**
 * What a request asks the model to read.
 *
 * @param text as the chat template laid it out
 * @param encoding its tokens, placed in that text
 * @param cuttable pieces of the text that may be shortened or read at a small level; in order, apart from each other
 */
public record Prompt(String text, Encoding encoding, List<Range> cuttable) {
    public Prompt {
        cuttable = List.copyOf(cuttable);
    }

    /** Number of its tokens. */
    public int tokens() {
        return encoding.length();
    }

    /** The text of a token. */
    public String text(int token) {
        return text.substring(encoding.starts()[token], encoding.ends()[token]);
    }

    /** Whether a token lies in what may be cut. */
    public boolean mayCut(int token) {
        int start = encoding.starts()[token];
        int end = encoding.ends()[token];
        return start < end && cuttable.stream().anyMatch(range -> range.start() <= start && end <= range.end());
    }
}
