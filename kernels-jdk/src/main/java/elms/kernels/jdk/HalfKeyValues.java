package elms.kernels.jdk;

import elms.kernels.KeyValues;
import java.util.ArrayList;
import java.util.List;

/** A cache in half-precision, which the native kernels write and read. */
final class HalfKeyValues implements KeyValues {
    private final NativeFunctions functions;
    private final int heads;
    private final int headDim;
    private final List<short[]> keys = new ArrayList<>();
    private final List<short[]> values = new ArrayList<>();
    private int length;

    HalfKeyValues(NativeFunctions functions, int heads, int headDim) {
        this.functions = functions;
        this.heads = heads;
        this.headDim = headDim;
    }

    @Override
    public int heads() {
        return heads;
    }

    @Override
    public int headDim() {
        return headDim;
    }

    @Override
    public int length() {
        return length;
    }

    @Override
    public void append(float[] newKeys, float[] newValues, int tokens) {
        int count;
        for (int token = 0; token < tokens; token += count) {
            if (length == keys.size() * PAGE) {
                keys.add(new short[heads * PAGE * headDim]);
                values.add(new short[heads * PAGE * LANES * KeyValues.panels(headDim)]);
            }
            count = Math.min(tokens - token, PAGE - length % PAGE);
            functions.append(newKeys, newValues, token, count, length % PAGE, heads, headDim, keys.get(length / PAGE),
                    values.get(length / PAGE));
            length += count;
        }
    }

    @Override
    public void truncate(int newLength) {
        if (newLength < 0 || newLength > length) {
            throw new IllegalArgumentException("cannot truncate " + length + " positions to " + newLength);
        }
        length = newLength;
    }

    short[] keys(int page) {
        return keys.get(page);
    }

    short[] values(int page) {
        return values.get(page);
    }
}
