/* Attention in tiles of bfloat16, which a page's keys and values become for many rows at once. */
#ifndef ELMS_ATTENTION_TILES_H
#define ELMS_ATTENTION_TILES_H

#include "amx.h"

/* Blocks of 32 positions. */
#define PAGE_BLOCKS (PAGE / BLOCK)

/* Halves [count][16] of one panel, from its block-th 32 on; those behind the count are zero, whatever is there. */
INLINE void halves_to_tile(const uint16_t *panel, int block, int count, Tile tile) {
    const uint16_t *from = panel + block * BLOCK * PANEL;
    int there = count - block * BLOCK;
    if (there >= BLOCK) {
        UNROLL for (int k = 0; k < BLOCK; k += 2) store_columns(tile[k / 2], halves(from + k * PANEL), halves(from + (k + 1) * PANEL));
        return;
    }
    for (int k = 0; k < BLOCK; k += 2)
        store_columns(tile[k / 2], k < there ? halves(from + k * PANEL) : (Floats){},
                      k + 1 < there ? halves(from + (k + 1) * PANEL) : (Floats){});
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
INLINE Floats seen(const int whole, const float *scores, int panel, int visible) {
    if (whole) return load(scores + panel * ROWS * PANEL);
    int there = visible - panel * PANEL;
    there = there < 0 ? 0 : there > PANEL ? PANEL : there;
    return (Floats)_mm512_mask_loadu_ps((__m512)all(NEVER), (__mmask16)((1 << there) - 1), scores + panel * ROWS * PANEL);
}

/* Rows whose softmax is computed side by side: one by one they wait for the largest and the sum over their lanes. */
#define SIDE_BY_SIDE 4

/* Some rows of a softmax, their scores [panel][ROWS][16], how many of these each sees, and what becomes of them so far. */
typedef struct {
    const float *scores;
    const int *visible;
    Floats top[SIDE_BY_SIDE], sums[SIDE_BY_SIDE];
    float shift[SIDE_BY_SIDE];
} Softmax;

INLINE void largest_scores(const int rows, const int whole, Softmax *s, int from, int to) {
    for (int p = from; p < to; p++)
        UNROLL for (int r = 0; r < rows; r++) s->top[r] = larger(s->top[r], seen(whole, s->scores + r * PANEL, p, s->visible[r]));
}

INLINE void weigh(const int rows, const int whole, Softmax *s, int from, int to, Tile *tiles, int row) {
    for (int p = from; p < to; p++)
        UNROLL for (int r = 0; r < rows; r++) {
            Floats w = power_of_two((seen(whole, s->scores + r * PANEL, p, s->visible[r]) - s->shift[r]) * 1.44269504f);
            store_row(tiles[p / 2][row + r] + p % 2 * PANEL, w);
            s->sums[r] += w;
        }
}

/* As softmax of attention_floats.h, of rows from the first-th on; the weights are rounded to their rows of the positions' tiles. */
INLINE void softmax_to_tiles(const int rows, const Queries *all_rows, int first, const float *scores, int blocks, Tile *weights,
                             float *part) {
    const int *visible = all_rows->visible + first;
    Tile *tiles = weights + first / TILE * blocks;
    Softmax s = {scores + first * PANEL, visible, {}, {}, {}};
    int whole = visible[0] / PANEL; /* the first row sees the least */
    UNROLL for (int r = 0; r < rows; r++) s.top[r] = all(NEVER);
    largest_scores(rows, 1, &s, 0, whole);
    largest_scores(rows, 0, &s, whole, 2 * blocks);
    UNROLL for (int r = 0; r < rows; r++) {
        part[LARGEST + first + r] = largest(s.top[r]);
        s.shift[r] = visible[r] > 0 ? part[LARGEST + first + r] : 0;
    }
    weigh(rows, 1, &s, 0, whole, tiles, first % TILE);
    weigh(rows, 0, &s, whole, 2 * blocks, tiles, first % TILE);
    UNROLL for (int r = 0; r < rows; r++) part[SUM + first + r] = sum(s.sums[r]);
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
    int r = 0;
    for (; r + SIDE_BY_SIDE <= rows->count; r += SIDE_BY_SIDE) softmax_to_tiles(SIDE_BY_SIDE, rows, r, scores, blocks, weights, part);
    for (; r < rows->count; r++) softmax_to_tiles(1, rows, r, scores, blocks, weights, part);
    multiply_halves((HalfPanels){page->values, PAGE * PANEL, dim_panels, rows->most}, weights, rows->count, part + WEIGHTED);
    end_tiles();
}

#endif
