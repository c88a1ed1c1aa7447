package elms.kernels.jdk;

import static elms.kernels.Matrix.PANEL_ROWS;
import static elms.kernels.jdk.Activations.TOGETHER;
import static elms.kernels.jdk.Lanes.COUNT;
import static elms.kernels.jdk.Lanes.FLOAT;

import jdk.incubator.vector.FloatVector;

/**
 * The innermost loops: {@code sums[row][lane] += Σ_k x[row][k] · w[k][lane]} for a few rows and panels at once, so that
 * every loaded weight and activation is used several times from registers. Weights are {@code [k][16]}, sums
 * {@code [row][16]}, both float arrays. However rows and panels are grouped, each sum takes its terms in the order of k by
 * fused multiply-add: its bits are the same in every tile.
 */
final class Tile {
    /** With 16 registers, eight rows by two vectors would spill. */
    static final boolean MANY_REGISTERS = FLOAT.vectorBitSize() == 512;

    private Tile() {}

    /**
     * Multiplies {@code rows} rows with {@code panels} panels.
     *
     * @param w panel p is {@code w[wAt + p·wPanel ...]}, depth · 16 floats
     * @param x row r is {@code x[xAt + r·xRow ...]}, depth floats
     * @param sums panel p is {@code sums[sumsAt + p·sumsPanel ...]}, rows · 16 floats
     */
    static void multiply(float[] w, int wAt, int wPanel, int panels, int depth, float[] x, int xAt, int xRow, int rows,
            float[] sums, int sumsAt, int sumsPanel) {
        for (int part = 0; part < PANEL_ROWS; part += COUNT) {
            int panel = 0;
            for (; panel + 2 <= panels; panel += 2) {
                int w0 = wAt + panel * wPanel + part;
                int s0 = sumsAt + panel * sumsPanel + part;
                int row = 0;
                if (MANY_REGISTERS) {
                    for (; row + 8 <= rows; row += 8) {
                        eightByTwo(w, w0, w0 + wPanel, depth, x, xAt + row * xRow, xRow, sums, s0 + row * PANEL_ROWS,
                                s0 + sumsPanel + row * PANEL_ROWS);
                    }
                }
                for (; row + 4 <= rows; row += 4) {
                    fourByTwo(w, w0, w0 + wPanel, depth, x, xAt + row * xRow, xRow, sums, s0 + row * PANEL_ROWS,
                            s0 + sumsPanel + row * PANEL_ROWS);
                }
            }
            int row = 0;
            for (; panel < panels && row + 4 <= rows; row += 4) {
                fourByOne(w, wAt + panel * wPanel + part, depth, x, xAt + row * xRow, xRow, sums,
                        sumsAt + panel * sumsPanel + part + row * PANEL_ROWS);
            }
            for (row = rows - rows % 4; row < rows; row++) {
                oneRow(w, wAt + part, wPanel, panels, depth, x, xAt + row * xRow, sums, sumsAt + part + row * PANEL_ROWS, sumsPanel);
            }
        }
    }

    /**
     * The same for rows of {@link Activations}. Where six of them are interleaved, one register tells where all are, and the loop
     * takes three quarters of the time.
     *
     * @param column where in a row the first of depth activations is
     */
    static void multiply(float[] w, int wAt, int wPanel, int panels, int depth, Activations x, int column, float[] sums, int sumsAt,
            int sumsPanel) {
        for (int panel = 0; panel < panels; panel += 2) {
            int other = Math.min(panel + 1, panels - 1); // a last one by itself is multiplied twice, to the same sums
            for (int row = 0; row < x.interleaved(); row += TOGETHER) {
                int to = sumsAt + row * PANEL_ROWS;
                sixByTwo(w, wAt + panel * wPanel, wAt + other * wPanel, depth, x.floats(), x.at(row, column), sums, to + panel * sumsPanel,
                        to + other * sumsPanel);
            }
        }
        int row = x.interleaved();
        multiply(w, wAt, wPanel, panels, depth, x.floats(), x.at(row, column), x.row(), x.rows() - row, sums, sumsAt + row * PANEL_ROWS,
                sumsPanel);
    }

    private static void oneRow(float[] w, int wAt, int wPanel, int panels, int depth, float[] x, int x0, float[] sums, int sumsAt,
            int sumsPanel) {
        int panel = 0;
        for (; panel + 4 <= panels; panel += 4) {
            oneByFour(w, wAt + panel * wPanel, wPanel, depth, x, x0, sums, sumsAt + panel * sumsPanel, sumsPanel);
        }
        for (; panel < panels; panel++) {
            oneByOne(w, wAt + panel * wPanel, depth, x, x0, sums, sumsAt + panel * sumsPanel);
        }
    }

