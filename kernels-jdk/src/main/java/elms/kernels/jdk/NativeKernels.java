package elms.kernels.jdk;

import elms.kernels.Adapter;
import elms.kernels.Form;
import elms.kernels.KeyValues;
import elms.kernels.Kernels;
import elms.kernels.Matrix;
import elms.kernels.PagePool;
import elms.kernels.Workers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * Kernels in C. Activations are rounded once for all matrices that read them; sums, norms and attention stay in floats, keys and values in
 * half precision.
 */
public class NativeKernels implements Kernels {
    private static final int TOKENS_PER_TASK = 16;
    private static final int ADAPTED_PER_TASK = 32;
    /** Most multiplications in a task, some ten microseconds: the last ones of a region keep one worker waiting for another. */
    private static final long TASK_PRODUCTS = 8_000_000;
    /** Of many tokens at least, for the same reason. */
    private static final int MANY_TOKENS = 16;
    private static final int TASKS_PER_WORKER = 8;
    /** For few tokens: memory is read fastest in long lines of addresses, and a second piece helps a core that was held up. */
    private static final int LINES_PER_WORKER = 2;
    /** Tokens that a worker gets at least where they are parted: all parts unpack the weights. */
    private static final int PART_TOKENS = 128;
    private static final int CACHE_LINE = 64;
    static final int PAIR_ROWS = 2 * Matrix.PANEL_ROWS;

    private final NativeFunctions functions;
    private final Rounding rounding;
    private final String tier;
    private final Workers workers;
    private final PagedAttention attention;
    private final PagePool<short[]> pages = new PagePool<>(short[]::new, Short.BYTES);
    private final Optional<TileKernels> prompts;
    /** Each worker's own. */
    private final MemorySegment[] scratch;
    private MemorySegment rounded = MemorySegment.NULL;
    /** What an adapter adds to a row that a matrix is added to meanwhile. */
    private float[] corrections = {};

    NativeKernels(NativeLibrary library, int threads) {
        this(library.forAnswers(), Rounding.INTEGERS, library.tier(), new Workers(threads, WakeApart.of(threads)),
                library.equals(library.forAnswers()) ? Optional.empty() : Optional.of(library));
    }

    NativeKernels(NativeLibrary library, Rounding rounding, String tier, Workers workers, Optional<NativeLibrary> forPrompts) {
        this.functions = new NativeFunctions(library);
        this.rounding = rounding;
        this.tier = tier;
        this.workers = workers;
        this.attention = new PagedAttention(workers, () -> new NativeTileAttention(functions, rounding.attentionRows()));
        this.scratch = noMemory(workers);
        this.prompts = forPrompts.map(other -> new TileKernels(other, tier, workers));
    }

    @Override
    public Kernels forPrompts() {
        return prompts.isPresent() ? prompts.get() : this;
    }

