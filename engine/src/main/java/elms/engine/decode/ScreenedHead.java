package elms.engine.decode;

import static elms.engine.model.Screen.CANDIDATE_PANELS;
import static elms.kernels.Matrix.PANEL_ROWS;

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
    private final float[] directions;
    private final float[] rough;
    private final float[] best;

    ScreenedHead(Weights weights, Screen screen, Kernels kernels) {
        this.screen = screen;
        this.output = weights.output();
        this.kernels = kernels;
        directions = new float[screen.basis().rows()];
        rough = new float[output.rows()];
        best = new float[output.panels()];
    }

    /** Writes the exact scores of the candidates to {@code scores}, and to all others minus infinity. */
    void score(float[] hidden, float[] scores) {
        kernels.matmul(hidden, 1, new Product(screen.basis(), directions));
        kernels.matmul(directions, 1, new Product(screen.rows(), rough));
        Arrays.fill(scores, Float.NEGATIVE_INFINITY);
        kernels.matmul(hidden, output, candidates(), scores);
    }

    /** The panels whose best word has the highest rough score. */
    private BitSet candidates() {
        for (int panel = 0; panel < best.length; panel++) {
            float largest = Float.NEGATIVE_INFINITY;
            for (int row = panel * PANEL_ROWS; row < Math.min((panel + 1) * PANEL_ROWS, rough.length); row++) {
                largest = Math.max(largest, rough[row]);
            }
            best[panel] = largest;
        }
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
