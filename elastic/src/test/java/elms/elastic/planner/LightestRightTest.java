package elms.elastic.planner;

import static org.assertj.core.api.Assertions.assertThat;

import elms.elastic.planner.DecisionTraining.Sample;
import java.util.List;
import org.junit.jupiter.api.Test;

class LightestRightTest {
    private static Outcome plan(float work, boolean right, int... outputs) {
        return new Outcome(outputs, -0.25f, right, work);
    }

    @Test
    void theLightestOfEachFormThatAnswersRightIsWorthOneAndOthersNothing() {
        Sample sample = new Sample(new float[] {1}, List.of(plan(2, true, 0, 22), plan(1, true, 5, 22), plan(0.5f, false, 21, 22),
                plan(1.5f, true, 31), plan(0.7f, true, 38)));
        Sample labelled = LightestRight.of(sample).orElseThrow();
        assertThat(labelled.outcomes()).filteredOn(outcome -> outcome.worth() == 1).extracting(outcome -> outcome.outputs()[0])
                .containsExactlyInAnyOrder(5, 38);
        assertThat(labelled.outcomes()).filteredOn(outcome -> outcome.worth() == 0).hasSize(3);
    }

    @Test
    void aFormOfWhichNoPlanAnswersRightHasNoLabel() {
        Sample sample = new Sample(new float[] {1}, List.of(plan(2, false, 0, 22), plan(1.5f, true, 31)));
        assertThat(LightestRight.of(sample).orElseThrow().outcomes()).hasSize(1);
        assertThat(LightestRight.of(new Sample(new float[] {1}, sample.outcomes().subList(0, 1)))).isEmpty();
    }

    @Test
    void outcomesAreReadAsTheyWereWritten() {
        List<Outcome> outcomes = List.of(plan(1.25f, true, 3, 25), plan(0.75f, false, 40));
        assertThat(Outcome.of(Outcome.numbers(outcomes))).usingRecursiveComparison().isEqualTo(outcomes);
    }
}
