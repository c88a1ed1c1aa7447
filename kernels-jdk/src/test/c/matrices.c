/* quantize, matmul and gated. */
#include <math.h>
#include <string.h>

#include "parity.h"

#define PAIR (2 * PANEL)

typedef struct {
    int form, rows, columns;
    int64_t panel_bytes;
    uint8_t *data;
} Matrix;

static const char *const FORM[] = {"q4", "q8", "f32"};

/* A finite half-precision number. */
static double half_value(uint16_t half) {
    int exponent = half >> 10 & 31, mantissa = half & 1023;
    double size = exponent == 0 ? ldexp(mantissa, -24) : ldexp(1024 + mantissa, exponent - 25);
    return half >> 15 ? -size : size;
}

/* The exponent of the largest numbers in matrices: tiles have no room for more than a thousand. */
static uint16_t largest_exponent;

/* Mostly from 1/64 to 1/4; some are zero, denormal or a thousand times larger, in tiles twenty times. */
static uint16_t random_half(void) {
    const uint16_t exponents[] = {9, 10, 11, 12, 10, 11, 0, largest_exponent};
    uint32_t bits = random_bits();
    if (bits >> 26 == 0) return 0;
    return (uint16_t)((bits & 0x83ff) | exponents[bits >> 20 & (bits >> 24 & 1 ? 7 : 3)] << 10);
}

static uint16_t half_at(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }

static void put_half(uint8_t *p, uint16_t half) {
    p[0] = (uint8_t)half;
    p[1] = (uint8_t)(half >> 8);
}

/* How a block of the 8-bit form begins: nothing else here knows it. */
#define Q8_QUANTS 32
static double q8_scale(const uint8_t *block, int row) { return half_value(half_at(block + 2 * row)); }
static void put_q8_scale(uint8_t *block, int row, uint16_t half) { put_half(block + 2 * row, half); }

#define Q4_QUANTS 64
static const int BLOCK_BYTES[] = {Q4_QUANTS + 256, Q8_QUANTS + 512, 2048};

static void fill_block(int form, uint8_t *block) {
    if (form == F32) {
        for (int i = 0; i < PANEL * BLOCK; i++) ((float *)(void *)block)[i] = random_float();
        return;
    }
    for (int i = 0; i < BLOCK_BYTES[form]; i++) block[i] = (uint8_t)(random_bits() >> 7);
    for (int row = 0; row < PANEL; row++) {
        if (form == Q8) {
            put_q8_scale(block, row, random_half());
        } else {
            put_half(block + 2 * row, random_half());
            put_half(block + 32 + 2 * row, random_half());
        }
    }
}

static Matrix random_matrix(int form, int rows, int columns) {
    int64_t panel_bytes = (int64_t)ceil_div(columns, BLOCK) * BLOCK_BYTES[form];
    size_t bytes = (size_t)(ceil_div(rows, PANEL) * panel_bytes);
    Matrix m = {form, rows, columns, panel_bytes, memory(bytes)};
    for (size_t at = 0; at < bytes; at += (size_t)BLOCK_BYTES[form]) fill_block(form, m.data + at);
    return m;
}

/* What a weight of few bits is computed from: scale * number + minimum. */
typedef struct {
    double scale, minimum;
    int number;
} Parts;

static Parts parts_of(const Matrix *m, int row, int column) {
    const uint8_t *block = m->data + row / PANEL * m->panel_bytes + column / BLOCK * BLOCK_BYTES[m->form];
    int r = row % PANEL, c = column % BLOCK;
    if (m->form == Q8) return (Parts){q8_scale(block, r), 0, (int8_t)block[Q8_QUANTS + c / 4 * 64 + 4 * r + c % 4]};
    int both = block[Q4_QUANTS + c % 16 / 4 * 64 + 4 * r + c % 4];
    return (Parts){half_value(half_at(block + 2 * r)), half_value(half_at(block + 32 + 2 * r)), c < 16 ? both & 15 : both >> 4};
}

/* One weight; size is that of the parts it is computed from, which bounds its rounding. */
static double weight(const Matrix *m, int row, int column, double *size) {
    if (m->form == F32) {
        double w = ((const float *)(const void *)(m->data + row / PANEL * m->panel_bytes))[column * PANEL + row % PANEL];
        *size = fabs(w);
        return w;
    }
    Parts parts = parts_of(m, row, column);
    double product = parts.scale * parts.number;
    *size = m->form == Q8 ? 256 * fabs(parts.scale) : fabs(product) + fabs(parts.minimum); /* a tier may add 128 to the quants */
    return product + parts.minimum;
}

