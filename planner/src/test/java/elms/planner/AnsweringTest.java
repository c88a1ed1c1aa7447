package elms.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import elms.engine.model.SubModel;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;

/** Times are in milliseconds: mostly 4 for the full model's step, 2 for the level's, 3 for what may be taken. */
class AnsweringTest {
    private static final SubModel LEVEL = TestLevels.make().smallest();

    private static Steps steady(double millis) {
        return new Steps(millis, 0, 0);
    }

    @Example
    void withoutTimeToSpareTheLevelGivesAll() {
        Answering answering = Answering.of(LEVEL, 32, 3.9, steady(4), steady(2), 3);
        assertThat(answering).isEqualTo(Answering.steady(LEVEL));
        assertThat(answering.heldMillis(steady(4))).isZero();
        assertThat(answering.tpotMillis(32, steady(4), steady(2))).isEqualTo(2);
        assertThat(answering.fullShare(32)).isZero();
    }

    @Example
    void whatAHeadStartWinsGoesToTheFullModel() {
        assertThat(Answering.of(LEVEL, 32, 4, steady(4), steady(2), 3)).isEqualTo(new Answering(2, 2 + 3, LEVEL));
        assertThat(Answering.of(LEVEL, 32, 100, steady(4), steady(2), 3)).isEqualTo(new Answering(3, 3 + 6, LEVEL));
        assertThat(new Answering(3, 9, LEVEL).heldMillis(steady(4))).isEqualTo(8);
        assertThat(new Answering(3, 9, LEVEL).tpotMillis(32, steady(4), steady(2))).isCloseTo((6 * 4 + 23 * 2) / 31.0, within(1e-9));
    }

    @Example
    void aLevelThatIsTooSlowKeepsThePaceBehindALongerHeadStart() {
        assertThat(Answering.of(LEVEL, 9, 100, steady(4), steady(4), 3)).isEqualTo(new Answering(3, 9, LEVEL));
        assertThat(new Answering(3, 9, LEVEL).tpotMillis(9, steady(4), steady(4))).isEqualTo(3);
        assertThat(Answering.of(LEVEL, 9, 7.9, steady(4), steady(4), 3)).isEqualTo(Answering.steady(LEVEL));
    }

    @Example
    void firstStepsOfTheFullModelThatTakeLongerCountToo() {
        Steps settling = new Steps(2.9, 1, 0.9);
        Answering answering = Answering.of(LEVEL, 32, 0, settling, steady(2), 3);
        assertThat(answering.fullTokens()).isLessThan(32);
        assertThat(answering.tpotMillis(32, settling, steady(2))).isLessThanOrEqualTo(3);
    }

    @Example
    void firstStepsOfTheLevelThatTakeLongerArePaidByALongerHeadStart() {
        Steps settling = new Steps(2, 1, 0.5);
        assertThat(settling.millis(3)).isCloseTo(4 + 3 + 2.5, within(1e-9));
        assertThat(settling.meanMillis(1, 2)).isCloseTo((3 + 2.5) / 2, within(1e-9));
        assertThat(Answering.of(LEVEL, 9, 0, steady(4), settling, 2.5)).isEqualTo(Answering.steady(LEVEL));
        assertThat(Answering.steady(LEVEL).tpotMillis(9, steady(4), settling)).isCloseTo(2 + 4 * (1 - 1 / 256.0) / 8, within(1e-9));
        assertThat(Answering.of(LEVEL, 9, 100, steady(4), settling, 2.4).headStart()).isGreaterThan(1);
    }

    @Property
    void whereThePaceIsKeptNoTokenComesLate(@ForAll @IntRange(min = 1, max = 300) int tokens,
            @ForAll @DoubleRange(min = 0, max = 200) double spare, @ForAll @DoubleRange(min = 0.1, max = 1) double step,
            @ForAll @DoubleRange(min = 0.1, max = 1.2) double limit) {
        Answering answering = Answering.of(LEVEL, tokens, spare, steady(1), steady(step), limit);
        assertThat(answering.heldMillis(steady(1))).isLessThanOrEqualTo(spare);
        assertThat(answering.headStart()).isBetween(1, tokens);
        assertThat(answering.fullShare(tokens)).isBetween(0.0, 1.0);
        assertThat(new Answering(1, answering.fullTokens() + 1, LEVEL).fullShare(tokens))
                .isGreaterThanOrEqualTo(answering.fullShare(tokens));
        double now = 0;
        boolean inTime = true;
        for (int token = answering.headStart() + 1; token <= tokens; token++) {
            now += token <= answering.fullTokens() ? 1 : step;
            inTime &= now <= (token - 1) * limit + 1e-6;
        }
        assertThat(answering.tpotMillis(tokens, steady(1), steady(step))).isCloseTo(tokens < 2 ? step : now / (tokens - 1), within(1e-9));
        assertThat(inTime).isEqualTo(tokens < 2 || answering.tpotMillis(tokens, steady(1), steady(step)) <= limit + 1e-6);
    }
}
