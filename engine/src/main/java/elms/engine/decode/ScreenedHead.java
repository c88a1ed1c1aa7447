package elms.engine.decode;

import static elms.engine.model.Screen.CANDIDATE_PANELS;

import elms.engine.model.Screen;
import elms.engine.model.Weights;
import elms.kernels.Kernels;
import elms.kernels.Kernels.Product;
import elms.kernels.Matrix;
import java.util.Arrays;
import java.util.BitSet;

/** Exact scores of the words that a {@link Screen} finds most likely, in less than half of the whole head's time. */
final class ScreenedHead {
    private final Screen screen;
    private final Matrix output;
    private final Kernels kernels;
    private final float[] best;
    private float[] directions = {};
    private float[] rough = {};

    ScreenedHead(Weights weights, Screen screen, Kernels kernels) {
        this.screen = screen;
        this.output = weights.output();
        this.kernels = kernels;
        best = new float[output.panels()];
    }

    /** Writes a row of scores for each row of hidden: the exact ones of the candidates, minus infinity for all others. */
    void score(float[] hidden, int count, float[] scores) {
        int vocabulary = output.rows();
        if (rough.length < count * vocabulary) {
            directions = new float[count * screen.basis().rows()];
            rough = new float[count * vocabulary];
        }
        kernels.matmul(hidden, count, new Product(screen.basis(), directions));
        kernels.matmul(directions, count, new Product(screen.rows(), rough));
        Arrays.fill(scores, 0, count * vocabulary, Float.NEGATIVE_INFINITY);
        if (count == 1) {
            kernels.matmul(hidden, output, candidates(0), scores);
            return;
        }
        float[] exact = new float[vocabulary];
        for (int row = 0; row < count; row++) {
            Arrays.fill(exact, Float.NEGATIVE_INFINITY);
            float[] own = Arrays.copyOfRange(hidden, row * output.columns(), (row + 1) * output.columns());
            kernels.matmul(own, output, candidates(row * vocabulary), exact);
            System.arraycopy(exact, 0, scores, row * vocabulary, vocabulary);
        }
    }

    /** The panels whose best word has the highest rough score; {@code first} is where a row's scores begin. */
    private BitSet candidates(int first) {
        kernels.largestOfPanels(rough, first, output.rows(), best);
        float least = best.length <= CANDIDATE_PANELS ? Float.NEGATIVE_INFINITY : largest(best.clone(), CANDIDATE_PANELS);
        BitSet panels = new BitSet(best.length);
        for (int panel = 0; panel < best.length; panel++) {
            if (best[panel] >= least) {
                panels.set(panel);
            }
        }
        return panels;
    }

    /** The {@code rank}-th largest of some numbers, which change places (quickselect: Hoare, 1961). */
    static float largest(float[] numbers, int rank) {
        int from = 0;
        int to = numbers.length - 1;
        while (from < to) {
            float pivot = numbers[(from + to) >>> 1];
            int left = from;
            int right = to;
            while (left <= right) {
                while (numbers[left] > pivot) {
                    left++;
                }
                while (numbers[right] < pivot) {
                    right--;
                }
                if (left <= right) {
                    float swapped = numbers[left];
                    numbers[left++] = numbers[right];
                    numbers[right--] = swapped;
                }
            }
            if (rank - 1 <= right) {
                to = right;
            } else if (rank - 1 >= left) {
                from = left;
            } else {
                break;
            }
        }
        return numbers[rank - 1];
    }
}
