package elms.kernels.jdk;

import elms.kernels.PagePool;
import elms.kernels.PagedKeyValues;
import elms.kernels.Workers;

/** A cache in half-precision, which the native kernels write and read. */
final class HalfKeyValues extends PagedKeyValues<short[]> {
    private static final int TOKENS_PER_TASK = 32;

    private final NativeFunctions functions;
    private final Workers workers;

    HalfKeyValues(NativeFunctions functions, Workers workers, int heads, int headDim, PagePool<short[]> pool) {
        super(heads, headDim, pool);
        this.functions = functions;
        this.workers = workers;
    }

    @Override
    protected PagedKeyValues<short[]> empty() {
        return new HalfKeyValues(functions, workers, heads(), headDim(), pool());
    }

    @Override
    protected int numberBytes() {
        return Short.BYTES;
    }

    @Override
    protected void write(float[] newKeys, float[] newValues, int first, int count, int position, short[] keyPage, short[] valuePage) {
        workers.run(Math.ceilDiv(count, TOKENS_PER_TASK), (task, worker) -> {
            int done = task * TOKENS_PER_TASK;
            functions.append(newKeys, newValues, first + done, Math.min(TOKENS_PER_TASK, count - done), position + done, heads(),
                    headDim(), keyPage, valuePage);
        });
    }
}
