package elms.kernels.jdk;

import elms.kernels.KeyValues;
import elms.kernels.Workers;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * Causal attention over the pages of a cache. The query heads that share a key/value head, for a few tokens, form a tile.
 * A page's part of a tile is computed by itself and joined to those before it, in their order; so many tokens are spread
 * over the workers by tile, few tokens by tile and page, with the same result. No tokens-by-tokens matrix exists.
 */
final class PagedAttention {
    /** As for matrices of one token: what a worker reads lies in one line, and a second piece helps one that was held up. */
    private static final int PIECES_PER_WORKER = 2;

    private final Workers workers;
    private final TileAttention[] kernels;
    private float[][] parts = {};

    /**
     * @param kernel makes what computes tiles, one a worker
     */
    PagedAttention(Workers workers, Supplier<TileAttention> kernel) {
        this.workers = workers;
        kernels = new TileAttention[workers.count()];
        Arrays.setAll(kernels, worker -> kernel.get());
    }

    /** As {@link elms.kernels.Kernels#attention}. */
    void attend(float[] queries, int tokens, int[] kvHeadOf, KeyValues cache, float[] out) {
        AttentionTile[] tiles = tiles(queries, tokens, kvHeadOf, cache);
        if (tiles.length >= 2 * workers.count()) {
            ensureParts(2 * workers.count(), cache);
            workers.run(tiles.length, (index, worker) -> attend(tiles[index], worker, out));
            return;
        }
        int pages = cache.pages();
        int count = tiles.length * pages;
        ensureParts(count, cache);
        TilePage[] order = new TilePage[count];
        Arrays.setAll(order, index -> new TilePage(tiles[index / pages], index % pages));
        int step = Math.max(1, Math.ceilDiv(count, PIECES_PER_WORKER * workers.count()));
        workers.run(Math.ceilDiv(count, step), (piece, worker) -> {
            int last = Math.min(count, (piece + 1) * step) - 1;
            for (int index = piece * step; index <= last; index++) {
                kernels[worker].attend(order[index], order[Math.min(index + 1, last)], parts[index]);
            }
        });
        for (int index = 0; index < tiles.length; index++) {
            float[] joined = parts[index * pages];
            for (int page = 1; page < pages; page++) {
                kernels[0].join(tiles[index], joined, parts[index * pages + page]);
            }
            kernels[0].finish(tiles[index], joined, out);
        }
    }

    /** A whole tile by one worker. */
    private void attend(AttentionTile tile, int worker, float[] out) {
        float[] joined = parts[2 * worker];
        float[] next = parts[2 * worker + 1];
        TilePage at = new TilePage(tile, 0);
        for (int page = 0; page < tile.pages(); page++) {
            TilePage after = new TilePage(tile, Math.min(page + 1, tile.pages() - 1));
            kernels[worker].attend(at, after, page == 0 ? joined : next);
            if (page > 0) {
                kernels[worker].join(tile, joined, next);
            }
            at = after;
        }
        kernels[worker].finish(tile, joined, out);
    }

    /** First those of the first tokens, so that a worker reads what it wrote. */
    private AttentionTile[] tiles(float[] queries, int tokens, int[] kvHeadOf, KeyValues cache) {
        int rows = kernels[0].rows();
        int[][] headsOf = headsByKvHead(kvHeadOf, cache.heads());
        int count = 0;
        for (int[] heads : headsOf) {
            count += Math.ceilDiv(tokens * heads.length, rows);
        }
        AttentionTile[] tiles = new AttentionTile[count];
        int index = 0;
        for (int from = 0; index < count; from += rows) {
            for (int kvHead = 0; kvHead < headsOf.length; kvHead++) {
                if (from < tokens * headsOf[kvHead].length) {
                    tiles[index++] = new AttentionTile(queries, tokens, kvHeadOf.length, kvHead, headsOf[kvHead], from, rows, cache);
                }
            }
        }
        return tiles;
    }

    private static int[][] headsByKvHead(int[] kvHeadOf, int kvHeads) {
        int[] counts = new int[kvHeads];
        for (int kvHead : kvHeadOf) {
            counts[kvHead]++;
        }
        int[][] heads = new int[kvHeads][];
        Arrays.setAll(heads, kvHead -> new int[counts[kvHead]]);
        for (int head = kvHeadOf.length - 1; head >= 0; head--) {
            heads[kvHeadOf[head]][--counts[kvHeadOf[head]]] = head;
        }
        return heads;
    }

    private void ensureParts(int count, KeyValues cache) {
        int length = kernels[0].partLength(cache);
        if (parts.length < count || parts[0].length != length) {
            parts = new float[Math.max(count, parts.length)][length];
        }
    }
}
