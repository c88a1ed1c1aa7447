package elms.kernels.jdk;

import static elms.kernels.Matrix.BLOCK_COLUMNS;
import static elms.kernels.Matrix.PANEL_ROWS;
import static elms.kernels.jdk.Lanes.COUNT;
import static elms.kernels.jdk.Lanes.FLOAT;

import elms.kernels.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/** One worker's piece of a multiplication: neighbouring panels of a matrix with all tokens. */
final class PanelRange {
    /** Panels decoded at a time. */
    static final int GROUP = 4;
    /** With fewer tokens memory is what is waited for. */
    static final int FEW_TOKENS = 8;
    /** Columns decoded at a time: the even ones of two panels take 16 KB, half of a small first-level cache. */
    private static final int SEGMENT = 8 * BLOCK_COLUMNS;
    /** The same with few tokens: longer runs of memory are read faster. */
    private static final int LONG_SEGMENT = 32 * BLOCK_COLUMNS;
    private static final int CACHE_LINE = 64;

    private final float[] weights = new float[GROUP * LONG_SEGMENT * PANEL_ROWS];
    /** {@code [even or odd columns][panel][token][16]}; a gated product keeps those of the other matrix behind them. */
    private float[] sums = {};

    private int tokens;
    private int rows;
    private int first;
    private int panels;
    /** Keeps the reads of {@link #fetch} alive. */
    private long fetched;

    /** sums = x · matrix for panels {@code [first, last)}. */
    void multiply(Activations x, Matrix matrix, int first, int last) {
        begin(x.rows(), matrix, first, last, 1);
        multiply(x, matrix, 0);
    }

    /** sums = silu(x · gate) ⊙ (x · up) for panels {@code [first, last)}. */
    void multiplyGated(Activations x, Matrix gate, Matrix up, int first, int last) {
        begin(x.rows(), gate, first, last, 2);
        int other = 2 * count();
        multiply(x, gate, 0);
        multiply(x, up, other);
        for (int i = 0; i < count(); i += COUNT) {
            FloatVector g = FloatVector.fromArray(FLOAT, sums, i);
            FloatVector u = FloatVector.fromArray(FLOAT, sums, other + i);
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

    private void begin(int tokens, Matrix matrix, int first, int last, int matrices) {
        this.tokens = tokens;
        this.first = first;
        rows = matrix.rows();
        panels = last - first;
        int floats = matrices * 2 * count();
        if (sums.length < floats) {
            sums = new float[floats];
        } else {
            Arrays.fill(sums, 0, floats, 0f);
        }
    }

    /** Floats of a result. */
    private int count() {
        return panels * tokens * PANEL_ROWS;
    }

    private void multiply(Activations x, Matrix matrix, int sumsAt) {
        MemorySegment data = MemorySegment.ofBuffer(matrix.data());
        if (tokens == 1) {
            SingleToken.multiply(matrix, data, first, panels, x.floats(), sums, sumsAt);
            return;
        }
        for (int panel = 0; panel < panels; panel += GROUP) {
            accumulate(x, matrix, data, panel, Math.min(GROUP, panels - panel), sumsAt + panel * tokens * PANEL_ROWS);
        }
        for (int i = sumsAt; i < sumsAt + count(); i += COUNT) {
            FloatVector odd = FloatVector.fromArray(FLOAT, sums, i + count());
            FloatVector.fromArray(FLOAT, sums, i).add(odd).intoArray(sums, i);
        }
    }

    private void accumulate(Activations x, Matrix matrix, MemorySegment data, int panel, int group, int sumsAt) {
        int columns = matrix.columns();
        int segment = tokens < FEW_TOKENS ? LONG_SEGMENT : SEGMENT;
        for (int column = 0; column < columns; column += segment) {
            int depth = Math.min(segment, columns - column);
            int panelFloats = Matrix.blocks(depth) * BLOCK_COLUMNS * PANEL_ROWS;
            int block = column / BLOCK_COLUMNS;
            for (int i = 0; i < group; i++) {
                fetch(matrix, data, first + panel + i, block, Matrix.blocks(depth));
            }
            for (int i = 0; i < group; i++) {
                PanelDecoder.decode(matrix, data, first + panel + i, block, block + Matrix.blocks(depth), weights, i * panelFloats);
            }
            int even = (depth + 1) / 2;
            Tile.multiply(weights, 0, panelFloats, group, even, x, column / 2, sums, sumsAt, tokens * PANEL_ROWS);
            Tile.multiply(weights, panelFloats / 2, panelFloats, group, depth - even, x, x.odd() + column / 2, sums, sumsAt + count(),
                    tokens * PANEL_ROWS);
        }
    }

    /**
     * Reads a word of every cache line that is decoded next. These reads wait for memory side by side; the decoder's own,
     * with arithmetic between them, wait one after the other, which halves the speed of a matrix that is in no cache.
     */
    private void fetch(Matrix matrix, MemorySegment data, int panel, int block, int blocks) {
        long from = (long) panel * matrix.panelBytes() + (long) block * matrix.form().blockBytes;
        long to = from + (long) blocks * matrix.form().blockBytes;
        long read = 0;
        for (long at = from; at < to; at += CACHE_LINE) {
            read += data.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
        }
        fetched += read;
    }

    private int lanes(int panel) {
        return Math.min(PANEL_ROWS, rows - (first + panel) * PANEL_ROWS);
    }

    private int outputAt(int panel, int token) {
        return token * rows + (first + panel) * PANEL_ROWS;
    }
}
