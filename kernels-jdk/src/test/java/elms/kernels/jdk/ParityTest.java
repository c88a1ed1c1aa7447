package elms.kernels.jdk;

import static org.assertj.core.api.Assertions.assertThat;

import elms.kernels.Adapter;
import elms.kernels.Kernels;
import elms.kernels.Kernels.Norm;
import elms.kernels.ScalarKernels;
import java.util.Optional;

/** A provider beside the scalar reference. */
abstract class ParityTest {
    static final Kernels SCALAR = new ScalarKernels(2);
    /** Sums of n products may differ in their rounding: by a few units in the last place of the largest result. */
    private static final float CLOSE = 2e-5f;

    final Kernels kernels;
    private final float precision;

    ParityTest(Kernels kernels) {
        this(kernels, CLOSE);
    }

    /**
     * @param precision of results, as a share of the largest
     */
    ParityTest(Kernels kernels, float precision) {
        this.kernels = kernels;
        this.precision = precision;
    }

    static Adapter adapter(RandomData data, int rank, int columns, int rows) {
        float[][] down = new float[rank][];
        float[][] up = new float[rank][];
        for (int k = 0; k < rank; k++) {
            down[k] = data.floats(columns, 1);
            up[k] = data.floats(rows, 1);
        }
        return Adapter.of(down, up, data.floats(rows, 1));
    }

    /** Of rows of so many numbers; its weights differ. */
    static Norm norm(int width, Optional<Adapter> adapter) {
        float[] weight = new float[width];
        for (int i = 0; i < width; i++) {
            weight[i] = 0.5f + i % 7 * 0.2f;
        }
        return new Norm(weight, 1e-5f, adapter);
    }

    final void assertClose(float[] actual, float[] expected) {
        assertClose(actual, expected, precision);
    }

    static void assertClose(float[] actual, float[] expected, float share) {
        float largest = 0;
        for (float value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        float tolerance = share * largest;
        for (int i = 0; i < expected.length; i++) {
            float difference = Math.abs(actual[i] - expected[i]);
            assertThat(difference <= tolerance || actual[i] == expected[i])
                    .as("[%d] is %s, expected %s", i, actual[i], expected[i]).isTrue();
        }
    }
}
