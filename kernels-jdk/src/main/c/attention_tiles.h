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

/* Halves [panel][count][16]; panels are so many numbers apart. */
typedef struct {
    const uint16_t *at;
    int64_t stride;
    int number, count;
} HalfPanels;

INLINE void both_to_tiles(const void *panels, int block, Tile tiles[2]) {
    const HalfPanels *from = panels;
    for (int p = 0; p < 2 && p < from->number; p++) halves_to_tile(from->at + p * from->stride, block, from->count, tiles[p]);
}

/* out[panel][ROWS][16] = sum over count of tiles[row] · panels[panel][count][16]; with room for an even number of panels. */
static void multiply_halves(HalfPanels panels, const Tile *tiles, int rows, float *out) {
    int blocks = (panels.count + BLOCK - 1) / BLOCK;
    Tile two[blocks > 0 ? blocks : 1][2] __attribute__((aligned(64)));
    for (; panels.number > 0; panels.number -= 2, panels.at += 2 * panels.stride, out += 2 * ROWS * PANEL) {
        Strip strip = {two, blocks, 0, both_to_tiles, &panels};
        for (int r = 0; r < rows; r += 2 * TILE)
            multiply_tiles(rows - r, &strip, tiles + r / TILE * blocks, blocks, 1, out + r * PANEL, PANEL, ROWS * PANEL);
    }
}

/* 2 to the power of each lane, within 3 millionths of it, of which a bfloat16 keeps thousandths; a polynomial of the fraction. */
INLINE Floats power_of_two(Floats x) {
    enum { DOWN = 9 }; /* round towards minus infinity, and say nothing of it */
    Floats f = (Floats)_mm512_reduce_ps((__m512)x, DOWN);
    Floats p = f * 0.0134268031f + 0.0522422828f;
    p = p * f + 0.241280288f;
    p = p * f + 0.693044841f;
    p = p * f + 1.f; /* so that the largest score has a weight of one */
    return (Floats)_mm512_scalef_ps((__m512)p, (__m512)x);
}

/* Scores of 16 positions to one row, NEVER where it does not see them. */
INLINE Floats seen(const float *scores, int panel, int visible) {
    int there = visible - panel * PANEL;
    there = there < 0 ? 0 : there > PANEL ? PANEL : there;
    return (Floats)_mm512_mask_loadu_ps((__m512)all(NEVER), (__mmask16)((1 << there) - 1), scores + panel * ROWS * PANEL);
}

/* As softmax of attention_floats.h, of one row's scores [panel][ROWS][16]; its weights are rounded to a row of the positions' tiles. */
INLINE void softmax_to_tiles(const float *scores, int visible, int panels, Tile *tiles, int row, float *most, float *total) {
    Floats top = all(NEVER), weights = {};
    for (int p = 0; p * PANEL < visible; p++) top = larger(top, seen(scores, p, visible));
    *most = largest(top);
    float shift = visible > 0 ? *most : 0;
    for (int p = 0; p < panels; p++) {
        Floats w = power_of_two((seen(scores, p, visible) - shift) * 1.44269504f);
        store_row(tiles[p / 2][row] + p % 2 * PANEL, w);
        weights += w;
    }
    *total = sum(weights);
}

static void attend_to_page(const Page *page, const Queries *rows, float *part) {
    int dim_blocks = (page->head_dim + BLOCK - 1) / BLOCK, blocks = (rows->most + BLOCK - 1) / BLOCK;
    Tile queries[ROWS / TILE * dim_blocks] __attribute__((aligned(64)));
    Tile weights[ROWS / TILE * PAGE_BLOCKS] __attribute__((aligned(64)));
    float scores[PANELS * ROWS * PANEL] __attribute__((aligned(64)));
    int panels = (rows->most + PANEL - 1) / PANEL;
    int dim_panels = (page->head_dim + PANEL - 1) / PANEL;
    begin_tiles();
    for (int r = 0; r < rows->count; r++)
        row_to_tiles(rows->query[r], page->head_dim, rows->scale, queries + r / TILE * dim_blocks, r % TILE);
    multiply_halves((HalfPanels){page->keys, (int64_t)page->head_dim * PANEL, panels, page->head_dim}, queries, rows->count, scores);
    for (int r = 0; r < rows->count; r++)
        softmax_to_tiles(scores + r * PANEL, rows->visible[r], 2 * blocks, weights + r / TILE * blocks, r % TILE, part + LARGEST + r,
                         part + SUM + r);
    multiply_halves((HalfPanels){page->values, PAGE * PANEL, dim_panels, rows->most}, weights, rows->count, part + WEIGHTED);
    end_tiles();
}

#endif
