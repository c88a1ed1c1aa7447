package elms.kernels;

import static elms.kernels.Matrix.BLOCK_COLUMNS;
import static elms.kernels.Matrix.PANEL_ROWS;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Fills a packed matrix row by row, 32 columns at a time. Rows may be written by several threads, as long as each panel of
 * 16 rows has one writer. What is never written is zero.
 */
public final class MatrixPacker {
    private final Matrix matrix;
    private final ByteBuffer data;

    /**
     * @param target {@link Matrix#packedBytes} bytes, zeroed
     */
    public MatrixPacker(Form form, int rows, int columns, ByteBuffer target) {
        this.matrix = new Matrix(form, rows, columns, Matrix.blocks(columns), target);
        this.data = target.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** A packer into memory of its own. */
    public MatrixPacker(Form form, int rows, int columns) {
        this(form, rows, columns, ByteBuffer.allocateDirect(Matrix.packedBytes(form, rows, columns)));
    }

    public Matrix matrix() {
        return matrix;
    }

    /**
     * Writes 32 columns of a row as 4-bit quants, exactly.
     *
     * @param scale half-precision bits
     * @param minimum half-precision bits
     * @param quants 32 values from 0 to 15
     */
    public void putQ4(int row, int block, short scale, short minimum, byte[] quants) {
        require(Form.Q4);
        int lane = row % PANEL_ROWS;
        int at = blockAt(row, block);
        data.putShort(at + Blocks.scaleOffset(lane), scale);
        data.putShort(at + Blocks.minimumOffset(lane), minimum);
        for (int column = 0; column < 16; column++) {
            data.put(at + Blocks.quantOffset(Form.Q4, lane, column), (byte) (quants[column] | quants[column + 16] << 4));
        }
    }

    /**
     * Writes 32 columns of a row as signed 8-bit quants, exactly.
     *
     * @param scale half-precision bits
     */
    public void putQ8(int row, int block, short scale, byte[] quants) {
        require(Form.Q8);
        int lane = row % PANEL_ROWS;
        int at = blockAt(row, block);
        data.putShort(at + Blocks.scaleOffset(lane), scale);
        for (int column = 0; column < BLOCK_COLUMNS; column++) {
            data.put(at + Blocks.quantOffset(Form.Q8, lane, column), quants[column]);
        }
    }

    /** Writes a whole row from floats, one a column; the last block's padding is zero. */
    public void putRow(int row, float[] weights) {
        for (int block = 0; block < Matrix.blocks(matrix.columns()); block++) {
            int from = block * BLOCK_COLUMNS;
            putFloats(row, block, Arrays.copyOfRange(weights, from, from + BLOCK_COLUMNS));
        }
    }

    /** Writes 32 columns of a row from floats: exactly into {@link Form#F32}, rounded to the bits of the other forms. */
    public void putFloats(int row, int block, float[] weights) {
        if (matrix.form() == Form.Q4) {
            putRounded(row, block, weights);
            return;
        }
        if (matrix.form() == Form.Q8) {
            byte[] quants = new byte[BLOCK_COLUMNS];
            putQ8(row, block, quantize(weights, quants), quants);
            return;
        }
        require(Form.F32);
        int lane = row % PANEL_ROWS;
        int at = blockAt(row, block);
        for (int column = 0; column < BLOCK_COLUMNS; column++) {
            data.putFloat(at + Blocks.quantOffset(Form.F32, lane, column), weights[column]);
        }
    }

    private void putRounded(int row, int block, float[] weights) {
        byte[] quants = new byte[BLOCK_COLUMNS];
        Steps steps = steps(weights, quants);
        putQ4(row, block, steps.scale(), steps.minimum(), quants);
    }

    /**
     * Equal steps from a block's smallest weight up.
     *
     * @param scale half-precision bits of a step
     * @param minimum half-precision bits
     */
    public record Steps(short scale, short minimum) {}

    /** Rounds 32 weights to 16 steps from the smallest to the largest. */
    public static Steps steps(float[] weights, byte[] quants) {
        float smallest = Float.POSITIVE_INFINITY;
        float largest = Float.NEGATIVE_INFINITY;
        for (float weight : weights) {
            smallest = Math.min(smallest, weight);
            largest = Math.max(largest, weight);
        }
        Steps steps = new Steps(Half.fromFloat((largest - smallest) / 15), Half.fromFloat(smallest));
        float step = Half.toFloat(steps.scale());
        for (int i = 0; i < BLOCK_COLUMNS; i++) {
            quants[i] = (byte) (step == 0 ? 0 : Math.max(0, Math.min(15, Math.round((weights[i] - Half.toFloat(steps.minimum())) / step))));
        }
        return steps;
    }

    /** Rounds 32 weights to signed bytes, symmetric about zero; returns their scale as half-precision bits. */
    public static short quantize(float[] weights, byte[] quants) {
        float largest = 0;
        for (int i = 0; i < BLOCK_COLUMNS; i++) {
            largest = Math.max(largest, Math.abs(weights[i]));
        }
        short bits = Half.fromFloat(largest / 127);
        float scale = Half.toFloat(bits);
        for (int i = 0; i < BLOCK_COLUMNS; i++) {
            int quant = scale == 0 ? 0 : Math.round(weights[i] / scale);
            quants[i] = (byte) Math.max(-127, Math.min(127, quant));
        }
        return bits;
    }

    private int blockAt(int row, int block) {
        return row / PANEL_ROWS * matrix.panelBytes() + block * matrix.form().blockBytes;
    }

    private void require(Form form) {
        if (matrix.form() != form) {
            throw new IllegalStateException(form + " weights for a matrix of " + matrix.form());
        }
    }
}
