package elms.elastic.planner;

import static org.assertj.core.api.Assertions.assertThat;

import elms.elastic.planner.DecisionTraining.Sample;
import elms.planner.Decision;
import elms.planner.compact.CompactWeights;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class DecisionTrainingTest {
    @Test
    void theAverageHeadSaysOfEveryPromptWhatWasMeasuredOnAverage() {
        Map<String, float[][]> head = DecisionTraining.average(List.of(sample(-0.2f), sample(-0.4f)));
        float[] said = head.get(CompactWeights.DECISION + ".bias")[0];
        assertThat(said[2] + said[Decision.ANSWERS_FROM]).isCloseTo(-0.3f, Offset.offset(0.03f));
        assertThat(head.get(CompactWeights.DECISION + ".weight")).hasDimensions(Decision.OUTPUTS, DecisionTraining.HIDDEN)
                .isDeepEqualTo(new float[Decision.OUTPUTS][DecisionTraining.HIDDEN]);
    }

    private static Sample sample(float worth) {
        Outcome outcome = new Outcome(new int[] {2, Decision.ANSWERS_FROM}, worth, false, 1);
        return new Sample(new float[6], List.of(outcome, outcome, outcome));
    }
}
