package elms.kernels;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed team of threads for one short parallel region after another. The calling thread takes part as worker 0. Between
 * regions the others spin for some tens of microseconds, so that the next layer finds them awake, and then park. A region
 * waits only for those that have taken a piece of it: a thread that the system keeps from running delays nobody.
 *
 * <p>Every worker begins with its own share of the pieces, those beside each other, and then helps the others. So what it wrote in one
 * region it mostly reads in the next, and no two write to memory that lies side by side: a line that another core wrote is slow to get.
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

    /** One parallel region: its pieces, and who is at work on them. */
    private static final class Region {
        final int tasks;
        final Task task;
        final int shares;
        /** The next piece of each share. */
        final AtomicIntegerArray next;
        final AtomicInteger active = new AtomicInteger();
        volatile Throwable failure;

        Region(int tasks, Task task, int shares) {
            this.tasks = tasks;
            this.task = task;
            this.shares = shares;
            next = new AtomicIntegerArray(shares);
            for (int share = 0; share < shares; share++) {
                next.set(share, first(share));
            }
        }

        private int first(int share) {
            return (int) ((long) share * tasks / shares);
        }

        /** Runs pieces until none is left. Who joins before taking a piece is waited for. */
        void work(int worker) {
            active.incrementAndGet();
            try {
                for (int i = 0; i < shares; i++) {
                    int share = (worker + i) % shares;
                    int end = first(share + 1);
                    for (int index = next.getAndIncrement(share); index < end; index = next.getAndIncrement(share)) {
                        task.run(index, worker);
                    }
                }
            } catch (Throwable thrown) {
                failure = thrown;
            } finally {
                active.decrementAndGet();
            }
        }
    }

    private final Thread[] threads;
    private final Placement placement;
    /** 1 for a worker that sleeps or is about to, else 0. */
    private final AtomicIntegerArray parked;
    private volatile Region region;
    private volatile boolean closed;

    /** Workers that wake up where the system lets them. */
    public Workers(int count) {
        this(count, Placement.NONE);
    }

    /**
     * @param count threads that work, the caller included, at least 1
     * @param placement where those that slept wake up
     */
    public Workers(int count, Placement placement) {
        if (count < 1) {
            throw new IllegalArgumentException("at least one worker is needed, not " + count);
        }
        this.placement = placement;
        parked = new AtomicIntegerArray(count);
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
        Region current = new Region(tasks, task, count());
        region = current;
        wake();
        current.work(0);
        for (int spin = 0; current.active.get() > 0; spin++) {
            if (spin < SPINS_BEFORE_PARKING) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
        if (current.failure != null) {
            throw new IllegalStateException("a worker failed: " + current.failure, current.failure);
        }
    }

    private void serve(int worker) {
        placement.join(worker);
        Region seen = null;
        while (true) {
            seen = awaitRegionAfter(seen, worker);
            if (closed) {
                return;
            }
            seen.work(worker);
        }
    }

    private Region awaitRegionAfter(Region seen, int worker) {
        for (int spin = 0; region == seen && !closed; spin++) {
            if (spin < SPINS_BEFORE_PARKING) {
                Thread.onSpinWait();
            } else {
                parked.set(worker, 1);
                if (region == seen && !closed) {
                    LockSupport.park(this);
                }
                parked.set(worker, 0);
                placement.awake(worker);
            }
        }
        return region;
    }

    private void wake() {
        for (int worker = 1; worker <= threads.length; worker++) {
            if (parked.get(worker) > 0) {
                placement.wake(worker);
                LockSupport.unpark(threads[worker - 1]);
            }
        }
    }

    /** Ends the threads; later calls of {@link #run} fail. */
    @Override
    public synchronized void close() {
        closed = true;
        wake();
    }
}
