package elms.eval.planner;

import static org.assertj.core.api.Assertions.assertThat;

import elms.eval.PairedDifference;
import elms.eval.planner.AblationReport.Decided;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AblationQualityTest {
    private static final List<FewShotTask> TASKS = List.of(new FewShotTask("one", List.of(), List.of()),
            new FewShotTask("two", List.of(), List.of()));

    @Test
    void headsAreComparedWithTheOneThatWasTrainedAgainOnEachTaskAndInTheMean() {
        Map<String, Decided> decided = AblationQuality.decided(TASKS, Map.of(
                "shipped", List.of(new double[] {0, 0}, new double[] {0, 0}),
                "again", List.of(new double[] {100, 100}, new double[] {50, 50}),
                "other", List.of(new double[] {50, 50}, new double[] {50, 50})));
        assertThat(decided.get("other").accuracy()).containsExactly(Map.entry("one", 50.0), Map.entry("two", 50.0),
                Map.entry(AblationReport.MEAN, 50.0));
        assertThat(decided.get("other").againMinus()).containsEntry("one", new PairedDifference(50, 0))
                .containsEntry("two", new PairedDifference(0, 0)).containsEntry(AblationReport.MEAN, new PairedDifference(25, 0));
    }

    @Test
    void withoutOneThatWasTrainedAgainTheyAreComparedWithThePacks() {
        Map<String, Decided> decided = AblationQuality.decided(TASKS, Map.of(
                "shipped", List.of(new double[] {80}, new double[] {80}), "chance", List.of(new double[] {60}, new double[] {40})));
        assertThat(decided.get("chance").againMinus().get(AblationReport.MEAN).mean()).isEqualTo(30);
    }
}
