package elms.kernels;

import java.util.ArrayList;
import java.util.List;

/**
 * Keeps the pages of a cache.
 *
 * @param <P> an array type
 */
public abstract class PagedKeyValues<P> implements KeyValues {
    private final int heads;
    private final int headDim;
    private final PagePool<P> pool;
    private final List<P> keys = new ArrayList<>();
    private final List<P> values = new ArrayList<>();
    private int length;

    protected PagedKeyValues(int heads, int headDim, PagePool<P> pool) {
        this.heads = heads;
        this.headDim = headDim;
        this.pool = pool;
    }

    /** Writes rows {@code [first, first + count)} to a page of keys and one of values, from {@code position} on. */
    protected abstract void write(float[] newKeys, float[] newValues, int first, int count, int position, P keyPage, P valuePage);

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
            if (length == keys.size() * PAGE) {
                keys.add(pool.take(keyPageLength()));
                values.add(pool.take(valuePageLength()));
            }
            count = Math.min(tokens - first, PAGE - length % PAGE);
            write(newKeys, newValues, first, count, length % PAGE, keys(length / PAGE), values(length / PAGE));
            length += count;
        }
    }

    @Override
    public final void truncate(int newLength) {
        if (newLength < 0 || newLength > length) {
            throw new IllegalArgumentException("cannot truncate " + length + " positions to " + newLength);
        }
        length = newLength;
    }

    @Override
    public final void close() {
        keys.forEach(page -> pool.give(keyPageLength(), page));
        values.forEach(page -> pool.give(valuePageLength(), page));
        keys.clear();
        values.clear();
        length = 0;
    }

    private int keyPageLength() {
        return heads * PAGE * headDim;
    }

    private int valuePageLength() {
        return heads * PAGE * LANES * KeyValues.panels(headDim);
    }

    public final P keys(int page) {
        return keys.get(page);
    }

    public final P values(int page) {
        return values.get(page);
    }
}
