/* What this processor can do at most: loops like those of the kernels, with nothing around them. */
#include "kernels.c"

/* Multiplies the quants of a strip in the first-level cache with a tile of tokens, with block scales in registers. */
void EXPORT(integers)(const uint8_t quants[SEGMENT][8][4 * LANES], const Activations *x, int64_t repeats, float *sums) {
    Floats acc[TILE][VECTORS] = {}, scale = all(sums[0]);
    for (int64_t n = 0; n < repeats; n++)
        for (int b = 0; b < SEGMENT; b++) {
            Ints dots[TILE][VECTORS];
            block_dots(TILE, quants[b], x + b, SEGMENT, dots);
            UNROLL for (int t = 0; t < TILE; t++)
                UNROLL for (int v = 0; v < VECTORS; v++) acc[t][v] += to_floats(dots[t][v]) * scale;
        }
    for (int t = 0; t < TILE; t++)
        for (int v = 0; v < VECTORS; v++) store(sums + (t * VECTORS + v) * WIDTH, acc[t][v]);
}

/* The same with floats, as in attention. */
void EXPORT(floats)(const float *weights, const float *x, int64_t repeats, float *sums) {
    Floats acc[TILE][VECTORS] = {};
    for (int64_t n = 0; n < repeats; n++)
        for (int c = 0; c < SEGMENT; c++)
            UNROLL for (int v = 0; v < VECTORS; v++) {
                Floats w = load(weights + (c * VECTORS + v) * WIDTH);
                UNROLL for (int t = 0; t < TILE; t++) acc[t][v] += w * x[t * SEGMENT + c];
            }
    for (int t = 0; t < TILE; t++)
        for (int v = 0; v < VECTORS; v++) store(sums + (t * VECTORS + v) * WIDTH, acc[t][v]);
}

/* Products that one repeat of the two functions above makes. */
int64_t EXPORT(integer_products)(void) { return (int64_t)TILE * LANES * BLOCK * SEGMENT; }
int64_t EXPORT(float_products)(void) { return (int64_t)TILE * LANES * SEGMENT; }

/* Reads memory, a multiple of 1024 bytes, in order. */
void EXPORT(read)(const uint8_t *data, int64_t bytes, uint8_t *out) {
    Bytes seen[8] = {};
    for (int64_t at = 0; at < bytes; at += 8 * sizeof(Bytes))
        UNROLL for (int i = 0; i < 8; i++) seen[i] |= load_bytes(data + at + i * sizeof(Bytes));
    for (int i = 0; i < 8; i++) store_bytes(out + i * sizeof(Bytes), seen[i]);
}
