package elms.planner;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.text.Range;
import java.util.BitSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class WordCompressionTest {
    private static final String TEXT = "the first long word matters and 42 call(x) snake_case camelCase stay\n\nWhat is it?";

    @Test
    void whatMattersLeastGoesFirstAndOrderStays() {
        Prompt prompt = TextPrompt.of(TEXT, new Range(0, TEXT.indexOf("What")));
        BitSet kept = WordCompression.kept(prompt, TextPrompt.opinion(prompt, String::length), prompt.tokens() - 3);
        assertThat(WordCompression.text(prompt, kept))
                .isEqualTo(" first word matters 42 call(x) snake_case camelCase stay\n\nWhat is it?");
    }

    @Test
    void numbersNamesFromProgramsAndTheQuestionAreNeverCut() {
        Prompt prompt = TextPrompt.of(TEXT, new Range(0, TEXT.indexOf("What")));
        String least = WordCompression.text(prompt, WordCompression.kept(prompt, TextPrompt.opinion(prompt, word -> 0), 0));
        assertThat(least).contains("42", "call(x)", "snake_case", "camelCase", "What is it?").doesNotContain("first", "matters");
    }

    @Property
    void asMuchIsCutAsAskedForAndNothingProtected(@ForAll @Size(min = 1, max = 40) String[] words, @ForAll @IntRange(min = 0, max = 60) int most,
            @ForAll @IntRange(min = 0, max = 100) int protectedShare) {
        String text = String.join(" ", words);
        int from = text.length() * protectedShare / 100;
        Prompt prompt = TextPrompt.of(text.isEmpty() ? "x" : text, new Range(from, Math.max(1, text.length())));
        BitSet kept = WordCompression.kept(prompt, TextPrompt.opinion(prompt, String::hashCode), most);
        for (int token = 0; token < prompt.tokens(); token++) {
            assertThat(kept.get(token) || prompt.mayCut(token)).isTrue();
        }
        BitSet none = WordCompression.kept(prompt, TextPrompt.opinion(prompt, String::hashCode), 0);
        assertThat(kept.cardinality()).isGreaterThanOrEqualTo(none.cardinality());
        if (kept.cardinality() > Math.max(most, none.cardinality())) {
            assertThat(kept.cardinality()).isEqualTo(none.cardinality());
        }
    }
}