/* The nearest half-precision number. */
static double half(double x) {
    int exponent;
    frexp(x, &exponent);
    double unit = ldexp(1, (exponent > -13 ? exponent : -13) - 11);
    return nearbyint(x / unit) * unit;
}

/* A weight as tiles have it: 64 times as large in half precision, then in bfloat16, where even nothing has a one before its point. */
static double tile_weight(const Matrix *m, int row, int column) {
    Parts parts = parts_of(m, row, column);
    double scale = half(1024 * parts.scale), offset = half(64 * parts.minimum - scale);
    double w = m->form == Q8 ? half(64 * parts.scale * parts.number) : half((1 + parts.number / 16.) * scale + offset);
    double size = fabs(w) < 0x1p-14 ? 0x1p-15 + fabs(w) / 2 : fabs(w);
    return copysign(ldexp(floor(ldexp(size, 7 - ilogb(size)) + 0.5), ilogb(size) - 7) / 64, w);
}

static void test_tile_weights(int form) {
    begin("%s in tiles", FORM[form]);
    Matrix m = random_matrix(form, 40, 100);
    int good = 1;
    for (int row = 0; row < m.rows; row++)
        for (int column = 0; column < m.columns; column++) {
            double size, w = weight(&m, row, column, &size), offset = 16 * fabs(parts_of(&m, row, column).scale) + size;
            good &= fabs(tile_weight(&m, row, column) - w) <= fabs(w) * 0x1.2p-8 + (form == Q8 ? 0 : offset * 0x1p-11) + 0x1p-20;
        }
    check(good, "a weight is far off");
}

static int most_terms(const Tier *tier) { return has_tiles(tier) ? 1 : 2; }

/* What a matrix is multiplied with: floats, or activations in one or two terms, or in tiles. */
typedef struct {
    int tokens, terms, columns;
    float *x;
    Activations *rounded;
    Tile *tiles; /* NULL if there are none */
} Input;

static Input quantized(const Tier *tier, const float *x, int tokens, int columns, int terms) {
    int blocks = ceil_div(columns, BLOCK);
    size_t count = (size_t)tokens * columns;
    Input in = {tokens, terms, columns, floats(count), NULL, NULL};
    if (has_tiles(tier)) {
        in.tiles = memory((size_t)ceil_div(tokens, TILE) * blocks * sizeof(Tile));
        in.rounded = (void *)in.tiles;
    } else {
        in.rounded = memory((size_t)terms * tokens * blocks * sizeof(Activations));
    }
    memcpy(in.x, x, count * sizeof(float));
    tier->quantize(in.x, columns, terms, 0, tokens, in.rounded);
    return in;
}

static const void *operand(const Input *in, int form) { return form == F32 ? (const void *)in->x : in->rounded; }

/* The value that a matrix of some form reads; size as with weights. */
static double activation(const Input *in, int form, int token, int column, double *size) {
    double total = 0;
    int blocks = ceil_div(in->columns, BLOCK);
    *size = fabsf(in->x[token * in->columns + column]);
    if (form == F32) return in->x[token * in->columns + column];
    if (in->tiles) {
        return tile_value(in->tiles[token / TILE * blocks + column / BLOCK][token % TILE][column % BLOCK]);
    }
    for (int term = 0; term < in->terms; term++) {
        const Activations *a = in->rounded + (token * in->terms + term) * blocks + column / BLOCK;
        double part = (double)a->scale * a->quants[column % BLOCK];
        *size = fmax(*size, fabs(part));
        total += part;
    }
    return total;
}

static Expected product(const Matrix *m, const Input *in, int token, int row) {
    Expected sum = {0, 0};
    for (int c = 0; c < in->columns; c++) {
        double w_size, x_size;
        double w = weight(m, row, c, &w_size), x = activation(in, m->form, token, c, &x_size);
        if (in->tiles && m->form != F32) w = tile_weight(m, row, c);
        sum.value += w * x;
        sum.error += w_size * x_size;
    }
    sum.error *= (8 + sqrt(in->columns)) * 0x1p-24; /* rounding errors mostly cancel, like the steps of a random walk */
    sum.error += 1e-37;
    return sum;
}

