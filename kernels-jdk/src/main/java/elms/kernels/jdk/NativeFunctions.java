package elms.kernels.jdk;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import elms.kernels.Adapter;
import elms.kernels.KeyValues;
import elms.kernels.Matrix;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The functions of kernels.c and attention.c, one tier of them. Calls are critical: they may read and write Java arrays in place,
 * and they hold up the garbage collector, so every one is a small piece of work.
 */
final class NativeFunctions {
    private final MethodHandle matmul;
    private final MethodHandle panels;
    private final MethodHandle largest;
    private final MethodHandle gated;
    private final MethodHandle quantize;
    private final MethodHandle adapt;
    private final MethodHandle rmsNorm;
    private final MethodHandle layerNorm;
    private final MethodHandle rotate;
    private final MethodHandle append;
    private final MethodHandle attend;
    private final MethodHandle join;
    private final MethodHandle finish;

    NativeFunctions(NativeLibrary library) {
        matmul = function(library, "matmul", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT,
                JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
        panels = function(library, "panels", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT,
                JAVA_INT, ADDRESS, ADDRESS);
        largest = function(library, "largest_of_panels", ADDRESS, JAVA_INT, JAVA_INT, ADDRESS);
        gated = function(library, "gated", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT,
                ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
        quantize = function(library, "quantize", ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
        adapt = function(library, "adapt", ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, ADDRESS,
                JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
        rmsNorm = function(library, "rms_norm", ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_FLOAT, ADDRESS);
        layerNorm = function(library, "layer_norm", ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_FLOAT);
        rotate = function(library, "rotate", ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
        append = function(library, "append", ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
        attend = function(library, "attend", ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS,
                JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS);
        join = function(library, "join", ADDRESS, ADDRESS, JAVA_INT, JAVA_INT);
        finish = function(library, "finish", ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
    }

    static MethodHandle function(NativeLibrary library, String name, MemoryLayout... parameters) {
        return Linker.nativeLinker().downcallHandle(library.symbols().findOrThrow(library.tier() + "_" + name),
                FunctionDescriptor.ofVoid(parameters), Linker.Option.critical(true));
    }

    /** Pairs of panels {@code [first, last)} of a matrix with all tokens. */
    void matmul(Matrix w, MemorySegment x, int tokens, int terms, int first, int last, boolean add, MemorySegment sums,
            MemorySegment out) {
        try {
            matmul.invokeExact(w.form().ordinal(), address(w), (long) w.panelBytes(), w.rows(), w.columns(), x, tokens, terms, first, last,
                    add ? 1 : 0, sums, out);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    /** Listed panels of a matrix, from the first-th to before the last-th, with one token. */
    void panels(Matrix w, MemorySegment x, int terms, int[] listed, int first, int last, MemorySegment sums, float[] out) {
        try {
            panels.invokeExact(w.form().ordinal(), address(w), (long) w.panelBytes(), w.rows(), w.columns(), x, terms,
                    MemorySegment.ofArray(listed), first, last, sums, MemorySegment.ofArray(out));
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    /** The largest of each panel's scores. */
    void largestOfPanels(float[] scores, int first, int rows, float[] out) {
        try {
            largest.invokeExact(MemorySegment.ofArray(scores), first, rows, MemorySegment.ofArray(out));
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    /** Panels {@code [first, last)} of a gated pair of matrices with all tokens. */
    void gated(Matrix gate, Matrix up, MemorySegment x, MemorySegment upX, int tokens, int first, int last, MemorySegment sums,
            MemorySegment out) {
        try {
            gated.invokeExact(gate.form().ordinal(), address(gate), (long) gate.panelBytes(), up.form().ordinal(), address(up),
                    (long) up.panelBytes(), gate.rows(), gate.columns(), x, upX, tokens, first, last, sums, out);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    /** Rounds tokens {@code [first, last)} in one term or two. */
    void quantize(float[] x, int width, int terms, int first, int last, MemorySegment out) {
        try {
            quantize.invokeExact(MemorySegment.ofArray(x), width, terms, first, last, out);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    /** Tokens {@code [first, last)}, with room for the rank's panels between the matrices of each. */
    void adapt(Adapter adapter, float[] x, int first, int last, MemorySegment inner, float[] y) {
        try {
            adapt.invokeExact(MemorySegment.ofArray(adapter.down()), adapter.downStride(), adapter.rank(), adapter.columns(),
                    MemorySegment.ofArray(adapter.up()), adapter.scales().length, adapter.bias().length,
                    MemorySegment.ofArray(adapter.scales()), MemorySegment.ofArray(adapter.bias()), MemorySegment.ofArray(x), first, last,
                    inner, MemorySegment.ofArray(y));
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void rmsNorm(float[] x, int first, int last, float[] weight, float epsilon, float[] out) {
        try {
            rmsNorm.invokeExact(MemorySegment.ofArray(x), weight.length, first, last, MemorySegment.ofArray(weight), epsilon,
                    MemorySegment.ofArray(out));
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void layerNorm(float[] x, int first, int last, float[] added, float[] weight, float[] bias, float epsilon) {
        try {
            layerNorm.invokeExact(MemorySegment.ofArray(x), weight.length, first, last, MemorySegment.ofArray(added),
                    MemorySegment.ofArray(weight), MemorySegment.ofArray(bias), epsilon);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void rotate(float[] x, int first, int last, int heads, int headDim, int half, float[] cos, float[] sin) {
        try {
            rotate.invokeExact(MemorySegment.ofArray(x), first, last, heads, headDim, half, MemorySegment.ofArray(cos),
                    MemorySegment.ofArray(sin));
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    /** Rows {@code [first, first + count)} to the positions of a page from {@code position} on. */
    void append(float[] newKeys, float[] newValues, int first, int count, int position, int heads, int headDim, short[] keys,
            short[] values) {
        try {
            append.invokeExact(MemorySegment.ofArray(newKeys), MemorySegment.ofArray(newValues), first, count, position, heads, headDim,
                    MemorySegment.ofArray(keys), MemorySegment.ofArray(values));
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void attend(TilePage at, TilePage next, float[] part) {
        AttentionTile tile = at.tile();
        int page = at.page();
        HalfKeyValues cache = (HalfKeyValues) tile.cache();
        try {
            attend.invokeExact(MemorySegment.ofArray(tile.queries()), tile.tokens(), tile.queryHeads(),
                    MemorySegment.ofArray(tile.heads()), tile.heads().length, tile.from(), MemorySegment.ofArray(cache.keys(page)),
                    cache.keyPanel(tile.kvHead(), 0), MemorySegment.ofArray(cache.values(page)),
                    cache.valuePanel(tile.kvHead(), 0), cache.headDim(), page * KeyValues.PAGE, cache.length(),
                    MemorySegment.ofArray(cache.keys(next.page())), cache.keyPanel(next.tile().kvHead(), 0),
                    MemorySegment.ofArray(part));
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void join(AttentionTile tile, float[] part, float[] next) {
        try {
            join.invokeExact(MemorySegment.ofArray(part), MemorySegment.ofArray(next), tile.count(), tile.cache().headDim());
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void finish(AttentionTile tile, float[] part, float[] out) {
        try {
            finish.invokeExact(MemorySegment.ofArray(part), tile.tokens(), tile.queryHeads(), MemorySegment.ofArray(tile.heads()),
                    tile.heads().length, tile.from(), tile.cache().headDim(), MemorySegment.ofArray(out));
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    static long address(Matrix matrix) {
        return MemorySegment.ofBuffer(matrix.data()).address();
    }

    static IllegalStateException failed(Throwable e) {
        return new IllegalStateException("a native kernel could not be called: " + e, e);
    }
}