    private static void eightByTwo(float[] w, int w0, int w1, int depth, float[] x, int x0, int xRow, float[] sums, int s0,
            int s1) {
        FloatVector a0 = load(sums, s0, 0), a1 = load(sums, s0, 1), a2 = load(sums, s0, 2), a3 = load(sums, s0, 3);
        FloatVector a4 = load(sums, s0, 4), a5 = load(sums, s0, 5), a6 = load(sums, s0, 6), a7 = load(sums, s0, 7);
        FloatVector b0 = load(sums, s1, 0), b1 = load(sums, s1, 1), b2 = load(sums, s1, 2), b3 = load(sums, s1, 3);
        FloatVector b4 = load(sums, s1, 4), b5 = load(sums, s1, 5), b6 = load(sums, s1, 6), b7 = load(sums, s1, 7);
        for (int k = 0; k < depth; k++) {
            FloatVector u = FloatVector.fromArray(FLOAT, w, w0 + k * PANEL_ROWS);
            FloatVector v = FloatVector.fromArray(FLOAT, w, w1 + k * PANEL_ROWS);
            int at = x0 + k;
            FloatVector activation = FloatVector.broadcast(FLOAT, x[at]);
            a0 = activation.fma(u, a0);
            b0 = activation.fma(v, b0);
            activation = FloatVector.broadcast(FLOAT, x[at + xRow]);
            a1 = activation.fma(u, a1);
            b1 = activation.fma(v, b1);
            activation = FloatVector.broadcast(FLOAT, x[at + 2 * xRow]);
            a2 = activation.fma(u, a2);
            b2 = activation.fma(v, b2);
            activation = FloatVector.broadcast(FLOAT, x[at + 3 * xRow]);
            a3 = activation.fma(u, a3);
            b3 = activation.fma(v, b3);
            activation = FloatVector.broadcast(FLOAT, x[at + 4 * xRow]);
            a4 = activation.fma(u, a4);
            b4 = activation.fma(v, b4);
            activation = FloatVector.broadcast(FLOAT, x[at + 5 * xRow]);
            a5 = activation.fma(u, a5);
            b5 = activation.fma(v, b5);
            activation = FloatVector.broadcast(FLOAT, x[at + 6 * xRow]);
            a6 = activation.fma(u, a6);
            b6 = activation.fma(v, b6);
            activation = FloatVector.broadcast(FLOAT, x[at + 7 * xRow]);
            a7 = activation.fma(u, a7);
            b7 = activation.fma(v, b7);
        }
        store(a0, sums, s0, 0);
        store(a1, sums, s0, 1);
        store(a2, sums, s0, 2);
        store(a3, sums, s0, 3);
        store(a4, sums, s0, 4);
        store(a5, sums, s0, 5);
        store(a6, sums, s0, 6);
        store(a7, sums, s0, 7);
        store(b0, sums, s1, 0);
        store(b1, sums, s1, 1);
        store(b2, sums, s1, 2);
        store(b3, sums, s1, 3);
        store(b4, sums, s1, 4);
        store(b5, sums, s1, 5);
        store(b6, sums, s1, 6);
        store(b7, sums, s1, 7);
    }

