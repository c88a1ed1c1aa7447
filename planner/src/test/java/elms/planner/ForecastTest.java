package elms.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import elms.planner.LatencyModel.Part;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ForecastTest {
    private static final LatencyModel PROFILE =
            new LatencyModel(new double[] {1, 0, 100, 5, 0}, new double[] {0, 1000, 0, 0}, 1.1, 1.2, Settling.NONE);

    /** Steps of one. */
    private static final int ANSWER = 16;

    private TestLevels levels;
    private final Forecast forecast = new Forecast(PROFILE);

    @BeforeEach
    void load() {
        levels = TestLevels.make();
    }

    @Test
    void partsCostWhatTheWholeDoesAndAPassMoreWhereTheLevelIsTheSame() {
        double whole = PROFILE.prefillMillis(levels.full(), 100);
        assertThat(PROFILE.prefillMillis(0, List.of(new Part(levels.full(), 30), new Part(levels.full(), 70))))
                .isCloseTo(whole + PROFILE.prefillMargin() * PROFILE.prefill()[0], within(1e-9));
        assertThat(PROFILE.prefillMillis(0, List.of(new Part(levels.smallest(), 30), new Part(levels.full(), 70)))).isLessThan(whole);
        assertThat(PROFILE.prefillMillis(30, List.of(new Part(levels.full(), 70)))).isLessThan(whole)
                .isGreaterThan(PROFILE.prefillMillis(levels.full(), 70));
    }

    @Test
    void aMachineThatBecomesHalfAsFastIsKnownAfterTenRequests() {
        Random random = new Random(1);
        List<Part> parts = List.of(new Part(levels.full(), 64));
        double before = forecast.prefillMillis(0, parts);
        for (int i = 0; i < 10; i++) {
            double outlier = i == 3 ? 10 : 1;
            forecast.readTook(0, parts, 2 * outlier * (before / PROFILE.prefillMargin()) * (1 + 0.05 * random.nextGaussian()));
            forecast.stepsTook(levels.full(), 64, 0, ANSWER, 2 * PROFILE.decodeMillis(levels.full(), 64) / PROFILE.decodeMargin());
        }
        assertThat(forecast.prefillMillis(0, parts) / before).isCloseTo(2, within(0.1));
        assertThat(forecast.expectedSteps(levels.full(), 64).settled() * PROFILE.decodeMargin() / PROFILE.decodeMillis(levels.full(), 64))
                .isCloseTo(2, within(1e-6));
    }

    @Test
    void promisesOfAPessimisticProfileComeDownToWhatIsMeasured() {
        List<Part> parts = List.of(new Part(levels.full(), 64));
        double before = forecast.prefillMillis(0, parts);
        double step = forecast.steps(levels.full(), 64).settled();
        for (int i = 0; i < 20; i++) {
            forecast.readTook(0, parts, 0.4 * before);
            forecast.stepsTook(levels.full(), 64, 0, ANSWER, 0.5 * step);
        }
        assertThat(forecast.prefillMillis(0, parts)).isBetween(0.4 * before, 0.5 * before);
        assertThat(forecast.steps(levels.full(), 64).settled()).isBetween(0.5 * step, 0.6 * step);
    }

    @Test
    void whatInterruptsAStepIsAPartOfWhatAnAnswerTakes() {
        double step = forecast.steps(levels.full(), 64).settled();
        double usual = step / PROFILE.decodeMargin();
        for (int i = 0; i < 400; i++) {
            forecast.stepsTook(levels.full(), 64, 0, 1, i % 8 == 3 ? 3 * usual : usual);
        }
        assertThat(forecast.steps(levels.full(), 64).settled()).isCloseTo(1.25 * 1.15 * usual, within(1e-9));
    }

    @Test
    void stepsThatWereForgottenAreNotJudged() {
        double step = forecast.steps(levels.full(), 64).settled();
        for (int answer = 0; answer < 30; answer++) {
            forecast.stepsTook(levels.full(), 64, 0, 7, 100 * step);
            forecast.forget();
            forecast.stepsTook(levels.full(), 64, 0, 7, step);
        }
        assertThat(forecast.steps(levels.full(), 64).settled()).isEqualTo(step);
    }

    @Test
    void oneSlowRequestChangesNothing() {
        List<Part> parts = List.of(new Part(levels.full(), 64));
        double before = forecast.prefillMillis(0, parts);
        forecast.readTook(0, parts, 20 * before);
        assertThat(forecast.prefillMillis(0, parts)).isEqualTo(before);
    }
}
