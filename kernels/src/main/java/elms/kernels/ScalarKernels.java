package elms.kernels;

import static elms.kernels.Matrix.BLOCK_COLUMNS;
import static elms.kernels.Matrix.PANEL_ROWS;

import java.util.BitSet;

/** The reference: each formula as it is written, in 32-bit floats. Every other provider is tested against it. */
public final class ScalarKernels implements Kernels {
    private final Workers workers;
    private final PagePool<float[]> pages = new PagePool<>(float[]::new, Float.BYTES);

    public ScalarKernels(int threads) {
        workers = new Workers(threads);
    }

    @Override
    public String description() {
        return "scalar reference, " + threads() + (threads() == 1 ? " thread" : " threads");
    }

    @Override
    public int threads() {
        return workers.count();
    }

    @Override
    public void matmul(float[] x, int tokens, Product... products) {
        for (Product product : products) {
            Matrix w = product.weights();
            forEachPanel(x, tokens, w, (panel, token, sums) ->
                    System.arraycopy(sums, 0, product.out(), token * w.rows() + panel * PANEL_ROWS, lanes(w, panel)));
        }
    }

    @Override
    public void matmul(float[] x, Matrix w, BitSet panels, float[] out) {
        float[] all = new float[w.rows()];
        matmul(x, 1, new Product(w, all));
        panels.stream().filter(panel -> panel < w.panels())
                .forEach(panel -> System.arraycopy(all, panel * PANEL_ROWS, out, panel * PANEL_ROWS, lanes(w, panel)));
    }

    @Override
    public void matmulAdd(float[] x, int tokens, Matrix w, float[] y) {
        forEachPanel(x, tokens, w, (panel, token, sums) -> {
            int at = token * w.rows() + panel * PANEL_ROWS;
            for (int lane = 0; lane < lanes(w, panel); lane++) {
                y[at + lane] += sums[lane];
            }
        });
    }

    @Override
    public void adapt(float[] x, int tokens, Adapter adapter, float[] y) {
        workers.run(tokens, (token, worker) -> adapter.apply(x, token, token + 1, y));
    }

    @Override
    public void gatedMatmul(float[] x, int tokens, Matrix gate, Matrix up, float[] out) {
        float[] gated = new float[tokens * gate.rows()];
        matmul(x, tokens, new Product(gate, gated), new Product(up, out));
        for (int i = 0; i < gated.length; i++) {
            out[i] *= gated[i] / (1 + (float) Math.exp(-gated[i]));
        }
    }

    @Override
    public void rmsNorm(float[] x, int tokens, float[] weight, float epsilon, float[] out) {
        int n = weight.length;
        for (int token = 0; token < tokens; token++) {
            double squares = 0;
            for (int i = 0; i < n; i++) {
                squares += (double) x[token * n + i] * x[token * n + i];
            }
            float scale = (float) (1 / Math.sqrt(squares / n + epsilon));
            for (int i = 0; i < n; i++) {
                out[token * n + i] = x[token * n + i] * scale * weight[i];
            }
        }
    }

    @Override
    public void layerNorm(float[] x, int tokens, float[] added, float[] weight, float[] bias, float epsilon) {
        int n = weight.length;
        for (int at = 0; at < tokens * n; at += n) {
            double sum = 0;
            for (int i = 0; i < n; i++) {
                x[at + i] += added[i];
                sum += x[at + i];
            }
            for (int i = 0; i < n; i++) {
                x[at + i] -= (float) (sum / n);
            }
        }
        rmsNorm(x, tokens, weight, epsilon, x);
        for (int i = 0; i < tokens * n; i++) {
            x[i] += bias[i % n];
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
        int headDim = cache.headDim();
        int start = cache.length() - tokens;
        workers.run(tokens * kvHeadOf.length, (row, worker) -> {
            int kvHead = kvHeadOf[row % kvHeadOf.length];
            attend(queries, row * headDim, kvHead, start + row / kvHeadOf.length + 1, (FloatKeyValues) cache, out);
        });
    }

    /** softmax(q · K / √headDim) · V of one query head over the first {@code positions}. */
    private static void attend(float[] queries, int at, int kvHead, int positions, FloatKeyValues cache, float[] out) {
        int headDim = cache.headDim();
        float scale = (float) (1 / Math.sqrt(headDim));
        float[] scores = new float[positions];
        float largest = Float.NEGATIVE_INFINITY;
        for (int p = 0; p < positions; p++) {
            float[] keys = cache.keys(p / KeyValues.PAGE);
            int key = cache.keyPanel(kvHead, p % KeyValues.PAGE / 16) + p % 16;
            float dot = 0;
            for (int d = 0; d < headDim; d++) {
                dot = Math.fma(queries[at + d], keys[key + 16 * d], dot);
            }
            scores[p] = dot * scale;
            largest = Math.max(largest, scores[p]);
        }
        double sum = 0;
        for (int p = 0; p < positions; p++) {
            scores[p] = (float) Math.exp(scores[p] - largest);
            sum += scores[p];
        }
        for (int d = 0; d < headDim; d++) {
            double weighted = 0;
            for (int p = 0; p < positions; p++) {
                float[] values = cache.values(p / KeyValues.PAGE);
                weighted += (double) scores[p] * values[cache.valuePanel(kvHead, d / 16) + p % KeyValues.PAGE * 16 + d % 16];
            }
            out[at + d] = (float) (weighted / sum);
        }
    }

    @FunctionalInterface
    private interface PanelSink {
        void accept(int panel, int token, float[] sums);
    }

    /** Computes 16 outputs at a time, column after column, and hands them to {@code sink}. */
    private void forEachPanel(float[] x, int tokens, Matrix w, PanelSink sink) {
        workers.run(w.panels(), (panel, worker) -> {
            float[] decoded = new float[Matrix.blocks(w.columns()) * BLOCK_COLUMNS * PANEL_ROWS];
            for (int block = 0; block < Matrix.blocks(w.columns()); block++) {
                int at = panel * w.panelBytes() + block * w.form().blockBytes;
                Blocks.decode(w.form(), w.data(), at, decoded, block * BLOCK_COLUMNS * PANEL_ROWS);
            }
            for (int token = 0; token < tokens; token++) {
                float[] sums = new float[PANEL_ROWS];
                for (int column = 0; column < w.columns(); column++) {
                    float activation = x[token * w.columns() + column];
                    for (int lane = 0; lane < PANEL_ROWS; lane++) {
                        sums[lane] = Math.fma(activation, decoded[column * PANEL_ROWS + lane], sums[lane]);
                    }
                }
                sink.accept(panel, token, sums);
            }
        });
    }

    private static int lanes(Matrix w, int panel) {
        return Math.min(PANEL_ROWS, w.rows() - panel * PANEL_ROWS);
    }

    @Override
    public void close() {
        workers.close();
    }
}
