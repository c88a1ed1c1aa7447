package elms.planner;

import elms.engine.text.Range;
import elms.planner.compact.Opinion;
import java.util.ArrayList;
import java.util.List;

/**
 * Neighbouring tokens of a prompt that are read or dropped together: a paragraph or some sentences of what may be cut, or all that
 * stands between two such pieces and may not.
 *
 * @param from first token
 * @param to behind the last one
 * @param cuttable whether it may be dropped
 * @param keep how much it matters, to be compared with others of the same prompt
 */
public record Segment(int from, int to, boolean cuttable, float keep) {
    /** Fewest tokens that are worth a decision of their own. */
    private static final int LEAST = 16;
    /** A longer paragraph is cut into sentences. */
    private static final int LONG = 96;

    public int tokens() {
        return to - from;
    }

    /** The segments of a prompt, in order. */
    public static List<Segment> of(Prompt prompt, Opinion opinion) {
        List<Segment> segments = new ArrayList<>();
        int from = 0;
        int to;
        for (int i = 0; i < prompt.tokens(); i = to) {
            to = i;
            while (to < prompt.tokens() && prompt.mayCut(to) == prompt.mayCut(i)) {
                to++;
            }
            if (prompt.mayCut(i)) {
                for (from = i; from < to; from = segments.get(segments.size() - 1).to) {
                    int end = end(prompt, from, to);
                    segments.add(new Segment(from, end, true, opinion.keep(place(prompt, from, end))));
                }
            } else {
                segments.add(new Segment(i, to, false, Float.POSITIVE_INFINITY));
            }
        }
        return segments;
    }

    /** Where the segment that begins at a token ends: with its paragraph, or earlier with a sentence, or later if that is short. */
    private static int end(Prompt prompt, int from, int to) {
        int sentence = from;
        for (int i = from; i < to; i++) {
            String token = prompt.text(i);
            if (token.endsWith("\n\n") && i + 1 - from >= LEAST && to - i > LEAST) {
                return i + 1;
            }
            if (isSentenceEnd(token) && i + 1 - from >= LEAST && to - i > LEAST) {
                sentence = i + 1;
            }
            if (i - from >= LONG && sentence > from) {
                return sentence;
            }
        }
        return to;
    }

    private static boolean isSentenceEnd(String token) {
        return token.endsWith(".") || token.endsWith("?") || token.endsWith("!") || token.endsWith("\n");
    }

    private static Range place(Prompt prompt, int from, int to) {
        return new Range(prompt.encoding().starts()[from], prompt.encoding().ends()[to - 1]);
    }
}
