/*
 * Products in integers: activations are rounded to 8 bits, a scale for every 32 of them, and multiplied with the weights' own bits. A pair
 * of panels is multiplied in strips as wide as the registers allow, a tile of tokens at a time.
 */
#ifndef ELMS_INTEGERS_H
#define ELMS_INTEGERS_H

#if WIDTH == 16
#define VECTORS 2
#define TILE 6
#elif WIDTH == 8
#define VECTORS 2
#define TILE 3
#elif defined(MATRICES)
#define VECTORS 4
#define TILE 4
#else
#define VECTORS 4
#define TILE 3
#endif
#define LANES (VECTORS * WIDTH)
#define STRIP_PANELS (LANES / PANEL)
/* Most blocks unpacked at a time, so that a strip stays in the first-level cache. */
#define SEGMENT 18

/* Weights of LANES rows as bytes, ready for dot products. */
typedef struct {
    uint8_t quants[SEGMENT][8][4 * LANES] __attribute__((aligned(64)));
    float scale[SEGMENT][LANES];
    float minimum[SEGMENT][LANES];
} Strip;

INLINE Bytes load_bytes(const uint8_t *p) { return *(const BytesAt *)p; }
INLINE void store_bytes(uint8_t *p, Bytes x) { *(BytesAt *)p = x; }

/* Groups g and g + 1 of some rows. */
INLINE void store_groups(Strip *strip, int b, int g, int lane, Bytes first, Bytes second) {
    arrange(&first, &second);
    store_bytes(strip->quants[b][g] + 4 * lane, first);
    store_bytes(strip->quants[b][g + 1] + 4 * lane, second);
}

INLINE void unpack_q4(const uint8_t *block, Strip *strip, int b, int lane) {
    for (int r = 0; r < PANEL; r += WIDTH) {
        store(strip->scale[b] + lane + r, halves(block + 2 * r));
        store(strip->minimum[b] + lane + r, halves(block + 32 + 2 * r));
        UNROLL for (int g = 0; g < 4; g += 2) {
            const uint8_t *from = block + 64 + 64 * g + 4 * r;
            Bytes first = load_bytes(from), second = load_bytes(from + 64);
            store_groups(strip, b, g, lane + r, first & 15, second & 15);
            store_groups(strip, b, 4 + g, lane + r, first >> 4, second >> 4);
        }
    }
}

INLINE void unpack_q8(const uint8_t *block, Strip *strip, int b, int lane) {
    for (int r = 0; r < PANEL; r += WIDTH) {
        Floats scale = halves(block + 2 * r);
        store(strip->scale[b] + lane + r, scale);
        store(strip->minimum[b] + lane + r, scale * -(float)BIAS);
        UNROLL for (int g = 0; g < 8; g += 2) {
            const uint8_t *from = block + 32 + 64 * g + 4 * r;
            store_groups(strip, b, g, lane + r, load_bytes(from) ^ BIAS, load_bytes(from + 64) ^ BIAS);
        }
    }
}

/* dots[token] = quants · x[token] of one block, in integers. */
#ifdef MATRICES
/* Two tokens at a time, where the first gathers rows 0 and 1 of each four for both, the second rows 2 and 3. */
INLINE void block_dots(const int tokens, const uint8_t quants[8][4 * LANES], const Activations *x, int stride,
                       Ints dots[TILE][VECTORS]) {
    UNROLL for (int t = 0; t < TILE; t++)
        UNROLL for (int v = 0; v < VECTORS; v++) dots[t][v] = (Ints){};
    UNROLL for (int g = 0; g < 8; g += 2)
        UNROLL for (int t = 0; t < tokens; t += 2) {
            const Activations *first = x + t * stride, *second = t + 1 < tokens ? first + stride : first;
            Ints both = eight_columns(first->quants + 4 * g, second->quants + 4 * g);
            UNROLL for (int v = 0; v < VECTORS; v++) {
                dots[t][v] = matrix_dot(dots[t][v], load_bytes(quants[g] + 4 * v * WIDTH), both);
                dots[t + 1][v] = matrix_dot(dots[t + 1][v], load_bytes(quants[g + 1] + 4 * v * WIDTH), both);
            }
        }
    UNROLL for (int t = 0; t < tokens; t += 2)
        UNROLL for (int v = 0; v < VECTORS; v++) separate(&dots[t][v], &dots[t + 1][v]);
}
#else
INLINE void block_dots(const int tokens, const uint8_t quants[8][4 * LANES], const Activations *x, int stride,
                       Ints dots[TILE][VECTORS]) {
    UNROLL for (int t = 0; t < tokens; t++)
        UNROLL for (int v = 0; v < VECTORS; v++) dots[t][v] = (Ints){};
    UNROLL for (int g = 0; g < 8; g++) {
        Bytes w[VECTORS];
        UNROLL for (int v = 0; v < VECTORS; v++) w[v] = load_bytes(quants[g] + 4 * v * WIDTH);
        UNROLL for (int t = 0; t < tokens; t++) {
            Ints four = columns(x[t * stride].quants + 4 * g);
            UNROLL for (int v = 0; v < VECTORS; v++) dots[t][v] = dot(dots[t][v], w[v], four);
        }
    }
}
#endif

