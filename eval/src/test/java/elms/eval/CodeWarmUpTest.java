package elms.eval;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class CodeWarmUpTest {
    private final AtomicInteger rounds = new AtomicInteger();

    @Test
    void withoutTimeThereIsOneRound() {
        CodeWarmUp.run(rounds::incrementAndGet, Duration.ZERO);
        assertThat(rounds).hasValue(1);
    }

    @Test
    void roundsThatHaveNothingCompiledEndBeforeTheTimeDoes() {
        long start = System.nanoTime();
        Duration most = Duration.ofMinutes(2);
        CodeWarmUp.run(rounds::incrementAndGet, most);
        assertThat(rounds.get()).isPositive();
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(most);
    }

    @Test
    void anInterruptEndsTheWaitAndIsKept() {
        Thread.currentThread().interrupt();
        CodeWarmUp.run(rounds::incrementAndGet, Duration.ofMinutes(2));
        assertThat(Thread.interrupted()).isTrue();
        assertThat(rounds.get()).isPositive();
    }
}
