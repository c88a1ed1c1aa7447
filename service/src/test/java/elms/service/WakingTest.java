package elms.service;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class WakingTest {
    private final Waking waking = new Waking();

    @Test
    void nothingIsKnownBeforeTheFirstTime() {
        assertThat(waking.rested(1e6)).isFalse();
        waking.worked(100);
        assertThat(waking.rested(100 + Waking.REST)).isTrue();
        assertThat(waking.millis(100 + Waking.REST)).isZero();
    }

    @Test
    void theMiddleOfTheLastTimesIsAddedAfterARestAlone() {
        waking.worked(100);
        for (double took : new double[] {500, 500, 500, 30, 12, 14, 13, 5, 11, 40}) {
            waking.readTook(10, took);
        }
        assertThat(waking.millis(99 + Waking.REST)).isZero();
        assertThat(waking.millis(100 + Waking.REST)).isEqualTo(3);
        waking.forget();
        assertThat(waking.millis(100 + Waking.REST)).isZero();
    }

    @Test
    void whatTookLessThanPredictedAddsNothing() {
        waking.worked(0);
        waking.readTook(10, 5);
        assertThat(waking.millis(1000)).isZero();
    }
}
