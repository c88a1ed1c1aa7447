/* rms_norm and rotate. */
#include <math.h>
#include <string.h>

#include "parity.h"

#define EPSILON 1e-5f

/* The middle token of three is computed, the others must stay as they are. */
static void test_rms_norm(const Tier *tier, int width, int kind) {
    begin("rms_norm %d, %s", width, KIND[kind]);
    size_t count = 3 * (size_t)width;
    float *x = inputs(count, kind), *weight = inputs((size_t)width, USUAL);
    float *out = floats(count), *untouched = floats(count);
    Expected *expected = memory((size_t)width * sizeof *expected);
    double squares = 0;
    for (int i = 0; i < width; i++) squares += (double)x[width + i] * x[width + i];
    for (int i = 0; i < width; i++) {
        double value = x[width + i] / sqrt(squares / width + EPSILON) * weight[i];
        expected[i] = (Expected){value, fabs(value) * 0x1p-20 + 1e-37};
    }
    tier->rms_norm(x, width, 1, 2, weight, EPSILON, out);
    check_close(out + width, expected, (size_t)width);
    memcpy(untouched + width, out + width, (size_t)width * sizeof(float));
    check_same("another token", out, untouched, count * sizeof(float));
}

static void test_rotate(const Tier *tier, int heads, int head_dim, int half) {
    begin("rotate %d x %d by %d", heads, head_dim, half);
    size_t row = (size_t)heads * head_dim, count = 3 * row;
    float *x = inputs(count, USUAL), *cos = inputs(3 * (size_t)half, USUAL), *sin = inputs(3 * (size_t)half, USUAL);
    Expected *expected = memory(count * sizeof *expected);
    for (size_t i = 0; i < count; i++) expected[i] = (Expected){x[i], 0};
    for (int h = 0; h < heads; h++)
        for (int i = 0; i < half; i++) {
            size_t a = row + (size_t)h * head_dim + i, b = a + half;
            double c = cos[half + i], s = sin[half + i];
            expected[a] = (Expected){x[a] * c - x[b] * s, 0x1p-22};
            expected[b] = (Expected){x[b] * c + x[a] * s, 0x1p-22};
        }
    tier->rotate(x, 1, 2, heads, head_dim, half, cos, sin);
    check_close(x, expected, count);
}

void test_rows(const Tier *tier) {
    static const int widths[] = {1, 7, 16, 37, 576, 1000};
    for (int w = 0; w < 6; w++)
        for (int kind = 0; kind < KINDS; kind++) test_rms_norm(tier, widths[w], kind);
    test_rotate(tier, 1, 7, 3);
    test_rotate(tier, 2, 20, 10);
    test_rotate(tier, 3, 24, 5);
    test_rotate(tier, 6, 64, 32);
}