    /** Two columns a turn, so that counting takes less of it; if depth is odd the last one is zero. */
    private static void sixByTwo(float[] w, int w0, int w1, int depth, float[] x, int x0, float[] sums, int s0, int s1) {
        FloatVector a0 = FloatVector.fromArray(FLOAT, sums, s0);
        FloatVector a1 = FloatVector.fromArray(FLOAT, sums, s0 + PANEL_ROWS);
        FloatVector a2 = FloatVector.fromArray(FLOAT, sums, s0 + 2 * PANEL_ROWS);
        FloatVector a3 = FloatVector.fromArray(FLOAT, sums, s0 + 3 * PANEL_ROWS);
        FloatVector a4 = FloatVector.fromArray(FLOAT, sums, s0 + 4 * PANEL_ROWS);
        FloatVector a5 = FloatVector.fromArray(FLOAT, sums, s0 + 5 * PANEL_ROWS);
        FloatVector b0 = FloatVector.fromArray(FLOAT, sums, s1);
        FloatVector b1 = FloatVector.fromArray(FLOAT, sums, s1 + PANEL_ROWS);
        FloatVector b2 = FloatVector.fromArray(FLOAT, sums, s1 + 2 * PANEL_ROWS);
        FloatVector b3 = FloatVector.fromArray(FLOAT, sums, s1 + 3 * PANEL_ROWS);
        FloatVector b4 = FloatVector.fromArray(FLOAT, sums, s1 + 4 * PANEL_ROWS);
        FloatVector b5 = FloatVector.fromArray(FLOAT, sums, s1 + 5 * PANEL_ROWS);
        for (int k = 0; k < depth; k += 2) {
            FloatVector u = FloatVector.fromArray(FLOAT, w, w0 + k * PANEL_ROWS);
            FloatVector v = FloatVector.fromArray(FLOAT, w, w1 + k * PANEL_ROWS);
            FloatVector activation = FloatVector.broadcast(FLOAT, x[x0 + k * TOGETHER]);
            a0 = activation.fma(u, a0);
            b0 = activation.fma(v, b0);
            activation = FloatVector.broadcast(FLOAT, x[x0 + k * TOGETHER + 1]);
            a1 = activation.fma(u, a1);
            b1 = activation.fma(v, b1);
            activation = FloatVector.broadcast(FLOAT, x[x0 + k * TOGETHER + 2]);
            a2 = activation.fma(u, a2);
            b2 = activation.fma(v, b2);
            activation = FloatVector.broadcast(FLOAT, x[x0 + k * TOGETHER + 3]);
            a3 = activation.fma(u, a3);
            b3 = activation.fma(v, b3);
            activation = FloatVector.broadcast(FLOAT, x[x0 + k * TOGETHER + 4]);
            a4 = activation.fma(u, a4);
            b4 = activation.fma(v, b4);
            activation = FloatVector.broadcast(FLOAT, x[x0 + k * TOGETHER + 5]);
            a5 = activation.fma(u, a5);
            b5 = activation.fma(v, b5);
            u = FloatVector.fromArray(FLOAT, w, w0 + (k + 1) * PANEL_ROWS);
            v = FloatVector.fromArray(FLOAT, w, w1 + (k + 1) * PANEL_ROWS);
            activation = FloatVector.broadcast(FLOAT, x[x0 + (k + 1) * TOGETHER]);
            a0 = activation.fma(u, a0);
            b0 = activation.fma(v, b0);
            activation = FloatVector.broadcast(FLOAT, x[x0 + (k + 1) * TOGETHER + 1]);
            a1 = activation.fma(u, a1);
            b1 = activation.fma(v, b1);
            activation = FloatVector.broadcast(FLOAT, x[x0 + (k + 1) * TOGETHER + 2]);
            a2 = activation.fma(u, a2);
            b2 = activation.fma(v, b2);
            activation = FloatVector.broadcast(FLOAT, x[x0 + (k + 1) * TOGETHER + 3]);
            a3 = activation.fma(u, a3);
            b3 = activation.fma(v, b3);
            activation = FloatVector.broadcast(FLOAT, x[x0 + (k + 1) * TOGETHER + 4]);
            a4 = activation.fma(u, a4);
            b4 = activation.fma(v, b4);
            activation = FloatVector.broadcast(FLOAT, x[x0 + (k + 1) * TOGETHER + 5]);
            a5 = activation.fma(u, a5);
            b5 = activation.fma(v, b5);
        }
        a0.intoArray(sums, s0);
        a1.intoArray(sums, s0 + PANEL_ROWS);
        a2.intoArray(sums, s0 + 2 * PANEL_ROWS);
        a3.intoArray(sums, s0 + 3 * PANEL_ROWS);
        a4.intoArray(sums, s0 + 4 * PANEL_ROWS);
        a5.intoArray(sums, s0 + 5 * PANEL_ROWS);
        b0.intoArray(sums, s1);
        b1.intoArray(sums, s1 + PANEL_ROWS);
        b2.intoArray(sums, s1 + 2 * PANEL_ROWS);
        b3.intoArray(sums, s1 + 3 * PANEL_ROWS);
        b4.intoArray(sums, s1 + 4 * PANEL_ROWS);
        b5.intoArray(sums, s1 + 5 * PANEL_ROWS);
    }

