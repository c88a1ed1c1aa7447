/*
 * Products of tiles before they are rows: [pair of panels, or gated panel][token][row], tokens filled up to a multiple of 16. So workers
 * who multiply different rows of a matrix write to memory of their own, and what becomes of a token is written by one of them: a line of
 * memory that two of them write in turn travels from one to the other each time.
 */
#ifndef ELMS_PRODUCTS_H
#define ELMS_PRODUCTS_H

#include "tiles.h"

INLINE int64_t whole_tiles(int tokens) { return (int64_t)(tokens + TILE - 1) / TILE * TILE; }

/*
 * Pairs of panels [first, last) of a matrix with all tokens, and where bias is not NULL what the adapter beside it adds: up · inner + bias,
 * where the inner numbers follow each token's blocks (see quantize_beside). The first pair's products are at out.
 */
void EXPORT(products)(int form, const uint8_t *weights, int64_t panel_bytes, int rows, int width, const int8_t *up, int up_ranks, int rank,
                      const float *bias, const void *x, int tokens, int first, int last, float *out) {
    Adapter beside = {.up = up, .rank = rank, .up_ranks = up_ranks, .rows = rows, .bias = bias};
    for (int i = first; i < last; i++, out += whole_tiles(tokens) * PAIR) {
        Panel panels[2];
        pair_of(form, weights, panel_bytes, rows, i, x, panels);
        multiply_panels(panels, (width + BLOCK - 1) / BLOCK, bias ? &beside : 0, i * PAIR, tokens, out);
    }
}

/* silu(gate · x) ⊙ (up · x) for panels [first, last), the first of which are at out; sums is memory for 32 floats a token. */
void EXPORT(gated_products)(int gate_form, const uint8_t *gate, int64_t gate_bytes, int up_form, const uint8_t *up, int64_t up_bytes,
                            int width, const void *x, int tokens, int first, int last, float *sums, float *out) {
    for (int i = first; i < last; i++, out += whole_tiles(tokens) * PANEL) {
        Panel panels[2] = {{gate_form, gate + i * gate_bytes, gate_bytes, x}, {up_form, up + i * up_bytes, up_bytes, x}};
        multiply_panels(panels, (width + BLOCK - 1) / BLOCK, 0, 0, tokens, sums);
        for (int t = 0; t < tokens; t++) gate_row(sums + t * PAIR, out + t * PANEL);
    }
}

/*
 * Tokens [first, last) of products become rows from the row-th number on, or are added to them; each of some pieces has so many numbers a
 * token, the last one fewer.
 */
void EXPORT(spread)(const float *products, int numbers, int pieces, int tokens, int first, int last, int add, int row, int rows,
                    float *out) {
    for (int t = first; t < last; t++) {
        float *to = out + (int64_t)t * rows + row;
        for (int i = 0; i < pieces; i++, to += numbers) {
            const float *from = products + (i * whole_tiles(tokens) + t) * numbers;
            int left = rows - row - i * numbers, count = left < numbers ? left : numbers;
            if (add) add_row(count, from, to);
            else for (int r = 0; r < count; r++) to[r] = from[r];
        }
    }
}

#endif
