package elms.kernels.jdk;

import static elms.kernels.Matrix.PANEL_ROWS;

import elms.kernels.KeyValues;

/**
 * Computes attention tile by tile and page by page. What a page contributes to a tile, softmax numerators not yet divided by
 * their sum, is a part: an array of the largest score of each row, the sum of its weights, and its weighted values
 * {@code [dim / 16][rows][16]}.
 */
interface TileAttention {
    /** Rows of a tile. */
    int rows();

    /** Floats of a part, which may be computed two panels at a time. */
    default int partLength(KeyValues cache) {
        int panels = KeyValues.panels(cache.headDim());
        return rows() * (2 + Math.ceilDiv(panels, 2) * 2 * PANEL_ROWS);
    }

    /**
     * Attention of all rows of a tile to the positions of one page.
     *
     * @param next what the same worker attends to after it, which may be fetched meanwhile; the same once more, if nothing
     */
    void attend(TilePage at, TilePage next, float[] part);

    /** Adds the part of a later page to {@code part} (online softmax: Milakov and Gimelshein, arXiv 1805.02867). */
    void join(AttentionTile tile, float[] part, float[] next);

    /** Divides and writes the rows to where their queries are in the query array. */
    void finish(AttentionTile tile, float[] part, float[] out);
}
