package elms.service;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.text.Encoding;
import elms.engine.text.Message;
import elms.planner.Prompt;
import java.util.List;
import org.junit.jupiter.api.Test;

class WakingTest {
    private static final double USUAL = 8;

    private final Waking waking = new Waking(USUAL);
    private double now = 100;

    @Test
    void theProfileIsAllThatIsKnownBeforeTheFirstTime() {
        assertThat(waking.rested(1e6)).isFalse();
        waking.worked(now);
        assertThat(waking.rested(now + Waking.REST)).isTrue();
        assertThat(waking.millis(now + Waking.REST)).isEqualTo(USUAL);
    }

    @Test
    void theSecondLongestOfTheLastTimesIsAddedAfterARestAlone() {
        for (double added : new double[] {500, 500, 30, 12, 14, 13, 5, 11, 40, 1, 2}) {
            wakes(added);
        }
        assertThat(waking.millis(now + Waking.REST - 1)).isZero();
        assertThat(waking.millis(now + Waking.REST)).isEqualTo(30);
        waking.forget();
        assertThat(waking.millis(now + Waking.REST)).isEqualTo(USUAL);
    }

    @Test
    void whatTookLessThanPromisedAddsNothing() {
        wakes(-5);
        assertThat(waking.millis(now + Waking.REST)).isZero();
    }

    @Test
    void nothingIsLearntFromARequestThatOthersDisturb() {
        waking.worked(now);
        Call first = call();
        Call second = call();
        now += Waking.REST;
        waking.starts(first, now + 10, now);
        waking.starts(second, now + 20, now);
        waking.starts(call(), now + 30, now);
        waking.read(first, now + 100);
        waking.read(second, now + 100);
        waking.worked(now);
        assertThat(waking.millis(now + Waking.REST)).isEqualTo(USUAL);
    }

    @Test
    void nothingIsLearntFromARequestBehindOtherWork() {
        waking.worked(now);
        Call call = call();
        waking.starts(call, now + 10, now + 1);
        waking.read(call, now + 100);
        assertThat(waking.millis(now + Waking.REST)).isEqualTo(USUAL);
    }

    /** A request after a rest takes so much longer than it would otherwise. */
    private void wakes(double added) {
        waking.worked(now);
        now += Waking.REST;
        Call call = call();
        waking.starts(call, now + 10 + waking.millis(now), now);
        now += 10 + added;
        waking.read(call, now);
        waking.worked(now);
    }

    private static Call call() {
        return new Call(AppProfile.of("app"), Request.of(List.of(Message.user("x")), 1), new Prompt("", Encoding.EMPTY, List.of()), 1, 0);
    }
}
