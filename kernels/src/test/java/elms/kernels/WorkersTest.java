package elms.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkersTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 8})
    void everyTaskRunsOnceInEveryRegion(int threads) {
        try (Workers workers = new Workers(threads)) {
            for (int region = 0; region < 300; region++) {
                AtomicIntegerArray runs = new AtomicIntegerArray(region % 17);
                workers.run(runs.length(), (index, worker) -> {
                    assertThat(worker).isBetween(0, threads - 1);
                    runs.incrementAndGet(index);
                });
                for (int i = 0; i < runs.length(); i++) {
                    assertThat(runs.get(i)).isEqualTo(1);
                }
            }
        }
    }

    @Test
    void wakesFromParking() throws InterruptedException {
        try (Workers workers = new Workers(2)) {
            for (int pause = 0; pause < 5; pause++) {
                Thread.sleep(20);
                AtomicIntegerArray runs = new AtomicIntegerArray(100);
                workers.run(100, (index, worker) -> runs.incrementAndGet(index));
                assertThat(runs.get(99)).isEqualTo(1);
            }
        }
    }

    @Test
    void asksWhereASleeperMayWakeAndTellsThatItIs() throws InterruptedException {
        AtomicIntegerArray calls = new AtomicIntegerArray(3);
        Placement placement = new Placement() {
            @Override
            public void join(int worker) {
                calls.addAndGet(0, worker);
            }

            @Override
            public void wake(int worker) {
                calls.addAndGet(1, worker);
            }

            @Override
            public void awake(int worker) {
                calls.addAndGet(2, worker);
            }
        };
        try (Workers workers = new Workers(2, placement)) {
            Thread.sleep(100);
            assertThat(calls.get(0)).isEqualTo(1);
            workers.run(2, (index, worker) -> {});
            Thread.sleep(100);
            assertThat(calls.get(1)).isEqualTo(1);
            assertThat(calls.get(2)).isEqualTo(1);
        }
    }

    @Test
    void aFailureReachesTheCallerAndTheTeamGoesOn() {
        try (Workers workers = new Workers(2)) {
            assertThatThrownBy(() -> workers.run(10, (index, worker) -> {
                throw new IllegalArgumentException("task " + index);
            })).hasMessageContaining("task");
            workers.run(10, (index, worker) -> {});
        }
    }
}