/* Room for the sums of a pair of panels. */
static float *sums_of(const Input *in) {
    int rows = in->tokens * in->terms;
    return floats((size_t)(in->tiles ? ceil_div(rows, TILE) * TILE : rows) * PAIR);
}

/* In two calls, as two threads would. */
static void multiply(const Tier *tier, const Matrix *m, const Input *in, int add, float *out) {
    int pairs = ceil_div(m->rows, PAIR);
    for (int half = 0; half < 2; half++) {
        float *sums = sums_of(in);
        tier->matmul(m->form, m->data, m->panel_bytes, m->rows, m->columns, operand(in, m->form), in->tokens, in->terms,
                     half * pairs / 2, (half + 1) * pairs / 2, add, sums, out);
    }
}

static void gate(const Tier *tier, const Matrix *g, const Matrix *u, const Input *in, float *out) {
    int panels = ceil_div(g->rows, PANEL);
    for (int half = 0; half < 2; half++) {
        float *sums = sums_of(in);
        tier->gated(g->form, g->data, g->panel_bytes, u->form, u->data, u->panel_bytes, g->rows, g->columns, operand(in, g->form),
                    operand(in, u->form), in->tokens, half * panels / 2, (half + 1) * panels / 2, sums, out);
    }
}

/* The scale is the largest number's share, and the sum is that of the quants. */
static int well_formed(const Activations *a, double most) {
    int total = 0;
    for (int i = 0; i < BLOCK; i++) total += a->quants[i];
    return fabs(a->scale - most / 127) <= most * 1e-7 && a->sum == (float)((double)a->scale * total);
}

/* Whether two terms are the nearest to count numbers, and zero behind them. */
static int nearest(const float *x, int count, const Activations *first, const Activations *second) {
    double most = 0, most_rest = 0, rest[BLOCK] = {0};
    int near = 1;
    for (int i = 0; i < BLOCK; i++) {
        double value = i < count ? x[i] : 0;
        rest[i] = value - (double)first->scale * first->quants[i];
        most = fmax(most, fabs(value));
        near &= fabs(rest[i]) <= first->scale * 0.50001;
    }
    for (int i = 0; i < BLOCK; i++) {
        near &= fabs(rest[i] - (double)second->scale * second->quants[i]) <= second->scale * 0.50001 + most * 0x1p-23;
        most_rest = fmax(most_rest, fabs((double)second->scale * second->quants[i]));
    }
    return near && well_formed(first, most) && well_formed(second, most_rest);
}

static void test_quantize(const Tier *tier, int tokens, int width, int kind) {
    begin("quantize %d x %d, %s", tokens, width, KIND[kind]);
    int blocks = ceil_div(width, BLOCK), good = 1;
    Input in = quantized(tier, inputs((size_t)tokens * width, kind), tokens, width, 2);
    for (int t = 0; t < tokens; t++)
        for (int b = 0; b < blocks; b++) {
            const Activations *first = in.rounded + 2 * t * blocks + b;
            good &= nearest(in.x + t * width + b * BLOCK, smaller_int(BLOCK, width - b * BLOCK), first, first + blocks);
        }
    check(good, "not the nearest");

    size_t bytes = (size_t)2 * tokens * blocks * sizeof(Activations);
    Activations *one = memory(bytes);
    for (int t = tokens - 1; t >= 0; t--) tier->quantize(in.x, width, 2, t, t + 1, one);
    check_same("token by token", one, in.rounded, bytes);
}

static void test_tiles(const Tier *tier, int tokens, int width, int kind) {
    begin("quantize %d x %d to tiles, %s", tokens, width, KIND[kind]);
    int blocks = ceil_div(width, BLOCK), good = 1;
    size_t bytes = (size_t)ceil_div(tokens, TILE) * blocks * sizeof(Tile);
    Input in = quantized(tier, inputs((size_t)tokens * width, kind), tokens, width, 1);
    for (int t = 0; t < tokens; t++)
        for (int c = 0; c < blocks * BLOCK; c++) {
            double size;
            if (c < width) good &= activation(&in, Q8, t, c, &size) == bfloat16(in.x[t * width + c]);
            else good &= in.tiles[t / TILE * blocks + c / BLOCK][t % TILE][c % BLOCK] == 0;
        }
    check(good, "not the nearest");
    Tile *one = memory(bytes);
    for (int t = tokens - 1; t >= 0; t--) tier->quantize(in.x, width, 1, t, t + 1, one);
    check_same("token by token", one, in.tiles, bytes);
}

