package elms.kernels.jdk;

import static elms.kernels.Adapter.PANEL;

import elms.kernels.Adapter;
import java.util.Arrays;

/** One worker's memory for adapters: their bytes become floats once for some tokens, which {@link Tile} multiplies with them. */
final class VectorAdapter {
    /** So many at a time stay in the first-level cache. */
    private static final int COLUMNS = 256;

    private float[] weights = {};
    private float[] sums = {};
    private float[] inner = {};

    /** y[t] += up · down · x[t] + bias for tokens {@code [first, last)}; x and y may be the same. */
    void apply(Adapter adapter, float[] x, int first, int last, float[] y) {
        int tokens = last - first;
        int columns = adapter.columns();
        int rank = adapter.rank();
        multiply(adapter.down(), adapter.downStride(), Adapter.panels(rank), columns, x, first * columns, tokens);
        scaleRanks(adapter, tokens);
        int outputs = adapter.bias().length;
        multiply(adapter.up(), adapter.scales().length, Adapter.panels(outputs), rank, inner, 0, tokens);
        for (int token = 0; token < tokens; token++) {
            for (int row = 0; row < outputs; row += PANEL) {
                int from = (row / PANEL * tokens + token) * PANEL;
                int to = (first + token) * outputs + row;
                for (int lane = 0; lane < Math.min(PANEL, outputs - row); lane++) {
                    y[to + lane] += sums[from + lane] + adapter.bias()[row + lane];
                }
            }
        }
    }

    /** sums[panel][token][lane] = panel · x[token], for panels of depth columns with room for stride of them. */
    private void multiply(byte[] panels, int stride, int count, int depth, float[] x, int at, int tokens) {
        if (sums.length < count * tokens * PANEL) {
            sums = new float[count * tokens * PANEL];
        }
        Arrays.fill(sums, 0, count * tokens * PANEL, 0f);
        if (weights.length < count * COLUMNS * PANEL) {
            weights = new float[count * COLUMNS * PANEL];
        }
        for (int column = 0; column < depth; column += COLUMNS) {
            int columns = Math.min(COLUMNS, depth - column);
            int length = columns * PANEL;
            for (int panel = 0; panel < count; panel++) {
                widen(panels, (panel * stride + column) * PANEL, length, weights, panel * length);
            }
            Tile.multiply(weights, 0, length, count, columns, x, at + column, depth, tokens, sums, 0, tokens * PANEL);
        }
    }

    private static void widen(byte[] from, int at, int count, float[] to, int toAt) {
        for (int i = 0; i < count; i++) {
            to[toAt + i] = from[at + i];
        }
    }

    /** inner[token][rank] = scale · sums. */
    private void scaleRanks(Adapter adapter, int tokens) {
        int rank = adapter.rank();
        if (inner.length < tokens * rank) {
            inner = new float[tokens * rank];
        }
        for (int token = 0; token < tokens; token++) {
            for (int k = 0; k < rank; k++) {
                inner[token * rank + k] = adapter.scales()[k] * sums[(k / PANEL * tokens + token) * PANEL + k % PANEL];
            }
        }
    }
}
