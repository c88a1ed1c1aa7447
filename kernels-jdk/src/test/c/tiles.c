/* quantize_beside, quantize_corrected, products and spread, of tiers that multiply tiles. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parity.h"

#if defined(__x86_64__)

typedef void QuantizeBeside(const int8_t *down, int down_columns, int rank, int width, const float *scales, const float *x, int first,
                            int last, void *memory, void *out);
typedef void QuantizeCorrected(const int8_t *down, int down_columns, int rank, int width, const int8_t *up, int up_ranks,
                               const float *scales, const float *bias, const float *x, int first, int last, void *memory, void *out);
typedef void Products(int form, const uint8_t *weights, int64_t panel_bytes, int rows, int width, const int8_t *up, int up_ranks, int rank,
                      const float *bias, const void *x, int tokens, int first, int last, float *out);
typedef void GatedProducts(int gate_form, const uint8_t *gate, int64_t gate_bytes, int up_form, const uint8_t *up, int64_t up_bytes,
                           int width, const void *x, int tokens, int first, int last, float *sums, float *out);
typedef void Spread(const float *products, int numbers, int pieces, int tokens, int first, int last, int add, int row, int rows,
                    float *out);
QuantizeBeside amx_quantize_beside;
QuantizeCorrected amx_quantize_corrected;
Products amx_products;
GatedProducts amx_gated_products;
Spread amx_spread;

#define BIAS_TERMS 3
#define Q8_BLOCK 544

/* The first ranks of a panel that has two more, and the first columns of panels that have three more. */
typedef struct {
    int8_t *down, *up;
    int rank, ranks, width, columns, rows, rank_blocks;
    float *scales, *bias;
} Adapter;

static int8_t *bytes(size_t count) {
    int8_t *result = memory(count);
    for (size_t i = 0; i < count; i++) result[i] = (int8_t)random_bits();
    return result;
}

/* Blocks of panels, with scales of about a two-thousandth. */
static uint8_t *q8_blocks(int count) {
    uint8_t *blocks = (uint8_t *)bytes((size_t)count * Q8_BLOCK);
    for (int block = 0; block < count; block++)
        for (int r = 0; r < PANEL; r++) blocks[block * Q8_BLOCK + 2 * r + 1] = 0x10;
    return blocks;
}

static Adapter adapter(int rows, int width, int rank) {
    Adapter a = {.rank = rank, .ranks = rank + 2, .width = width, .columns = width + 3, .rows = rows};
    a.rank_blocks = ceil_div(rank + BIAS_TERMS, BLOCK);
    a.down = bytes((size_t)ceil_div(a.ranks, PANEL) * a.columns * PANEL);
    a.up = bytes((size_t)ceil_div(rows, PANEL) * a.ranks * PANEL);
    a.scales = inputs((size_t)a.ranks, USUAL);
    for (int k = 0; k < a.ranks; k++) a.scales[k] /= 1000;
    a.bias = inputs((size_t)rows, USUAL);
    return a;
}

/* What it adds to a row, and how far off that may be where x and the numbers between the matrices are rounded. */
static Expected added(const Adapter *a, const float *x, int row) {
    Expected sum = {a->bias[row], 0x1p-22};
    for (int k = 0; k < a->rank; k++) {
        double inner = 0, size = 0, weight = a->scales[k] * a->up[((size_t)row / PANEL * a->ranks + k) * PANEL + row % PANEL];
        for (int c = 0; c < a->width; c++) {
            double product = bfloat16(x[c]) * a->down[((size_t)k / PANEL * a->columns + c) * PANEL + k % PANEL];
            inner += product;
            size += fabs(product);
        }
        sum.value += inner * weight;
        sum.error += fabs(weight) * (fabs(inner) * 0x1p-8 + size * 0x1p-20);
    }
    return sum;
}

/* From the first multiple of 16 behind half of the tokens on, and those before it, as two threads would. */
static Tile *quantize(const Adapter *a, int beside, const float *x, int tokens) {
    int blocks = ceil_div(a->width, BLOCK);
    Tile *out = memory((size_t)ceil_div(tokens, TILE) * (blocks + beside * a->rank_blocks) * sizeof(Tile));
    int half = ceil_div(tokens, 2 * TILE) * TILE;
    for (int part = 0; part < 2; part++) {
        void *room = memory((size_t)(2 * a->rank_blocks * blocks + blocks + a->rank_blocks) * 2 * sizeof(Tile));
        int first = part ? half : 0, last = part ? tokens : smaller_int(half, tokens);
        if (beside) amx_quantize_beside(a->down, a->columns, a->rank, a->width, a->scales, x, first, last, room, out);
        else
            amx_quantize_corrected(a->down, a->columns, a->rank, a->width, a->up, a->ranks, a->scales, a->bias, x, first, last, room, out);
    }
    return out;
}