static void test_denormals(const Tier *tier) {
    begin("quantize denormals");
    float *x = floats(BLOCK);
    for (int i = 0; i < BLOCK; i++) x[i] = 1e-39f;
    Input in = quantized(tier, x, 1, BLOCK, 2);
    check(in.rounded[0].scale == 0 && in.rounded[0].sum == 0 && in.rounded[1].scale == 0, "a scale is not zero");
}

static void test_matmul(const Tier *tier, const Matrix *m, int tokens, int terms, int kind) {
    Input in = quantized(tier, inputs((size_t)tokens * m->columns, kind), tokens, m->columns, terms);
    size_t count = (size_t)tokens * m->rows;
    float *out = floats(count), *sum = floats(count);
    Expected *expected = memory(count * sizeof *expected);
    for (size_t i = 0; i < count; i++) {
        expected[i] = product(m, &in, (int)i / m->rows, (int)i % m->rows);
        sum[i] = random_float();
    }
    multiply(tier, m, &in, 0, out);
    check_close(out, expected, count);
    for (size_t i = 0; i < count; i++) {
        expected[i].error += fabs(sum[i]) * 0x1p-23;
        expected[i].value += sum[i];
    }
    multiply(tier, m, &in, 1, sum);
    check_close(sum, expected, count);
}

/* silu is never steeper than 1.1. Of a gate far below zero, the kernels' exponential leaves what is under e^-87. */
static Expected gated_product(Expected g, Expected u) {
    double silu = g.value / (1 + exp(-g.value));
    double silu_error = 1.1 * g.error + fabs(g.value) * exp(-87) + fabs(silu) * 0x1p-20;
    return (Expected){silu * u.value, silu_error * (fabs(u.value) + u.error) + fabs(silu) * u.error + 1e-37};
}

static void test_gated(const Tier *tier, int gate_form, int up_form, int rows, int columns, int tokens, int kind) {
    begin("gated %s %s %d x %d, %d tokens, %s", FORM[gate_form], FORM[up_form], rows, columns, tokens, KIND[kind]);
    Matrix g = random_matrix(gate_form, rows, columns), u = random_matrix(up_form, rows, columns);
    Input in = quantized(tier, inputs((size_t)tokens * columns, kind), tokens, columns, 1);
    size_t count = (size_t)tokens * rows;
    float *out = floats(count);
    Expected *expected = memory(count * sizeof *expected);
    for (size_t i = 0; i < count; i++)
        expected[i] = gated_product(product(&g, &in, (int)i / rows, (int)i % rows), product(&u, &in, (int)i / rows, (int)i % rows));
    gate(tier, &g, &u, &in, out);
    check_close(out, expected, count);
}

/* Some tokens of an input by themselves. */
static Input slice(const Tier *tier, const Input *in, int from, int count) {
    return quantized(tier, in->x + from * in->columns, count, in->columns, in->terms);
}

static void test_batches(const Tier *tier, int form, int terms) {
    enum { TOKENS = 13, TOKEN_ROWS = 50, COLUMNS = 530 };
    for (int batch = 1; batch < TOKENS; batch++) {
        begin("%s, %d terms, in batches of %d", FORM[form], terms, batch);
        Matrix m = random_matrix(form, TOKEN_ROWS, COLUMNS);
        Input in = quantized(tier, inputs(TOKENS * COLUMNS, OUTLIER), TOKENS, COLUMNS, terms);
        float *whole = floats(TOKENS * TOKEN_ROWS), *parts = floats(TOKENS * TOKEN_ROWS);
        multiply(tier, &m, &in, 0, whole);
        int last = (TOKENS - 1) / batch * batch; /* the other batches are as the first */
        for (int from = 0; from < TOKENS; from += last > 0 ? last : TOKENS) {
            int count = smaller_int(batch, TOKENS - from);
            Input some = slice(tier, &in, from, count);
            multiply(tier, &m, &some, 0, parts + from * TOKEN_ROWS);
            check_same("a product", parts + from * TOKEN_ROWS, whole + from * TOKEN_ROWS, (size_t)count * TOKEN_ROWS * sizeof(float));
        }
        if (terms == 2) continue;
        gate(tier, &m, &m, &in, whole);
        Input some = slice(tier, &in, 1, batch);
        gate(tier, &m, &m, &some, parts);
        check_same("a gated product", parts, whole + TOKEN_ROWS, (size_t)batch * TOKEN_ROWS * sizeof(float));
    }
}