    final NativeFunctions functions() {
        return functions;
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
    public void willRead(ByteBuffer mapped) {
        LargePages.ask(mapped);
    }

    @Override
    public void matmul(float[] x, int tokens, Product... products) {
        int columns = products[0].weights().columns();
        round(x, tokens, columns, rounding.terms());
        multiply(x, tokens, columns, products);
    }

    /** Products with rounded activations; x is what matrices of floats read. */
    private void multiply(float[] x, int tokens, int columns, Product... products) {
        int[] pairs = new int[products.length];
        for (int i = 0; i < products.length; i++) {
            requireColumns(products[i].weights(), columns);
            pairs[i] = pairs(products[i].weights());
        }
        multiplyEach(tokens, columns, rounding.terms(), pairs, (index, first, last, part, worker) -> {
            Matrix w = products[index].weights();
            functions.matmul(w, input(w, x, part, rounding.terms()), part.count(), rounding.terms(), first, last, false, scratch[worker],
                    part.of(products[index].out(), w.rows()));
        });
    }

    @Override
    public void matmul(float[] x, Matrix weights, BitSet panels, float[] out) {
        int[] listed = panels.stream().filter(panel -> panel < weights.panels()).toArray();
        round(x, 1, weights.columns(), rounding.terms());
        multiply(1, weights.columns(), rounding.terms(), Math.ceilDiv(listed.length, 2), Optional.empty(), (first, last, part, worker) ->
                functions.panels(weights, input(weights, x, part, rounding.terms()), rounding.terms(), listed, 2 * first,
                        Math.min(listed.length, 2 * last), scratch[worker], out));
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
        round(x, tokens, weights.columns(), 1);
        multiply(tokens, weights.columns(), 1, pairs(weights), other, (first, last, part, worker) ->
                functions.matmul(weights, input(weights, x, part, 1), part.count(), 1, first, last, true, scratch[worker],
                        part.of(y, weights.rows())));
    }

    @Override
    public void gatedMatmul(float[] x, int tokens, Matrix gate, Matrix up, float[] out) {
        requireColumns(up, gate.columns());
        round(x, tokens, gate.columns(), 1);
        multiply(tokens, gate.columns(), 1, gate.panels(), Optional.empty(), (first, last, part, worker) ->
                functions.gated(gate, up, input(gate, x, part, 1), input(up, x, part, 1), part.count(), first, last, scratch[worker],
                        part.of(out, gate.rows())));
    }

    /**
     * Some tokens of a multiplication.
     *
     * @param first a multiple of {@link #TOKENS_PER_TASK}, and so of what is rounded together
     */
    record Part(int first, int count) {
        MemorySegment of(float[] rows, int width) {
            return MemorySegment.ofArray(rows).asSlice((long) first * width * Float.BYTES);
        }
    }

    /** Pairs {@code [first, last)} of panels with some tokens. */
    @FunctionalInterface
    interface Piece {
        void run(int first, int last, Part part, int worker);
    }

    /** Rounds activations for {@link #multiply}. */
    private void round(float[] x, int tokens, int columns, int terms) {
        rounded = room(rounded, rounding.bytes(tokens, columns, terms));
        forTokens(tokens, (first, last) -> functions.quantize(x, columns, terms, first, last, rounded));
    }

    /**
     * Has all pieces of a multiplication with rounded activations computed, after something else where there is something else. So many
     * tokens that each worker gets enough are parted among them: what a worker wrote it then reads itself.
     */
    final void multiply(int tokens, int columns, int terms, int pairs, Optional<IntConsumer> other, Piece piece) {
        int parts = parts(tokens);
        int count = parts == 1 ? tokens : Math.ceilDiv(Math.ceilDiv(tokens, parts), TOKENS_PER_TASK) * TOKENS_PER_TASK;
        for (int worker = 0; worker < scratch.length; worker++) {
            scratch(worker, (long) rounding.rows(count, terms) * PAIR_ROWS * Float.BYTES);
        }
        int step = step(pairs, count, columns);
        int pieces = Math.ceilDiv(pairs, step);
        int others = other.isPresent() ? 1 : 0;
        workers.run(others + parts * pieces, (task, worker) -> {
            if (task < others) {
                other.get().accept(worker);
            } else {
                int from = (task - others) / pieces * count;
                int first = (task - others) % pieces * step;
                piece.run(first, Math.min(pairs, first + step), new Part(from, Math.min(count, tokens - from)), worker);
            }
        });
    }

    /** Pairs {@code [first, last)} of panels of the index-th multiplication with some tokens. */
    @FunctionalInterface
    interface PieceOfEach {
        void run(int index, int first, int last, Part part, int worker);
    }

    /** As {@link #multiply}, several multiplications that read the same; each has so many pairs. */
    final void multiplyEach(int tokens, int columns, int terms, int[] pairs, PieceOfEach piece) {
        int[] before = new int[pairs.length + 1];
        for (int i = 0; i < pairs.length; i++) {
            before[i + 1] = before[i] + pairs[i];
        }
        multiply(tokens, columns, terms, before[pairs.length], Optional.empty(), (from, to, part, worker) -> {
            for (int i = 0; i < pairs.length; i++) {
                int first = Math.max(from, before[i]) - before[i];
                int last = Math.min(to, before[i + 1]) - before[i];
                if (first < last) {
                    piece.run(i, first, last, part, worker);
                }
            }
        });
    }

    /** Parts that a multiplication's tokens have. */
    final int parts(int tokens) {
        return Math.clamp(tokens / PART_TOKENS, 1, threads());
    }

    private MemorySegment input(Matrix weights, float[] x, Part part, int terms) {
        return weights.form() == Form.F32 ? part.of(x, weights.columns())
                : rounded.asSlice(rounding.bytes(part.first(), weights.columns(), terms));
    }

    @Override
    public void adapt(float[] x, int tokens, Adapter adapter, float[] y) {
        long bytes = adapted(adapter, tokens);
        workers.run(Math.ceilDiv(tokens, ADAPTED_PER_TASK), (task, worker) -> functions.adapt(adapter, x, task * ADAPTED_PER_TASK,
                Math.min(tokens, (task + 1) * ADAPTED_PER_TASK), scratch(worker, bytes), y));
    }

    private float[] zeros(int count) {
        if (corrections.length < count) {
            corrections = new float[count];
        } else {
            Arrays.fill(corrections, 0, count, 0f);
        }
        return corrections;
    }

    /** Bytes of scratch memory that an adapter needs for a task of at most so many tokens. */
    private static long adapted(Adapter adapter, int tokens) {
        return (long) Adapter.panels(adapter.rank()) * Adapter.PANEL * Math.min(tokens, ADAPTED_PER_TASK) * Float.BYTES;
    }

    /** A worker's own memory, with room for so many bytes. */
    final MemorySegment scratch(int worker, long bytes) {
        scratch[worker] = room(scratch[worker], bytes);
        return scratch[worker];
    }

    /** None for any worker yet. */
    static MemorySegment[] noMemory(Workers workers) {
        MemorySegment[] none = new MemorySegment[workers.count()];
        Arrays.fill(none, MemorySegment.NULL);
        return none;
    }

    /** This memory, or more; on a cache line's boundary, which no array of Java's is. */
    static MemorySegment room(MemorySegment memory, long bytes) {
        return memory.byteSize() >= bytes ? memory : Arena.ofAuto().allocate(bytes, CACHE_LINE);
    }

    static int pairs(Matrix weights) {
        return Math.ceilDiv(weights.panels(), 2);
    }

    /** Pairs of panels in a task: few enough to keep a call short, and the workers evenly busy. */
    private int step(int pairs, int tokens, int columns) {
        int even = Math.ceilDiv(pairs, (tokens < MANY_TOKENS ? LINES_PER_WORKER : TASKS_PER_WORKER) * threads());
        long small = TASK_PRODUCTS / Math.max(1, (long) PAIR_ROWS * columns * tokens);
        return (int) Math.clamp(small, 1, Math.max(1, even));
    }

    static void requireColumns(Matrix matrix, int columns) {
        if (matrix.columns() != columns) {
            throw new IllegalArgumentException("matrices of " + columns + " and " + matrix.columns() + " columns share an input");
        }
    }

    @FunctionalInterface
    interface TokenRange {
        void run(int first, int last);
    }

    final void forTokens(int tokens, TokenRange range) {
        workers.run(Math.ceilDiv(tokens, TOKENS_PER_TASK), (task, worker) ->
                range.run(task * TOKENS_PER_TASK, Math.min(tokens, (task + 1) * TOKENS_PER_TASK)));
    }

    @Override
    public void rmsNorm(float[] x, int tokens, float[] weight, float epsilon, float[] out) {
        forTokens(tokens, (first, last) -> functions.rmsNorm(x, first, last, weight, epsilon, out));
    }

    @Override
    public void layerNorm(float[] x, int tokens, float[] added, float[] weight, float[] bias, float epsilon) {
        forTokens(tokens, (first, last) -> functions.layerNorm(x, first, last, added, weight, bias, epsilon));
    }

    @Override
    public void rotate(float[] x, int tokens, int heads, int headDim, float[] cos, float[] sin) {
        forTokens(tokens, (first, last) -> functions.rotate(x, first, last, heads, headDim, cos.length / tokens, cos, sin));
    }

    @Override
    public KeyValues newCache(int heads, int headDim) {
        return new HalfKeyValues(functions, workers, heads, headDim, pages);
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
