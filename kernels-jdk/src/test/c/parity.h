/*
 * Tests of the C kernels: every function of every tier against its formula in double precision. Each case begins with begin(),
 * takes its buffers from memory(), which an address sanitizer guards to the byte, and ends in checks.
 */
#ifndef ELMS_PARITY_H
#define ELMS_PARITY_H

#include <stddef.h>
#include <stdint.h>

#include "kernels.h"

typedef void Matmul(int form, const uint8_t *weights, int64_t panel_bytes, int rows, int width, const void *x, int tokens, int terms,
                    int first, int last, int add, float *sums, float *out);
typedef void Panels(int form, const uint8_t *weights, int64_t panel_bytes, int rows, int width, const void *x, int terms,
                    const int32_t *listed, int first, int last, float *sums, float *out);
typedef void Gated(int gate_form, const uint8_t *gate, int64_t gate_bytes, int up_form, const uint8_t *up, int64_t up_bytes, int rows,
                   int width, const void *gate_x, const void *up_x, int tokens, int first, int last, float *sums, float *out);
typedef void Largest(const float *scores, int first, int rows, float *out);
typedef void Quantize(const float *x, int width, int terms, int first, int last, void *out);
typedef void Adapt(const int8_t *down, int down_columns, int rank, int width, const int8_t *up, int up_ranks, int rows,
                   const float *scales, const float *bias, const float *x, int first, int last, float *inner, float *y);
typedef void RmsNorm(const float *x, int width, int first, int last, const float *weight, float epsilon, float *out);
typedef void LayerNorm(float *x, int width, int first, int last, const float *added, const float *weight, const float *bias,
                       float epsilon);
typedef void Rotate(float *x, int first, int last, int heads, int head_dim, int half, const float *cos, const float *sin);
typedef void Append(const float *new_keys, const float *new_values, int from, int count, int position, int heads, int head_dim,
                    uint16_t *keys, uint16_t *values);
typedef void Attend(const float *queries, int tokens, int query_heads, const int32_t *heads, int head_count, int from,
                    const uint16_t *keys, int first_key, const uint16_t *values, int first_value, int head_dim, int first, int length,
                    const uint16_t *next_keys, int first_next, float *part);
typedef void Join(float *part, const float *next, int count, int head_dim);
typedef void Finish(const float *part, int tokens, int query_heads, const int32_t *heads, int head_count, int from, int head_dim,
                    float *out);

typedef struct {
    const char *name;
    Matmul *matmul;
    Panels *panels;
    Gated *gated;
    Largest *largest_of_panels;
    Quantize *quantize;
    Adapt *adapt;
    RmsNorm *rms_norm;
    LayerNorm *layer_norm;
    Rotate *rotate;
    Append *append;
    Attend *attend;
    Join *join;
    Finish *finish;
} Tier;

/* In bfloat16, of 16 tokens with a block of columns each. */
#define TILE 16
typedef uint16_t Tile[TILE][BLOCK];

/* Whether it multiplies tiles. */
int has_tiles(const Tier *tier);

/* What a number in a tile of tokens is: there they are 1024 times as large. */
double tile_value(uint16_t number);

/* The nearest bfloat16. */
double bfloat16(double x);

void test_matrices(const Tier *tier);
void test_rows(const Tier *tier);
void test_tile_products(const Tier *tier);
void test_attention(const Tier *tier);

/* Names the case that begins, frees the memory of the last one, and sets the random numbers back. */
void begin(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Exactly so many bytes, aligned no better than a Java array, and full of NaNs. */
void *memory(size_t bytes);
float *floats(size_t count);

uint32_t random_bits(void);
/* In [-1, 1). */
float random_float(void);

/* What inputs can be like. */
enum { USUAL, ZERO, TINY, LARGE, OUTLIER, KINDS };
extern const char *const KIND[KINDS];
float *inputs(size_t count, int kind);

typedef struct {
    double value, error;
} Expected;

void check(int passed, const char *format, ...) __attribute__((format(printf, 2, 3)));
void check_close(const float *actual, const Expected *expected, size_t count);
void check_same(const char *what, const void *a, const void *b, size_t bytes);

static inline int ceil_div(int a, int b) { return (a + b - 1) / b; }
static inline int smaller_int(int a, int b) { return a < b ? a : b; }

#endif
