package elms.elastic.planner;

import static org.assertj.core.api.Assertions.assertThat;

import elms.elastic.planner.DecisionTraining.Sample;
import elms.engine.text.Encoding;
import elms.planner.Prompt;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AblationsTest {
    private static Exercise exercise(String source, String... answers) {
        return new Exercise(source, new Prompt("", Encoding.EMPTY, List.of()), List.of(answers), 0);
    }

    private static Sample sample(float mark, boolean right) {
        return new Sample(new float[] {mark}, List.of(new Outcome(new int[] {0, 22}, 0, right, 1)));
    }

    @Test
    void everySourceIsLeftOutOnceAndSoAreAllQuestions() {
        List<Exercise> exercises = List.of(exercise("arc", "a", "b"), exercise("dolly", "free"), exercise("obqa", "a", "b"));
        List<Sample> samples = List.of(sample(1, true), sample(2, false), sample(3, false));
        Map<String, List<Sample>> heads = Ablations.heads(exercises, samples);
        assertThat(heads.keySet()).containsExactly("again", "lightest_right", "without_questions", "without_arc", "without_dolly",
                "without_obqa");
        assertThat(marks(heads, "again")).containsExactly(1f, 2f, 3f);
        assertThat(marks(heads, "lightest_right")).containsExactly(1f);
        assertThat(marks(heads, "without_questions")).containsExactly(2f);
        assertThat(marks(heads, "without_arc")).containsExactly(2f, 3f);
    }

    @Test
    void whatLeavesNothingToTrainOnIsNotTrained() {
        Map<String, List<Sample>> heads = Ablations.heads(List.of(exercise("arc", "a", "b")), List.of(sample(1, false)));
        assertThat(heads.keySet()).containsExactly("again");
    }

    private static List<Float> marks(Map<String, List<Sample>> heads, String name) {
        return heads.get(name).stream().map(sample -> sample.summary()[0]).toList();
    }
}
