package elms.kernels.jdk;

import elms.kernels.Form;
import elms.kernels.Half;
import elms.kernels.KeyValues;
import elms.kernels.Matrix;
import elms.kernels.MatrixPacker;
import java.util.Random;

/** Seeded inputs for parity tests. */
final class RandomData {
    private final Random random;

    RandomData(long seed) {
        random = new Random(seed);
    }

    float[] floats(int count, float scale) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian() * scale;
        }
        return values;
    }

    /**
     * Rows of numbers that rounding to 8 bits leaves as they are, so that providers that round can be held to the same results
     * as those that do not: whole multiples, of which the largest is 127, of a step that differs from block to block.
     */
    float[] activations(int tokens, int columns, float scale) {
        float[] values = new float[tokens * columns];
        for (int token = 0; token < tokens; token++) {
            for (int from = 0; from < columns; from += Matrix.BLOCK_COLUMNS) {
                int count = Math.min(Matrix.BLOCK_COLUMNS, columns - from);
                float step = scale * (float) Math.pow(2, random.nextInt(4) - 6);
                for (int i = 0; i < count; i++) {
                    values[token * columns + from + i] = step * (random.nextInt(255) - 127);
                }
                values[token * columns + from + random.nextInt(count)] = step * (random.nextBoolean() ? 127 : -127);
            }
        }
        return values;
    }

    /** Every quant value occurs, scales of both signs and sizes, some zero. */
    Matrix matrix(Form form, int rows, int columns) {
        MatrixPacker packer = new MatrixPacker(form, rows, columns);
        byte[] quants = new byte[32];
        for (int row = 0; row < rows; row++) {
            for (int block = 0; block < Matrix.blocks(columns); block++) {
                float scale = random.nextInt(10) == 0 ? random.nextInt(3) * 1e-5f : (float) (random.nextGaussian() * Math.pow(2, random.nextInt(6) - 6));
                for (int i = 0; i < 32; i++) {
                    quants[i] = (byte) (form == Form.Q4 ? random.nextInt(16) : random.nextInt(256) - 128);
                }
                switch (form) {
                    case Q4 -> packer.putQ4(row, block, Half.fromFloat(scale), Half.fromFloat(-7.3f * scale), quants);
                    case Q8 -> packer.putQ8(row, block, Half.fromFloat(scale / 16), quants);
                    case F32 -> packer.putFloats(row, block, floats(32, scale));
                }
            }
        }
        return packer.matrix();
    }

    /** Fills caches with the same keys and values, which half-precision holds exactly. */
    void fill(int positions, KeyValues... caches) {
        int floats = positions * caches[0].heads() * caches[0].headDim();
        float[] keys = halves(floats);
        float[] values = halves(floats);
        for (KeyValues cache : caches) {
            cache.append(keys, values, positions);
        }
    }

    private float[] halves(int count) {
        float[] values = floats(count, 1);
        for (int i = 0; i < count; i++) {
            values[i] = Half.toFloat(Half.fromFloat(values[i]));
        }
        return values;
    }
}
