package elms.service;

import static org.assertj.core.api.Assertions.assertThat;

import elms.engine.text.Encoding;
import elms.planner.Prompt;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the engine knows of who listens. */
@Timeout(60)
class CallTest {
    private static final long LONG = TimeUnit.MINUTES.toNanos(5);

    private final Call call = new Call(AppProfile.of("app"), ServiceUnderLoadTest.request("hello", 2),
            new Prompt("hello", Encoding.EMPTY, List.of()), 2, 0);

    @Test
    void whereThereIsNothingToHearNobodyWaits() {
        assertThat(call.awaitHeard(LONG)).isTrue();
    }

    @Test
    void aFirstPieceIsWaitedForUntilItIsHeard() {
        CountDownLatch asked = new CountDownLatch(1);
        call.text("one");
        CompletableFuture<Response> follower = CompletableFuture.supplyAsync(() -> call.follow(text -> await(asked)));
        assertThat(call.awaitHeard(1)).isFalse();
        asked.countDown();
        assertThat(call.awaitHeard(LONG)).isTrue();
        call.failed(new IllegalStateException("over"));
        assertThat(follower).failsWithin(1, TimeUnit.MINUTES);
    }

    @Test
    void nobodyWaitsForAListenerThatFailed() {
        call.text("one");
        CompletableFuture<Response> follower = CompletableFuture.supplyAsync(() -> call.follow(text -> {
            throw new IllegalStateException("the reader is gone");
        }));
        assertThat(call.awaitHeard(LONG)).isTrue();
        assertThat(follower).failsWithin(1, TimeUnit.MINUTES);
        assertThat(call.cancelled()).isTrue();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
