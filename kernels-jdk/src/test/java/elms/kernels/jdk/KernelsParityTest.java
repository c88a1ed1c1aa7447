package elms.kernels.jdk;

import static org.assertj.core.api.Assertions.assertThat;

import elms.kernels.Adapter;
import elms.kernels.Form;
import elms.kernels.KeyValues;
import elms.kernels.Kernels;
import elms.kernels.Kernels.Product;
import elms.kernels.Matrix;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a fast provider must have in common with the scalar reference. A provider's own test says which one it is. */
abstract class KernelsParityTest extends AdapterParityTest {
    private static final int[][] SHAPES = {
        {1, 1}, {15, 31}, {16, 32}, {17, 33}, {48, 64}, {63, 127}, {65, 129}, {80, 1100}, {130, 576}
    };

    KernelsParityTest(Kernels kernels) {
        super(kernels);
    }

    KernelsParityTest(Kernels kernels, float precision) {
        super(kernels, precision);
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
        kernels.gatedMatmul(x, tokens, norm(x.length / tokens, Optional.of(before)), new float[x.length], gate, up, adapted);
        kernels.gatedMatmul(x, tokens, gate, up, out);
        for (int i = 0; i < out.length; i++) {
            out[i] += adapted[i];
        }
        kernels.matmulAdd(x, tokens, up, out);
        kernels.matmulAdd(x, tokens, gate, beside, out);
        kernels.adapt(x, tokens, beside, out);
    }
}
