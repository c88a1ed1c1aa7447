package elms.eval;

import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;

/**
 * Runs code until the JVM compiles no more of it. Its compilers take processors that kernels wait for, seconds of them in a young process,
 * and the code is slower before; what is measured meanwhile holds for that process's beginning alone.
 */
public final class CodeWarmUp {
    /** Without a method compiled meanwhile: time counts when a method is done. */
    private static final Duration QUIET = Duration.ofMillis(200);
    private static final Duration PAUSE = Duration.ofMillis(50);
    /** Milliseconds of compilation after a round that are not worth another. */
    private static final long LITTLE = 150;

    private CodeWarmUp() {}

    /**
     * Runs rounds of what is to be measured, at least one, each until all is compiled that it asked for. An interrupt ends that.
     *
     * @param most no round begins after this time, compiled or not
     */
    public static void run(Runnable round, Duration most) {
        long end = System.nanoTime() + most.toNanos();
        long before;
        do {
            before = compilationMillis();
            round.run();
            awaitQuiet(end);
        } while (compilationMillis() - before > LITTLE && System.nanoTime() < end && !Thread.currentThread().isInterrupted());
    }

    private static void awaitQuiet(long end) {
        long quietSince = System.nanoTime();
        long known = compilationMillis();
        while (System.nanoTime() - quietSince < QUIET.toNanos() && System.nanoTime() < end) {
            try {
                Thread.sleep(PAUSE);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
            if (compilationMillis() > known) {
                known = compilationMillis();
                quietSince = System.nanoTime();
            }
        }
    }

    /** Zero where nothing is compiled, or nobody counts. */
    private static long compilationMillis() {
        CompilationMXBean compilation = ManagementFactory.getCompilationMXBean();
        return compilation != null && compilation.isCompilationTimeMonitoringSupported() ? compilation.getTotalCompilationTime() : 0;
    }
}
