package elms.kernels.jdk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import elms.kernels.Adapter;
import elms.kernels.Form;
import elms.kernels.KeyValues;
import elms.kernels.Kernels;
import elms.kernels.Kernels.Product;
import elms.kernels.Matrix;
import elms.kernels.ScalarKernels;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a fast provider must have in common with the scalar reference. A provider's own test says which one it is. */
abstract class KernelsParityTest {
    private static final Kernels SCALAR = new ScalarKernels(2);
    private static final int[][] SHAPES = {
        {1, 1}, {15, 31}, {16, 32}, {17, 33}, {48, 64}, {63, 127}, {65, 129}, {80, 1100}, {130, 576}
    };

    /** Sums of n products may differ in their rounding: by a few units in the last place of the largest result. */
    private static final float CLOSE = 2e-5f;
    /** The same where what an adapter has made is rounded to 8 bits, which are few where large terms cancel each other. */
    private static final float ROUNDED = 0.1f;

    private final Kernels kernels;
    private final float precision;

    KernelsParityTest(Kernels kernels) {
        this(kernels, CLOSE);
    }

    /**
     * @param precision of results, as a share of the largest
     */
    KernelsParityTest(Kernels kernels, float precision) {
        this.kernels = kernels;
        this.precision = precision;
    }

    static Stream<Arguments> multiplications() {
        return Stream.of(Form.values()).flatMap(form -> Stream.of(SHAPES).flatMap(shape ->
                Stream.of(1, 2, 3, 4, 7, 8, 9, 20).map(tokens -> Arguments.of(form, shape[0], shape[1], tokens))));
    }

