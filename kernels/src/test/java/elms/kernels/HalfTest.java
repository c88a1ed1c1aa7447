package elms.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HalfTest {
    @Test
    void everyHalfReadsAsTheJdkReadsIt() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            float expected = Float.float16ToFloat((short) bits);
            float actual = Half.toFloat((short) bits);
            if (Float.isNaN(expected)) {
                assertThat(actual).isNaN();
            } else {
                assertThat(actual).as("half %04x", bits).isEqualTo(expected);
            }
        }
    }

    @Test
    void roundsToNearestLikeTheJdk() {
        for (int i = 0; i < 1 << 20; i++) {
            float value = Float.intBitsToFloat(i * 4093);
            assertThat(Float.isNaN(value) || Half.fromFloat(value) == Float.floatToFloat16(value)).as("%s", value).isTrue();
        }
    }
}
