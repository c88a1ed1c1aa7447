package elms.kernels.jdk;

import static elms.kernels.jdk.Lanes.COUNT;
import static elms.kernels.jdk.Lanes.FLOAT;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Activations as they are multiplied: a single token's as they are; of several, the even columns of a row before the odd ones, both
 * filled up with zeros to the same even number. {@link Tile} reads six rows faster where they are interleaved, {@code [column][6]};
 * rows that are left follow one after the other.
 *
 * @param floats all rows
 * @param rows how many, one a token
 * @param row floats of a row
 * @param interleaved how many of the first rows are interleaved, a multiple of six
 */
record Activations(float[] floats, int rows, int row, int interleaved) {
    /** Rows that are interleaved: with two panels their sums fill half of 32 registers, which leaves room for what is read ahead. */
    static final int TOGETHER = 6;

    /** Takes every second lane, twice over. */
    private static final VectorShuffle<Float> EVEN_LANES = VectorShuffle.fromOp(FLOAT, lane -> 2 * lane % COUNT);
    private static final VectorShuffle<Float> ODD_LANES = VectorShuffle.fromOp(FLOAT, lane -> (2 * lane + 1) % COUNT);
    private static final VectorMask<Float> UPPER = VectorMask.fromLong(FLOAT, -1L << COUNT / 2);

    /** One token. */
    static Activations of(float[] x, int columns) {
        return new Activations(x, 1, columns, 0);
    }

    /** Room for several tokens, in {@code memory} if that is large enough. */
    static Activations room(float[] memory, int tokens, int columns) {
        int row = (columns + 3) / 4 * 4;
        float[] floats = memory.length < tokens * row ? new float[tokens * row] : memory;
        return new Activations(floats, tokens, row, Tile.MANY_REGISTERS ? tokens - tokens % TOGETHER : 0);
    }

    /** Where the odd columns of a row begin. */
    int odd() {
        return row / 2;
    }

    /** Where an activation is, the first of six if its row is interleaved. */
    int at(int row, int column) {
        return row * this.row + (row < interleaved ? TOGETHER : 1) * column;
    }

    /** Copies tokens {@code [first, last)} of x to their places; both are multiples of six, or the last is the end. */
    void put(float[] x, int columns, int first, int last) {
        int token = first;
        for (; token < Math.min(last, interleaved); token += TOGETHER) {
            interleave(x, token * columns, columns, at(token, 0));
        }
        for (; token < last; token++) {
            separate(x, token * columns, columns, at(token, 0));
        }
    }

    private void interleave(float[] x, int from, int columns, int to) {
        for (int column = 0; column < row; column++) {
            int at = to + TOGETHER * (column % 2 * odd() + column / 2);
            for (int i = 0; i < TOGETHER; i++) {
                floats[at + i] = column < columns ? x[from + i * columns + column] : 0;
            }
        }
    }

    private void separate(float[] x, int from, int columns, int to) {
        Arrays.fill(floats, to, to + row, 0f);
        int column = 0;
        for (; column + 2 * COUNT <= columns; column += 2 * COUNT) {
            FloatVector low = FloatVector.fromArray(FLOAT, x, from + column);
            FloatVector high = FloatVector.fromArray(FLOAT, x, from + column + COUNT);
            int at = to + column / 2;
            low.rearrange(EVEN_LANES).blend(high.rearrange(EVEN_LANES), UPPER).intoArray(floats, at);
            low.rearrange(ODD_LANES).blend(high.rearrange(ODD_LANES), UPPER).intoArray(floats, at + odd());
        }
        for (; column < columns; column++) {
            floats[to + column % 2 * odd() + column / 2] = x[from + column];
        }
    }
}
