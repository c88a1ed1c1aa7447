package elms.kernels.jdk;

import static elms.kernels.KeyValues.PAGE;
import static elms.kernels.Matrix.PANEL_ROWS;
import static elms.kernels.jdk.Lanes.COUNT;
import static elms.kernels.jdk.Lanes.FLOAT;

import elms.kernels.KeyValues;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Up to eight (token, query head) pairs that read the same key/value head, and one worker's memory to compute them in.
 * Scores and weighted values of a page are two small multiplications ({@link Tile}).
 */
final class AttentionTile {
    static final int ROWS = 8;
    private static final int PANELS = PAGE / PANEL_ROWS;

    /** Attention of a tile's rows to some positions: softmax numerators summed, not yet divided. */
    static final class Part {
        private final float[] largest = new float[ROWS];
        private final float[] sum = new float[ROWS];
        /** {@code [dim / 16][row][16]}. */
        private float[] weighted = {};

        /** Adds a later part to this one (online softmax: Milakov and Gimelshein, arXiv 1805.02867). */
        void join(Part next, boolean first) {
            if (first) {
                weighted = weighted.length == next.weighted.length ? weighted : new float[next.weighted.length];
                System.arraycopy(next.weighted, 0, weighted, 0, weighted.length);
                System.arraycopy(next.largest, 0, largest, 0, ROWS);
                System.arraycopy(next.sum, 0, sum, 0, ROWS);
                return;
            }
            for (int row = 0; row < ROWS; row++) {
                if (next.sum[row] > 0) {
                    joinRow(next, row);
                }
            }
        }

        private void joinRow(Part next, int row) {
            float top = Math.max(largest[row], next.largest[row]);
            float old = (float) Math.exp(largest[row] - top);
            float fresh = (float) Math.exp(next.largest[row] - top);
            largest[row] = top;
            sum[row] = sum[row] * old + next.sum[row] * fresh;
            for (int at = row * PANEL_ROWS; at < weighted.length; at += ROWS * PANEL_ROWS) {
                for (int lane = 0; lane < PANEL_ROWS; lane++) {
                    weighted[at + lane] = weighted[at + lane] * old + next.weighted[at + lane] * fresh;
                }
            }
        }
    }

    final Part part = new Part();
    private final float[] scores = new float[PANELS * ROWS * PANEL_ROWS];
    private final float[] weights = new float[ROWS * PAGE];
    private final int[] queryAt = new int[ROWS];
    private final int[] visible = new int[ROWS];
    private float[] rows = {};
    private KeyValues cache;
    private int kvHead;
    private int count;

    /** Takes rows {@code from ...} of those that a key/value head serves: token by token, head by head. */
    void begin(float[] queries, int tokens, int queryHeads, int kvHead, int[] heads, int from, KeyValues cache) {
        this.cache = cache;
        this.kvHead = kvHead;
        int headDim = cache.headDim();
        if (rows.length != ROWS * headDim) {
            rows = new float[ROWS * headDim];
        }
        float scale = (float) (1 / Math.sqrt(headDim));
        count = Math.min(ROWS, tokens * heads.length - from);
        for (int row = 0; row < count; row++) {
            int token = (from + row) / heads.length;
            queryAt[row] = (token * queryHeads + heads[(from + row) % heads.length]) * headDim;
            visible[row] = cache.length() - tokens + token + 1;
            for (int d = 0; d < headDim; d++) {
                rows[row * headDim + d] = queries[queryAt[row] + d] * scale;
            }
        }
    }

    /** Pages that the last row sees. */
    int pages() {
        return Math.ceilDiv(visible[count - 1], PAGE);
    }

    /** Attention of all rows to the positions of one page. */
    void compute(int page, Part result) {
        int headDim = cache.headDim();
        int positions = Math.max(0, Math.min(PAGE, visible[count - 1] - page * PAGE));
        int panels = 2 * Math.ceilDiv(positions, 2 * PANEL_ROWS);
        int padded = 4 * Math.ceilDiv(count, 4);
        Arrays.fill(scores, 0, panels * ROWS * PANEL_ROWS, 0f);
        Tile.multiply(cache.keys(page), cache.keyPanel(kvHead, 0), headDim * PANEL_ROWS, panels, headDim,
                rows, 0, headDim, padded, scores, 0, ROWS * PANEL_ROWS);
        for (int row = 0; row < count; row++) {
            softmax(row, Math.min(positions, visible[row] - page * PAGE), panels, result);
        }
        int dimPanels = Math.ceilDiv(headDim, PANEL_ROWS);
        if (result.weighted.length != dimPanels * ROWS * PANEL_ROWS) {
            result.weighted = new float[dimPanels * ROWS * PANEL_ROWS];
        } else {
            Arrays.fill(result.weighted, 0f);
        }
        Tile.multiply(cache.values(page), cache.valuePanel(kvHead, 0), PAGE * PANEL_ROWS, dimPanels, positions,
                weights, 0, PAGE, padded, result.weighted, 0, ROWS * PANEL_ROWS);
    }

    /** weights = exp(score - largest) of the first {@code positions}, zero behind them. */
    private void softmax(int row, int positions, int panels, Part result) {
        if (positions <= 0) {
            Arrays.fill(weights, row * PAGE, row * PAGE + panels * PANEL_ROWS, 0f);
            result.largest[row] = Float.NEGATIVE_INFINITY;
            result.sum[row] = 0;
            return;
        }
        FloatVector top = FloatVector.broadcast(FLOAT, Float.NEGATIVE_INFINITY);
        for (int position = 0; position < panels * PANEL_ROWS; position += COUNT) {
            top = top.max(scores(row, position, positions));
        }
        float largest = top.reduceLanes(VectorOperators.MAX);
        FloatVector sum = FloatVector.zero(FLOAT);
        for (int position = 0; position < panels * PANEL_ROWS; position += COUNT) {
            FloatVector weight = Lanes.exp(scores(row, position, positions).sub(largest));
            weight.intoArray(weights, row * PAGE + position);
            sum = sum.add(weight);
        }
        result.largest[row] = largest;
        result.sum[row] = Lanes.sum(sum);
    }

    private FloatVector scores(int row, int position, int positions) {
        int at = (position / PANEL_ROWS * ROWS + row) * PANEL_ROWS + position % PANEL_ROWS;
        return FloatVector.fromArray(FLOAT, scores, at)
                .blend(Float.NEGATIVE_INFINITY, FLOAT.indexInRange(position, positions).not());
    }

    /** Divides and writes the rows to where their queries are in the query array. */
    void write(Part result, float[] out) {
        int headDim = cache.headDim();
        for (int row = 0; row < count; row++) {
            for (int d = 0; d < headDim; d++) {
                float weighted = result.weighted[(d / PANEL_ROWS * ROWS + row) * PANEL_ROWS + d % PANEL_ROWS];
                out[queryAt[row] + d] = weighted / result.sum[row];
            }
        }
    }
}