    @ParameterizedTest
    @MethodSource("multiplications")
    void matmul(Form form, int rows, int columns, int tokens) {
        RandomData data = new RandomData(rows * 7919L + columns * 31L + tokens);
        Matrix w = data.matrix(form, rows, columns);
        Matrix second = data.matrix(form, Math.ceilDiv(rows, 2), columns);
        float[] x = data.activations(tokens, columns, 1);
        float[] expected = new float[tokens * rows];
        float[] expectedSecond = new float[tokens * second.rows()];
        SCALAR.matmul(x, tokens, new Product(w, expected), new Product(second, expectedSecond));
        float[] actual = new float[tokens * rows];
        float[] actualSecond = new float[tokens * second.rows()];
        kernels.matmul(x, tokens, new Product(w, actual), new Product(second, actualSecond));
        assertClose(actual, expected);
        assertClose(actualSecond, expectedSecond);

        float[] residual = data.floats(tokens * rows, 1);
        float[] expectedSum = residual.clone();
        SCALAR.matmulAdd(x, tokens, w, expectedSum);
        kernels.matmulAdd(x, tokens, w, residual);
        assertClose(residual, expectedSum);

        Matrix up = data.matrix(form, rows, columns);
        SCALAR.gatedMatmul(x, tokens, w, up, expected);
        kernels.gatedMatmul(x, tokens, w, up, actual);
        assertClose(actual, expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 16, 47, 500})
    void largestOfPanelsTellsTheBestScoreOfEach(int rows) {
        float[] scores = new RandomData(rows).floats(3 + rows, 1);
        float[] expected = new float[Matrix.panels(rows)];
        float[] actual = expected.clone();
        SCALAR.largestOfPanels(scores, 3, rows, expected);
        kernels.largestOfPanels(scores, 3, rows, actual);
        assertThat(actual).isEqualTo(expected);
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
    @CsvSource({"1, 12, Q4", "1, 16, Q8", "1, 12, F32", "5, 30, Q4", "70, 12, Q8"})
    void matricesReadWhatAnAdapterCorrects(int tokens, int rank, Form form) {
        RandomData data = new RandomData(tokens);
        Matrix first = data.matrix(form, 100, 70);
        Matrix second = data.matrix(form, 100, 70);
        Adapter adapter = adapter(data, rank, 70, 70);
        float[] x = data.floats(tokens * 70, 1);
        float[] expected = new float[tokens * 100];
        float[] actual = expected.clone();
        SCALAR.gatedMatmul(x.clone(), tokens, adapter, first, second, expected);
        kernels.gatedMatmul(x.clone(), tokens, adapter, first, second, actual);
        assertClose(actual, expected, ROUNDED);
        SCALAR.matmul(x.clone(), tokens, adapter, new Product(first, expected));
        kernels.matmul(x.clone(), tokens, adapter, new Product(first, actual), new Product(second, new float[tokens * 100]));
        assertClose(actual, expected, ROUNDED);
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "5, 37", "40, 384"})
    void layerNorm(int tokens, int width) {
        RandomData data = new RandomData(width);
        float[] x = data.floats(tokens * width, 3);
        float[] added = data.floats(width, 1);
        float[] weight = data.floats(width, 1);
        float[] bias = data.floats(width, 1);
        float[] expected = x.clone();
        SCALAR.layerNorm(expected, tokens, added, weight, bias, 1e-5f);
        kernels.layerNorm(x, tokens, added, weight, bias, 1e-5f);
        assertClose(x, expected);
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

    private static Adapter adapter(RandomData data, int rank, int columns, int rows) {
        float[][] down = new float[rank][];
        float[][] up = new float[rank][];
        for (int k = 0; k < rank; k++) {
            down[k] = data.floats(columns, 1);
            up[k] = data.floats(rows, 1);
        }
        return Adapter.of(down, up, data.floats(rows, 1));
    }

    @ParameterizedTest
    @MethodSource("views")
    void aViewIsMultipliedLikeACopyOfItsWeights(Form form, int rows, int columns) {
        RandomData data = new RandomData(rows * 100L + columns);
        Matrix whole = data.matrix(form, 100, 200);
        Matrix view = whole.firstColumns(columns).firstRows(rows);
        float[] x = data.activations(5, columns, 1);
        float[] expected = new float[5 * rows];
        for (int row = 0; row < rows; row++) {
            float[] weights = new float[200];
            whole.readRow(row, weights, 0);
            for (int token = 0; token < 5; token++) {
                for (int column = 0; column < columns; column++) {
                    expected[token * rows + row] += x[token * columns + column] * weights[column];
                }
            }
        }
        float[] actual = new float[5 * rows];
        kernels.matmul(x, 5, new Product(view, actual));
        assertClose(actual, expected);
    }

    static Stream<Arguments> views() {
        return Stream.of(Form.values()).flatMap(form -> Stream.of(
                Arguments.of(form, 0, 64), Arguments.of(form, 1, 1), Arguments.of(form, 31, 32), Arguments.of(form, 64, 96),
                Arguments.of(form, 77, 150), Arguments.of(form, 100, 199)));
    }

    @Test
    void extremesNeitherOverflowNorTurnIntoNaN() {
        for (Form form : Form.values()) {
            RandomData data = new RandomData(3);
            Matrix w = data.matrix(form, 40, 96);
            for (float scale : new float[] {0, 1e-30f, 1e-6f, 1e6f, 1e15f}) {
                float[] x = data.activations(3, 96, scale);
                float[] expected = new float[3 * 40];
                float[] actual = new float[3 * 40];
                SCALAR.matmul(x, 3, new Product(w, expected));
                kernels.matmul(x, 3, new Product(w, actual));
                assertClose(actual, expected);
                SCALAR.gatedMatmul(x, 3, w, w, expected);
                kernels.gatedMatmul(x, 3, w, w, actual);
                assertClose(actual, expected);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "3, 16", "5, 37", "40, 576", "17, 1000"})
    void rmsNorm(int tokens, int width) {
        RandomData data = new RandomData(width);
        float[] x = data.floats(tokens * width, 3);
        float[] weight = data.floats(width, 1);
        float[] expected = new float[x.length];
        float[] actual = new float[x.length];
        SCALAR.rmsNorm(x, tokens, weight, 1e-5f, expected);
        kernels.rmsNorm(x, tokens, weight, 1e-5f, actual);
        assertClose(actual, expected);
    }

    @ParameterizedTest
    @CsvSource({"3, 2, 20", "9, 6, 64", "1, 1, 7"})
    void rotate(int tokens, int heads, int headDim) {
        RandomData data = new RandomData(headDim);
        int half = headDim / 2;
        float[] cos = data.floats(tokens * half, 1);
        float[] sin = data.floats(tokens * half, 1);
        float[] expected = data.floats(tokens * heads * headDim, 1);
        float[] actual = expected.clone();
        SCALAR.rotate(expected, tokens, heads, headDim, cos, sin);
        kernels.rotate(actual, tokens, heads, headDim, cos, sin);
        assertClose(actual, expected);
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 64", "1, 127, 64", "1, 128, 64", "1, 129, 64", "1, 700, 64", "5, 5, 64", "40, 300, 64", "130, 130, 20",
        "9, 400, 7", "64, 64, 128"})
    void attention(int tokens, int positions, int headDim) {
        RandomData data = new RandomData(tokens * 1000L + positions);
        KeyValues reference = SCALAR.newCache(3, headDim);
        KeyValues cache = kernels.newCache(3, headDim);
        data.fill(positions, reference, cache);
        for (int[] kvHeadOf : new int[][] {{0, 0, 0, 1, 1, 1, 2, 2, 2}, {2, 0, 2, 1, 0}, {1}, {}}) {
            float[] queries = data.floats(tokens * kvHeadOf.length * headDim, 1);
            float[] expected = new float[queries.length];
            float[] actual = new float[queries.length];
            SCALAR.attention(queries, tokens, kvHeadOf, reference, expected);
            kernels.attention(queries, tokens, kvHeadOf, cache, actual);
            assertClose(actual, expected);
        }
    }

    @Test
    void attentionToOnePositionThatStandsOutIsItsValue() {
        KeyValues cache = kernels.newCache(1, 16);
        float[] keys = new float[300 * 16];
        float[] values = new float[300 * 16];
        for (int position = 0; position < 300; position++) {
            keys[position * 16] = position == 137 ? 1e4f : -1e4f;
            values[position * 16 + 3] = position;
        }
        cache.append(keys, values, 300);
        float[] query = new float[16];
        query[0] = 100;
        float[] out = new float[16];
        kernels.attention(query, 1, new int[] {0}, cache, out);
        assertThat(out[3]).isEqualTo(137);
    }

    /** A token's bits must not depend on the tokens beside it or on the number of threads. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 8, 13, 40})
    void resultsDoNotDependOnTheBatch(int batch) {
        int tokens = 40;
        RandomData data = new RandomData(5);
        Matrix gate = data.matrix(Form.Q4, 100, 1100);
        Matrix up = data.matrix(Form.Q8, 100, 1100);
        float[] x = data.floats(tokens * 1100, 1);
        Adapter beside = adapter(data, 16, 1100, 100);
        Adapter before = adapter(data, 16, 1100, 1100);
        float[] whole = new float[tokens * 100];
        addAll(x, tokens, gate, up, before, beside, whole);

        int[] kvHeadOf = {0, 1, 1, 0, 1};
        KeyValues cache = kernels.newCache(2, 24);
        data.fill(290, cache);
        float[] queries = data.floats(tokens * 5 * 24, 1);
        float[] attended = new float[queries.length];
        kernels.attention(queries, tokens, kvHeadOf, cache, attended);

        for (int from = 0; from < tokens; from += batch) {
            int count = Math.min(batch, tokens - from);
            float[] part = Arrays.copyOfRange(x, from * 1100, (from + count) * 1100);
            float[] out = new float[count * 100];
            addAll(part, count, gate, up, before, beside, out);
            assertThat(out).isEqualTo(Arrays.copyOfRange(whole, from * 100, (from + count) * 100));
        }
        for (int end = tokens; end > 0; end -= batch) {
            int from = Math.max(0, end - batch);
            float[] part = Arrays.copyOfRange(queries, from * 5 * 24, end * 5 * 24);
            float[] out = new float[part.length];
            kernels.attention(part, end - from, kvHeadOf, cache, out);
            assertThat(out).isEqualTo(Arrays.copyOfRange(attended, from * 5 * 24, end * 5 * 24));
            cache.truncate(290 - tokens + from);
        }
    }

    /** So many that workers part them. */
    @ParameterizedTest
    @EnumSource(Form.class)
    void resultsOfManyTokensAreThoseOfFew(Form form) {
        int tokens = 300;
        RandomData data = new RandomData(9);
        Matrix w = data.matrix(form, 50, 70);
        Matrix up = data.matrix(Form.Q8, 50, 70);
        float[] x = data.floats(tokens * 70, 1);
        float[] product = new float[tokens * 50];
        float[] gated = new float[tokens * 50];
        kernels.matmul(x, tokens, new Product(w, product));
        kernels.gatedMatmul(x, tokens, w, up, gated);
        kernels.matmulAdd(x, tokens, up, gated);
        for (int from = 0; from < tokens; from += 100) {
            float[] part = Arrays.copyOfRange(x, from * 70, (from + 100) * 70);
            float[] out = new float[100 * 50];
            kernels.matmul(part, 100, new Product(w, out));
            assertThat(out).isEqualTo(Arrays.copyOfRange(product, from * 50, (from + 100) * 50));
            kernels.gatedMatmul(part, 100, w, up, out);
            kernels.matmulAdd(part, 100, up, out);
            assertThat(out).isEqualTo(Arrays.copyOfRange(gated, from * 50, (from + 100) * 50));
        }
    }

    private void addAll(float[] x, int tokens, Matrix gate, Matrix up, Adapter before, Adapter beside, float[] out) {
        float[] adapted = new float[out.length];
        kernels.gatedMatmul(x.clone(), tokens, before, gate, up, adapted);
        kernels.gatedMatmul(x, tokens, gate, up, out);
        for (int i = 0; i < out.length; i++) {
            out[i] += adapted[i];
        }
        kernels.matmulAdd(x, tokens, up, out);
        kernels.matmulAdd(x, tokens, gate, beside, out);
        kernels.adapt(x, tokens, beside, out);
    }

    private void assertClose(float[] actual, float[] expected) {
        assertClose(actual, expected, precision);
    }

    private static void assertClose(float[] actual, float[] expected, float share) {
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
