package elms.kernels.jdk;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import elms.kernels.Adapter;
import elms.kernels.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The functions of adapter_tiles.h, for tiers that multiply tiles: an adapter before a matrix corrects what is rounded for it, and one
 * beside a matrix is multiplied as some more of its columns.
 */
final class TileAdapters {
    /** Numbers that a bias is the sum of, each behind the ranks. */
    private static final int BIAS_TERMS = 3;

    private final MethodHandle quantize;
    private final MethodHandle matmul;

    TileAdapters(NativeLibrary library) {
        quantize = NativeFunctions.function(library, "quantize_adapted", ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT,
                ADDRESS, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
        matmul = NativeFunctions.function(library, "matmul_beside", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT,
                JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    }

    /** Columns that an adapter adds to those of the matrix it is beside. */
    static int columns(Adapter adapter) {
        return Matrix.blocks(adapter.rank() + BIAS_TERMS) * Matrix.BLOCK_COLUMNS;
    }

    /** Bytes of memory that {@link #quantize} needs. */
    static long bytes(Adapter adapter) {
        long blocks = Matrix.blocks(adapter.columns());
        long ranks = Matrix.blocks(columns(adapter));
        return 2 * (2 * ranks * blocks + blocks + ranks) * Rounding.TILES.group() * Rounding.TILES.blockBytes();
    }

    /**
     * Rounds tokens {@code [first, last)}, as they are with what the adapter beside a matrix makes of them, or corrected by it.
     *
     * @param first a multiple of 16
     */
    void quantize(Adapter adapter, boolean beside, float[] x, int first, int last, MemorySegment memory, MemorySegment out) {
        try {
            quantize.invokeExact(MemorySegment.ofArray(adapter.down()), adapter.downStride(), adapter.rank(), adapter.columns(),
                    MemorySegment.ofArray(adapter.up()), adapter.scales().length, adapter.bias().length,
                    MemorySegment.ofArray(adapter.scales()), MemorySegment.ofArray(adapter.bias()), beside ? 1 : 0,
                    MemorySegment.ofArray(x), first, last, memory, out);
        } catch (Throwable e) {
            throw NativeFunctions.failed(e);
        }
    }

    /** Adds to out the products of pairs of panels {@code [first, last)} of a matrix, and what the adapter beside it adds to their rows. */
    void matmulAdd(Matrix w, Adapter beside, MemorySegment x, int tokens, int first, int last, MemorySegment sums, MemorySegment out) {
        try {
            matmul.invokeExact(w.form().ordinal(), NativeFunctions.address(w), (long) w.panelBytes(), w.rows(), w.columns(),
                    MemorySegment.ofArray(beside.up()), beside.scales().length, beside.rank(), MemorySegment.ofArray(beside.bias()), x,
                    tokens, first, last, sums, out);
        } catch (Throwable e) {
            throw NativeFunctions.failed(e);
        }
    }
}
