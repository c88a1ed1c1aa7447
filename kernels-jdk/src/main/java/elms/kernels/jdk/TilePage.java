package elms.kernels.jdk;

/** A page of the cache, as a tile attends to it. */
record TilePage(AttentionTile tile, int page) {}
