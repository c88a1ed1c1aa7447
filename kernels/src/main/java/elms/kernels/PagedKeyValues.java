package elms.kernels;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Keeps the pages of a cache. Forks hold the same pages; who writes to a page that others hold gets a copy of it first.
 *
 * @param <P> an array type
 */
public abstract class PagedKeyValues<P> implements KeyValues {
    private static final class Page<P> {
        final P keys;
        final P values;
        final AtomicInteger holders = new AtomicInteger(1);

        Page(P keys, P values) {
            this.keys = keys;
            this.values = values;
        }
    }

    private final int heads;
    private final int headDim;
    private final PagePool<P> pool;
    private final List<Page<P>> pages = new ArrayList<>();
    private int length;

    protected PagedKeyValues(int heads, int headDim, PagePool<P> pool) {
        this.heads = heads;
        this.headDim = headDim;
        this.pool = pool;
    }

    /** Writes rows {@code [first, first + count)} to a page of keys and one of values, from {@code position} on. */
    protected abstract void write(float[] newKeys, float[] newValues, int first, int count, int position, P keyPage, P valuePage);

    protected final PagePool<P> pool() {
        return pool;
    }

    /** An empty cache of the same shape, from the same pool. */
    protected abstract PagedKeyValues<P> empty();

    /** Bytes that each number of a page takes. */
    protected abstract int numberBytes();

    @Override
    public final int heads() {
        return heads;
    }

    @Override
    public final int headDim() {
        return headDim;
    }

    @Override
    public final int length() {
        return length;
    }

    @Override
    public final void append(float[] newKeys, float[] newValues, int tokens) {
        int count;
        for (int first = 0; first < tokens; first += count) {
            if (length == pages.size() * PAGE) {
                pages.add(newPage());
            }
            int page = length / PAGE;
            makeOwn(page);
            count = Math.min(tokens - first, PAGE - length % PAGE);
            write(newKeys, newValues, first, count, length % PAGE, keys(page), values(page));
            length += count;
        }
    }

    private Page<P> newPage() {
        return new Page<>(pool.take(keyPageLength()), pool.take(valuePageLength()));
    }

    private void makeOwn(int index) {
        Page<P> shared = pages.get(index);
        if (shared.holders.get() > 1) {
            Page<P> own = newPage();
            System.arraycopy(shared.keys, 0, own.keys, 0, keyPageLength());
            System.arraycopy(shared.values, 0, own.values, 0, valuePageLength());
            pages.set(index, own);
            release(shared);
        }
    }

    private void release(Page<P> page) {
        if (page.holders.decrementAndGet() == 0) {
            pool.give(keyPageLength(), page.keys);
            pool.give(valuePageLength(), page.values);
        }
    }

    @Override
    public final KeyValues fork(int positions) {
        requireStored(positions);
        PagedKeyValues<P> fork = empty();
        for (Page<P> page : pages.subList(0, (positions + PAGE - 1) / PAGE)) {
            page.holders.incrementAndGet();
            fork.pages.add(page);
        }
        fork.length = positions;
        return fork;
    }

    @Override
    public final long bytes() {
        return (long) pages.size() * (keyPageLength() + valuePageLength()) * numberBytes();
    }

    @Override
    public final void truncate(int newLength) {
        requireStored(newLength);
        length = newLength;
    }

    private void requireStored(int positions) {
        if (positions < 0 || positions > length) {
            throw new IllegalArgumentException("of " + length + " positions, " + positions + " cannot be kept");
        }
    }

    @Override
    public final void close() {
        pages.forEach(this::release);
        pages.clear();
        length = 0;
    }

    private int keyPageLength() {
        return heads * PAGE * headDim;
    }

    private int valuePageLength() {
        return heads * PAGE * LANES * KeyValues.panels(headDim);
    }

    public final P keys(int page) {
        return pages.get(page).keys;
    }

    public final P values(int page) {
        return pages.get(page).values;
    }
}
