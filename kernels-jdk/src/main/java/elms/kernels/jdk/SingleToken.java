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
 * One token with packed panels, each from its first byte to its last: what a step of decoding waits for is memory, and a
 * single line of addresses is what processors fetch ahead of. Weights become floats in registers, are used and forgotten.
 * Every sum takes its terms in the order of {@link Tile}, so its bits are the same.
 *
 * <p>{@code q4} and {@code q8} are written out because they have to be compiled alone: the compiler inlines methods below 325
 * bytes, and gives up in the middle of vector code when one grows too large.
 */
final class SingleToken {
    private SingleToken() {}

    /**
     * sums[panel][16] = panel · x.
     *
     * @param x columns floats from index 0
     */
    static void multiply(Matrix matrix, MemorySegment data, int firstPanel, int panels, float[] x, float[] sums, int sumsAt) {
        int blocks = Matrix.blocks(matrix.columns());
        float[] padded = padded(x, matrix.columns(), blocks * BLOCK_COLUMNS);
        for (int panel = 0; panel < panels; panel++) {
            long at = (long) (firstPanel + panel) * matrix.panelBytes();
            for (int lane = 0; lane < PANEL_ROWS; lane += COUNT) {
                int sum = sumsAt + panel * PANEL_ROWS + lane;
                switch (matrix.form()) {
                    case Q4 -> q4(data, at, blocks, lane, padded, sums, sum);
                    case Q8 -> q8(data, at, blocks, lane, padded, sums, sum);
                    case F32 -> f32(data, at, blocks, lane, padded, sums, sum);
                }
            }
        }
    }

    private static float[] padded(float[] x, int columns, int length) {
        if (columns == length) {
            return x;
        }
        float[] padded = new float[length];
        System.arraycopy(x, 0, padded, 0, columns);
        return padded;
    }

    /** Columns 0 to 15 of a block are in the low halves of its bytes, the others in the high ones. */
    private static void q4(MemorySegment data, long panel, int blocks, int lane, float[] x, float[] sums, int sum) {
        FloatVector even = FloatVector.zero(FLOAT);
        FloatVector odd = FloatVector.zero(FLOAT);
        IntVector mask = IntVector.broadcast(INT, Quants.Q4_MASK);
        IntVector one = IntVector.broadcast(INT, Quants.Q4_ONE);
        for (int block = 0; block < blocks; block++) {
            long at = panel + (long) block * Form.Q4.blockBytes;
            FloatVector step = Quants.q4Step(data, at, lane);
            FloatVector base = Quants.q4Base(data, at, lane, step);
            at += Form.Q4.quantsOffset + 4L * lane;
            for (int group = 0; group < 8; group++) {
                IntVector quants = Quants.load(data, at + (group & 3) * Quants.GROUP_BYTES)
                        .lanewise(VectorOperators.LSHR, group & 4);
                int k = block * BLOCK_COLUMNS + 4 * group;
                even = FloatVector.broadcast(FLOAT, x[k])
                        .fma(Quants.number(quants.lanewise(VectorOperators.LSHL, 19), mask, one).fma(step, base), even);
                odd = FloatVector.broadcast(FLOAT, x[k + 1])
                        .fma(Quants.number(quants.lanewise(VectorOperators.LSHL, 11), mask, one).fma(step, base), odd);
                even = FloatVector.broadcast(FLOAT, x[k + 2])
                        .fma(Quants.number(quants.lanewise(VectorOperators.LSHL, 3), mask, one).fma(step, base), even);
                odd = FloatVector.broadcast(FLOAT, x[k + 3])
                        .fma(Quants.number(quants.lanewise(VectorOperators.LSHR, 5), mask, one).fma(step, base), odd);
            }
        }
        even.add(odd).intoArray(sums, sum);
    }

    private static void q8(MemorySegment data, long panel, int blocks, int lane, float[] x, float[] sums, int sum) {
        FloatVector even = FloatVector.zero(FLOAT);
        FloatVector odd = FloatVector.zero(FLOAT);
        IntVector mask = IntVector.broadcast(INT, Quants.Q8_MASK);
        IntVector one = IntVector.broadcast(INT, Quants.Q8_ONE);
        for (int block = 0; block < blocks; block++) {
            long at = panel + (long) block * Form.Q8.blockBytes;
            FloatVector step = Quants.q8Step(data, at, lane);
            FloatVector base = Quants.q8Base(step);
            at += Form.Q8.quantsOffset + 4L * lane;
            for (int group = 0; group < 8; group++) {
                IntVector quants = Quants.load(data, at + group * Quants.GROUP_BYTES);
                int k = block * BLOCK_COLUMNS + 4 * group;
                even = FloatVector.broadcast(FLOAT, x[k])
                        .fma(Quants.number(quants.lanewise(VectorOperators.LSHL, 15), mask, one).fma(step, base), even);
                odd = FloatVector.broadcast(FLOAT, x[k + 1])
                        .fma(Quants.number(quants.lanewise(VectorOperators.LSHL, 7), mask, one).fma(step, base), odd);
                even = FloatVector.broadcast(FLOAT, x[k + 2])
                        .fma(Quants.number(quants.lanewise(VectorOperators.LSHR, 1), mask, one).fma(step, base), even);
                odd = FloatVector.broadcast(FLOAT, x[k + 3])
                        .fma(Quants.number(quants.lanewise(VectorOperators.LSHR, 9), mask, one).fma(step, base), odd);
            }
        }
        even.add(odd).intoArray(sums, sum);
    }

    private static void f32(MemorySegment data, long panel, int blocks, int lane, float[] x, float[] sums, int sum) {
        FloatVector even = FloatVector.zero(FLOAT);
        FloatVector odd = FloatVector.zero(FLOAT);
        for (int k = 0; k < blocks * BLOCK_COLUMNS; k += 2) {
            long at = panel + 4L * (k * PANEL_ROWS + lane);
            FloatVector weights = FloatVector.fromMemorySegment(FLOAT, data, at, LITTLE);
            FloatVector next = FloatVector.fromMemorySegment(FLOAT, data, at + 4L * PANEL_ROWS, LITTLE);
            even = FloatVector.broadcast(FLOAT, x[k]).fma(weights, even);
            odd = FloatVector.broadcast(FLOAT, x[k + 1]).fma(next, odd);
        }
        even.add(odd).intoArray(sums, sum);
    }
}