    private static void fourByTwo(float[] w, int w0, int w1, int depth, float[] x, int x0, int xRow, float[] sums, int s0,
            int s1) {
        FloatVector a0 = load(sums, s0, 0), a1 = load(sums, s0, 1), a2 = load(sums, s0, 2), a3 = load(sums, s0, 3);
        FloatVector b0 = load(sums, s1, 0), b1 = load(sums, s1, 1), b2 = load(sums, s1, 2), b3 = load(sums, s1, 3);
        for (int k = 0; k < depth; k++) {
            FloatVector u = FloatVector.fromArray(FLOAT, w, w0 + k * PANEL_ROWS);
            FloatVector v = FloatVector.fromArray(FLOAT, w, w1 + k * PANEL_ROWS);
            int at = x0 + k;
            FloatVector activation = FloatVector.broadcast(FLOAT, x[at]);
            a0 = activation.fma(u, a0);
            b0 = activation.fma(v, b0);
            activation = FloatVector.broadcast(FLOAT, x[at + xRow]);
            a1 = activation.fma(u, a1);
            b1 = activation.fma(v, b1);
            activation = FloatVector.broadcast(FLOAT, x[at + 2 * xRow]);
            a2 = activation.fma(u, a2);
            b2 = activation.fma(v, b2);
            activation = FloatVector.broadcast(FLOAT, x[at + 3 * xRow]);
            a3 = activation.fma(u, a3);
            b3 = activation.fma(v, b3);
        }
        store(a0, sums, s0, 0);
        store(a1, sums, s0, 1);
        store(a2, sums, s0, 2);
        store(a3, sums, s0, 3);
        store(b0, sums, s1, 0);
        store(b1, sums, s1, 1);
        store(b2, sums, s1, 2);
        store(b3, sums, s1, 3);
    }

    private static void fourByOne(float[] w, int w0, int depth, float[] x, int x0, int xRow, float[] sums, int s0) {
        FloatVector a0 = load(sums, s0, 0), a1 = load(sums, s0, 1), a2 = load(sums, s0, 2), a3 = load(sums, s0, 3);
        for (int k = 0; k < depth; k++) {
            FloatVector u = FloatVector.fromArray(FLOAT, w, w0 + k * PANEL_ROWS);
            int at = x0 + k;
            a0 = FloatVector.broadcast(FLOAT, x[at]).fma(u, a0);
            a1 = FloatVector.broadcast(FLOAT, x[at + xRow]).fma(u, a1);
            a2 = FloatVector.broadcast(FLOAT, x[at + 2 * xRow]).fma(u, a2);
            a3 = FloatVector.broadcast(FLOAT, x[at + 3 * xRow]).fma(u, a3);
        }
        store(a0, sums, s0, 0);
        store(a1, sums, s0, 1);
        store(a2, sums, s0, 2);
        store(a3, sums, s0, 3);
    }

    private static void oneByFour(float[] w, int w0, int wPanel, int depth, float[] x, int x0, float[] sums, int s0,
            int sumsPanel) {
        int w1 = w0 + wPanel;
        int w2 = w1 + wPanel;
        int w3 = w2 + wPanel;
        FloatVector a0 = FloatVector.fromArray(FLOAT, sums, s0);
        FloatVector a1 = FloatVector.fromArray(FLOAT, sums, s0 + sumsPanel);
        FloatVector a2 = FloatVector.fromArray(FLOAT, sums, s0 + 2 * sumsPanel);
        FloatVector a3 = FloatVector.fromArray(FLOAT, sums, s0 + 3 * sumsPanel);
        for (int k = 0; k < depth; k++) {
            FloatVector activation = FloatVector.broadcast(FLOAT, x[x0 + k]);
            a0 = activation.fma(FloatVector.fromArray(FLOAT, w, w0 + k * PANEL_ROWS), a0);
            a1 = activation.fma(FloatVector.fromArray(FLOAT, w, w1 + k * PANEL_ROWS), a1);
            a2 = activation.fma(FloatVector.fromArray(FLOAT, w, w2 + k * PANEL_ROWS), a2);
            a3 = activation.fma(FloatVector.fromArray(FLOAT, w, w3 + k * PANEL_ROWS), a3);
        }
        a0.intoArray(sums, s0);
        a1.intoArray(sums, s0 + sumsPanel);
        a2.intoArray(sums, s0 + 2 * sumsPanel);
        a3.intoArray(sums, s0 + 3 * sumsPanel);
    }

    private static void oneByOne(float[] w, int w0, int depth, float[] x, int x0, float[] sums, int s0) {
        FloatVector a = FloatVector.fromArray(FLOAT, sums, s0);
        for (int k = 0; k < depth; k++) {
            a = FloatVector.broadcast(FLOAT, x[x0 + k]).fma(FloatVector.fromArray(FLOAT, w, w0 + k * PANEL_ROWS), a);
        }
        a.intoArray(sums, s0);
    }

    private static FloatVector load(float[] sums, int at, int row) {
        return FloatVector.fromArray(FLOAT, sums, at + row * PANEL_ROWS);
    }

    private static void store(FloatVector sum, float[] sums, int at, int row) {
        sum.intoArray(sums, at + row * PANEL_ROWS);
    }
}
