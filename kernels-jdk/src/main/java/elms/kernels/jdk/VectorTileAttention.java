package elms.kernels.jdk;

import static elms.kernels.KeyValues.PAGE;
import static elms.kernels.Matrix.PANEL_ROWS;
import static elms.kernels.jdk.Lanes.COUNT;
import static elms.kernels.jdk.Lanes.FLOAT;

import elms.kernels.FloatKeyValues;
import elms.kernels.KeyValues;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Scores and weighted values of a page as two small multiplications ({@link Tile}), with one worker's memory. */
final class VectorTileAttention implements TileAttention {
    private static final int ROWS = 8;
    private static final int LARGEST = 0;
    private static final int SUM = ROWS;
    private static final int WEIGHTED = 2 * ROWS;
    private static final int PANELS = PAGE / PANEL_ROWS;
    /** Rows that wait for memory, not for arithmetic. */
    private static final int FEW = 4;
    /** Floats in a cache line. */
    private static final int CACHE_LINE = 16;

    private final float[] scores = new float[PANELS * ROWS * PANEL_ROWS];
    private final float[] weights = new float[ROWS * PAGE];
    private float[] rows = {};
    /** What {@link #fetch} read, kept so that it is not optimised away. */
    private float fetched;

    @Override
    public int rows() {
        return ROWS;
    }

    @Override
    public void attend(TilePage at, TilePage next, float[] part) {
        AttentionTile tile = at.tile();
        int page = at.page();
        FloatKeyValues cache = (FloatKeyValues) tile.cache();
        int headDim = cache.headDim();
        int count = tile.count();
        int padded = 4 * Math.ceilDiv(count, 4);
        gather(tile, headDim, count);
        int positions = Math.max(0, Math.min(PAGE, tile.visible(count - 1) - page * PAGE));
        int panels = 2 * Math.ceilDiv(positions, 2 * PANEL_ROWS);
        Arrays.fill(scores, 0, panels * ROWS * PANEL_ROWS, 0f);
        if (padded <= FEW) {
            fetch(cache.keys(page), cache.keyPanel(tile.kvHead(), 0), panels * headDim * PANEL_ROWS);
        }
        Tile.multiply(cache.keys(page), cache.keyPanel(tile.kvHead(), 0), headDim * PANEL_ROWS, panels, headDim,
                rows, 0, headDim, padded, scores, 0, ROWS * PANEL_ROWS);
        for (int row = 0; row < count; row++) {
            softmax(row, Math.min(positions, tile.visible(row) - page * PAGE), panels, part);
        }
        Arrays.fill(part, WEIGHTED, part.length, 0f);
        if (padded <= FEW) {
            fetch(cache.values(page), cache.valuePanel(tile.kvHead(), 0), KeyValues.panels(headDim) * PAGE * PANEL_ROWS);
        }
        Tile.multiply(cache.values(page), cache.valuePanel(tile.kvHead(), 0), PAGE * PANEL_ROWS,
                Math.ceilDiv(headDim, PANEL_ROWS), positions, weights, 0, PAGE, padded, part, WEIGHTED, ROWS * PANEL_ROWS);
    }

    /** Reads a number of each cache line. Close behind each other, many such reads wait for memory at once. */
    private void fetch(float[] x, int at, int count) {
        float a = 0;
        float b = 0;
        for (int i = at; i < at + count; i += 2 * CACHE_LINE) {
            a += x[i];
            b += x[i + CACHE_LINE];
        }
        fetched = a + b;
    }

    /** Puts the scaled queries of a tile beside each other. */
    private void gather(AttentionTile tile, int headDim, int count) {
        if (rows.length != ROWS * headDim) {
            rows = new float[ROWS * headDim];
        }
        float scale = (float) (1 / Math.sqrt(headDim));
        for (int row = 0; row < count; row++) {
            int at = tile.at(row);
            for (int d = 0; d < headDim; d++) {
                rows[row * headDim + d] = tile.queries()[at + d] * scale;
            }
        }
    }

    /** weights = exp(score - largest) of the first {@code positions}, zero behind them. */
    private void softmax(int row, int positions, int panels, float[] part) {
        if (positions <= 0) {
            Arrays.fill(weights, row * PAGE, row * PAGE + panels * PANEL_ROWS, 0f);
            part[LARGEST + row] = Float.NEGATIVE_INFINITY;
            part[SUM + row] = 0;
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
        part[LARGEST + row] = largest;
        part[SUM + row] = Lanes.sum(sum);
    }

    private FloatVector scores(int row, int position, int positions) {
        int at = (position / PANEL_ROWS * ROWS + row) * PANEL_ROWS + position % PANEL_ROWS;
        return FloatVector.fromArray(FLOAT, scores, at)
                .blend(Float.NEGATIVE_INFINITY, FLOAT.indexInRange(position, positions).not());
    }

    @Override
    public void join(AttentionTile tile, float[] part, float[] next) {
        for (int row = 0; row < tile.count(); row++) {
            if (next[SUM + row] > 0) {
                joinRow(part, next, row);
            }
        }
    }

    private static void joinRow(float[] part, float[] next, int row) {
        float top = Math.max(part[LARGEST + row], next[LARGEST + row]);
        float old = (float) Math.exp(part[LARGEST + row] - top);
        float fresh = (float) Math.exp(next[LARGEST + row] - top);
        part[LARGEST + row] = top;
        part[SUM + row] = part[SUM + row] * old + next[SUM + row] * fresh;
        for (int at = WEIGHTED + row * PANEL_ROWS; at < part.length; at += ROWS * PANEL_ROWS) {
            for (int lane = 0; lane < PANEL_ROWS; lane++) {
                part[at + lane] = part[at + lane] * old + next[at + lane] * fresh;
            }
        }
    }

    @Override
    public void finish(AttentionTile tile, float[] part, float[] out) {
        int headDim = tile.cache().headDim();
        for (int row = 0; row < tile.count(); row++) {
            float inverse = 1 / part[SUM + row];
            for (int d = 0; d < headDim; d += PANEL_ROWS) {
                int from = WEIGHTED + (d / PANEL_ROWS * ROWS + row) * PANEL_ROWS;
                int to = tile.at(row) + d;
                for (int lane = 0; lane < Math.min(PANEL_ROWS, headDim - d); lane++) {
                    out[to + lane] = part[from + lane] * inverse;
                }
            }
        }
    }
}
