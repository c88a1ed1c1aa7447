package elms.kernels.jdk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import elms.kernels.Form;
import elms.kernels.Kernels;
import elms.kernels.Kernels.Product;
import elms.kernels.Matrix;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

class VectorKernelsTest extends KernelsParityTest {
    private static final Kernels TWO_THREADS = new VectorKernels(2);

    VectorKernelsTest() {
        super(TWO_THREADS);
    }

    @Test
    void threadsDoNotChangeTheBits() {
        RandomData data = new RandomData(9);
        Matrix w = data.matrix(Form.Q4, 300, 600);
        float[] x = data.floats(11 * 600, 1);
        float[] two = new float[11 * 300];
        TWO_THREADS.matmul(x, 11, new Product(w, two));
        for (int threads : new int[] {1, 3, 5}) {
            try (Kernels kernels = new VectorKernels(threads)) {
                float[] out = new float[11 * 300];
                kernels.matmul(x, 11, new Product(w, out));
                assertThat(out).isEqualTo(two);
            }
        }
    }

    @Test
    void expIsAccurateAndNeverDenormal() {
        float[] lanes = new float[Lanes.COUNT];
        for (float x = -100; x < 88; x += 0.0137f) {
            Lanes.exp(FloatVector.broadcast(Lanes.FLOAT, x)).intoArray(lanes, 0);
            double expected = x < -87 ? 0 : Math.exp(x);
            assertThat((double) lanes[0]).as("exp(%s)", x).isCloseTo(expected, within(3e-7 * expected));
        }
    }
}
