package elms.kernels.jdk;

import elms.kernels.PagePool;
import elms.kernels.PagedKeyValues;

/** A cache in half-precision, which the native kernels write and read. */
final class HalfKeyValues extends PagedKeyValues<short[]> {
    private final NativeFunctions functions;

    HalfKeyValues(NativeFunctions functions, int heads, int headDim, PagePool<short[]> pool) {
        super(heads, headDim, pool);
        this.functions = functions;
    }

    @Override
    protected PagedKeyValues<short[]> empty() {
        return new HalfKeyValues(functions, heads(), headDim(), pool());
    }

    @Override
    protected int numberBytes() {
        return Short.BYTES;
    }

    @Override
    protected void write(float[] newKeys, float[] newValues, int first, int count, int position, short[] keyPage, short[] valuePage) {
        functions.append(newKeys, newValues, first, count, position, heads(), headDim(), keyPage, valuePage);
    }
}
