/* largest_of_panels, rms_norm, layer_norm, rotate and adapt. */
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

static void test_layer_norm(const Tier *tier, int width) {
    begin("layer_norm %d", width);
    size_t count = 3 * (size_t)width;
    float *x = inputs(count, USUAL), *added = inputs((size_t)width, USUAL), *weight = inputs((size_t)width, USUAL);
    float *bias = inputs((size_t)width, USUAL);
    Expected *expected = memory(count * sizeof *expected);
    double total = 0, squares = 0;
    for (int i = 0; i < width; i++) total += (double)x[width + i] + added[i];
    for (int i = 0; i < width; i++) squares += pow((double)x[width + i] + added[i] - total / width, 2);
    for (size_t i = 0; i < count; i++) expected[i] = (Expected){x[i], 0};
    for (int i = 0; i < width; i++) {
        double centred = ((double)x[width + i] + added[i] - total / width) / sqrt(squares / width + EPSILON);
        expected[width + i] = (Expected){centred * weight[i] + bias[i], (2 + fabs(centred)) * 0x1p-20};
    }
    tier->layer_norm(x, width, 1, 2, added, weight, bias, EPSILON);
    check_close(x, expected, count);
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

/*
 * Tokens 1 to 4 of six, with the first ranks of a panel that has two more, and the first columns of panels that have three more. inner
 * has room for the four tokens that a tile has at most.
 */
static void test_adapt(const Tier *tier, int rows, int width, int rank) {
    begin("adapt %d x %d by %d", rows, width, rank);
    int ranks = rank + 2, columns = width + 3, padded = ceil_div(rank, PANEL) * PANEL;
    size_t down_bytes = (size_t)ceil_div(ranks, PANEL) * columns * PANEL, up_bytes = (size_t)ceil_div(rows, PANEL) * ranks * PANEL;
    int8_t *down = memory(down_bytes), *up = memory(up_bytes);
    for (size_t i = 0; i < down_bytes; i++) down[i] = (int8_t)random_bits();
    for (size_t i = 0; i < up_bytes; i++) up[i] = (int8_t)random_bits();
    float *x = inputs(6 * (size_t)width, USUAL), *bias = inputs((size_t)rows, USUAL), *scales = inputs((size_t)ranks, USUAL);
    float *y = inputs(6 * (size_t)rows, USUAL), *inner = floats(4 * (size_t)padded);
    Expected *expected = memory(6 * (size_t)rows * sizeof *expected);
    for (int t = 0; t < 6; t++)
        for (int r = 0; r < rows; r++) {
            double value = y[t * rows + r], size = fabs(value);
            for (int k = 0; t > 0 && t < 5 && k < rank; k++) {
                double sum = 0, sizes = 0;
                for (int c = 0; c < width; c++) {
                    double product = (double)x[t * width + c] * down[((size_t)k / PANEL * columns + c) * PANEL + k % PANEL];
                    sum += product;
                    sizes += fabs(product);
                }
                double weight = (double)scales[k] * up[((size_t)r / PANEL * ranks + k) * PANEL + r % PANEL];
                value += sum * weight;
                size += sizes * fabs(weight);
            }
            if (t > 0 && t < 5) value += bias[r];
            expected[t * rows + r] = (Expected){value, t > 0 && t < 5 ? (size + 1) * 0x1p-19 : 0};
        }
    tier->adapt(down, columns, rank, width, up, ranks, rows, scales, bias, x, 1, 5, inner, y);
    check_close(y, expected, 6 * (size_t)rows);
}

static void test_largest(const Tier *tier, int rows) {
    begin("largest_of_panels %d", rows);
    const int first = 3;
    int panels = ceil_div(rows, PANEL);
    float *scores = inputs((size_t)(first + rows), USUAL), *out = floats((size_t)panels), *expected = floats((size_t)panels);
    for (int p = 0; p < panels; p++) {
        expected[p] = -INFINITY;
        for (int r = p * PANEL; r < smaller_int((p + 1) * PANEL, rows); r++) expected[p] = fmaxf(expected[p], scores[first + r]);
    }
    tier->largest_of_panels(scores, first, rows, out);
    check_same("the largest", out, expected, (size_t)panels * sizeof(float));
}

void test_rows(const Tier *tier) {
    test_largest(tier, 1);
    test_largest(tier, 16);
    test_largest(tier, 47);
    test_largest(tier, 500);
    test_adapt(tier, 1, 1, 1);
    test_adapt(tier, 33, 31, 5);
    test_adapt(tier, 64, 100, 16);
    test_adapt(tier, 50, 0, 3);
    test_adapt(tier, 17, 20, 0);
    test_adapt(tier, 96, 37, 40);
    static const int widths[] = {1, 7, 16, 37, 576, 1000};
    for (int w = 0; w < 6; w++)
        for (int kind = 0; kind < KINDS; kind++) test_rms_norm(tier, widths[w], kind);
    for (int w = 0; w < 6; w++) test_layer_norm(tier, widths[w]);
    test_rotate(tier, 1, 7, 3);
    test_rotate(tier, 2, 20, 10);
    test_rotate(tier, 3, 24, 5);
    test_rotate(tier, 6, 64, 32);
}
