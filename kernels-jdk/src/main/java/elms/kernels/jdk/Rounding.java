package elms.kernels.jdk;

import elms.kernels.Matrix;

/**
 * What activations are rounded to, once for all matrices that read them.
 *
 * @param terms that logits, queries, keys and values are made from; one for all else
 * @param blockBytes of 32 activations in one term
 * @param group tokens that are multiplied together: there is room for a multiple of it
 * @param attentionRows queries that attend to a page together
 */
record Rounding(int terms, int blockBytes, int group, int attentionRows) {
    /**
     * 8 bits and a scale for every 32 of them, multiplied as integers. Queries, keys, values and logits suffer most from that and cost
     * least, so what they are made from has a second term of 8 bits.
     */
    static final Rounding INTEGERS = new Rounding(2, 40, 1, 8);
    /** Bfloat16, for tiles. */
    static final Rounding TILES = new Rounding(1, 64, 16, 64);

    /** Rows that there must be room for. */
    int rows(int tokens, int terms) {
        return Math.ceilDiv(tokens * terms, group) * group;
    }

    /** Bytes of tokens of so many columns. */
    long bytes(int tokens, int columns, int terms) {
        return (long) rows(tokens, terms) * Matrix.blocks(columns) * blockBytes;
    }
}
