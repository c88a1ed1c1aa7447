package elms.engine.gguf;

import elms.kernels.Half;
import elms.kernels.MatrixPacker;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/** Rows of floats as a tensor of a file. */
public final class FloatRows {
    private static final int BLOCK = 32;

    private FloatRows() {}

    /**
     * A tensor to write.
     *
     * @param type F32, F16, or Q8_0 or Q4_1 for rows of whole blocks of 32
     */
    public static GgufWriter.Tensor tensor(String name, TensorType type, float[][] rows) {
        return new GgufWriter.Tensor(name, type, List.of((long) rows[0].length, (long) rows.length), () -> bytes(type, rows));
    }

    /** The bytes of such a tensor. */
    public static ByteBuffer bytes(TensorType type, float[][] rows) {
        ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(rows.length * type.rowBytes(rows[0].length)))
                .order(ByteOrder.LITTLE_ENDIAN);
        for (float[] row : rows) {
            put(bytes, type, row);
        }
        return ByteBuffer.wrap(bytes.array());
    }

    private static void put(ByteBuffer bytes, TensorType type, float[] row) {
        switch (type) {
            case F32 -> {
                for (float value : row) {
                    bytes.putFloat(value);
                }
            }
            case F16 -> {
                for (float value : row) {
                    bytes.putShort(Half.fromFloat(value));
                }
            }
            case Q8_0 -> {
                byte[] quants = new byte[BLOCK];
                for (int from = 0; from < row.length; from += BLOCK) {
                    bytes.putShort(MatrixPacker.quantize(Arrays.copyOfRange(row, from, from + BLOCK), quants)).put(quants);
                }
            }
            case Q4_1 -> {
                for (int from = 0; from < row.length; from += BLOCK) {
                    putSteps(bytes, Arrays.copyOfRange(row, from, from + BLOCK));
                }
            }
            default -> throw new IllegalArgumentException("rows are not written as " + type);
        }
    }

    /** A block of 16 steps from the smallest value to the largest. */
    private static void putSteps(ByteBuffer bytes, float[] block) {
        byte[] quants = new byte[BLOCK];
        MatrixPacker.Steps steps = MatrixPacker.steps(block, quants);
        bytes.putShort(steps.scale()).putShort(steps.minimum());
        for (int i = 0; i < BLOCK / 2; i++) {
            bytes.put((byte) (quants[i] | quants[i + BLOCK / 2] << 4));
        }
    }

    /** All rows of a tensor, decoded. */
    public static float[][] read(GgufFile file, TensorInfo tensor) {
        TensorReader reader = new TensorReader(file, tensor);
        float[][] rows = new float[Math.toIntExact(tensor.rows())][Math.toIntExact(tensor.columns())];
        for (int row = 0; row < rows.length; row++) {
            reader.readRow(row, rows[row], 0);
        }
        return rows;
    }
}
