package elms.elastic.planner;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.text.Encoding;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompressionLabelsTest {
    @TempDir
    Path folder;

    @Test
    void wordsAreMatchedFromTheLeftWhateverTheirCaseAndMarks() {
        CompressionLabels labels = CompressionLabels.of("On Monday, the council met \"again\".", "The council met again.")
                .orElseThrow();
        assertThat(labels.kept()).containsExactly(false, false, true, true, true, true);
    }

    @Test
    void whatIsNoSubsequenceHasNoLabels() {
        assertThat(CompressionLabels.of("one two", "two one")).isEmpty();
        assertThat(CompressionLabels.of("one two", "")).isEmpty();
    }

    @Test
    void someSentencesMakeAText() throws IOException {
        Path file = folder.resolve("pairs.jsonl");
        Files.writeString(file, """
                {"original": "a b c", "compressed": "a c"}
                {"original": "d e", "compressed": "x"}
                {"original": "f g", "compressed": "g"}
                {"original": "h", "compressed": "h"}
                """);
        List<CompressionLabels> texts = CompressionLabels.read(file, 2);
        assertThat(texts).extracting(CompressionLabels::text).containsExactly("a b c f g", "h");
        assertThat(texts.get(0).kept()).containsExactly(true, false, true, false, true);
    }

    @Test
    void everyPieceOfAWordHasItsLabel() {
        Words words = new Words(new String[] {"[CLS]", "[SEP]", "long", "##er", "day"}, new float[0][]);
        Encoding pieces = new Encoding(new int[] {2, 3, 4}, new int[] {0, 4, 7}, new int[] {4, 6, 10});
        CompressionLabels labels = new CompressionLabels("longer day", new boolean[] {true, false});
        ScoreTraining.Sample sample = labels.sample(words, text -> pieces);
        assertThat(sample.ids()).containsExactly(0, 2, 3, 4, 1);
        assertThat(sample.kinds()).containsExactly(1, 0, 0, 0, 1);
        assertThat(sample.targets()).containsExactly(Float.NaN, 1, 1, 0, Float.NaN);
    }
}