/*
 * sums[token] = strip · x[token], added to what they are unless the strip is the first of its rows, block after block: the same
 * additions in the same order for any number of tokens.
 */
INLINE void tile(const int tokens, const Strip *strip, int blocks, const Activations *x, int stride, int first, float *sums) {
    Floats acc[TILE][VECTORS];
    UNROLL for (int t = 0; t < tokens; t++)
        UNROLL for (int v = 0; v < VECTORS; v++) acc[t][v] = first ? (Floats){} : load(sums + t * PAIR + v * WIDTH);
    for (int b = 0; b < blocks; b++) {
        Ints dots[TILE][VECTORS];
        block_dots(tokens, strip->quants[b], x + b, stride, dots);
        UNROLL for (int v = 0; v < VECTORS; v++) {
            Floats scale = load(strip->scale[b] + v * WIDTH);
            Floats minimum = load(strip->minimum[b] + v * WIDTH);
            UNROLL for (int t = 0; t < tokens; t++) {
                acc[t][v] += to_floats(dots[t][v]) * (scale * x[t * stride + b].scale);
                acc[t][v] += minimum * x[t * stride + b].sum;
            }
        }
    }
    UNROLL for (int t = 0; t < tokens; t++)
        UNROLL for (int v = 0; v < VECTORS; v++) store(sums + t * PAIR + v * WIDTH, acc[t][v]);
}

static void all_tiles(const Strip *strip, int blocks, const Activations *x, int stride, int tokens, int first, const Rows *out,
                      float *sums) {
    int t = 0;
    for (; t + TILE <= tokens; t += TILE) {
        /* Each row is in a page of its own: the processor would wait for it when all are written one after the other. */
        for (int i = t; first && i < t + TILE && i < out->tokens; i++) fetch_to_write(out->at + i * out->stride);
        tile(TILE, strip, blocks, x + t * stride, stride, first, sums + t * PAIR);
    }
    x += t * stride;
    sums += t * PAIR;
    switch (tokens - t) {
        case 1: tile(1, strip, blocks, x, stride, first, sums); break;
        case 2: tile(2, strip, blocks, x, stride, first, sums); break;
#if TILE > 3
        case 3: tile(3, strip, blocks, x, stride, first, sums); break;
#endif
#if TILE > 4
        case 4: tile(4, strip, blocks, x, stride, first, sums); break;
        case 5: tile(5, strip, blocks, x, stride, first, sums); break;
#endif
        default: break;
    }
}

INLINE void unpack(const Panel *panel, int block, Strip *strip, int b, int lane) {
    int bytes = panel->form == Q4 ? 320 : 544;
    const uint8_t *at = panel->panel + (int64_t)block * bytes;
    for (int line = 0; line < bytes; line += 64) fetch(at + panel->ahead + line);
    if (panel->form == Q4) unpack_q4(at, strip, b, lane);
    else unpack_q8(at, strip, b, lane);
}

/* WIDTH rows of a block times up to two tokens, whose bytes never leave the registers. The same additions as in tile. */
INLINE void rows_of_block(const int tokens, const int form, const uint8_t *rows, const uint8_t *scales, const Activations *x, int stride,
                          Floats acc[2]) {
    const int groups = form == Q4 ? 4 : 8;
    Ints dots[2] = {};
    UNROLL for (int g = 0; g < groups; g++) {
        Bytes w = load_bytes(rows + 64 * g);
        Bytes first = form == Q4 ? w & 15 : w ^ BIAS;
        UNROLL for (int t = 0; t < tokens; t++) {
            dots[t] = dot(dots[t], first, columns(x[t * stride].quants + 4 * g));
            if (form == Q4) dots[t] = dot(dots[t], w >> 4, columns(x[t * stride].quants + 16 + 4 * g));
        }
    }
    Floats scale = halves(scales);
    Floats minimum = form == Q4 ? halves(scales + 2 * PANEL) : scale * -(float)BIAS;
    UNROLL for (int t = 0; t < tokens; t++) {
        acc[t] += to_floats(dots[t]) * (scale * x[t * stride].scale);
        acc[t] += minimum * x[t * stride].sum;
    }
}

