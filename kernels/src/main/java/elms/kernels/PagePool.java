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
    private final Map<Integer, Deque<P>> free = new HashMap<>();
    private int taken;

    public PagePool(IntFunction<P> allocate) {
        this.allocate = allocate;
    }

    /** A page of some length, full of zeros or of what an earlier cache left. */
    synchronized P take(int length) {
        taken++;
        Deque<P> pages = free.get(length);
        return pages == null || pages.isEmpty() ? allocate.apply(length) : pages.pop();
    }

    synchronized void give(int length, P page) {
        taken--;
        free.computeIfAbsent(length, ignored -> new ArrayDeque<>()).push(page);
    }

    /** Pages that caches hold now. */
    public synchronized int taken() {
        return taken;
    }
}
