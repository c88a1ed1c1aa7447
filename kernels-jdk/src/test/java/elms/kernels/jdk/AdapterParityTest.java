package elms.kernels.jdk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import elms.kernels.Adapter;
import elms.kernels.Form;
import elms.kernels.Kernels;
import elms.kernels.Kernels.Norm;
import elms.kernels.Kernels.Product;
import elms.kernels.Matrix;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Adapters, by themselves, before matrices and beside them. */
abstract class AdapterParityTest extends ParityTest {
    /** The same where what an adapter has made is rounded to 8 bits, which are few where large terms cancel each other. */
    private static final float ROUNDED = 0.1f;

    AdapterParityTest(Kernels kernels) {
        super(kernels);
    }

    AdapterParityTest(Kernels kernels, float precision) {
        super(kernels, precision);
    }

    @ParameterizedTest
    @CsvSource({"70, 96, 16, 1", "33, 31, 5, 3", "17, 100, 40, 70", "64, 7, 8, 4", "576, 576, 16, 50", "1, 1, 1, 1"})
    void adaptAddsALowRankMatrixAndABias(int rows, int columns, int rank, int tokens) {
        RandomData data = new RandomData(rows * 31L + columns + rank);
        Adapter whole = adapter(data, rank, columns, rows);
        for (Adapter adapter : List.of(whole, whole.view(Math.max(1, rank / 2), Math.max(1, columns - 3), whole.bias()),
                Adapter.ofBias(whole.bias()))) {
            float[] x = data.floats(tokens * adapter.columns(), 1);
            float[] expected = data.floats(tokens * rows, 1);
            float[] actual = expected.clone();
            SCALAR.adapt(x, tokens, adapter, expected);
            kernels.adapt(x, tokens, adapter, actual);
            assertClose(actual, expected);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, Q4", "1, Q8", "1, F32", "5, Q4"})
    void aMatrixAndItsAdapterAddTheSameBitsTogether(int tokens, Form form) {
        assumeThat(kernels).as("in tiles an adapter is a part of the product").isNotInstanceOf(TileKernels.class);
        RandomData data = new RandomData(tokens);
        Matrix matrix = data.matrix(form, 100, 70);
        Adapter adapter = adapter(data, 12, 70, 100);
        float[] x = data.floats(tokens * 70, 1);
        float[] expected = data.floats(tokens * 100, 1);
        float[] actual = expected.clone();
        kernels.matmulAdd(x, tokens, matrix, expected);
        kernels.adapt(x, tokens, adapter, expected);
        kernels.matmulAdd(x, tokens, matrix, adapter, actual);
        assertThat(actual).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"1, 12, Q4", "1, 16, Q8", "1, 12, F32", "5, 30, Q4", "70, 12, Q8", "1, 0, Q4", "20, 0, Q8"})
    void aMatrixAndItsAdapterAddTogether(int tokens, int rank, Form form) {
        RandomData data = new RandomData(tokens);
        Matrix matrix = data.matrix(form, 100, 70);
        Adapter adapter = rank == 0 ? Adapter.ofBias(data.floats(100, 1)) : adapter(data, rank, 70, 100);
        float[] x = data.activations(tokens, 70, 1);
        float[] expected = data.floats(tokens * 100, 1);
        float[] actual = expected.clone();
        SCALAR.matmulAdd(x, tokens, matrix, adapter, expected);
        kernels.matmulAdd(x, tokens, matrix, adapter, actual);
        assertClose(actual, expected);
    }

    @ParameterizedTest
    @CsvSource({"1, 12, Q4", "1, 16, Q8", "1, 12, F32", "5, 30, Q4", "20, 12, Q8", "70, 12, Q8", "1, 0, Q4", "20, 0, Q8", "70, 0, F32"})
    void matricesReadWhatAnAdapterCorrects(int tokens, int rank, Form form) {
        RandomData data = new RandomData(tokens);
        Matrix first = data.matrix(form, 100, 70);
        Matrix second = data.matrix(form, 100, 70);
        Norm norm = norm(70, rank == 0 ? Optional.empty() : Optional.of(adapter(data, rank, 70, 70)));
        float[] x = data.floats(tokens * 70, 1);
        float[] normed = new float[x.length];
        float[] expected = new float[tokens * 100];
        float[] actual = expected.clone();
        SCALAR.gatedMatmul(x, tokens, norm, normed, first, second, expected);
        kernels.gatedMatmul(x, tokens, norm, normed, first, second, actual);
        assertClose(actual, expected, ROUNDED);
        SCALAR.matmul(x, tokens, norm, normed, new Product(first, expected));
        kernels.matmul(x, tokens, norm, normed, new Product(first, actual), new Product(second, new float[tokens * 100]));
        assertClose(actual, expected, ROUNDED);
    }

    @Test
    void adaptMultipliesWithBothMatrices() {
        float[][] down = {{1, 2, 0}, {0, 1, -2}};
        float[][] up = {{1, 0, 0, 2}, {0, -1, 0, 1}};
        float[] y = {10, 20, 30, 40, 10, 20, 30, 40};
        kernels.adapt(new float[] {1, 1, 1, 0, 0, 3}, 2, Adapter.of(down, up, new float[] {0.5f, 0, 0, 0}), y);
        assertClose(y, new float[] {13.5f, 21, 30, 45, 10.5f, 26, 30, 34}, 0.01f);
    }

    @Test
    void adaptMayReadWhatItWrites() {
        RandomData data = new RandomData(8);
        Adapter adapter = adapter(data, 12, 64, 64);
        float[] x = data.floats(40 * 64, 1);
        float[] expected = x.clone();
        kernels.adapt(x.clone(), 40, adapter, expected);
        kernels.adapt(x, 40, adapter, x);
        assertThat(x).isEqualTo(expected);
    }
}
