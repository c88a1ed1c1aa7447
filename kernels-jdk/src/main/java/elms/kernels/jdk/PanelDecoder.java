package elms.kernels.jdk;

import static elms.kernels.Matrix.BLOCK_COLUMNS;
import static elms.kernels.Matrix.PANEL_ROWS;
import static elms.kernels.jdk.Lanes.COUNT;
import static elms.kernels.jdk.Lanes.FLOAT;
import static elms.kernels.jdk.Lanes.INT;
import static elms.kernels.jdk.Lanes.LITTLE;

import elms.kernels.Form;
import elms.kernels.Matrix;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Turns blocks of a panel into floats for several tokens to be multiplied with, {@code [column][16]}: the even columns of all
 * blocks, then the odd ones.
 */
final class PanelDecoder {
    private PanelDecoder() {}

    /** Decodes blocks {@code [from, to)} of a panel to {@code out} at {@code offset}. */
    static void decode(Matrix matrix, MemorySegment data, int panel, int from, int to, float[] out, int offset) {
        int odds = (to - from) * BLOCK_COLUMNS / 2 * PANEL_ROWS;
        long at = (long) panel * matrix.panelBytes() + (long) from * matrix.form().blockBytes;
        for (int block = from; block < to; block++) {
            for (int lane = 0; lane < PANEL_ROWS; lane += COUNT) {
                switch (matrix.form()) {
                    case Q4 -> decodeQ4(data, at, lane, out, offset + lane, odds);
                    case Q8 -> decodeQ8(data, at, lane, out, offset + lane, odds);
                    case F32 -> copy(data, at, lane, out, offset + lane, odds);
                }
            }
            at += matrix.form().blockBytes;
            offset += BLOCK_COLUMNS / 2 * PANEL_ROWS;
        }
    }

    private static void decodeQ4(MemorySegment data, long block, int lane, float[] out, int offset, int odds) {
        FloatVector step = Quants.q4Step(data, block, lane);
        FloatVector base = Quants.q4Base(data, block, lane, step);
        IntVector mask = IntVector.broadcast(INT, Quants.Q4_MASK);
        IntVector one = IntVector.broadcast(INT, Quants.Q4_ONE);
        for (int group = 0; group < 4; group++) {
            IntVector quants = Quants.load(data, block + Form.Q4.quantsOffset + group * Quants.GROUP_BYTES + 4L * lane);
            for (int column = 0; column < 4; column++) {
                IntVector low = quants.lanewise(VectorOperators.LSHR, 8 * column);
                IntVector high = low.lanewise(VectorOperators.LSHR, 4);
                int at = offset + (2 * group + column / 2) * PANEL_ROWS + column % 2 * odds;
                Quants.number(low.lanewise(VectorOperators.LSHL, 19), mask, one).fma(step, base).intoArray(out, at);
                Quants.number(high.lanewise(VectorOperators.LSHL, 19), mask, one).fma(step, base)
                        .intoArray(out, at + 8 * PANEL_ROWS);
            }
        }
    }

    private static void decodeQ8(MemorySegment data, long block, int lane, float[] out, int offset, int odds) {
        FloatVector step = Quants.q8Step(data, block, lane);
        FloatVector base = Quants.q8Base(step);
        IntVector mask = IntVector.broadcast(INT, Quants.Q8_MASK);
        IntVector one = IntVector.broadcast(INT, Quants.Q8_ONE);
        for (int group = 0; group < 8; group++) {
            IntVector quants = Quants.load(data, block + Form.Q8.quantsOffset + group * Quants.GROUP_BYTES + 4L * lane);
            for (int column = 0; column < 4; column++) {
                IntVector moved = quants.lanewise(VectorOperators.LSHR, 8 * column).lanewise(VectorOperators.LSHL, 15);
                int at = offset + (2 * group + column / 2) * PANEL_ROWS + column % 2 * odds;
                Quants.number(moved, mask, one).fma(step, base).intoArray(out, at);
            }
        }
    }

    private static void copy(MemorySegment data, long block, int lane, float[] out, int offset, int odds) {
        for (int column = 0; column < BLOCK_COLUMNS; column++) {
            FloatVector.fromMemorySegment(FLOAT, data, block + 4L * (column * PANEL_ROWS + lane), LITTLE)
                    .intoArray(out, offset + column / 2 * PANEL_ROWS + column % 2 * odds);
        }
    }
}
