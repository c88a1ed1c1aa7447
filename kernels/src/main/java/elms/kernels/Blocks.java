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

    static float weight(Form form, ByteBuffer data, int block, int lane, int column) {
        int at = block + quantOffset(form, lane, column);
        return switch (form) {
            case Q4 -> {
                int quant = column < 16 ? data.get(at) & 15 : data.get(at) >> 4 & 15;
                yield Math.fma(quant, Half.toFloat(data.getShort(block + scaleOffset(lane))),
                        Half.toFloat(data.getShort(block + minimumOffset(lane))));
            }
            case Q8 -> data.get(at) * Half.toFloat(data.getShort(block + scaleOffset(lane)));
            case F32 -> data.getFloat(at);
        };
    }

    /** Writes the block at {@code block} column by column: {@code out[offset + 16·column + lane]}. */
    static void decode(Form form, ByteBuffer data, int block, float[] out, int offset) {
        for (int lane = 0; lane < PANEL_ROWS; lane++) {
            for (int column = 0; column < BLOCK_COLUMNS; column++) {
                out[offset + column * PANEL_ROWS + lane] = weight(form, data, block, lane, column);
            }
        }
    }
}
