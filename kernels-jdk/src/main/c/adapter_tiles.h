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

/* The next columns of a panel of signed bytes as a tile, times a power of two; those behind the count are zero. */
INLINE void bytes_to_tile(const int8_t *panel, int count, float scale, Tile tile) {
    int k = 0;
    for (; k + 2 <= count && k < BLOCK; k += 2)
        place_columns(tile[k / 2], signed_bytes(panel + k * PANEL) * scale, signed_bytes(panel + (k + 1) * PANEL) * scale);
    for (; k < BLOCK; k += 2) place_columns(tile[k / 2], k < count ? signed_bytes(panel + k * PANEL) * scale : (Floats){}, (Floats){});
}

/* A block of ranks of up, for two panels from a row on; behind the last rank follow columns whose sum is the bias. */
INLINE void up_to_tiles(const Adapter *a, int row, int block, Tile tiles[2]) {
    int ranks = a->rank - block * BLOCK;
    for (int p = 0; p < 2; p++, row += PANEL) {
        int there = row < a->rows;
        bytes_to_tile(a->up + (there ? (int64_t)row * a->up_ranks + block * BLOCK * PANEL : 0), there ? ranks : 0, 1, tiles[p]);
        Floats rest = first_of(a->bias + row, a->rows - row);
        for (int column = ranks; column < ranks + BIAS_TERMS; column++) {
            Words term = rounded(rest) & 0xffff0000;
            rest -= (Floats)term;
            if (column >= 0 && column < BLOCK) *(WordsAt *)tiles[p][column / 2] |= column % 2 ? term : term >> 16;
        }
    }
}

/* The same of down, all columns. */
INLINE void down_to_tiles(const Adapter *a, int block, int blocks, Tile (*tiles)[2]) {
    for (int b = 0; b < blocks; b++)
        for (int p = 0; p < 2; p++) {
            int rank = block * BLOCK + p * PANEL, there = rank < a->rank;
            bytes_to_tile(a->down + (there ? (int64_t)rank * a->down_columns + b * BLOCK * PANEL : 0), there ? a->width - b * BLOCK : 0,
                          1 / RAISED, tiles[b][p]);
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

/* A block of count tokens becomes what the adapter makes of it: x + sums, and zeros behind a row's width. */
INLINE void adapted_rows(const int whole, const Adapter *a, const float *x, const float *sums, int count, int block, Tile *tiles,
                         int64_t stride) {
    for (int t = 0; t < count; t++)
        for (int k = 0; k < BLOCK; k += WIDTH) {
            int column = block * BLOCK + k;
            const float *from = x + (int64_t)t * a->width + column;
            Floats row = load(sums + t * PAIR + k) + (whole ? load(from) : first_of(from, a->width - column));
            float last[WIDTH];
            if (!whole) store(last, row), row = first_of(last, a->width - column);
            store_row(tiles[t / TILE * stride + block][t % TILE] + k, row * RAISED);
        }
}

/*
 * Up to 32 tokens in tiles, block after block, and with each what is between the adapter's matrices; a token's tiles are so many behind
 * those of the 16th before it.
 */
INLINE void down_rows(const Adapter *a, Tile (*down)[2], const float *x, int count, Tile *tokens, int64_t stride, Tile *inner,
                      int64_t inner_stride) {
    int blocks = (a->width + BLOCK - 1) / BLOCK;
    float sums[2 * TILE * PAIR] __attribute__((aligned(64)));
    for (int i = 0; i < count; i++) row_to_tiles(x + (int64_t)i * a->width, a->width, RAISED, tokens + i / TILE * stride, i % TILE);
    for (int r = 0; r < blocks_of_ranks(a); r++) {
        multiply_tiles(count, &(Strip){down + r * blocks, blocks, 1, 0, 0}, tokens, stride, 1, sums, PAIR, PANEL);
        inner_rows(a, sums, count, r, inner, inner_stride);
    }
}

/*
 * Tokens [first, last) of x in tiles as matmul reads them, the first a multiple of 16, for a matrix that an adapter is beside: what that
 * has between its own matrices follows each token's blocks, as products.h reads them. memory has room for two tiles for each block of width
 * and of ranks.
 */
void EXPORT(quantize_beside)(const int8_t *down, int down_columns, int rank, int width, const float *scales, const float *x, int first,
                             int last, void *memory, void *out) {
    Adapter a = {.down = down, .down_columns = down_columns, .rank = rank, .width = width, .scales = scales};
    int blocks = (width + BLOCK - 1) / BLOCK, ranks = blocks_of_ranks(&a);
    Tile(*down_tiles)[2] = memory;
    for (int r = 0; r < ranks; r++) down_to_tiles(&a, r, blocks, down_tiles + r * blocks);
    begin_tiles();
    for (int t = first; t < last; t += 2 * TILE) {
        Tile *to = (Tile *)out + t / TILE * (blocks + ranks);
        down_rows(&a, down_tiles, x + (int64_t)t * width, last - t < 2 * TILE ? last - t : 2 * TILE, to, blocks + ranks, to + blocks,
                  blocks + ranks);
    }
    end_tiles();
}

/*
 * The same with an adapter before the matrices: x + up · down · x + bias. memory has room for tiles: two for each block of width, two for
 * each of ranks, and four for each of both.
 */
void EXPORT(quantize_corrected)(const int8_t *down, int down_columns, int rank, int width, const int8_t *up, int up_ranks,
                                const float *scales, const float *bias, const float *x, int first, int last, void *memory, void *out) {
    Adapter a = {down, up, down_columns, rank, width, up_ranks, width, scales, bias};
    int blocks = (width + BLOCK - 1) / BLOCK, ranks = blocks_of_ranks(&a);
    Tile(*down_tiles)[2] = memory, (*up_tiles)[2] = down_tiles + ranks * blocks;
    Tile *tokens = (Tile *)(up_tiles + ranks * blocks), *inner = tokens + 2 * blocks;
    for (int r = 0; r < ranks; r++) down_to_tiles(&a, r, blocks, down_tiles + r * blocks);
    for (int b = 0; b < blocks; b++)
        for (int r = 0; r < ranks; r++) up_to_tiles(&a, b * BLOCK, r, up_tiles[b * ranks + r]);
    float sums[2 * TILE * PAIR] __attribute__((aligned(64)));
    begin_tiles();
    for (int t = first; t < last; t += 2 * TILE) {
        int count = last - t < 2 * TILE ? last - t : 2 * TILE;
        const float *row = x + (int64_t)t * width;
        down_rows(&a, down_tiles, row, count, tokens, blocks, inner, ranks);
        for (int b = 0; b < blocks; b++) {
            multiply_tiles(count, &(Strip){up_tiles + b * ranks, ranks, 1, 0, 0}, inner, ranks, 1, sums, PAIR, PANEL);
            Tile *tiles = (Tile *)out + t / TILE * blocks;
            if ((b + 1) * BLOCK <= width) adapted_rows(1, &a, row, sums, count, b, tiles, blocks);
            else adapted_rows(0, &a, row, sums, count, b, tiles, blocks);
        }
    }
    end_tiles();
}

#endif
