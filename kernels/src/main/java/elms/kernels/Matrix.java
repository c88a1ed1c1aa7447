package elms.kernels;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A view of a packed weight matrix: panels of 16 output rows, each a run of blocks of 32 input columns (see {@link Form}).
 * The first rows are the first panels and the first columns are the first blocks of every panel, so a smaller matrix
 * ({@link #firstRows}, {@link #firstColumns}) is the same memory seen through smaller numbers. Nothing is copied.
 *
 * @param form how a block stores its weights
 * @param rows outputs, at least 0
 * @param columns inputs, at least 0
 * @param panelBlocks blocks from one panel to the next, at least {@code ceil(columns / 32)}
 * @param data little-endian, panels from index 0; never written through this view
 */
public record Matrix(Form form, int rows, int columns, int panelBlocks, ByteBuffer data) {
    public static final int PANEL_ROWS = 16;
    public static final int BLOCK_COLUMNS = 32;

    public Matrix {
        if (rows < 0 || columns < 0 || panelBlocks < blocks(columns)) {
            throw new IllegalArgumentException("no " + rows + "×" + columns + " matrix in panels of " + panelBlocks + " blocks");
        }
        if ((long) panels(rows) * panelBlocks * form.blockBytes > data.capacity()) {
            throw new IllegalArgumentException("a " + rows + "×" + columns + " matrix does not fit " + data.capacity() + " bytes");
        }
        data = data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        ((Buffer) data).clear();
    }

    public static int panels(int rows) {
        return (rows + PANEL_ROWS - 1) / PANEL_ROWS;
    }

    public static int blocks(int columns) {
        return (columns + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS;
    }

    /** Bytes that a packed matrix takes; throws {@link ArithmeticException} beyond what one buffer can hold. */
    public static int packedBytes(Form form, int rows, int columns) {
        return Math.toIntExact(Math.multiplyExact((long) panels(rows) * blocks(columns), form.blockBytes));
    }

    public int panels() {
        return panels(rows);
    }

    /** Bytes from one panel to the next. */
    public int panelBytes() {
        return panelBlocks * form.blockBytes;
    }

    /** Bytes that a multiplication with this view reads. */
    public long bytes() {
        return (long) panels() * blocks(columns) * form.blockBytes;
    }

    /** Number of weights in this view. */
    public long size() {
        return (long) rows * columns;
    }

    /** The first {@code count} rows, in place. */
    public Matrix firstRows(int count) {
        if (count > rows) {
            throw new IllegalArgumentException("no " + count + " rows in " + rows);
        }
        return new Matrix(form, count, columns, panelBlocks, data);
    }

    /** The first {@code count} columns, in place. */
    public Matrix firstColumns(int count) {
        if (count > columns) {
            throw new IllegalArgumentException("no " + count + " columns in " + columns);
        }
        return new Matrix(form, rows, count, panelBlocks, data);
    }

    /** Writes the weights of one row to {@code out[offset ... offset + columns)}. */
    public void readRow(int row, float[] out, int offset) {
        int lane = row % PANEL_ROWS;
        int panel = row / PANEL_ROWS * panelBytes();
        for (int column = 0; column < columns; column += BLOCK_COLUMNS) {
            int block = panel + column / BLOCK_COLUMNS * form.blockBytes;
            Blocks.row(form, data, block, lane, Math.min(BLOCK_COLUMNS, columns - column), out, offset + column, 1);
        }
    }
}
