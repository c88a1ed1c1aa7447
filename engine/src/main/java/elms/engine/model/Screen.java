package elms.engine.model;

import elms.kernels.Form;
import elms.kernels.Matrix;
import elms.kernels.MatrixPacker;
import java.util.stream.IntStream;

/**
 * A small output head that finds the candidates for a next token, whose exact scores then come from the real one: the hidden
 * state in the few directions that hold nearly all of its energy, and the words as seen from there. (A cheaper head for drafts:
 * compare FR-Spec, Zhao et al., arXiv 2502.14856, which leaves rare words out.)
 *
 * @param basis the directions, rows of the model's width
 * @param rows one row a token of the vocabulary, one column a direction
 */
public record Screen(Matrix basis, Matrix rows) {
    /** Panels of the real head that get exact scores. All of the best so many words are among them. */
    public static final int CANDIDATE_PANELS = 256;
    static final int CANDIDATE_ROWS = CANDIDATE_PANELS * Matrix.PANEL_ROWS;

    static final String BASIS = "screen.basis";
    static final String ROWS = "screen.rows";

    /**
     * The screen of an output head.
     *
     * @param directions orthonormal, one a row
     */
    static Screen of(Matrix output, float[][] directions) {
        int width = output.columns();
        MatrixPacker basis = new MatrixPacker(Form.F32, directions.length, width);
        for (int row = 0; row < directions.length; row++) {
            basis.putRow(row, directions[row]);
        }
        float[][] byColumn = new float[width][directions.length];
        for (int column = 0; column < width; column++) {
            for (int row = 0; row < directions.length; row++) {
                byColumn[column][row] = directions[row][column];
            }
        }
        MatrixPacker rows = new MatrixPacker(Form.Q4, output.rows(), directions.length);
        IntStream.range(0, output.panels()).parallel().forEach(panel -> {
            float[] word = new float[width];
            int first = panel * Matrix.PANEL_ROWS;
            for (int row = first; row < Math.min(first + Matrix.PANEL_ROWS, output.rows()); row++) {
                output.readRow(row, word, 0);
                rows.putRow(row, projected(word, byColumn));
            }
        });
        return new Screen(basis.matrix(), rows.matrix());
    }

    /** Weights of the screen and of the candidates' rows; those of the screen have half the bits of the head's. */
    static long headWeights(ModelConfig config, int directions) {
        return (long) directions * (config.width() + config.vocabulary() / 2) + (long) CANDIDATE_ROWS * config.width();
    }

    /** Bytes that a step reads of it. */
    long bytes() {
        return basis.bytes() + rows.bytes();
    }

    private static float[] projected(float[] word, float[][] byColumn) {
        float[] sums = new float[byColumn[0].length];
        for (int column = 0; column < word.length; column++) {
            float[] directions = byColumn[column];
            for (int i = 0; i < sums.length; i++) {
                sums[i] += word[column] * directions[i];
            }
        }
        return sums;
    }
}
