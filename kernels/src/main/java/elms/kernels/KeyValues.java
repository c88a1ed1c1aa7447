package elms.kernels;

import java.util.ArrayList;
import java.util.List;

/**
 * Keys and values of one layer, for all its key/value heads, in pages of {@value #PAGE} positions. Pages are added as they
 * are needed. Both halves are laid out as a matrix multiplication reads its weights, 16 lanes wide:
 *
 * <ul>
 *   <li>keys: {@code [head][position / 16][headDim][16 positions]}, so that 16 scores are computed side by side
 *   <li>values: {@code [head][dim / 16][PAGE positions][16 dims]}, so that 16 outputs are
 * </ul>
 */
public final class KeyValues {
    /** Positions in a page. Attention is summed page by page, in this order at any batch size. */
    public static final int PAGE = 128;

    private static final int LANES = 16;

    private final int heads;
    private final int headDim;
    private final int valuePanels;
    private final List<float[]> keys = new ArrayList<>();
    private final List<float[]> values = new ArrayList<>();
    private int length;

    public KeyValues(int heads, int headDim) {
        this.heads = heads;
        this.headDim = headDim;
        this.valuePanels = (headDim + LANES - 1) / LANES;
    }

    public int heads() {
        return heads;
    }

    public int headDim() {
        return headDim;
    }

    /** Positions stored. */
    public int length() {
        return length;
    }

    /** Appends rows of heads · headDim floats, one a position. */
    public void append(float[] newKeys, float[] newValues, int tokens) {
        for (int token = 0; token < tokens; token++) {
            if (length == keys.size() * PAGE) {
                keys.add(new float[heads * PAGE * headDim]);
                values.add(new float[heads * PAGE * LANES * valuePanels]);
            }
            int position = length % PAGE;
            float[] keyPage = keys.get(length / PAGE);
            float[] valuePage = values.get(length / PAGE);
            for (int head = 0; head < heads; head++) {
                int from = (token * heads + head) * headDim;
                int key = keyPanel(head, position / LANES) + position % LANES;
                for (int d = 0; d < headDim; d++) {
                    keyPage[key + d * LANES] = newKeys[from + d];
                    valuePage[valuePanel(head, d / LANES) + position * LANES + d % LANES] = newValues[from + d];
                }
            }
            length++;
        }
    }

    /** Forgets the positions from {@code newLength} on. */
    public void truncate(int newLength) {
        if (newLength < 0 || newLength > length) {
            throw new IllegalArgumentException("cannot truncate " + length + " positions to " + newLength);
        }
        length = newLength;
    }

    public int pages() {
        return (length + PAGE - 1) / PAGE;
    }

    public float[] keys(int page) {
        return keys.get(page);
    }

    public float[] values(int page) {
        return values.get(page);
    }

    /** Where in a key page the 16 positions {@code 16·panel ...} of a head begin: {@code [headDim][16]}. */
    public int keyPanel(int head, int panel) {
        return (head * (PAGE / LANES) + panel) * headDim * LANES;
    }

    /** Where in a value page the dimensions {@code 16·panel ...} of a head begin: {@code [PAGE][16]}. */
    public int valuePanel(int head, int panel) {
        return (head * valuePanels + panel) * PAGE * LANES;
    }
}
