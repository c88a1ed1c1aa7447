/*
 * Adapters of what is multiplied in tiles. Signed bytes are numbers in bfloat16; what is between an adapter's matrices is rounded to them.
 *
 * Blocks of ranks: those of the adapter, then ones, with which the bias is multiplied.
 */
#ifndef ELMS_ADAPTER_TILES_H
#define ELMS_ADAPTER_TILES_H

#include "amx.h"

/* Numbers in bfloat16 that a bias is the sum of. */
#define BIAS_TERMS 3

/* As elms.kernels.Adapter: signed bytes in panels of 16 rows, column after column, with room for down_columns and up_ranks of them. */
typedef struct {
    const int8_t *down, *up;
    int down_columns, rank, width, up_ranks, rows;
    const float *scales, *bias;
} Adapter;

INLINE int blocks_of_ranks(const Adapter *a) { return (a->rank + BIAS_TERMS + BLOCK - 1) / BLOCK; }

/* The block-th 32 columns of a panel of signed bytes, scaled; those behind the count are zero. */
INLINE void bytes_to_tile(const int8_t *panel, int block, int count, float scale, Tile tile) {
    for (int k = 0; k < BLOCK; k += 2) {
        int at = block * BLOCK + k;
        store_columns(tile[k / 2], at < count ? signed_bytes(panel + at * PANEL) * scale : (Floats){},
                      at + 1 < count ? signed_bytes(panel + (at + 1) * PANEL) * scale : (Floats){});
    }
}

/* A block of ranks of up, for two panels from a row on. */
INLINE void up_to_tiles(const Adapter *a, int row, int block, Tile tiles[2]) {
    for (int p = 0; p < 2; p++, row += PANEL) {
        int there = row < a->rows;
        bytes_to_tile(a->up + (there ? (int64_t)row * a->up_ranks : 0), block, there ? a->rank : 0, 1, tiles[p]);
        Floats rest = first_of(a->bias + row, a->rows - row);
        for (int column = a->rank - block * BLOCK, i = 0; i < BIAS_TERMS; i++, column++) {
            Words term = rounded(rest) & 0xffff0000;
            rest -= (Floats)term;
            if (column < 0 || column >= BLOCK) continue;
            for (int r = 0; r < PANEL; r++) tiles[p][column / 2][2 * r + column % 2] = (uint16_t)(term[r] >> 16);
        }
    }
}

/* The same of down, all columns. */
INLINE void down_to_tiles(const Adapter *a, int block, int blocks, Tile (*tiles)[2]) {
    for (int b = 0; b < blocks; b++)
        for (int p = 0; p < 2; p++) {
            int rank = block * BLOCK + p * PANEL, there = rank < a->rank;
            bytes_to_tile(a->down + (there ? (int64_t)rank * a->down_columns : 0), b, there ? a->width : 0, 1 / RAISED, tiles[b][p]);
        }
}

/* What is between the matrices, of count tokens: a block of sums, scaled, and ones for the bias. */
INLINE void inner_rows(const Adapter *a, const float *sums, int count, int block, Tile *tiles, int64_t stride) {
    const Floats lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (int k = 0; k < BLOCK; k += WIDTH) {
        int first = block * BLOCK + k;
        Floats scales = first_of(a->scales + first, a->rank - first), behind = lanes + (float)(first - a->rank);
        Floats ones = (Floats)((behind >= 0.f) & (behind < (float)BIAS_TERMS) & (Ints)all(1));
        for (int t = 0; t < count; t++)
            store_row(tiles[t / TILE * stride + block][t % TILE] + k, load(sums + t * PAIR + k) * scales + ones);
    }
}

/* A block of count tokens becomes what the adapter makes of it: x + sums. */
INLINE void adapted_rows(const Adapter *a, const float *x, const float *sums, int count, int block, Tile *tiles, int64_t stride) {
    for (int k = 0; k < BLOCK; k += WIDTH) {
        int column = block * BLOCK + k, there = a->width - column;
        for (int t = 0; t < count; t++) {
            Floats row = load(sums + t * PAIR + k) + first_of(x + (int64_t)t * a->width + column, there);
            float last[WIDTH];
            if (there < WIDTH) store(last, row), row = first_of(last, there);
            store_row(tiles[t / TILE * stride + block][t % TILE] + k, row * RAISED);
        }
    }
}

/*
 * Tokens [first, last) of x in tiles as matmul reads them, the first a multiple of 16. Beside a matrix what its adapter has between its
 * own follows each token's blocks, as products.h reads them; else they become x + up · down · x + bias. memory has room for tiles: two for
 * each block of width and of ranks, and four for each of both.
 */
void EXPORT(quantize_adapted)(const int8_t *down, int down_columns, int rank, int width, const int8_t *up, int up_ranks, int rows,
                              const float *scales, const float *bias, int beside, const float *x, int first, int last, void *memory,
                              void *out) {
    Adapter a = {down, up, down_columns, rank, width, up_ranks, rows, scales, bias};
    int blocks = (width + BLOCK - 1) / BLOCK, ranks = blocks_of_ranks(&a);
    int64_t stride = blocks + (beside ? ranks : 0);
    Tile(*down_tiles)[2] = memory, (*up_tiles)[2] = down_tiles + ranks * blocks;
    Tile *own = (Tile *)(up_tiles + ranks * blocks);
    for (int r = 0; r < ranks; r++) down_to_tiles(&a, r, blocks, down_tiles + r * blocks);
    for (int b = 0; !beside && b < blocks; b++)
        for (int r = 0; r < ranks; r++) up_to_tiles(&a, b * BLOCK, r, up_tiles[b * ranks + r]);
    float sums[2 * TILE * PAIR] __attribute__((aligned(64)));
    begin_tiles();
    for (int t = first; t < last; t += 2 * TILE) {
        int count = last - t < 2 * TILE ? last - t : 2 * TILE;
        const float *from = x + (int64_t)t * width;
        Tile *to = (Tile *)out + t / TILE * stride, *tokens = beside ? to : own, *inner = beside ? to + blocks : own + 2 * blocks;
        int64_t inner_stride = beside ? stride : ranks;
        for (int i = 0; i < count; i++)
            row_to_tiles(from + (int64_t)i * width, width, RAISED, tokens + i / TILE * stride, i % TILE);
        for (int r = 0; r < ranks; r++) {
            multiply_tiles(count, &(Strip){down_tiles + r * blocks, blocks, 1, 0, 0}, tokens, stride, 1, sums, PAIR, PANEL);
            inner_rows(&a, sums, count, r, inner, inner_stride);
        }
        for (int b = 0; !beside && b < blocks; b++) {
            multiply_tiles(count, &(Strip){up_tiles + b * ranks, ranks, 1, 0, 0}, inner, inner_stride, 1, sums, PAIR, PANEL);
            adapted_rows(&a, from, sums, count, b, to, stride);
        }
    }
    end_tiles();
}

#endif
