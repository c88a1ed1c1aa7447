package elms.kernels;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed team of threads for one short parallel region after another. The calling thread takes part as worker 0. Between
 * regions the others spin for some tens of microseconds, so that the next layer finds them awake, and then park.
 */
public final class Workers implements AutoCloseable {
    private static final int SPINS_BEFORE_PARKING = 20_000;

    /** A piece of a parallel region. */
    @FunctionalInterface
    public interface Task {
        /**
         * @param index which piece
         * @param worker who runs it, below {@link Workers#count}: picks scratch memory
         */
        void run(int index, int worker);
    }

    private final Thread[] threads;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicInteger parked = new AtomicInteger();
    private volatile int region;
    private volatile boolean closed;
    private volatile Throwable failure;
    private Task task;
    private int tasks;

    /**
     * @param count threads that work, the caller included, at least 1
     */
    public Workers(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("at least one worker is needed, not " + count);
        }
        threads = new Thread[count - 1];
        for (int i = 0; i < threads.length; i++) {
            int worker = i + 1;
            threads[i] = new Thread(() -> serve(worker), "elms-worker-" + worker);
            threads[i].setDaemon(true);
            threads[i].start();
        }
    }

    public int count() {
        return threads.length + 1;
    }

    /** Runs {@code task} for every index below {@code tasks}, in any order, and returns when all are done. */
    public synchronized void run(int tasks, Task task) {
        if (closed) {
            throw new IllegalStateException("the workers are closed");
        }
        if (tasks <= 1 || threads.length == 0) {
            for (int i = 0; i < tasks; i++) {
                task.run(i, 0);
            }
            return;
        }
        this.task = task;
        this.tasks = tasks;
        next.set(0);
        running.set(threads.length);
        region++;
        if (parked.get() > 0) {
            wake();
        }
        work(0);
        for (int spin = 0; running.get() > 0; spin++) {
            if (spin < SPINS_BEFORE_PARKING) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
        this.task = null;
        Throwable thrown = failure;
        if (thrown != null) {
            failure = null;
            throw new IllegalStateException("a worker failed: " + thrown, thrown);
        }
    }

    private void serve(int worker) {
        int seen = 0;
        while (true) {
            seen = awaitRegionAfter(seen);
            if (closed) {
                return;
            }
            work(worker);
            running.decrementAndGet();
        }
    }

    private int awaitRegionAfter(int seen) {
        for (int spin = 0; region == seen && !closed; spin++) {
            if (spin < SPINS_BEFORE_PARKING) {
                Thread.onSpinWait();
            } else {
                parked.incrementAndGet();
                if (region == seen && !closed) {
                    LockSupport.park(this);
                }
                parked.decrementAndGet();
            }
        }
        return region;
    }

    private void wake() {
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
        }
    }

    private void work(int worker) {
        try {
            for (int index = next.getAndIncrement(); index < tasks; index = next.getAndIncrement()) {
                task.run(index, worker);
            }
        } catch (Throwable thrown) {
            failure = thrown;
        }
    }

    /** Ends the threads; later calls of {@link #run} fail. */
    @Override
    public synchronized void close() {
        closed = true;
        wake();
    }
}
