package elms.kernels.jdk;

import static elms.kernels.Matrix.BLOCK_COLUMNS;
import static elms.kernels.Matrix.PANEL_ROWS;
import static elms.kernels.jdk.Lanes.COUNT;
import static elms.kernels.jdk.Lanes.FLOAT;

import elms.kernels.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.BitSet;
import jdk.incubator.vector.FloatVector;

/**
 * One worker's piece of a multiplication: four neighbouring panels of a matrix with all tokens. Four, because with one
 * token four chains of additions hide each other's latency.
 */
final class PanelGroup {
    private static final int PANELS = 4;
    /** Columns decoded at a time: two panels of them take 16 KB, half of a small first-level cache. */
    private static final int SEGMENT = 4 * BLOCK_COLUMNS;
    /** With few tokens memory is what is waited for, and longer runs of it are read faster. */
    private static final int LONG_SEGMENT = 32 * BLOCK_COLUMNS;
    private static final int FEW_TOKENS = 8;
    private static final int CACHE_LINE = 64;

    private final float[] weights = new float[PANELS * LONG_SEGMENT * PANEL_ROWS];
    /** {@code [panel][token][16]}; a gated product keeps those of the other matrix behind them. */
    private float[] sums = {};

    private int tokens;
    private int rows;
    private int firstPanel;
    private int panels;
    /** Keeps the reads of {@link #fetch} alive. */
    private long fetched;

    /** Groups in a matrix. */
    static int count(Matrix matrix) {
        return Math.ceilDiv(matrix.panels(), PANELS);
    }

    /** Whether a group holds one of some panels. */
    static boolean meets(int group, BitSet panels) {
        int first = panels.nextSetBit(group * PANELS);
        return first >= 0 && first < (group + 1) * PANELS;
    }

    /** sums = x · matrix for the panels of a group. */
    void multiply(float[] x, int tokens, Matrix matrix, int group) {
        begin(tokens, matrix, group, 1);
        accumulate(x, matrix, 0);
    }

    /** sums = silu(x · gate) ⊙ (x · up) for the panels of a group. */
    void multiplyGated(float[] x, int tokens, Matrix gate, Matrix up, int group) {
        begin(tokens, gate, group, 2);
        int count = panels * tokens * PANEL_ROWS;
        accumulate(x, gate, 0);
        accumulate(x, up, count);
        for (int i = 0; i < count; i += COUNT) {
            FloatVector g = FloatVector.fromArray(FLOAT, sums, i);
            FloatVector u = FloatVector.fromArray(FLOAT, sums, count + i);
            g.div(Lanes.exp(g.neg()).add(1f)).mul(u).intoArray(sums, i);
        }
    }

    /** Writes the sums to their rows of {@code out}. */
    void store(float[] out) {
        for (int panel = 0; panel < panels; panel++) {
            int lanes = lanes(panel);
            for (int token = 0; token < tokens; token++) {
                System.arraycopy(sums, (panel * tokens + token) * PANEL_ROWS, out, outputAt(panel, token), lanes);
            }
        }
    }

    /** Adds the sums to their rows of {@code y}. */
    void add(float[] y) {
        for (int panel = 0; panel < panels; panel++) {
            int lanes = lanes(panel);
            for (int token = 0; token < tokens; token++) {
                int sum = (panel * tokens + token) * PANEL_ROWS;
                int at = outputAt(panel, token);
                for (int lane = 0; lane < lanes; lane++) {
                    y[at + lane] += sums[sum + lane];
                }
            }
        }
    }

    private void begin(int tokens, Matrix matrix, int group, int matrices) {
        this.tokens = tokens;
        rows = matrix.rows();
        firstPanel = group * PANELS;
        panels = Math.min(PANELS, matrix.panels() - firstPanel);
        int floats = matrices * panels * tokens * PANEL_ROWS;
        if (sums.length < floats) {
            sums = new float[floats];
        } else {
            Arrays.fill(sums, 0, floats, 0f);
        }
    }

    private void accumulate(float[] x, Matrix matrix, int sumsAt) {
        MemorySegment data = MemorySegment.ofBuffer(matrix.data());
        int columns = matrix.columns();
        int segment = tokens < FEW_TOKENS ? LONG_SEGMENT : SEGMENT;
        for (int column = 0; column < columns; column += segment) {
            int depth = Math.min(segment, columns - column);
            int panelFloats = Matrix.blocks(depth) * BLOCK_COLUMNS * PANEL_ROWS;
            int block = column / BLOCK_COLUMNS;
            fetch(matrix, data, block, Matrix.blocks(depth));
            for (int panel = 0; panel < panels; panel++) {
                PanelDecoder.decode(matrix, data, firstPanel + panel, block, block + Matrix.blocks(depth), weights,
                        panel * panelFloats);
            }
            Tile.multiply(weights, 0, panelFloats, panels, depth, x, column, columns, tokens,
                    sums, sumsAt, tokens * PANEL_ROWS);
        }
    }

    /**
     * Reads a word of every cache line that is decoded next. These reads wait for memory side by side; the decoder's own,
     * with arithmetic between them, wait one after the other, which halves the speed of a matrix that is in no cache.
     */
    private void fetch(Matrix matrix, MemorySegment data, int block, int blocks) {
        int bytes = blocks * matrix.form().blockBytes;
        for (int panel = 0; panel < panels; panel++) {
            long from = (long) (firstPanel + panel) * matrix.panelBytes() + (long) block * matrix.form().blockBytes;
            for (int line = 0; line < bytes; line += CACHE_LINE) {
                fetched += data.get(ValueLayout.JAVA_BYTE, from + line);
            }
        }
    }

    private int lanes(int panel) {
        return Math.min(PANEL_ROWS, rows - (firstPanel + panel) * PANEL_ROWS);
    }

    private int outputAt(int panel, int token) {
        return token * rows + (firstPanel + panel) * PANEL_ROWS;
    }
}