/* A panel times one or two tokens: what they wait for is memory, so its blocks are read in one line and fetched ahead. */
INLINE void few(const int tokens, const int form, const Panel *panel, int blocks, float *sums) {
    const int bytes = form == Q4 ? 320 : 544, first = form == Q4 ? 64 : 32;
    const uint8_t *at = panel->panel;
    const Activations *x = panel->x;
    Floats acc[PANEL / WIDTH][2] = {};
    for (int b = 0; b < blocks; b++, at += bytes) {
        for (int line = 0; line < bytes; line += 64) fetch(at + panel->ahead + line);
        UNROLL for (int v = 0; v < PANEL / WIDTH; v++)
            rows_of_block(tokens, form, at + first + 4 * v * WIDTH, at + 2 * v * WIDTH, x + b, blocks, acc[v]);
    }
    UNROLL for (int t = 0; t < tokens; t++)
        UNROLL for (int v = 0; v < PANEL / WIDTH; v++) store(sums + t * PAIR + v * WIDTH, acc[v][t]);
}

static void quantized(const Panel panels[2], int blocks, int tokens, const Rows *out, float *sums) {
    if (tokens == 1 || tokens == 2) {
        for (int p = 0; p < 2; p++)
            switch (2 * tokens + (panels[p].form == Q4)) {
                case 2: few(1, Q8, panels + p, blocks, sums + p * PANEL); break;
                case 3: few(1, Q4, panels + p, blocks, sums + p * PANEL); break;
                case 4: few(2, Q8, panels + p, blocks, sums + p * PANEL); break;
                default: few(2, Q4, panels + p, blocks, sums + p * PANEL); break;
            }
        return;
    }
    Strip strip;
    /* Few tokens wait for memory: block by block, reading the next ones goes on while one is multiplied. */
    int segments = (blocks + SEGMENT - 1) / SEGMENT;
    int segment = tokens > TILE ? (blocks + segments - 1) / segments : 1;
    for (int first = 0; first < blocks; first += segment) {
        int count = blocks - first < segment ? blocks - first : segment;
        for (int s = 0; s < 2; s += STRIP_PANELS) {
            for (int p = 0; p < STRIP_PANELS; p++)
                for (int b = 0; b < count; b++) unpack(panels + s + p, first + b, &strip, b, p * PANEL);
            all_tiles(&strip, count, (const Activations *)panels[s].x + first, blocks, tokens, first == 0, out,
                      sums + s * PANEL);
        }
    }
}

/* Rounds 32 floats to 8 bits, symmetric about zero. */
INLINE void quantize_block(const float *x, Activations *out) {
    const Floats round = all(0x1.8p23f);
    Floats top = {};
    UNROLL for (int i = 0; i < BLOCK; i += WIDTH) top = larger(top, absolute(load(x + i)));
    float most = largest(top);
    int tiny = !(most >= 127 * 0x1p-126f);
    float inverse = tiny ? 0 : 127 / most;
    Ints total = {};
    UNROLL for (int i = 0; i < BLOCK; i += WIDTH) {
        Ints bits = (Ints)(load(x + i) * inverse + round) - (Ints)round;
        *(QuantsAt *)(out->quants + i) = __builtin_convertvector(bits, Quants);
        total += bits;
    }
    out->scale = tiny ? 0 : most / 127;
    out->sum = out->scale * sum(to_floats(total));
}

/* What rounding lost, rounded in turn: with both terms, activations have 15 bits. */
INLINE void quantize_rest(const float *x, const Activations *rounded, Activations *out) {
    float rest[BLOCK];
    UNROLL for (int i = 0; i < BLOCK; i += WIDTH)
        store(rest + i, load(x + i) - signed_bytes(rounded->quants + i) * rounded->scale);
    quantize_block(rest, out);
}

/* Block b of token t, in one or two terms. */
INLINE void round_block(const float *x, int t, int b, int blocks, int terms, void *out) {
    Activations *to = (Activations *)out + (int64_t)t * terms * blocks + b;
    quantize_block(x, to);
    if (terms == 2) quantize_rest(x, to, to + blocks);
}

#endif
