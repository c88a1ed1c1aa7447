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

/* Two columns of 16 rows, side by side, as half-precision numbers. */
typedef _Float16 Pairs __attribute__((vector_size(4 * WIDTH)));
typedef uint16_t PairBits __attribute__((vector_size(4 * WIDTH)));

/* Halves of 16 rows, each twice. */
INLINE Pairs twice(const uint8_t *of_rows) {
    Words each = __builtin_convertvector(*(const HalvesAt *)of_rows, Words);
    return (Pairs)(each << 16 | each);
}

/* Four bytes of 16 rows, those in the middle swapped: so that neighbouring columns are two bytes apart. */
INLINE PairBits bytes_of_columns(const uint8_t *bytes) {
    const __m512i order = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15));
    return (PairBits)_mm512_shuffle_epi8((__m512i)*(const WordsAt *)bytes, order);
}

/* Rounded once, whatever the compiler does. */
INLINE Pairs multiply_add(Pairs a, Pairs b, Pairs c) { return (Pairs)_mm512_fmadd_ph((__m512h)a, (__m512h)b, (__m512h)c); }

/*
 * As bfloat16, 2^-16 times as large: three bits fewer behind the point, rounded, and a longer exponent. That counts from 127 instead of 15;
 * 96 more are two further bits of it.
 */
INLINE void store_pairs(uint16_t *pair, Pairs x) {
    PairBits eighth = (PairBits)_mm512_mulhrs_epi16((__m512i)x, _mm512_set1_epi16(1 << 12));
    *(WordsAt *)pair = (Words)((eighth & 0x8fff) | 0x3000);
}

/* One, and as many sixteenths as four of the bits behind its point are. */
INLINE Pairs sixteenths(PairBits x) { return (Pairs)((x & 0x03c0) | 0x3c00); }

/* A block of a panel, transposed: a row of the tile holds two columns of the panel's 16 rows. */
INLINE void unpack_q4(const uint8_t *block, Tile *tile) {
    Pairs scale = twice(block) * (_Float16)(16 * ENLARGED);
    Pairs offset = twice(block + 2 * PANEL) * (_Float16)ENLARGED - scale; /* the product is exact */
    UNROLL for (int g = 0; g < 4; g++) {
        PairBits four = bytes_of_columns(block + 64 + 64 * g);
        store_pairs((*tile)[2 * g], multiply_add(sixteenths(four << 6), scale, offset));
        store_pairs((*tile)[2 * g + 1], multiply_add(sixteenths(four >> 2), scale, offset));
        store_pairs((*tile)[8 + 2 * g], multiply_add(sixteenths(four << 2), scale, offset));
        store_pairs((*tile)[8 + 2 * g + 1], multiply_add(sixteenths(four >> 6), scale, offset));
    }
}

INLINE void unpack_q8(const uint8_t *block, Tile *tile) {
    /* The last bits of 1024 are a number of their own; with the highest of them flipped, 128 more than the signed one. */
    Pairs scale = twice(block) * (_Float16)ENLARGED;
    UNROLL for (int g = 0; g < 8; g++) {
        PairBits four = bytes_of_columns(block + 2 * PANEL + 64 * g);
        store_pairs((*tile)[2 * g], ((Pairs)((four & 0x00ff) ^ 0x6480) - (_Float16)1152) * scale);
        store_pairs((*tile)[2 * g + 1], ((Pairs)(four >> 8 ^ 0x6480) - (_Float16)1152) * scale);
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
static void multiply_panels(const Panel panels[2], int own_blocks, const Adapter *beside, int row, int tokens, float *sums) {
    Tile tiles[SEGMENT][2] __attribute__((aligned(64)));
    int blocks = own_blocks + (beside ? blocks_of_ranks(beside) : 0);
    int segments = (blocks + SEGMENT - 1) / SEGMENT;
    int most = (blocks + segments - 1) / segments;
    begin_tiles();
    for (int first = 0; first < blocks; first += most) {
        Segment segment = {panels, own_blocks, first, beside, row};
        Strip strip = {tiles, blocks - first < most ? blocks - first : most, 0, unpack_both, &segment};
        for (int t = 0; t < tokens; t += 2 * TILE) {
            const Tile *x = (const Tile *)panels[0].x + (int64_t)(t / TILE) * blocks + first;
            multiply_tiles(tokens - t, &strip, x, blocks, first == 0, sums + t * PAIR, PAIR, PANEL);
        }
    }
    end_tiles();
}

static void quantized(const Panel panels[2], int blocks, int tokens, const Rows *out, float *sums) {
    (void)out;
    multiply_panels(panels, blocks, 0, 0, tokens, sums);
}

/* Block b of token t; one term has as many bits as the products need. */
INLINE void round_block(const float *x, int t, int b, int blocks, int terms, void *out) {
    (void)terms;
    uint16_t *to = ((Tile *)out)[(int64_t)(t / TILE) * blocks + b][t % TILE];
    UNROLL for (int i = 0; i < BLOCK; i += WIDTH) store_row(to + i, load(x + i) * RAISED);
}

#endif
