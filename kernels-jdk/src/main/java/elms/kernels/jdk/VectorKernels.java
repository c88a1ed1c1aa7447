package elms.kernels.jdk;

import static elms.kernels.jdk.Lanes.COUNT;
import static elms.kernels.jdk.Lanes.FLOAT;
import static elms.kernels.jdk.PanelRange.FEW_TOKENS;
import static elms.kernels.jdk.PanelRange.GROUP;

import elms.kernels.Adapter;
import elms.kernels.FloatKeyValues;
import elms.kernels.KeyValues;
import elms.kernels.Kernels;
import elms.kernels.Matrix;
import elms.kernels.PagePool;
import elms.kernels.Workers;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Optional;
import java.util.function.IntConsumer;
import jdk.incubator.vector.FloatVector;

/**
 * Pure Java kernels on the Vector API. For one token weights become floats in registers; for several they are decoded a few
 * columns at a time, into memory that stays in the first-level cache, and multiplied there with all of them. Activations are
 * never quantized.
 */
public final class VectorKernels implements Kernels {
    private static final int ROWS_PER_TASK = 16;
    private static final int ADAPTED_PER_TASK = 32;
    private static final int PREPARED_PER_TASK = 6 * Activations.TOGETHER;
    /** For few tokens: memory is read fastest in long lines of addresses, and a second piece helps a core that was held up. */
    private static final int PIECES_PER_WORKER = 2;

    private final Workers workers;
    private final PanelRange[] ranges;
    private final VectorAdapter[] adapters;
    private final PagedAttention attention;
    private final PagePool<float[]> pages = new PagePool<>(float[]::new, Float.BYTES);
    private float[] activations = {};

    public VectorKernels(int threads) {
        workers = new Workers(threads, WakeApart.of(threads));
        ranges = new PanelRange[threads];
        Arrays.setAll(ranges, worker -> new PanelRange());
        adapters = new VectorAdapter[threads];
        Arrays.setAll(adapters, worker -> new VectorAdapter());
        attention = new PagedAttention(workers, VectorTileAttention::new);
    }

    @Override
    public String description() {
        return "Vector API, " + FLOAT.vectorBitSize() + " bits, " + threads() + (threads() == 1 ? " thread" : " threads");
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
        int tasks = 0;
        for (Product product : products) {
            tasks += pieces(product.weights(), tokens);
        }
        Activations in = prepared(x, tokens, products[0].weights().columns());
        workers.run(tasks, (task, worker) -> {
            for (Product product : products) {
                Matrix weights = product.weights();
                int pieces = pieces(weights, tokens);
                if (task < pieces) {
                    ranges[worker].multiply(in, weights, cut(weights, pieces, task), cut(weights, pieces, task + 1));
                    ranges[worker].store(product.out());
                    return;
                }
                task -= pieces;
            }
        });
    }

    @Override
    public void matmul(float[] x, Matrix weights, BitSet panels, float[] out) {
        Activations in = Activations.of(x, weights.columns());
        int[] listed = panels.stream().filter(panel -> panel < weights.panels()).toArray();
        int step = Math.max(1, Math.ceilDiv(listed.length, PIECES_PER_WORKER * threads()));
        workers.run(Math.ceilDiv(listed.length, step), (task, worker) -> {
            int last = Math.min(listed.length, (task + 1) * step);
            for (int first = task * step, next; first < last; first = next) {
                next = first + 1;
                while (next < last && listed[next] == listed[next - 1] + 1) {
                    next++;
                }
                ranges[worker].multiply(in, weights, listed[first], listed[next - 1] + 1);
                ranges[worker].store(out);
            }
        });
    }

    @Override
    public void adapt(float[] x, int tokens, Adapter adapter, float[] y) {
        workers.run(Math.ceilDiv(tokens, ADAPTED_PER_TASK), (task, worker) ->
                adapters[worker].apply(adapter, x, task * ADAPTED_PER_TASK, Math.min(tokens, (task + 1) * ADAPTED_PER_TASK), y));
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
        float[] added = new float[weights.rows()];
        addBeside(x, 1, weights, y, Optional.of(worker -> adapters[worker].apply(adapter, x, 0, 1, added)));
        for (int row = 0; row < added.length; row++) {
            y[row] += added[row];
        }
    }

    /** Adds a product to y. What else is to be done meanwhile, by the worker it is given, comes first. */
    private void addBeside(float[] x, int tokens, Matrix weights, float[] y, Optional<IntConsumer> other) {
        int pieces = pieces(weights, tokens);
        int others = other.isPresent() ? 1 : 0;
        Activations in = prepared(x, tokens, weights.columns());
        workers.run(others + pieces, (task, worker) -> {
            if (task < others) {
                other.get().accept(worker);
                return;
            }
            int piece = task - others;
            ranges[worker].multiply(in, weights, cut(weights, pieces, piece), cut(weights, pieces, piece + 1));
            ranges[worker].add(y);
        });
    }

