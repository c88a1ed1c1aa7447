/*
 * Products in bfloat16, for tokens of prompts where the processor multiplies tiles (AMX): 16 rows of 32 numbers by as many. Weights and
 * activations are rounded to 8 bits and an exponent of their own, sums are floats.
 *
 * Activations: [16 tokens][block], each a tile of 16 tokens with 32 columns.
 */
#ifndef ELMS_TILES_H
#define ELMS_TILES_H

#include "adapter_tiles.h"
#include "amx.h"

/* Most blocks unpacked at a time, so that a strip and what it is multiplied with stay in the first-level cache. */
#define SEGMENT 9

/* The number that the lowest four bits of each are. */
INLINE Floats nibbles(Words x) {
    const Floats numbers = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return (Floats)_mm512_permutexvar_ps((__m512i)x, (__m512)numbers);
}

/* A block of a panel, transposed: a row of the tile holds two columns of the panel's 16 rows. */
INLINE void unpack_q4(const uint8_t *block, Tile *tile) {
    Floats scale = halves(block), minimum = halves(block + 2 * PANEL);
    UNROLL for (int g = 0; g < 4; g++) {
        Words four = *(const WordsAt *)(block + 64 + 64 * g);
        UNROLL for (int c = 0; c < 4; c += 2) {
            store_columns((*tile)[2 * g + c / 2], nibbles(four >> 8 * c) * scale + minimum,
                          nibbles(four >> (8 * c + 8)) * scale + minimum);
            store_columns((*tile)[8 + 2 * g + c / 2], nibbles(four >> (8 * c + 4)) * scale + minimum,
                          nibbles(four >> (8 * c + 12)) * scale + minimum);
        }
    }
}

INLINE void unpack_q8(const uint8_t *block, Tile *tile) {
    Floats scale = halves(block);
    UNROLL for (int g = 0; g < 8; g++) {
        Words four = *(const WordsAt *)(block + 2 * PANEL + 64 * g);
        UNROLL for (int c = 0; c < 4; c += 2)
            store_columns((*tile)[2 * g + c / 2], to_floats((Ints)(four << (24 - 8 * c)) >> 24) * scale,
                          to_floats((Ints)(four << (16 - 8 * c)) >> 24) * scale);
    }
}

INLINE void unpack(const Panel *panel, int block, Tile *tile) {
    int bytes = panel->form == Q4 ? 320 : 544;
    const uint8_t *at = panel->panel + (int64_t)block * bytes;
    for (int line = 0; line < bytes; line += 64) fetch(at + panel->ahead + line);
    if (panel->form == Q4) unpack_q4(at, tile);
    else unpack_q8(at, tile);
}

/* Two panels from a block on, and the adapter's rows beside them, whose ranks are further blocks. */
typedef struct {
    const Panel *panels;
    int blocks, first;
    const Adapter *beside;
    int row;
} Segment;

INLINE void unpack_both(const void *segment, int block, Tile tiles[2]) {
    const Segment *from = segment;
    int at = from->first + block;
    if (at >= from->blocks) {
        up_to_tiles(from->beside, from->row, at - from->blocks, tiles);
        return;
    }
    UNROLL for (int p = 0; p < 2; p++) unpack(from->panels + p, at, tiles + p);
}

/*
 * Block after block: the same additions in the same order for any number of tokens. sums has room for 16 tokens, or a multiple of it.
 * Where an adapter is beside the panels, row is the first of its rows.
 */
static void multiply_panels(const Panel panels[2], int own_blocks, const Adapter *beside, int row, int tokens, const Rows *out,
                            float *sums) {
    Tile tiles[SEGMENT][2] __attribute__((aligned(64)));
    int blocks = own_blocks + (beside ? blocks_of_ranks(beside) : 0);
    int segments = (blocks + SEGMENT - 1) / SEGMENT;
    int most = (blocks + segments - 1) / segments;
    begin_tiles();
    for (int first = 0; first < blocks; first += most) {
        Segment segment = {panels, own_blocks, first, beside, row};
        Strip strip = {tiles, blocks - first < most ? blocks - first : most, 0, unpack_both, &segment};
        for (int t = 0; t < tokens; t += 2 * TILE) {
            /* As in integers.h: rows in pages of their own. */
            for (int i = t; first == 0 && i < t + 2 * TILE && i < out->tokens; i++) fetch_to_write(out->at + i * out->stride);
            const Tile *x = (const Tile *)panels[0].x + (int64_t)(t / TILE) * blocks + first;
            multiply_tiles(tokens - t, &strip, x, blocks, first == 0, sums + t * PAIR, PAIR, PANEL);
        }
    }
    end_tiles();
}

static void quantized(const Panel panels[2], int blocks, int tokens, const Rows *out, float *sums) {
    multiply_panels(panels, blocks, 0, 0, tokens, out, sums);
}

/* Block b of token t; one term has as many bits as the products need. */
INLINE void round_block(const float *x, int t, int b, int blocks, int terms, void *out) {
    (void)terms;
    uint16_t *to = ((Tile *)out)[(int64_t)(t / TILE) * blocks + b][t % TILE];
    UNROLL for (int i = 0; i < BLOCK; i += WIDTH) store_row(to + i, load(x + i));
}

#endif
