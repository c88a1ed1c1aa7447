package elms.kernels.jdk;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import elms.kernels.Adapter;
import elms.kernels.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * The functions of adapter_tiles.h and products.h, for tiers that multiply tiles: an adapter before a matrix corrects what is rounded for
 * it, one beside a matrix is multiplied as some more of its columns, and products become rows when all are there.
 */
final class TileFunctions {
    /** Numbers that a bias is the sum of, each behind the ranks. */
    private static final int BIAS_TERMS = 3;

    private final MethodHandle quantizeBeside;
    private final MethodHandle quantizeCorrected;
    private final MethodHandle products;
    private final MethodHandle gated;
    private final MethodHandle spread;

    TileFunctions(NativeLibrary library) {
        quantizeBeside = NativeFunctions.function(library, "quantize_beside", ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS,
                JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
        quantizeCorrected = NativeFunctions.function(library, "quantize_corrected", ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS,
                JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
        products = NativeFunctions.function(library, "products", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT,
                JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
        gated = NativeFunctions.function(library, "gated_products", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG,
                JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
        spread = NativeFunctions.function(library, "spread", ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT,
                JAVA_INT, ADDRESS);
    }

    /** Columns that an adapter adds to those of the matrix it is beside. */
    static int columns(Adapter adapter) {
        return Matrix.blocks(adapter.rank() + BIAS_TERMS) * Matrix.BLOCK_COLUMNS;
    }

    /** Bytes of memory that rounding with an adapter needs. */
    static long bytes(Adapter adapter) {
        long blocks = Matrix.blocks(adapter.columns());
        long ranks = Matrix.blocks(columns(adapter));
        return 2 * (2 * ranks * blocks + blocks + ranks) * Rounding.TILES.group() * Rounding.TILES.blockBytes();
    }

    /** Bytes of the products of one piece with so many numbers a token. */
    static long bytes(int numbers, int tokens) {
        return (long) Rounding.TILES.rows(tokens, 1) * numbers * Float.BYTES;
    }

    /**
     * Rounds tokens {@code [first, last)}, each with what the adapter beside its matrix makes of it behind.
     *
     * @param first a multiple of 16
     */
    void quantizeBeside(Adapter adapter, float[] x, int first, int last, MemorySegment memory, MemorySegment out) {
        try {
            quantizeBeside.invokeExact(MemorySegment.ofArray(adapter.down()), adapter.downStride(), adapter.rank(), adapter.columns(),
                    MemorySegment.ofArray(adapter.scales()), MemorySegment.ofArray(x), first, last, memory, out);
        } catch (Throwable e) {
            throw NativeFunctions.failed(e);
        }
    }

    /**
     * Rounds tokens {@code [first, last)}, corrected by an adapter.
     *
     * @param first a multiple of 16
     */
    void quantizeCorrected(Adapter adapter, float[] x, int first, int last, MemorySegment memory, MemorySegment out) {
        try {
            quantizeCorrected.invokeExact(MemorySegment.ofArray(adapter.down()), adapter.downStride(), adapter.rank(), adapter.columns(),
                    MemorySegment.ofArray(adapter.up()), adapter.scales().length, MemorySegment.ofArray(adapter.scales()),
                    MemorySegment.ofArray(adapter.bias()), MemorySegment.ofArray(x), first, last, memory, out);
        } catch (Throwable e) {
            throw NativeFunctions.failed(e);
        }
    }

    /** Products of pairs of panels {@code [first, last)}, with those of the adapter beside them, where there is one. */
    void products(Matrix w, Optional<Adapter> beside, MemorySegment x, int tokens, int first, int last, MemorySegment out) {
        MemorySegment up = beside.map(adapter -> MemorySegment.ofArray(adapter.up())).orElse(MemorySegment.NULL);
        MemorySegment bias = beside.map(adapter -> MemorySegment.ofArray(adapter.bias())).orElse(MemorySegment.NULL);
        int upRanks = beside.map(adapter -> adapter.scales().length).orElse(0);
        int rank = beside.map(Adapter::rank).orElse(0);
        try {
            products.invokeExact(w.form().ordinal(), NativeFunctions.address(w), (long) w.panelBytes(), w.rows(), w.columns(), up, upRanks,
                    rank, bias, x, tokens, first, last, out);
        } catch (Throwable e) {
            throw NativeFunctions.failed(e);
        }
    }

    /** Gated products of panels {@code [first, last)}. */
    void gated(Matrix gate, Matrix up, MemorySegment x, int tokens, int first, int last, MemorySegment sums, MemorySegment out) {
        try {
            gated.invokeExact(gate.form().ordinal(), NativeFunctions.address(gate), (long) gate.panelBytes(), up.form().ordinal(),
                    NativeFunctions.address(up), (long) up.panelBytes(), gate.columns(), x, tokens, first, last, sums, out);
        } catch (Throwable e) {
            throw NativeFunctions.failed(e);
        }
    }

    /**
     * Has tokens {@code [first, last)} of pieces with so many numbers a token become rows, or added to them.
     *
     * @param row number of a row that the first piece begins with
     */
    void spread(MemorySegment products, int numbers, int pieces, int tokens, int first, int last, boolean add, int row, int rows,
            MemorySegment out) {
        try {
            spread.invokeExact(products, numbers, pieces, tokens, first, last, add ? 1 : 0, row, rows, out);
        } catch (Throwable e) {
            throw NativeFunctions.failed(e);
        }
    }
}
