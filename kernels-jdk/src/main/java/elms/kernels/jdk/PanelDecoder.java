package elms.kernels.jdk;

import static elms.kernels.Matrix.BLOCK_COLUMNS;
import static elms.kernels.Matrix.PANEL_ROWS;
import static elms.kernels.jdk.Lanes.COUNT;
import static elms.kernels.jdk.Lanes.FLOAT;
import static elms.kernels.jdk.Lanes.HALF;
import static elms.kernels.jdk.Lanes.INT;
import static elms.kernels.jdk.Lanes.LITTLE;

import elms.kernels.Form;
import elms.kernels.Matrix;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Turns blocks of a panel into floats, {@code out[16·column + row]}: all that a weight form needs to be multiplied. The
 * methods are kept small, since the compiler stops inlining vector code in large ones.
 */
final class PanelDecoder {
    private static final int GROUP_BYTES = 64;
    private static final int Q4_MINIMUMS = 32;
    /** Sign, exponent and mantissa of a half, moved to where a float has them; the exponent is 112 too small. */
    private static final int HALF_BITS = 0x8fffe000;
    private static final float HALF_SCALE = 0x1p112f;

    private PanelDecoder() {}

    /** Decodes blocks {@code [from, to)} of a panel to {@code out} at {@code offset}. */
    static void decode(Matrix matrix, MemorySegment data, int panel, int from, int to, float[] out, int offset) {
        long at = (long) panel * matrix.panelBytes() + (long) from * matrix.form().blockBytes;
        for (int block = from; block < to; block++) {
            for (int lane = 0; lane < PANEL_ROWS; lane += COUNT) {
                switch (matrix.form()) {
                    case Q4 -> decodeQ4(data, at, lane, out, offset + lane);
                    case Q8 -> decodeQ8(data, at, lane, out, offset + lane);
                    case F32 -> copy(data, at, lane, out, offset + lane);
                }
            }
            at += matrix.form().blockBytes;
            offset += BLOCK_COLUMNS * PANEL_ROWS;
        }
    }

    private static void decodeQ4(MemorySegment data, long block, int lane, float[] out, int offset) {
        FloatVector scale = halves(data, block + 2L * lane);
        FloatVector minimum = halves(data, block + Q4_MINIMUMS + 2L * lane);
        for (int group = 0; group < 4; group++) {
            IntVector quants = IntVector.fromMemorySegment(
                    INT, data, block + Form.Q4.quantsOffset + group * GROUP_BYTES + 4L * lane, LITTLE);
            for (int column = 0; column < 4; column++) {
                int at = offset + (4 * group + column) * PANEL_ROWS;
                toFloats(quants.lanewise(VectorOperators.LSHR, 8 * column).and(15)).fma(scale, minimum).intoArray(out, at);
                toFloats(quants.lanewise(VectorOperators.LSHR, 8 * column + 4).and(15)).fma(scale, minimum)
                        .intoArray(out, at + 16 * PANEL_ROWS);
            }
        }
    }

    private static void decodeQ8(MemorySegment data, long block, int lane, float[] out, int offset) {
        FloatVector scale = halves(data, block + 2L * lane);
        for (int group = 0; group < 8; group++) {
            IntVector quants = IntVector.fromMemorySegment(
                    INT, data, block + Form.Q8.quantsOffset + group * GROUP_BYTES + 4L * lane, LITTLE);
            for (int column = 0; column < 4; column++) {
                IntVector quant = quants.lanewise(VectorOperators.LSHL, 24 - 8 * column).lanewise(VectorOperators.ASHR, 24);
                toFloats(quant).mul(scale).intoArray(out, offset + (4 * group + column) * PANEL_ROWS);
            }
        }
    }

    private static void copy(MemorySegment data, long block, int lane, float[] out, int offset) {
        for (int column = 0; column < BLOCK_COLUMNS; column++) {
            FloatVector.fromMemorySegment(FLOAT, data, block + 4L * (column * PANEL_ROWS + lane), LITTLE)
                    .intoArray(out, offset + column * PANEL_ROWS);
        }
    }

    /** Half-precision numbers as floats; weights hold no infinities or NaNs. */
    private static FloatVector halves(MemorySegment data, long at) {
        IntVector bits = (IntVector) ShortVector.fromMemorySegment(HALF, data, at, LITTLE)
                .convertShape(VectorOperators.S2I, INT, 0);
        return bits.lanewise(VectorOperators.LSHL, 13).and(HALF_BITS).reinterpretAsFloats().mul(HALF_SCALE);
    }

    private static FloatVector toFloats(IntVector integers) {
        return (FloatVector) integers.convert(VectorOperators.I2F, 0);
    }
}
