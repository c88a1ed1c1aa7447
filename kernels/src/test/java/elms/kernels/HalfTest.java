package elms.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HalfTest {
    @Test
    void everyHalfReadsAsTheJdkReadsItAndDenormalsAsZero() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            float expected = Float.float16ToFloat((short) bits);
            boolean denormal = (bits & 0x7c00) == 0;
            float actual = Half.toFloat((short) bits);
            if (Float.isNaN(expected)) {
                assertThat(actual).isNaN();
            } else {
                assertThat(actual).as("half %04x", bits).isEqualTo(denormal ? Math.copySign(0f, expected) : expected);
            }
        }
    }

    @Test
    void roundsToNearestLikeTheJdkAndFlushesDenormals() {
        for (int i = 0; i < 1 << 20; i++) {
            float value = Float.intBitsToFloat(i * 4093);
            boolean denormal = Math.abs(value) < 0x1p-14f;
            short expected = Float.floatToFloat16(denormal ? Math.copySign(0, value) : value);
            assertThat(Float.isNaN(value) || Half.fromFloat(value) == expected).as("%s", value).isTrue();
        }
    }
}
