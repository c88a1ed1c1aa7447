package elms.engine.gguf;

import elms.kernels.Half;
import java.nio.ByteBuffer;

/**
 * Decodes the blocks of one tensor. A block is 32 neighbouring weights of a row, in quants and scale where the encoding has
 * them, or as floats.
 */
public final class TensorReader {
    private static final int BLOCK = 32;

    private final TensorInfo tensor;
    private final ByteBuffer data;
    private final int columns;
    private final int rowBytes;

    public TensorReader(GgufFile file, TensorInfo tensor) {
        if (!isReadable(tensor.type())) {
            throw new GgufException(file.path() + " stores '" + tensor.name() + "' as " + tensor.type()
                    + ", which is not supported yet; F32, F16, BF16, Q4_0, Q4_1 and Q8_0 are");
        }
        this.tensor = tensor;
        data = file.map(tensor);
        columns = Math.toIntExact(tensor.columns());
        rowBytes = Math.toIntExact(tensor.type().rowBytes(tensor.columns()));
    }

    private static boolean isReadable(TensorType type) {
        return switch (type) {
            case F32, F16, BF16, Q4_0, Q4_1, Q8_0 -> true;
            default -> false;
        };
    }

    public TensorInfo tensor() {
        return tensor;
    }

    /** Decodes a whole row to {@code out[offset ...]}. */
    public void readRow(int row, float[] out, int offset) {
        switch (tensor.type()) {
            case F32, F16, BF16 -> {
                for (int column = 0; column < columns; column++) {
                    out[offset + column] = plain(row, column);
                }
            }
            default -> {
                byte[] quants = new byte[BLOCK];
                for (int block = 0; block < columns / BLOCK; block++) {
                    readQuants(row, block, quants);
                    float scale = Half.toFloat(scale(row, block));
                    float minimum = Half.toFloat(minimum(row, block));
                    for (int i = 0; i < BLOCK; i++) {
                        out[offset + block * BLOCK + i] = Math.fma(scale, quants[i], minimum);
                    }
                }
            }
        }
    }

    /** The 32 quants of a block: 0 to 15 for the 4-bit encodings, signed for {@link TensorType#Q8_0}. */
    public void readQuants(int row, int block, byte[] quants) {
        int at = blockAt(row, block);
        if (tensor.type() == TensorType.Q8_0) {
            for (int i = 0; i < BLOCK; i++) {
                quants[i] = data.get(at + 2 + i);
            }
            return;
        }
        int nibbles = at + (tensor.type() == TensorType.Q4_1 ? 4 : 2);
        for (int i = 0; i < 16; i++) {
            byte pair = data.get(nibbles + i);
            quants[i] = (byte) (pair & 15);
            quants[i + 16] = (byte) (pair >> 4 & 15);
        }
    }

    /** Scale of a block, in half precision. */
    public short scale(int row, int block) {
        return data.getShort(blockAt(row, block));
    }

    /** What is added to scale · quant, in half precision. */
    public short minimum(int row, int block) {
        return switch (tensor.type()) {
            case Q4_1 -> data.getShort(blockAt(row, block) + 2);
            case Q4_0 -> Half.fromFloat(-8 * Half.toFloat(scale(row, block)));
            default -> 0;
        };
    }

    private int blockAt(int row, int block) {
        return row * rowBytes + block * tensor.type().blockBytes;
    }

    private float plain(int row, int column) {
        int at = row * rowBytes;
        return switch (tensor.type()) {
            case F32 -> data.getFloat(at + 4 * column);
            case F16 -> Half.toFloat(data.getShort(at + 2 * column));
            case BF16 -> Float.intBitsToFloat(data.getShort(at + 2 * column) << 16);
            default -> throw new IllegalStateException("not a plain type: " + tensor.type());
        };
    }
}
