package elms.kernels.jdk;

import elms.kernels.Adapter;
import elms.kernels.Form;
import elms.kernels.KeyValues;
import elms.kernels.Kernels;
import elms.kernels.Matrix;
import elms.kernels.PagePool;
import elms.kernels.Workers;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * Kernels in C. Activations are rounded to 8 bits, a scale for every 32 of them, once for all matrices that read them, and
 * multiplied as integers; sums, norms and attention stay in floats, keys and values in half precision. Queries, keys, values and
 * logits suffer most from the rounding and cost least, so what they are made from has a second term of 8 bits.
 */
public final class NativeKernels implements Kernels {
    /** 32 bytes, their scale, and their sum. */
    private static final int ACTIVATION_BLOCK_BYTES = 40;
    private static final int TOKENS_PER_TASK = 16;
    private static final int ADAPTED_PER_TASK = 32;
    /** Most multiplications in a task, some ten microseconds: the last ones of a region keep one worker waiting for another. */
    private static final long TASK_PRODUCTS = 8_000_000;
    /** Of many tokens at least, for the same reason. */
    private static final int MANY_TOKENS = 16;
    private static final int TASKS_PER_WORKER = 8;
    /** For few tokens: memory is read fastest in long lines of addresses, and a second piece helps a core that was held up. */
    private static final int LINES_PER_WORKER = 2;
    /** Terms of the activations that {@link #matmul} reads. */
    private static final int PRECISE = 2;
    private static final int ROUNDED = 1;
    private static final int PAIR_ROWS = 2 * Matrix.PANEL_ROWS;

    private final NativeFunctions functions;
    private final String tier;
    private final Workers workers;
    private final PagedAttention attention;
    private final PagePool<short[]> pages = new PagePool<>(short[]::new, Short.BYTES);
    private final float[][] scratch;
    private byte[] activations = {};
    /** What an adapter adds to a row that a matrix is added to meanwhile. */
    private float[] corrections = {};

    NativeKernels(NativeLibrary library, int threads) {
        tier = library.tier();
        functions = new NativeFunctions(library);
        workers = new Workers(threads);
        attention = new PagedAttention(workers, () -> new NativeTileAttention(functions));
        scratch = new float[threads][0];
    }

    @Override
    public String description() {
        return "native, " + tier + ", " + threads() + (threads() == 1 ? " thread" : " threads");
    }

    @Override
    public int threads() {
        return workers.count();
    }

    @Override
    public void matmul(float[] x, int tokens, Product... products) {
        prepare(x, tokens, products[0].weights().columns(), PRECISE);
        for (Product product : products) {
            requireColumns(product.weights(), products[0].weights().columns());
        }
        int[] pairs = new int[products.length + 1];
        for (int i = 0; i < products.length; i++) {
            pairs[i + 1] = pairs[i] + Math.ceilDiv(products[i].weights().panels(), 2);
        }
        int step = step(pairs[products.length], tokens, products[0].weights().columns());
        workers.run(Math.ceilDiv(pairs[products.length], step), (task, worker) -> {
            for (int i = 0; i < products.length; i++) {
                int first = Math.max(task * step, pairs[i]) - pairs[i];
                int last = Math.min((task + 1) * step, pairs[i + 1]) - pairs[i];
                if (first < last) {
                    Matrix w = products[i].weights();
                    functions.matmul(w, input(w, x), tokens, PRECISE, first, last, false, scratch[worker], products[i].out());
                }
            }
        });
    }

    @Override
    public void matmul(float[] x, Matrix weights, BitSet panels, float[] out) {
        prepare(x, 1, weights.columns(), PRECISE);
        int[] listed = panels.stream().filter(panel -> panel < weights.panels()).toArray();
        int step = 2 * step(Math.ceilDiv(listed.length, 2), 1, weights.columns());
        workers.run(Math.ceilDiv(listed.length, step), (task, worker) -> functions.panels(weights, input(weights, x), PRECISE, listed,
                task * step, Math.min(listed.length, (task + 1) * step), scratch[worker], out));
    }

    @Override
    public void largestOfPanels(float[] scores, int first, int rows, float[] out) {
        functions.largestOfPanels(scores, first, rows, out);
    }

    @Override
    public void matmulAdd(float[] x, int tokens, Matrix weights, float[] y) {
        addBeside(x, tokens, weights, y, Optional.empty());
    }

    /** With one token an adapter takes as long as a piece of the matrix, so another worker computes it meanwhile. */
    @Override
    public void matmulAdd(float[] x, int tokens, Matrix weights, Adapter adapter, float[] y) {
        if (tokens > 1) {
            Kernels.super.matmulAdd(x, tokens, weights, adapter, y);
            return;
        }
        float[] added = zeros(weights.rows());
        addBeside(x, 1, weights, y, Optional.of(worker ->
                functions.adapt(adapter, x, 0, 1, scratch(worker, adapted(adapter, 1)), added)));
        for (int row = 0; row < weights.rows(); row++) {
            y[row] += added[row];
        }
    }