/* Listed panels, in two calls, give what the whole matrix gives there, and touch nothing else. */
static void test_panels(const Tier *tier, int form, int terms) {
    enum { ALL_ROWS = 90, COLUMNS = 70 };
    static const int32_t some[] = {0, 2, 5};
    begin("panels %s, %d terms", FORM[form], terms);
    Matrix m = random_matrix(form, ALL_ROWS, COLUMNS);
    Input in = quantized(tier, inputs(COLUMNS, USUAL), 1, COLUMNS, terms);
    float *whole = floats(ALL_ROWS), *out = floats(ALL_ROWS), *expected = floats(ALL_ROWS);
    int32_t *listed = memory(sizeof some);
    memcpy(listed, some, sizeof some);
    for (int i = 0; i < ALL_ROWS; i++) out[i] = expected[i] = -1;
    multiply(tier, &m, &in, 0, whole);
    for (int i = 0; i < 3; i++)
        memcpy(expected + some[i] * PANEL, whole + some[i] * PANEL,
               (size_t)smaller_int(PANEL, ALL_ROWS - some[i] * PANEL) * sizeof(float));
    for (int half = 0; half < 2; half++)
        tier->panels(m.form, m.data, m.panel_bytes, m.rows, m.columns, operand(&in, form), terms, listed, half, half ? 3 : 1,
                     sums_of(&in), out);
    check_same("panels", out, expected, ALL_ROWS * sizeof(float));
}

static void test_shapes(const Tier *tier, int form) {
    static const int shapes[][2] = {{1, 1}, {15, 31}, {16, 32}, {17, 33}, {48, 64}, {65, 129}, {33, 1100}};
    static const int tokens[] = {1, 2, 3, 4, 5, 6, 7, 8, 13, 33};
    for (int s = 0; s < 7; s++)
        for (int t = 0; t < 10; t++)
            for (int terms = 1; terms <= most_terms(tier); terms++) {
                if (shapes[s][1] > 1000 && t % 4 > 0) continue;
                begin("matmul %s %d x %d, %d tokens, %d terms", FORM[form], shapes[s][0], shapes[s][1], tokens[t], terms);
                Matrix m = random_matrix(form, shapes[s][0], shapes[s][1]);
                test_matmul(tier, &m, tokens[t], terms, USUAL);
            }
}

static void test_views(const Tier *tier, int form) {
    static const int views[][2] = {{0, 64}, {1, 1}, {31, 32}, {64, 96}, {77, 150}, {100, 199}};
    for (int v = 0; v < 6; v++) {
        begin("matmul %s, a view of %d x %d", FORM[form], views[v][0], views[v][1]);
        Matrix m = random_matrix(form, 100, 200);
        m.rows = views[v][0];
        m.columns = views[v][1];
        test_matmul(tier, &m, 5, most_terms(tier), USUAL);
    }
}

void test_matrices(const Tier *tier) {
    largest_exponent = has_tiles(tier) ? 16 : 22;
    static const int widths[] = {1, 31, 32, 33, 100, 576};
    for (int kind = 0; kind < KINDS; kind++)
        for (int w = 0; w < 6; w++) {
            if (has_tiles(tier)) test_tiles(tier, 4 * w + 1, widths[w], kind);
            else test_quantize(tier, 1 + w, widths[w], kind);
        }
    if (!has_tiles(tier)) test_denormals(tier);
    for (int form = Q4; has_tiles(tier) && form <= Q8; form++) test_tile_weights(form);
    for (int form = Q4; form <= F32; form++) {
        test_shapes(tier, form);
        test_views(tier, form);
        for (int kind = 0; kind < KINDS; kind++) {
            begin("matmul %s, %s", FORM[form], KIND[kind]);
            Matrix m = random_matrix(form, 40, 96);
            for (int terms = 1; terms <= most_terms(tier); terms++) test_matmul(tier, &m, 3, terms, kind);
            for (int up = Q4; up <= F32; up++) test_gated(tier, form, up, 41, 97, 3, kind);
        }
        for (int tokens = 1; tokens < 10; tokens++) test_gated(tier, form, (form + tokens) % 3, 17 * tokens, 33, tokens, USUAL);
        for (int terms = 1; terms <= most_terms(tier); terms++) {
            test_batches(tier, form, terms);
            test_panels(tier, form, terms);
        }
    }
}
