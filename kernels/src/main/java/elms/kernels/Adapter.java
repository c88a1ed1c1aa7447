package elms.kernels;

import java.util.Arrays;

/**
 * A small correction beside a big matrix: up · down · x + bias, a matrix of low rank (LoRA: Hu et al., arXiv 2106.09685). Its
 * weights are signed bytes with one scale a rank, in panels of 16 rows whose columns follow each other: byte 16·column + row of a
 * panel. So a smaller rank, and fewer columns of {@code down}, are the same memory seen through smaller numbers.
 *
 * @param rank rows of the matrix between that are used
 * @param columns how many numbers it reads
 * @param down panels of ranks, with room for as many columns or more
 * @param up panels of outputs, with room for as many ranks or more
 * @param scales what the sum over {@code columns} is multiplied by, one number a rank, those beyond {@code rank} included
 * @param bias one number an output
 */
public record Adapter(int rank, int columns, byte[] down, byte[] up, float[] scales, float[] bias) {
    public static final int PANEL = 16;

    public Adapter {
        if (rank > scales.length || (long) panels(rank) * columns * PANEL > down.length
                || (long) panels(bias.length) * scales.length * PANEL != up.length) {
            throw new IllegalArgumentException("no adapter of rank " + rank + " from " + columns + " to " + bias.length + " numbers in "
                    + down.length + " and " + up.length + " bytes");
        }
    }

    /** A bias alone. */
    public static Adapter ofBias(float[] bias) {
        return new Adapter(0, 0, new byte[0], new byte[0], new float[0], bias);
    }

    /** Rounds two matrices to bytes. */
    public static Adapter of(float[][] down, float[][] upTransposed, float[] bias) {
        int rank = down.length;
        int columns = down[0].length;
        byte[] downBytes = new byte[panels(rank) * columns * PANEL];
        byte[] upBytes = new byte[panels(bias.length) * rank * PANEL];
        float[] scales = new float[rank];
        for (int k = 0; k < rank; k++) {
            float downScale = largest(down[k]) / Byte.MAX_VALUE;
            float upScale = largest(upTransposed[k]) / Byte.MAX_VALUE;
            for (int column = 0; column < columns; column++) {
                downBytes[(k / PANEL * columns + column) * PANEL + k % PANEL] = rounded(down[k][column], downScale);
            }
            for (int row = 0; row < bias.length; row++) {
                upBytes[(row / PANEL * rank + k) * PANEL + row % PANEL] = rounded(upTransposed[k][row], upScale);
            }
            scales[k] = downScale * upScale;
        }
        return new Adapter(rank, columns, downBytes, upBytes, scales, bias);
    }

    /** The part of it that a level uses. */
    public Adapter view(int smallerRank, int fewerColumns, float[] otherBias) {
        return fewerColumns == 0 ? ofBias(otherBias) : new Adapter(smallerRank, fewerColumns, down, up, scales, otherBias);
    }

    /** Columns from one panel of {@code down} to the next. */
    public int downStride() {
        return scales.length == 0 ? 0 : down.length / PANEL / panels(scales.length);
    }

    /** y[t] += up · down · x[t] + bias for tokens {@code [first, last)}, as it is written. */
    public void apply(float[] x, int first, int last, float[] y) {
        float[] inner = new float[panels(rank) * PANEL];
        float[] sums = new float[PANEL];
        for (int token = first; token < last; token++) {
            for (int panel = 0; panel < panels(rank); panel++) {
                Arrays.fill(sums, 0);
                for (int column = 0; column < columns; column++) {
                    addTimes(x[token * columns + column], down, (panel * downStride() + column) * PANEL, sums);
                }
                System.arraycopy(sums, 0, inner, panel * PANEL, PANEL);
            }
            for (int row = 0; row < bias.length; row += PANEL) {
                Arrays.fill(sums, 0);
                for (int k = 0; k < rank; k++) {
                    addTimes(inner[k] * scales[k], up, (row / PANEL * scales.length + k) * PANEL, sums);
                }
                for (int lane = 0; lane < Math.min(PANEL, bias.length - row); lane++) {
                    y[token * bias.length + row + lane] += sums[lane] + bias[row + lane];
                }
            }
        }
    }

    private static void addTimes(float factor, byte[] weights, int at, float[] sums) {
        for (int lane = 0; lane < PANEL; lane++) {
            sums[lane] += factor * weights[at + lane];
        }
    }

    /** Bytes that a step reads. */
    public long bytes() {
        return (long) panels(rank) * columns * PANEL + (long) panels(bias.length) * rank * PANEL + (long) bias.length * Float.BYTES;
    }

    public static int panels(int rows) {
        return (rows + PANEL - 1) / PANEL;
    }

    private static float largest(float[] values) {
        float largest = 0;
        for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }

    private static byte rounded(float value, float scale) {
        return scale == 0 ? 0 : (byte) Math.round(value / scale);
    }
}