static void test_corrected(int tokens, int width, int rank) {
    begin("quantize_corrected %d x %d by %d", tokens, width, rank);
    Adapter a = adapter(width, width, rank);
    float *x = inputs((size_t)tokens * width, USUAL);
    int blocks = ceil_div(width, BLOCK), columns = blocks * BLOCK;
    Tile *tiles = quantize(&a, 0, x, tokens);
    float *read = floats((size_t)tokens * columns);
    Expected *expected = memory((size_t)tokens * columns * sizeof *expected);
    for (int t = 0; t < tokens; t++)
        for (int c = 0; c < columns; c++) {
            read[t * columns + c] = (float)tile_value(tiles[t / TILE * blocks + c / BLOCK][t % TILE][c % BLOCK]);
            Expected sum = {0, 0};
            if (c < width) {
                sum = added(&a, x + t * width, c);
                sum.value += x[t * width + c];
                sum.error += fabs(sum.value) * 0x1p-8;
            }
            expected[t * columns + c] = sum;
        }
    check_close(read, expected, (size_t)tokens * columns);
}

static void test_beside(const Tier *tier, int tokens, int rows, int width, int rank) {
    begin("products %d to %d x %d by %d", tokens, rows, width, rank);
    Adapter a = adapter(rows, width, rank);
    int blocks = ceil_div(width, BLOCK), panels = ceil_div(rows, PANEL), pairs = ceil_div(panels, 2);
    int64_t panel_bytes = (int64_t)blocks * Q8_BLOCK;
    uint8_t *weights = q8_blocks(panels * blocks);
    size_t count = (size_t)tokens * rows, sums = (size_t)ceil_div(tokens, TILE) * TILE * 2 * PANEL;
    float *x = inputs((size_t)tokens * width, USUAL), *out = inputs(count, USUAL), *apart = floats(count);
    memcpy(apart, out, count * sizeof(float));
    Tile *plain = memory((size_t)ceil_div(tokens, TILE) * blocks * sizeof(Tile));
    tier->quantize(x, width, 1, 0, tokens, plain);
    tier->matmul(1, weights, panel_bytes, rows, width, plain, tokens, 1, 0, pairs, 1, floats(sums), apart);
    Tile *tiles = quantize(&a, 1, x, tokens);
    float *products = floats(pairs * sums);
    for (int half = 0; half < 2; half++)
        amx_products(1, weights, panel_bytes, rows, width, a.up, a.ranks, rank, a.bias, tiles, tokens, half * pairs / 2,
                     (half + 1) * pairs / 2, products + half * pairs / 2 * sums);
    for (int half = 0; half < 2; half++)
        amx_spread(products, 2 * PANEL, pairs, tokens, half * tokens / 2, (half + 1) * tokens / 2, 1, 0, rows, out);
    Expected *expected = memory(count * sizeof *expected);
    for (int t = 0; t < tokens; t++)
        for (int r = 0; r < rows; r++) {
            Expected sum = added(&a, x + t * width, r);
            float other = apart[t * rows + r];
            expected[t * rows + r] = (Expected){sum.value + other, sum.error + (fabsf(other) + fabs(sum.value) + 1) * 0x1p-18};
        }
    check_close(out, expected, count);
}

/* The same bits as gated, whether all pieces or one by one become rows. */
static void test_gated_products(const Tier *tier, int tokens, int rows, int width) {
    begin("gated_products %d to %d x %d", tokens, rows, width);
    int blocks = ceil_div(width, BLOCK), panels = ceil_div(rows, PANEL);
    int64_t panel_bytes = (int64_t)blocks * Q8_BLOCK;
    uint8_t *gate = q8_blocks(panels * blocks), *up = q8_blocks(panels * blocks);
    size_t count = (size_t)tokens * rows, whole = (size_t)ceil_div(tokens, TILE) * TILE;
    float *x = inputs((size_t)tokens * width, USUAL), *expected = floats(count), *out = floats(count), *one = floats(count);
    float *sums = floats(whole * 2 * PANEL), *products = floats((size_t)panels * whole * PANEL);
    void *tiles = memory((size_t)ceil_div(tokens, TILE) * blocks * sizeof(Tile));
    tier->quantize(x, width, 1, 0, tokens, tiles);
    tier->gated(1, gate, panel_bytes, 1, up, panel_bytes, rows, width, tiles, tiles, tokens, 0, panels, sums, expected);
    amx_gated_products(1, gate, panel_bytes, 1, up, panel_bytes, width, tiles, tokens, 0, panels, sums, products);
    amx_spread(products, PANEL, panels, tokens, 0, tokens, 0, 0, rows, out);
    check_same("all pieces", out, expected, count * sizeof(float));
    for (int i = 0; i < panels; i++)
        amx_spread(products + (size_t)i * whole * PANEL, PANEL, 1, tokens, 0, tokens, 0, i * PANEL, rows, one);
    check_same("piece by piece", one, expected, count * sizeof(float));
}

void test_tile_products(const Tier *tier) {
    if (!has_tiles(tier)) return;
    test_gated_products(tier, 1, 1, 1);
    test_gated_products(tier, 20, 33, 31);
    test_gated_products(tier, 40, 96, 100);
    test_corrected(1, 1, 1);
    test_corrected(5, 31, 5);
    test_corrected(40, 70, 16);
    test_corrected(70, 96, 30);
    test_corrected(33, 576, 13);
    test_beside(tier, 1, 1, 1, 1);
    test_beside(tier, 6, 33, 31, 5);
    test_beside(tier, 40, 64, 100, 16);
    test_beside(tier, 17, 50, 20, 0);
    test_beside(tier, 70, 47, 300, 40);
}

#else
void test_tile_products(const Tier *tier) { (void)tier; }
#endif
