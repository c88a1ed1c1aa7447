package elms.kernels.jdk;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The widest vectors of this machine, and the few functions of them that several kernels need. */
final class Lanes {
    static final VectorSpecies<Float> FLOAT = FloatVector.SPECIES_PREFERRED;
    static final VectorSpecies<Integer> INT = IntVector.SPECIES_PREFERRED;
    static final VectorSpecies<Short> HALF = ShortVector.SPECIES_PREFERRED.withShape(
            VectorShape.forBitSize(FLOAT.vectorBitSize() / 2));

    /** Floats in a vector. A panel of 16 rows is 16 / COUNT vectors wide. */
    static final int COUNT = FLOAT.length();

    static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    private static final float LOG2_E = 1.44269504f;
    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;
    /** Adding this rounds a float below 2²² to an integer, which then sits in its low bits. */
    private static final float ROUND = 0x1.8p23f;
    private static final float SMALLEST = -87f;
    private static final float LARGEST = 88f;

    private Lanes() {}

    /**
     * e to the power of each lane, within 2 units in the last place; zero below -87, so that no result is denormal.
     * Polynomial of the Cephes library (Moshier, expf).
     */
    static FloatVector exp(FloatVector x) {
        FloatVector clamped = x.max(SMALLEST).min(LARGEST);
        FloatVector shifted = clamped.fma(FloatVector.broadcast(FLOAT, LOG2_E), FloatVector.broadcast(FLOAT, ROUND));
        FloatVector n = shifted.sub(ROUND);
        FloatVector r = n.fma(FloatVector.broadcast(FLOAT, -LN2_HIGH), clamped);
        r = n.fma(FloatVector.broadcast(FLOAT, -LN2_LOW), r);
        FloatVector p = r.fma(FloatVector.broadcast(FLOAT, 1.9875691500e-4f), FloatVector.broadcast(FLOAT, 1.3981999507e-3f));
        p = p.fma(r, FloatVector.broadcast(FLOAT, 8.3334519073e-3f));
        p = p.fma(r, FloatVector.broadcast(FLOAT, 4.1665795894e-2f));
        p = p.fma(r, FloatVector.broadcast(FLOAT, 1.6666665459e-1f));
        p = p.fma(r, FloatVector.broadcast(FLOAT, 5.0000001201e-1f));
        p = p.fma(r.mul(r), r.add(1f));
        IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
        FloatVector scaled = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
        return scaled.blend(0f, x.lt(SMALLEST));
    }

    /** Sum of all lanes, always in the same order: the upper half is added to the lower one until one lane is left. */
    static float sum(FloatVector x) {
        FloatVector sum = x;
        for (int half = COUNT / 2; half > 0; half /= 2) {
            sum = sum.add(sum.slice(half));
        }
        return sum.lane(0);
    }
}
