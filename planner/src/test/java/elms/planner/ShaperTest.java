package elms.planner;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.text.Range;
import elms.planner.LatencyModel.Part;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ShaperTest {
    private static final String QUESTION = "What is the answer?";
    /** Paragraphs of twenty words each; the second matters most, the first least. */
    private static final String TEXT = paragraph("low") + paragraph("high") + paragraph("middle") + QUESTION;

    private TestLevels levels;
    private Prompt prompt;
    private Shaper shaper;

    @BeforeEach
    void shape() {
        levels = TestLevels.make();
        prompt = TextPrompt.of(TEXT, new Range(0, TEXT.length() - QUESTION.length()));
        shaper = new Shaper(prompt, TextPrompt.opinion(prompt, word -> word.equals("high") ? 2 : word.equals("middle") ? 1 : 0), levels.all());
    }

    private static String paragraph(String word) {
        return IntStream.range(0, 20).mapToObj(i -> word).collect(Collectors.joining(" ")) + "\n\n";
    }

    @Test
    void segmentsAreParagraphsAndTheQuestion() {
        List<Segment> segments = Segment.of(prompt, TextPrompt.opinion(prompt, word -> 0));
        assertThat(segments).extracting(Segment::cuttable).containsExactly(true, true, true, false);
        assertThat(segments.stream().mapToInt(Segment::tokens).sum()).isEqualTo(prompt.tokens());
    }

    @Test
    void whatMattersMostIsKeptInOrder() {
        assertThat(read(shaper.segments(new PlanShape(0.4, 1, 1)))).isEqualTo(paragraph("high") + QUESTION);
        assertThat(read(shaper.segments(new PlanShape(0.7, 1, 1)))).isEqualTo(paragraph("high") + paragraph("middle") + QUESTION);
        assertThat(read(shaper.segments(new PlanShape(0, 1, 1)))).isEqualTo(QUESTION);
        assertThat(read(shaper.segments(new PlanShape(1, 1, 1)))).isEqualTo(TEXT);
    }

    @Test
    void theQuestionHasALevelOfItsOwn() {
        double smallest = levels.smallest().share();
        List<Part> parts = shaper.segments(new PlanShape(1, smallest, 1, smallest)).parts();
        assertThat(parts).extracting(part -> part.level().share()).containsExactly(levels.smallest().share(), 1.0);
        assertThat(parts.get(1).tokens()).isEqualTo(4);
    }

    @Test
    void timeThatIsLeftRaisesTheQuestionThenWhatMattersThenWhatWasDropped() {
        double smallest = levels.smallest().share();
        Assignment least = shaper.segments(new PlanShape(0.4, smallest, smallest, smallest));
        Assignment question = shaper.filled(least, assignment -> assignment.parts().stream().filter(part -> part.level() == levels.full())
                .mapToInt(Part::tokens).sum() <= 4 && assignment.tokens() <= 25);
        assertThat(question.parts()).extracting(part -> part.level().share()).containsExactly(levels.smallest().share(), 1.0);
        assertThat(read(shaper.filled(least, assignment -> true))).isEqualTo(TEXT);
        assertThat(shaper.filled(least, assignment -> assignment.tokens() <= 25).parts()).extracting(part -> part.level().share())
                .containsExactly(1.0);
        assertThat(shaper.filled(least, assignment -> false).parts()).isEqualTo(least.parts());
    }

    @Test
    void theFullModelReadsTheEnd() {
        List<Part> parts = shaper.segments(new PlanShape(1, levels.smallest().share(), levels.smallest().share())).parts();
        assertThat(parts).extracting(part -> part.level().share()).containsExactly(levels.smallest().share(), 1.0);
        assertThat(parts.get(1).tokens()).isEqualTo(16);
    }

    private String read(Assignment assignment) {
        return assignment.spans().stream().flatMapToInt(span -> IntStream.of(span.tokens())).mapToObj(prompt::text).collect(Collectors.joining());
    }
}
