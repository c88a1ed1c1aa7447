package elms.kernels;

/** A cache in 32-bit floats. */
public final class FloatKeyValues extends PagedKeyValues<float[]> {
    public FloatKeyValues(int heads, int headDim, PagePool<float[]> pool) {
        super(heads, headDim, pool);
    }

    @Override
    protected PagedKeyValues<float[]> empty() {
        return new FloatKeyValues(heads(), headDim(), pool());
    }

    @Override
    protected int numberBytes() {
        return Float.BYTES;
    }

    @Override
    protected void write(float[] newKeys, float[] newValues, int first, int count, int position, float[] keyPage, float[] valuePage) {
        for (int row = 0; row < count; row++) {
            for (int head = 0; head < heads(); head++) {
                int at = position + row;
                int from = ((first + row) * heads() + head) * headDim();
                int key = keyPanel(head, at / LANES) + at % LANES;
                for (int d = 0; d < headDim(); d++) {
                    keyPage[key + d * LANES] = newKeys[from + d];
                    valuePage[valuePanel(head, d / LANES) + at * LANES + d % LANES] = newValues[from + d];
                }
            }
        }
    }
}
