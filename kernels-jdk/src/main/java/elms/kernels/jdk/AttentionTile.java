package elms.kernels.jdk;

import static elms.kernels.KeyValues.PAGE;

import elms.kernels.KeyValues;

/**
 * Up to {@value #ROWS} rows of attention, (token, query head) pairs that read the same key/value head: of all that it serves,
 * token by token and head by head, those from {@code from} on.
 *
 * @param queries one row of queryHeads · headDim floats a token
 * @param heads the query heads that read the key/value head
 */
record AttentionTile(float[] queries, int tokens, int queryHeads, int kvHead, int[] heads, int from, KeyValues cache) {
    static final int ROWS = 8;

    /** Rows of this tile. */
    int count() {
        return Math.min(ROWS, tokens * heads.length - from);
    }

    /** Where a row's query is, and its result goes. */
    int at(int row) {
        return ((from + row) / heads.length * queryHeads + heads[(from + row) % heads.length]) * cache.headDim();
    }

    /** Positions that a row sees. */
    int visible(int row) {
        return cache.length() - tokens + (from + row) / heads.length + 1;
    }

    /** Pages that the last row sees. */
    int pages() {
        return Math.ceilDiv(visible(count() - 1), PAGE);
    }
}
