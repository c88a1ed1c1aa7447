package elms.kernels;

import static elms.kernels.Matrix.BLOCK_COLUMNS;
import static elms.kernels.Matrix.PANEL_ROWS;

import java.nio.ByteBuffer;

/** Reads and writes single weights inside a block: the layout of {@link Form}, spelt out once. */
final class Blocks {
    private Blocks() {}

    static int scaleOffset(int lane) {
        return 2 * lane;
    }

    static int minimumOffset(int lane) {
        return 32 + 2 * lane;
    }

    /** Byte of a block that holds the quant (for {@link Form#Q4}, one half of the byte) or float at (lane, column). */
    static int quantOffset(Form form, int lane, int column) {
        return switch (form) {
            case Q4 -> form.quantsOffset + column % 16 / 4 * 64 + lane * 4 + column % 4;
            case Q8 -> form.quantsOffset + column / 4 * 64 + lane * 4 + column % 4;
            case F32 -> (column * PANEL_ROWS + lane) * 4;
        };
    }

    /** Writes the first weights of one row of the block at {@code block}: {@code out[offset + stride·column]}. */
    static void row(Form form, ByteBuffer data, int block, int lane, int columns, float[] out, int offset, int stride) {
        float scale = form == Form.F32 ? 1 : Half.toFloat(data.getShort(block + scaleOffset(lane)));
        float minimum = form == Form.Q4 ? Half.toFloat(data.getShort(block + minimumOffset(lane))) : 0;
        for (int column = 0; column < columns; column++) {
            int at = block + quantOffset(form, lane, column);
            out[offset + stride * column] = switch (form) {
                case Q4 -> Math.fma(column < 16 ? data.get(at) & 15 : data.get(at) >> 4 & 15, scale, minimum);
                case Q8 -> data.get(at) * scale;
                case F32 -> data.getFloat(at);
            };
        }
    }

    /** Writes the block at {@code block} column by column: {@code out[offset + 16·column + lane]}. */
    static void decode(Form form, ByteBuffer data, int block, float[] out, int offset) {
        for (int lane = 0; lane < PANEL_ROWS; lane++) {
            row(form, data, block, lane, BLOCK_COLUMNS, out, offset + lane, PANEL_ROWS);
        }
    }
}
