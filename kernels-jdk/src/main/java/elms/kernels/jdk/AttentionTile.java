package elms.kernels.jdk;

import static elms.kernels.KeyValues.PAGE;

import elms.kernels.KeyValues;

/**
 * Some rows of attention, (token, query head) pairs that read the same key/value head: of all that it serves, token by token and
 * head by head, those from {@code from} on.
 *
 * @param queries one row of queryHeads · headDim floats a token
 * @param heads the query heads that read the key/value head
 * @param most rows that a tile has, if it is not the last
 */
record AttentionTile(float[] queries, int tokens, int queryHeads, int kvHead, int[] heads, int from, int most, KeyValues cache) {
    /** Rows of this tile. */
    int count() {
        return Math.min(most, tokens * heads.length - from);
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
