package elms.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MatrixTest {
    @ParameterizedTest
    @CsvSource({"1, 1", "16, 32", "17, 33", "37, 100", "5, 576"})
    void floatsAreKeptExactly(int rows, int columns) {
        float[][] weights = random(rows, columns);
        Matrix matrix = pack(Form.F32, weights);
        for (int row = 0; row < rows; row++) {
            float[] read = new float[columns];
            matrix.readRow(row, read, 0);
            assertThat(read).isEqualTo(weights[row]);
        }
    }

    @Test
    void eightBitsKeepEveryWeightWithinHalfAStep() {
        float[][] weights = random(33, 70);
        Matrix matrix = pack(Form.Q8, weights);
        for (int row = 0; row < 33; row++) {
            float[] read = new float[70];
            matrix.readRow(row, read, 0);
            for (int column = 0; column < 70; column++) {
                assertThat(read[column]).isCloseTo(weights[row][column], within(1f / 254 + 1e-6f));
            }
        }
    }

    @Test
    void fourBitQuantsComeBackWithTheirScaleAndMinimum() {
        MatrixPacker packer = new MatrixPacker(Form.Q4, 18, 64);
        byte[] quants = new byte[32];
        for (int i = 0; i < 32; i++) {
            quants[i] = (byte) (i % 16);
        }
        packer.putQ4(17, 1, Half.fromFloat(0.5f), Half.fromFloat(-3), quants);
        float[] row = new float[64];
        packer.matrix().readRow(17, row, 0);
        for (int i = 0; i < 32; i++) {
            assertThat(row[i]).isZero();
            assertThat(row[32 + i]).isEqualTo(0.5f * (i % 16) - 3);
        }
    }

    @Test
    void prefixesAreTheSameMemory() {
        float[][] weights = random(50, 130);
        Matrix matrix = pack(Form.F32, weights);
        Matrix corner = matrix.firstRows(19).firstColumns(41);
        assertThat(corner.panelBlocks()).isEqualTo(matrix.panelBlocks());
        float[] row = new float[41];
        corner.readRow(18, row, 0);
        for (int column = 0; column < 41; column++) {
            assertThat(row[column]).isEqualTo(weights[18][column]);
        }
    }

    @Test
    void aMatrixThatItsMemoryCannotHoldIsRefused() {
        assertThatThrownBy(() -> new Matrix(Form.Q8, 17, 32, 1, ByteBuffer.allocate(Form.Q8.blockBytes)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Matrix.packedBytes(Form.F32, 1 << 20, 1 << 20)).isInstanceOf(ArithmeticException.class);
    }

    private static float[][] random(int rows, int columns) {
        Random random = new Random(rows * 31L + columns);
        float[][] weights = new float[rows][columns];
        for (float[] row : weights) {
            for (int i = 0; i < columns; i++) {
                row[i] = 2 * random.nextFloat() - 1;
            }
        }
        return weights;
    }

    private static Matrix pack(Form form, float[][] weights) {
        int columns = weights[0].length;
        MatrixPacker packer = new MatrixPacker(form, weights.length, columns);
        float[] block = new float[32];
        for (int row = 0; row < weights.length; row++) {
            for (int b = 0; b < Matrix.blocks(columns); b++) {
                for (int i = 0; i < 32; i++) {
                    block[i] = b * 32 + i < columns ? weights[row][b * 32 + i] : 0;
                }
                packer.putFloats(row, b, block);
            }
        }
        return packer.matrix();
    }
}
