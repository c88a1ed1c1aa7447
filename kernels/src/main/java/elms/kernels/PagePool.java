package elms.kernels;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * Pages of closed caches, for the next ones. They are large and live long, which garbage collectors let pile up; so memory
 * stays at what was needed at once.
 *
 * @param <P> an array type
 */
public final class PagePool<P> {
    private final IntFunction<P> allocate;
    private final int numberBytes;
    private final Map<Integer, Deque<P>> free = new HashMap<>();
    private int taken;
    private long bytes;

    /**
     * @param numberBytes bytes of each number of a page
     */
    public PagePool(IntFunction<P> allocate, int numberBytes) {
        this.allocate = allocate;
        this.numberBytes = numberBytes;
    }

    /** A page of some length, full of zeros or of what an earlier cache left. */
    synchronized P take(int length) {
        taken++;
        Deque<P> pages = free.get(length);
        if (pages != null && !pages.isEmpty()) {
            return pages.pop();
        }
        bytes += (long) length * numberBytes;
        return allocate.apply(length);
    }

    synchronized void give(int length, P page) {
        taken--;
        free.computeIfAbsent(length, ignored -> new ArrayDeque<>()).push(page);
    }

    /** Pages that caches hold now. */
    public synchronized int taken() {
        return taken;
    }

    /** Memory of all pages, those kept for the next caches included. */
    public synchronized long bytes() {
        return bytes;
    }
}
