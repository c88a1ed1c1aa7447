package elms.planner;

import elms.engine.text.Range;
import elms.planner.compact.Opinion;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Shortens a prompt word by word, as LLMLingua-2 does (Pan et al., arXiv 2403.12968): what matters least goes first, what stays
 * keeps its order. Numbers and names from programs are never cut, nor is what the prompt does not give free.
 */
public final class WordCompression {
    /** Digits, names with underscores, dots or a capital inside, calls. */
    private static final Pattern UNTOUCHABLE = Pattern.compile(".*(?:\\d|\\w_\\w|\\w\\.\\w|[a-z][A-Z]|\\w\\().*", Pattern.DOTALL);

    /** A word with the space before it: tokens [from, to). */
    private record Word(int from, int to, float keep) {}

    private WordCompression() {}

    /**
     * The tokens to keep.
     *
     * @param most tokens to keep; more are, if more cannot be cut
     */
    public static BitSet kept(Prompt prompt, Opinion opinion, int most) {
        BitSet kept = new BitSet(prompt.tokens());
        kept.set(0, prompt.tokens());
        List<Word> words = new ArrayList<>();
        for (int from = 0; from < prompt.tokens(); ) {
            int to = wordEnd(prompt, from);
            Word word = word(prompt, opinion, from, to);
            if (word != null) {
                words.add(word);
            }
            from = to;
        }
        words.sort(Comparator.comparingDouble(Word::keep));
        int left = prompt.tokens();
        for (Word word : words) {
            if (left <= most) {
                break;
            }
            kept.clear(word.from, word.to);
            left -= word.to - word.from;
        }
        return kept;
    }

    /** The text of the tokens that are kept. */
    public static String text(Prompt prompt, BitSet kept) {
        StringBuilder text = new StringBuilder();
        int done = 0;
        for (int token = kept.nextSetBit(0); token >= 0; token = kept.nextSetBit(token + 1)) {
            int start = Math.max(done, prompt.encoding().starts()[token]);
            int end = Math.max(start, prompt.encoding().ends()[token]);
            text.append(prompt.text(), start, end);
            done = end;
        }
        return text.toString();
    }

    /** A word that may be cut, or null. */
    private static Word word(Prompt prompt, Opinion opinion, int from, int to) {
        for (int token = from; token < to; token++) {
            if (!prompt.mayCut(token)) {
                return null;
            }
        }
        Range place = new Range(prompt.encoding().starts()[from], prompt.encoding().ends()[to - 1]);
        String text = prompt.text().substring(place.start(), place.end());
        return text.isBlank() || UNTOUCHABLE.matcher(text.strip()).matches() ? null : new Word(from, to, opinion.keep(place));
    }

    /** Tokens up to the next one that begins with a space, or is one. */
    private static int wordEnd(Prompt prompt, int from) {
        int to = from + 1;
        while (to < prompt.tokens() && !beginsWord(prompt, to)) {
            to++;
        }
        return to;
    }

    private static boolean beginsWord(Prompt prompt, int token) {
        String text = prompt.text(token);
        return text.isEmpty() || Character.isWhitespace(text.charAt(0)) || prompt.text(token - 1).isBlank()
                || prompt.mayCut(token) != prompt.mayCut(token - 1);
    }
}
