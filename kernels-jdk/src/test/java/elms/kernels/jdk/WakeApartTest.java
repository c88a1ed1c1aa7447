package elms.kernels.jdk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import elms.kernels.Placement;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class WakeApartTest {
    private static final int WORKER = 1;

    @Test
    void aWorkerIsKeptFromItsCallersProcessorUntilItIsAwake() throws Exception {
        assumeTrue(Runtime.getRuntime().availableProcessors() > 1, "there is one processor");
        Placement placement = WakeApart.of(2);
        BlockingQueue<Path> seat = new ArrayBlockingQueue<>(1);
        CountDownLatch woken = new CountDownLatch(1);
        CountDownLatch free = new CountDownLatch(1);
        Thread worker = Thread.ofPlatform().daemon().start(() -> {
            placement.join(WORKER);
            seat.add(self());
            await(woken);
            placement.awake(WORKER);
            free.countDown();
            await(new CountDownLatch(1));
        });
        Path status = seat.take();
        long usual = processors(status);
        for (int i = 0; i < 3; i++) {
            placement.wake(WORKER);
            assertThat(processors(status)).isEqualTo(usual - 1);
        }
        woken.countDown();
        free.await();
        assertThat(processors(status)).isEqualTo(usual);
        worker.interrupt();
    }

    @Test
    void oneThreadIsNobodysToPlace() {
        assertThat(WakeApart.of(1)).isSameAs(Placement.NONE);
    }

    private static Path self() {
        try {
            return Path.of("/proc/thread-self").toRealPath().resolve("status");
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** How many processors the kernel lets a thread run on. */
    private static long processors(Path status) throws IOException {
        String allowed = Files.readAllLines(status).stream().filter(line -> line.startsWith("Cpus_allowed:")).findFirst().orElseThrow();
        return allowed.substring("Cpus_allowed:".length()).chars().filter(letter -> Character.digit(letter, 16) >= 0)
                .mapToLong(letter -> Integer.bitCount(Character.digit(letter, 16))).sum();
    }
}
