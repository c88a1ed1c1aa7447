/* Tiles of AMX, 16 rows of 32 numbers in bfloat16, and what brings numbers into them. */
#ifndef ELMS_AMX_H
#define ELMS_AMX_H

#define TILE 16

typedef uint16_t Tile[TILE][BLOCK];

/*
 * Weights are brought into tiles from half precision, ENLARGED before and 2^-16 times as large there, so activations are RAISED. Weights
 * have room up to 1,023; one of less than 2^-20 is off by up to half of that.
 */
#define ENLARGED 64
#define RAISED (0x1p16f / ENLARGED)

typedef uint32_t Words __attribute__((vector_size(4 * WIDTH)));
typedef Words WordsAt __attribute__((aligned(1), may_alias));

/*
 * The compiler need not know tiles: 0 to 3 hold sums of two times 16 tokens and of both panels, 4 and 5 the tokens, 6 and 7 the panels.
 */
#define TILE_LOAD(tile, from, stride) \
    __asm__ volatile("tileloadd (%0,%1), %%tmm" #tile : : "r"(from), "r"((int64_t)(stride)) : "memory")
#define TILE_STORE(tile, to, stride) \
    __asm__ volatile("tilestored %%tmm" #tile ", (%0,%1)" : : "r"(to), "r"((int64_t)(stride)) : "memory")
#define TILE_ZERO(tile) __asm__ volatile("tilezero %tmm" #tile)
#define TILE_MULTIPLY(sums, tokens, panel) __asm__ volatile("tdpbf16ps %tmm" #panel ", %tmm" #tokens ", %tmm" #sums)

/* Eight tiles of 16 rows with 64 bytes each. The state is a thread's own, and costs it time until it is released. */
INLINE void begin_tiles(void) {
    static const struct {
        uint8_t palette, start, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } shapes = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
    __asm__ volatile("ldtilecfg %0" : : "m"(shapes));
}
INLINE void end_tiles(void) { __asm__ volatile("tilerelease"); }

/* Rounded to the nearest bfloat16, in the upper half of each. */
INLINE Words rounded(Floats x) { return (Words)x + 0x8000; }

/* Neighbouring columns of one row of a tile. */
INLINE void store_row(uint16_t *at, Floats x) { *(HalvesAt *)at = __builtin_convertvector(rounded(x) >> 16, Halves); }

/* A row of the tiles of all blocks: count numbers, scaled, and zeros behind them. */
INLINE void row_to_tiles(const float *x, int count, float scale, Tile *tiles, int row) {
    int blocks = (count + BLOCK - 1) / BLOCK;
    for (int d = 0; d < blocks * BLOCK; d += WIDTH)
        store_row(tiles[d / BLOCK][row] + d % BLOCK, first_of(x + d, count - d) * scale);
}

/* Two columns of 16 rows as the instruction reads them, bfloat16 in the upper half of each number. */
INLINE void place_columns(uint16_t *pair, Floats even, Floats odd) { *(WordsAt *)pair = (Words)even >> 16 | ((Words)odd & 0xffff0000); }
INLINE void store_columns(uint16_t *pair, Floats even, Floats odd) { place_columns(pair, (Floats)rounded(even), (Floats)rounded(odd)); }

/* Two panels' tiles, block by block. They are filled while they are multiplied for the first time: tiles and vectors work side by side. */
typedef struct {
    Tile (*tiles)[2];
    int blocks, filled;
    void (*fill)(const void *panels, int block, Tile tiles[2]);
    const void *panels;
} Strip;

/* For multiply_tiles: 16 tokens, or both times 16. */
INLINE void tiles_of(const int both, const Strip *strip, const Tile *x, int64_t stride, int first, float *sums, int token_floats,
                     int panel_floats) {
    const int64_t row = token_floats * sizeof(float);
    float *others = sums + TILE * token_floats;
    if (first) {
        TILE_ZERO(0);
        TILE_ZERO(1);
        TILE_ZERO(2);
        TILE_ZERO(3);
    } else {
        TILE_LOAD(0, sums, row);
        TILE_LOAD(1, sums + panel_floats, row);
        if (both) TILE_LOAD(2, others, row);
        if (both) TILE_LOAD(3, others + panel_floats, row);
    }
    for (int b = 0; b < strip->blocks; b++) {
        if (!strip->filled) strip->fill(strip->panels, b, strip->tiles[b]);
        TILE_LOAD(4, x + b, sizeof **x);
        TILE_LOAD(6, strip->tiles[b][0], sizeof **x);
        TILE_MULTIPLY(0, 4, 6);
        TILE_LOAD(7, strip->tiles[b][1], sizeof **x);
        TILE_MULTIPLY(1, 4, 7);
        if (!both) continue;
        TILE_LOAD(5, x + stride + b, sizeof **x);
        TILE_MULTIPLY(2, 5, 6);
        TILE_MULTIPLY(3, 5, 7);
    }
    TILE_STORE(0, sums, row);
    TILE_STORE(1, sums + panel_floats, row);
    if (both) TILE_STORE(2, others, row);
    if (both) TILE_STORE(3, others + panel_floats, row);
}

/*
 * sums[up to 32 tokens][two panels] = strip · x, whose tiles of the second 16 are stride behind those of the first; added to
 * what they are unless these are the first blocks. A token's sums are so many floats behind those of the one before, a panel's likewise.
 */
INLINE void multiply_tiles(int tokens, Strip *strip, const Tile *x, int64_t stride, int first, float *sums, int token_floats,
                           int panel_floats) {
    if (tokens > TILE) tiles_of(1, strip, x, stride, first, sums, token_floats, panel_floats);
    else tiles_of(0, strip, x, stride, first, sums, token_floats, panel_floats);
    strip->filled = 1;
}

#endif
