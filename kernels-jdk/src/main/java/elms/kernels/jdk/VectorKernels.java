package elms.kernels.jdk;

import static elms.kernels.jdk.Lanes.COUNT;
import static elms.kernels.jdk.Lanes.FLOAT;

import elms.kernels.Adapter;
import elms.kernels.FloatKeyValues;
import elms.kernels.KeyValues;
import elms.kernels.Kernels;
import elms.kernels.Matrix;
import elms.kernels.PagePool;
import elms.kernels.Workers;
import java.util.Arrays;
import java.util.BitSet;
import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;

/**
 * Pure Java kernels on the Vector API. Weights are decoded to floats a few columns at a time, into memory that stays in the
 * first-level cache, and multiplied there with all tokens of the batch; activations are never quantized.
 */
public final class VectorKernels implements Kernels {
    private static final int NORM_ROWS_PER_TASK = 16;
    private static final int ADAPTED_PER_TASK = 16;

    private final Workers workers;
    private final PanelGroup[] groups;
    private final PagedAttention attention;
    private final PagePool<float[]> pages = new PagePool<>(float[]::new);

    public VectorKernels(int threads) {
        workers = new Workers(threads);
        groups = new PanelGroup[threads];
        Arrays.setAll(groups, worker -> new PanelGroup());
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
    public void matmul(float[] x, int tokens, Product... products) {
        int tasks = 0;
        for (Product product : products) {
            tasks += PanelGroup.count(product.weights());
        }
        workers.run(tasks, (task, worker) -> {
            for (Product product : products) {
                int count = PanelGroup.count(product.weights());
                if (task < count) {
                    groups[worker].multiply(x, tokens, product.weights(), task);
                    groups[worker].store(product.out());
                    return;
                }
                task -= count;
            }
        });
    }

    @Override
    public void matmul(float[] x, Matrix weights, BitSet panels, float[] out) {
        int[] wanted = IntStream.range(0, PanelGroup.count(weights)).filter(group -> PanelGroup.meets(group, panels)).toArray();
        workers.run(wanted.length, (task, worker) -> {
            groups[worker].multiply(x, 1, weights, wanted[task]);
            groups[worker].store(out);
        });
    }

    @Override
    public void adapt(float[] x, int tokens, Adapter adapter, float[] y) {
        workers.run(Math.ceilDiv(tokens, ADAPTED_PER_TASK), (task, worker) ->
                adapter.apply(x, task * ADAPTED_PER_TASK, Math.min(tokens, (task + 1) * ADAPTED_PER_TASK), y));
    }

    @Override
    public void matmulAdd(float[] x, int tokens, Matrix weights, float[] y) {
        workers.run(PanelGroup.count(weights), (task, worker) -> {
            groups[worker].multiply(x, tokens, weights, task);
            groups[worker].add(y);
        });
    }

    @Override
    public void gatedMatmul(float[] x, int tokens, Matrix gate, Matrix up, float[] out) {
        workers.run(PanelGroup.count(gate), (task, worker) -> {
            groups[worker].multiplyGated(x, tokens, gate, up, task);
            groups[worker].store(out);
        });
    }

    @Override
    public void rmsNorm(float[] x, int tokens, float[] weight, float epsilon, float[] out) {
        workers.run(Math.ceilDiv(tokens, NORM_ROWS_PER_TASK), (task, worker) -> {
            int last = Math.min(tokens, (task + 1) * NORM_ROWS_PER_TASK);
            for (int token = task * NORM_ROWS_PER_TASK; token < last; token++) {
                normalize(x, token * weight.length, weight, epsilon, out);
            }
        });
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
    public void attention(float[] queries, int tokens, int[] kvHeadOf, KeyValues cache, float[] out) {
        attention.attend(queries, tokens, kvHeadOf, cache, out);
    }

    @Override
    public void close() {
        workers.close();
    }
}
