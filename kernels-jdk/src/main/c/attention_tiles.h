/* Attention in tiles of bfloat16, which a page's keys and values become for many rows at once. */
#ifndef ELMS_ATTENTION_TILES_H
#define ELMS_ATTENTION_TILES_H

#include "amx.h"

/* Blocks of 32 positions. */
#define PAGE_BLOCKS (PAGE / BLOCK)

/* Halves [count][16] of one panel, from its block-th 32 on; those behind the count are zero, whatever is there. */
INLINE void halves_to_tile(const uint16_t *panel, int block, int count, Tile tile) {
    for (int k = 0; k < BLOCK; k += 2) {
        int at = block * BLOCK + k;
        Floats even = at < count ? halves(panel + at * PANEL) : (Floats){};
        Floats odd = at + 1 < count ? halves(panel + (at + 1) * PANEL) : (Floats){};
        store_columns(tile[k / 2], even, odd);
    }
}

/* The first of some numbers, and zeros behind them. */
INLINE Floats first_of(const float *x, int count) {
    if (count >= WIDTH) return load(x);
    float padded[WIDTH] = {};
    for (int i = 0; i < count; i++) padded[i] = x[i];
    return load(padded);
}

/* A row of the tiles of all blocks: count numbers, scaled, and zeros behind them. */
INLINE void row_to_tiles(const float *x, int count, float scale, Tile *tiles, int row) {
    int blocks = (count + BLOCK - 1) / BLOCK;
    for (int d = 0; d < blocks * BLOCK; d += WIDTH)
        store_row(tiles[d / BLOCK][row] + d % BLOCK, first_of(x + d, count - d) * scale);
}

/* out[panel][ROWS][16] = sum over count of tiles[row] · halves[panel][count][16]; panels are stride apart, with room for an even number. */
static void multiply_halves(const uint16_t *panels, int64_t stride, int number, int count, const Tile *tiles, int rows, float *out) {
    int blocks = (count + BLOCK - 1) / BLOCK;
    for (int p = 0; p < number; p += 2) {
        Tile strip[blocks > 0 ? blocks : 1][2] __attribute__((aligned(64)));
        for (int b = 0; b < blocks; b++) {
            halves_to_tile(panels + p * stride, b, count, strip[b][0]);
            if (p + 1 < number) halves_to_tile(panels + (p + 1) * stride, b, count, strip[b][1]);
        }
        for (int r = 0; r < rows; r += 2 * TILE) {
            const Tile *x = tiles + r / TILE * blocks;
            multiply_tiles(rows - r, strip, blocks, x, blocks, 1, out + (p * ROWS + r) * PANEL, PANEL, ROWS * PANEL);
        }
    }
}

static void attend_to_page(const Page *page, const Queries *rows, float *part) {
    int dim_blocks = (page->head_dim + BLOCK - 1) / BLOCK, blocks = (rows->most + BLOCK - 1) / BLOCK;
    Tile queries[ROWS / TILE * dim_blocks] __attribute__((aligned(64)));
    Tile weights[ROWS / TILE * PAGE_BLOCKS] __attribute__((aligned(64)));
    float scores[PANELS * ROWS * PANEL] __attribute__((aligned(64)));
    float weight[PAGE];
    int panels = (rows->most + PANEL - 1) / PANEL;
    int dim_panels = (page->head_dim + PANEL - 1) / PANEL;
    begin_tiles();
    for (int r = 0; r < rows->count; r++)
        row_to_tiles(rows->query[r], page->head_dim, rows->scale, queries + r / TILE * dim_blocks, r % TILE);
    multiply_halves(page->keys, (int64_t)page->head_dim * PANEL, panels, page->head_dim, queries, rows->count, scores);
    for (int r = 0; r < rows->count; r++) {
        softmax(scores, r, rows->visible[r], 2 * blocks, weight, part);
        row_to_tiles(weight, blocks * BLOCK, 1, weights + r / TILE * blocks, r % TILE);
    }
    multiply_halves(page->values, PAGE * PANEL, dim_panels, rows->most, weights, rows->count, part + WEIGHTED);
    end_tiles();
}

#endif
