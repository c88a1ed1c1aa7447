package elms.planner;

import elms.engine.text.Encoding;
import elms.engine.text.Range;
import elms.planner.compact.Opinion;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/** Prompts whose tokens are words with the space before them, and opinions about them. */
final class TextPrompt {
    private TextPrompt() {}

    /** A prompt of which some pieces may be cut; the number of a token is its place. */
    static Prompt of(String text, Range... cuttable) {
        return new Prompt(text, words(text), List.of(cuttable));
    }

    static Encoding words(String text) {
        List<int[]> places = new ArrayList<>();
        int start = 0;
        for (int i = 1; i <= text.length(); i++) {
            boolean begins = i < text.length() && Character.isWhitespace(text.charAt(i)) && !Character.isWhitespace(text.charAt(i - 1));
            if (i == text.length() || begins || text.charAt(i - 1) == '\n' && text.charAt(i) != '\n') {
                places.add(new int[] {start, i});
                start = i;
            }
        }
        return new Encoding(IntStream.range(0, places.size()).toArray(), places.stream().mapToInt(place -> place[0]).toArray(),
                places.stream().mapToInt(place -> place[1]).toArray());
    }

    /** What a piece matters, by its text. */
    static Opinion opinion(Prompt prompt, ToDoubleFunction<String> matters) {
        float[] keep = new float[prompt.tokens()];
        for (int i = 0; i < keep.length; i++) {
            keep[i] = (float) matters.applyAsDouble(prompt.text(i).strip());
        }
        return new Opinion(prompt.encoding(), keep, new float[0], new float[Decision.OUTPUTS]);
    }
}
