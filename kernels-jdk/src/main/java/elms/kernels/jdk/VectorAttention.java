package elms.kernels.jdk;

import static elms.kernels.jdk.AttentionTile.ROWS;

import elms.kernels.KeyValues;
import elms.kernels.Workers;
import java.util.Arrays;

/**
 * Causal attention over the pages of a cache. The query heads that share a key/value head, for a few tokens, form a tile.
 * A page's part of a tile is computed by itself and joined to those before it, in their order; so many tokens are spread
 * over the workers by tile, few tokens by tile and page, with the same result. No tokens-by-tokens matrix exists.
 */
final class VectorAttention {
    private final Workers workers;
    private final AttentionTile[] tiles;
    private final AttentionTile.Part[] joined;
    private AttentionTile.Part[] parts = {};

    VectorAttention(Workers workers) {
        this.workers = workers;
        tiles = new AttentionTile[workers.count()];
        joined = new AttentionTile.Part[workers.count()];
        Arrays.setAll(tiles, worker -> new AttentionTile());
        Arrays.setAll(joined, worker -> new AttentionTile.Part());
    }

    /** As {@link elms.kernels.Kernels#attention}. */
    void attend(float[] queries, int tokens, int[] kvHeadOf, KeyValues cache, float[] out) {
        int[][] headsOf = headsByKvHead(kvHeadOf, cache.heads());
        int[] firstTile = new int[headsOf.length + 1];
        for (int kvHead = 0; kvHead < headsOf.length; kvHead++) {
            firstTile[kvHead + 1] = firstTile[kvHead] + Math.ceilDiv(tokens * headsOf[kvHead].length, ROWS);
        }
        int count = firstTile[headsOf.length];
        if (count >= 2 * workers.count()) {
            workers.run(count, (index, worker) -> {
                AttentionTile tile = tiles[worker];
                begin(tile, index, firstTile, headsOf, queries, tokens, kvHeadOf.length, cache);
                for (int page = 0; page < tile.pages(); page++) {
                    tile.compute(page, tile.part);
                    joined[worker].join(tile.part, page == 0);
                }
                tile.write(joined[worker], out);
            });
            return;
        }
        int pages = cache.pages();
        ensureParts(count * pages);
        workers.run(count * pages, (task, worker) -> {
            begin(tiles[worker], task / pages, firstTile, headsOf, queries, tokens, kvHeadOf.length, cache);
            tiles[worker].compute(task % pages, parts[task]);
        });
        for (int index = 0; index < count; index++) {
            begin(tiles[0], index, firstTile, headsOf, queries, tokens, kvHeadOf.length, cache);
            for (int page = 0; page < pages; page++) {
                joined[0].join(parts[index * pages + page], page == 0);
            }
            tiles[0].write(joined[0], out);
        }
    }

    private static void begin(AttentionTile tile, int index, int[] firstTile, int[][] headsOf, float[] queries, int tokens,
            int queryHeads, KeyValues cache) {
        int kvHead = 0;
        while (index >= firstTile[kvHead + 1]) {
            kvHead++;
        }
        tile.begin(queries, tokens, queryHeads, kvHead, headsOf[kvHead], (index - firstTile[kvHead]) * ROWS, cache);
    }

    private void ensureParts(int count) {
        int old = parts.length;
        if (count > old) {
            parts = Arrays.copyOf(parts, count);
            for (int i = old; i < count; i++) {
                parts[i] = new AttentionTile.Part();
            }
        }
    }

    private static int[][] headsByKvHead(int[] kvHeadOf, int kvHeads) {
        int[][] heads = new int[kvHeads][0];
        for (int head = 0; head < kvHeadOf.length; head++) {
            int kvHead = kvHeadOf[head];
            heads[kvHead] = Arrays.copyOf(heads[kvHead], heads[kvHead].length + 1);
            heads[kvHead][heads[kvHead].length - 1] = head;
        }
        return heads;
    }
}