    @Override
    public void gatedMatmul(float[] x, int tokens, Matrix gate, Matrix up, float[] out) {
        int pieces = pieces(gate, tokens);
        Activations in = prepared(x, tokens, gate.columns());
        workers.run(pieces, (task, worker) -> {
            ranges[worker].multiplyGated(in, gate, up, cut(gate, pieces, task), cut(gate, pieces, task + 1));
            ranges[worker].store(out);
        });
    }

    private Activations prepared(float[] x, int tokens, int columns) {
        if (tokens == 1) {
            return Activations.of(x, columns);
        }
        Activations prepared = Activations.room(activations, tokens, columns);
        activations = prepared.floats();
        workers.run(Math.ceilDiv(tokens, PREPARED_PER_TASK), (task, worker) ->
                prepared.put(x, columns, task * PREPARED_PER_TASK, Math.min(tokens, (task + 1) * PREPARED_PER_TASK)));
        return prepared;
    }

    /**
     * How many ranges a matrix is cut into: long ones for few tokens, so that memory is read in one line of addresses; for many
     * tokens as many for each worker.
     */
    private int pieces(Matrix matrix, int tokens) {
        return tokens < FEW_TOKENS ? Math.min(matrix.panels(), PIECES_PER_WORKER * threads())
                : threads() * Math.ceilDiv(matrix.panels(), GROUP * threads());
    }

    /** The first panel of a piece. Pairs of panels, which are multiplied together, are not cut. */
    private static int cut(Matrix matrix, int pieces, int piece) {
        return Math.min(matrix.panels(), 2 * (int) ((long) Math.ceilDiv(matrix.panels(), 2) * piece / pieces));
    }

    @Override
    public void rmsNorm(float[] x, int tokens, float[] weight, float epsilon, float[] out) {
        forRows(tokens, weight.length, at -> normalize(x, at, weight, epsilon, out));
    }

    @Override
    public void layerNorm(float[] x, int tokens, float[] added, float[] weight, float[] bias, float epsilon) {
        forRows(tokens, weight.length, at -> {
            centre(x, at, added);
            normalize(x, at, weight, epsilon, x);
            add(bias, x, at);
        });
    }

    /** Calls for each token with where its row begins. */
    private void forRows(int tokens, int width, IntConsumer row) {
        workers.run(Math.ceilDiv(tokens, ROWS_PER_TASK), (task, worker) -> {
            int last = Math.min(tokens, (task + 1) * ROWS_PER_TASK);
            for (int token = task * ROWS_PER_TASK; token < last; token++) {
                row.accept(token * width);
            }
        });
    }

    @Override
    public void rotate(float[] x, int tokens, int heads, int headDim, float[] cos, float[] sin) {
        int half = cos.length / tokens;
        workers.run(Math.ceilDiv(tokens, ROWS_PER_TASK), (task, worker) -> Kernels.rotate(x, task * ROWS_PER_TASK,
                Math.min(tokens, (task + 1) * ROWS_PER_TASK), heads, headDim, half, cos, sin));
    }

    /** x = x + added - mean */
    private static void centre(float[] x, int at, float[] added) {
        int n = added.length;
        add(added, x, at);
        int vectors = FLOAT.loopBound(n);
        FloatVector sums = FloatVector.zero(FLOAT);
        for (int i = 0; i < vectors; i += COUNT) {
            sums = sums.add(FloatVector.fromArray(FLOAT, x, at + i));
        }
        float sum = Lanes.sum(sums);
        for (int i = vectors; i < n; i++) {
            sum += x[at + i];
        }
        float mean = sum / n;
        for (int i = 0; i < n; i++) {
            x[at + i] -= mean;
        }
    }

    private static void add(float[] from, float[] to, int at) {
        int vectors = FLOAT.loopBound(from.length);
        for (int i = 0; i < vectors; i += COUNT) {
            FloatVector.fromArray(FLOAT, from, i).add(FloatVector.fromArray(FLOAT, to, at + i)).intoArray(to, at + i);
        }
        for (int i = vectors; i < from.length; i++) {
            to[at + i] += from[i];
        }
    }

    private static void normalize(float[] x, int at, float[] weight, float epsilon, float[] out) {
        int n = weight.length;
        int vectors = FLOAT.loopBound(n);
        FloatVector squares = FloatVector.zero(FLOAT);
        for (int i = 0; i < vectors; i += COUNT) {
            FloatVector v = FloatVector.fromArray(FLOAT, x, at + i);
            squares = v.fma(v, squares);
        }
        float sum = Lanes.sum(squares);
        for (int i = vectors; i < n; i++) {
            sum = Math.fma(x[at + i], x[at + i], sum);
        }
        float scale = (float) (1 / Math.sqrt(sum / n + epsilon));
        for (int i = 0; i < n; i++) {
            out[at + i] = x[at + i] * scale * weight[i];
        }
    }

    @Override
    public KeyValues newCache(int heads, int headDim) {
        return new FloatKeyValues(heads, headDim, pages);
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
