package elms.planner;

import elms.engine.text.Encoding;
import elms.engine.text.Message;
import elms.engine.text.Range;
import elms.engine.text.RenderedChat;
import elms.engine.text.Tokenizer;
import elms.planner.compact.Opinion;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;

/**
 * Finds out what of a chat may be cut: what was said before, and of the last user turn all but its question. Chat markup, the
 * assistant's unfinished turn and what the caller marked stay.
 */
public final class Prompts {
    private static final String PARAGRAPH_END = "\n\n";
    /** Longest paragraph that is taken for a question, in characters. */
    private static final int LONGEST_QUESTION = 400;

    private Prompts() {}

    /** The prompt of a chat. */
    public static Prompt of(List<Message> messages, RenderedChat chat, Tokenizer tokenizer) {
        List<Range> cuttable = new ArrayList<>();
        int lastUser = -1;
        for (int i = 0; i < messages.size(); i++) {
            lastUser = messages.get(i).role().equals("user") ? i : lastUser;
        }
        int from = 0;
        for (int i = 0; i < messages.size(); i++) {
            Message message = messages.get(i);
            String content = message.content();
            int at = chat.text().indexOf(content.strip(), from);
            if (content.isBlank() || at < 0) {
                continue;
            }
            int shift = at - (content.length() - content.stripLeading().length());
            Range whole = new Range(at, at + content.strip().length());
            List<Range> kept = new ArrayList<>(message.kept().stream().map(range -> shifted(range, shift)).toList());
            if (i == lastUser) {
                kept.add(shifted(question(content), shift));
            }
            cuttable.addAll(without(whole, kept));
            from = whole.end();
        }
        return new Prompt(chat.text(), tokenizer.encode(chat), cuttable);
    }

    /** The prompt of a plain text, of which all may be cut but its question. */
    public static Prompt of(String text, Tokenizer tokenizer) {
        return new Prompt(text, tokenizer.encode(text), without(new Range(0, text.length()), List.of(question(text))));
    }

    /**
     * A prompt that has no more tokens than it may, if that can be had by leaving out what may be cut: what was said first goes
     * first, what stands before it last.
     *
     * @param first where what was said first begins, in the text: behind the system's instructions
     */
    public static Prompt shortened(Prompt prompt, int most, int first) {
        Encoding all = prompt.encoding();
        BitSet kept = new BitSet();
        kept.set(0, prompt.tokens());
        List<Segment> segments = Segment.of(prompt, Opinion.unread(all)).stream().filter(Segment::cuttable)
                .sorted(Comparator.comparing(segment -> all.starts()[segment.from()] < first)).toList();
        for (Segment segment : segments) {
            if (kept.cardinality() > most) {
                kept.clear(segment.from(), segment.to());
            }
        }
        return new Prompt(prompt.text(), new Encoding(only(kept, all.ids()), only(kept, all.starts()), only(kept, all.ends())),
                prompt.cuttable());
    }

    private static int[] only(BitSet kept, int[] numbers) {
        return kept.stream().map(place -> numbers[place]).toArray();
    }

    /**
     * Where the question of a turn stands: its last paragraph; if that is long, its first; if both are, or there is but one, the
     * last sentence of a long turn and the whole of a short one.
     */
    static Range question(String content) {
        String text = content.stripTrailing();
        int lastFrom = text.lastIndexOf(PARAGRAPH_END);
        if (lastFrom >= 0 && text.length() - lastFrom <= LONGEST_QUESTION) {
            return new Range(lastFrom, content.length());
        }
        int firstTo = text.indexOf(PARAGRAPH_END);
        if (firstTo >= 0 && firstTo <= LONGEST_QUESTION) {
            return new Range(0, firstTo);
        }
        if (text.length() <= LONGEST_QUESTION) {
            return new Range(0, content.length());
        }
        int sentence = Math.max(text.lastIndexOf('\n'), Math.max(text.lastIndexOf(". ", text.length() - 2),
                Math.max(text.lastIndexOf("? ", text.length() - 2), text.lastIndexOf("! ", text.length() - 2))));
        return new Range(Math.max(sentence, text.length() - LONGEST_QUESTION), content.length());
    }

    private static Range shifted(Range range, int by) {
        return new Range(Math.max(0, range.start() + by), Math.max(0, range.end() + by));
    }

    /** What is left of a range without some others. */
    private static List<Range> without(Range whole, List<Range> kept) {
        List<Range> left = new ArrayList<>(List.of(whole));
        for (Range piece : kept) {
            List<Range> next = new ArrayList<>();
            for (Range range : left) {
                if (!range.overlaps(piece)) {
                    next.add(range);
                    continue;
                }
                if (range.start() < piece.start()) {
                    next.add(new Range(range.start(), piece.start()));
                }
                if (piece.end() < range.end()) {
                    next.add(new Range(piece.end(), range.end()));
                }
            }
            left = next;
        }
        return left;
    }
}
