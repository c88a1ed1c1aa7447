package elms.kernels.jdk;

import static elms.kernels.jdk.Lanes.FLOAT;
import static elms.kernels.jdk.Lanes.HALF;
import static elms.kernels.jdk.Lanes.INT;
import static elms.kernels.jdk.Lanes.LITTLE;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * How quants become floats in registers. A quant's bits are moved to the top of a mantissa below the exponent of one, which
 * makes a number from 1 to 2 without a conversion; one fused multiply-add, {@code number · step + base}, turns it into the
 * weight. Many small methods, since the compiler stops inlining vector code in large ones.
 */
final class Quants {
    static final int GROUP_BYTES = 64;
    /** Where a 4-bit quant has to be, and the bits of one around it. */
    static final int Q4_MASK = 0xf << 19;
    static final int Q4_ONE = 0x3f800000;
    /** The same for 8 bits; a flipped sign makes -128 the smallest of them. */
    static final int Q8_MASK = 0xff << 15;
    static final int Q8_ONE = 0x3f800000 | 0x80 << 15;

    private static final int Q4_MINIMUMS = 32;
    /** Sign, exponent and mantissa of a half, moved to where a float has them; the exponent is 112 too small. */
    private static final int HALF_BITS = 0x8fffe000;
    private static final float HALF_SCALE = 0x1p112f;

    private Quants() {}

    static IntVector load(MemorySegment data, long at) {
        return IntVector.fromMemorySegment(INT, data, at, LITTLE);
    }

    /** The number from 1 to 2 of quants that were shifted to their mask. */
    static FloatVector number(IntVector quants, IntVector mask, IntVector one) {
        return quants.and(mask).lanewise(VectorOperators.XOR, one).reinterpretAsFloats();
    }

    static FloatVector q4Step(MemorySegment data, long block, int lane) {
        return halves(data, block + 2L * lane).mul(16f);
    }

    static FloatVector q4Base(MemorySegment data, long block, int lane, FloatVector step) {
        return halves(data, block + Q4_MINIMUMS + 2L * lane).sub(step);
    }

    static FloatVector q8Step(MemorySegment data, long block, int lane) {
        return halves(data, block + 2L * lane).mul(256f);
    }

    static FloatVector q8Base(FloatVector step) {
        return step.mul(-1.5f);
    }

    /** Half-precision numbers as floats; weights hold no infinities or NaNs. */
    private static FloatVector halves(MemorySegment data, long at) {
        IntVector bits = (IntVector) ShortVector.fromMemorySegment(HALF, data, at, LITTLE)
                .convertShape(VectorOperators.S2I, INT, 0);
        return bits.lanewise(VectorOperators.LSHL, 13).and(HALF_BITS).reinterpretAsFloats().mul(HALF_SCALE);
    }
}