    /** Adds a product to y. What else is to be done meanwhile, by the worker it is given, comes first. */
    private void addBeside(float[] x, int tokens, Matrix weights, float[] y, Optional<IntConsumer> other) {
        prepare(x, tokens, weights.columns(), ROUNDED);
        int pairs = Math.ceilDiv(weights.panels(), 2);
        int step = step(pairs, tokens, weights.columns());
        int others = other.isPresent() ? 1 : 0;
        workers.run(others + Math.ceilDiv(pairs, step), (task, worker) -> {
            if (task < others) {
                other.get().accept(worker);
                return;
            }
            int first = (task - others) * step;
            functions.matmul(weights, input(weights, x), tokens, ROUNDED, first, Math.min(pairs, first + step), true,
                    scratch[worker], y);
        });
    }

    @Override
    public void gatedMatmul(float[] x, int tokens, Matrix gate, Matrix up, float[] out) {
        prepare(x, tokens, gate.columns(), ROUNDED);
        requireColumns(up, gate.columns());
        int step = step(gate.panels(), tokens, gate.columns());
        workers.run(Math.ceilDiv(gate.panels(), step), (task, worker) -> functions.gated(gate, up, input(gate, x), input(up, x),
                tokens, task * step, Math.min(gate.panels(), (task + 1) * step), scratch[worker], out));
    }

    @Override
    public void adapt(float[] x, int tokens, Adapter adapter, float[] y) {
        int floats = adapted(adapter, tokens);
        workers.run(Math.ceilDiv(tokens, ADAPTED_PER_TASK), (task, worker) -> functions.adapt(adapter, x, task * ADAPTED_PER_TASK,
                Math.min(tokens, (task + 1) * ADAPTED_PER_TASK), scratch(worker, floats), y));
    }

    private float[] zeros(int count) {
        if (corrections.length < count) {
            corrections = new float[count];
        } else {
            Arrays.fill(corrections, 0, count, 0f);
        }
        return corrections;
    }

    /** Floats of scratch memory that an adapter needs for a task of at most so many tokens. */
    private static int adapted(Adapter adapter, int tokens) {
        return Adapter.panels(adapter.rank()) * Adapter.PANEL * Math.min(tokens, ADAPTED_PER_TASK);
    }

    /** Rounds activations and makes room for sums. */
    private void prepare(float[] x, int tokens, int columns, int terms) {
        int bytes = Math.multiplyExact(Math.multiplyExact(tokens * terms, Matrix.blocks(columns)), ACTIVATION_BLOCK_BYTES);
        if (activations.length < bytes) {
            activations = new byte[bytes];
        }
        for (int worker = 0; worker < scratch.length; worker++) {
            scratch(worker, tokens * terms * PAIR_ROWS);
        }
        forTokens(tokens, (first, last) -> functions.quantize(x, columns, tokens, terms, first, last, activations));
    }

    /** A worker's own memory, with room for so many floats. */
    private float[] scratch(int worker, int floats) {
        if (scratch[worker].length < floats) {
            scratch[worker] = new float[floats];
        }
        return scratch[worker];
    }

    private MemorySegment input(Matrix weights, float[] x) {
        return weights.form() == Form.F32 ? MemorySegment.ofArray(x) : MemorySegment.ofArray(activations);
    }

    /** Pairs of panels in a task: few enough to keep a call short, and the workers evenly busy. */
    private int step(int pairs, int tokens, int columns) {
        int even = Math.ceilDiv(pairs, (tokens < MANY_TOKENS ? LINES_PER_WORKER : TASKS_PER_WORKER) * threads());
        long small = TASK_PRODUCTS / Math.max(1, (long) PAIR_ROWS * columns * tokens);
        return (int) Math.clamp(small, 1, Math.max(1, even));
    }

    private static void requireColumns(Matrix matrix, int columns) {
        if (matrix.columns() != columns) {
            throw new IllegalArgumentException("matrices of " + columns + " and " + matrix.columns() + " columns share an input");
        }
    }

    @FunctionalInterface
    private interface TokenRange {
        void run(int first, int last);
    }

    private void forTokens(int tokens, TokenRange range) {
        workers.run(Math.ceilDiv(tokens, TOKENS_PER_TASK), (task, worker) ->
                range.run(task * TOKENS_PER_TASK, Math.min(tokens, (task + 1) * TOKENS_PER_TASK)));
    }

    @Override
    public void rmsNorm(float[] x, int tokens, float[] weight, float epsilon, float[] out) {
        forTokens(tokens, (first, last) -> functions.rmsNorm(x, first, last, weight, epsilon, out));
    }

    @Override
    public void rotate(float[] x, int tokens, int heads, int headDim, float[] cos, float[] sin) {
        forTokens(tokens, (first, last) -> functions.rotate(x, first, last, heads, headDim, cos.length / tokens, cos, sin));
    }

    @Override
    public KeyValues newCache(int heads, int headDim) {
        return new HalfKeyValues(functions, heads, headDim, pages);
    }

    @Override
    public int pagesInUse() {
        return pages.taken();
    }

    @Override
    public long pageBytes() {
        return pages.bytes();
    }

    @Override
    public void attention(float[] queries, int tokens, int[] kvHeadOf, KeyValues cache, float[] out) {
        attention.attend(queries, tokens, kvHeadOf, cache, out);
    }

    @Override
    public void close() {
        workers.close();
    }
}
