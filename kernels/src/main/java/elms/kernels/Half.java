package elms.kernels;

/** IEEE 754 half precision, without the JDK methods that Android lacks. */
public final class Half {
    private static final float DENORMAL_STEP = 0x1p-24f;
    private static final int FLOAT_EXPONENT_ABOVE_HALF = (127 - 15) << 23;

    private Half() {}

    /** The value of half-precision {@code bits}. */
    public static float toFloat(short bits) {
        int sign = (bits & 0x8000) << 16;
        int magnitude = bits & 0x7fff;
        if (magnitude < 0x0400) {
            return Float.intBitsToFloat(sign | Float.floatToRawIntBits(magnitude * DENORMAL_STEP));
        }
        if (magnitude >= 0x7c00) {
            return Float.intBitsToFloat(sign | 0x7f80_0000 | (magnitude & 0x03ff) << 13);
        }
        return Float.intBitsToFloat(sign | (magnitude << 13) + FLOAT_EXPONENT_ABOVE_HALF);
    }

    /** The nearest half to {@code value}, ties to even; what is too large gives infinity. */
    public static short fromFloat(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = bits >>> 16 & 0x8000;
        int magnitude = bits & 0x7fff_ffff;
        if (magnitude > 0x7f80_0000) {
            return (short) (sign | 0x7e00);
        }
        int rounded = magnitude + 0x0fff + (magnitude >>> 13 & 1);
        if (rounded >= FLOAT_EXPONENT_ABOVE_HALF + (31 << 23)) {
            return (short) (sign | 0x7c00);
        }
        if (magnitude < FLOAT_EXPONENT_ABOVE_HALF + (1 << 23)) {
            return (short) (sign | (int) Math.rint(Math.abs(value) / DENORMAL_STEP));
        }
        return (short) (sign | (rounded - FLOAT_EXPONENT_ABOVE_HALF) >>> 13);
    }
}
