package elms.kernels;

import java.util.ArrayList;
import java.util.List;

/** A cache in 32-bit floats. */
public final class FloatKeyValues implements KeyValues {
    private final int heads;
    private final int headDim;
    private final int valuePanels;
    private final List<float[]> keys = new ArrayList<>();
    private final List<float[]> values = new ArrayList<>();
    private int length;

    public FloatKeyValues(int heads, int headDim) {
        this.heads = heads;
        this.headDim = headDim;
        this.valuePanels = KeyValues.panels(headDim);
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
        for (int token = 0; token < tokens; token++) {
            if (length == keys.size() * PAGE) {
                keys.add(new float[heads * PAGE * headDim]);
                values.add(new float[heads * PAGE * LANES * valuePanels]);
            }
            int position = length % PAGE;
            float[] keyPage = keys.get(length / PAGE);
            float[] valuePage = values.get(length / PAGE);
            for (int head = 0; head < heads; head++) {
                int from = (token * heads + head) * headDim;
                int key = keyPanel(head, position / LANES) + position % LANES;
                for (int d = 0; d < headDim; d++) {
                    keyPage[key + d * LANES] = newKeys[from + d];
                    valuePage[valuePanel(head, d / LANES) + position * LANES + d % LANES] = newValues[from + d];
                }
            }
            length++;
        }
    }

    @Override
    public void truncate(int newLength) {
        if (newLength < 0 || newLength > length) {
            throw new IllegalArgumentException("cannot truncate " + length + " positions to " + newLength);
        }
        length = newLength;
    }

    /** A page of keys. */
    public float[] keys(int page) {
        return keys.get(page);
    }

    /** A page of values. */
    public float[] values(int page) {
        return values.get(page);
    }
}
