/*
 * Causal attention, one page of a cache at a time. A tile is up to ROWS rows, (token, query head) pairs that read the same
 * key/value head: rows [from, ...) of those that it serves, token by token, head by head. A page's part of a tile is computed by
 * itself and joined to those before it (online softmax: Milakov and Gimelshein, arXiv 1805.02867), in their order.
 */
#include "kernels.h"

#include "simd.h"

#define PANELS (PAGE / PANEL)
#define LARGEST 0
#define SUM ROWS
#define WEIGHTED (2 * ROWS)
#if WIDTH == 16
#define TILE_ROWS 8
#define TILE_PANELS 2
#else
#define TILE_ROWS 4
#define TILE_PANELS 1
#endif
#define VECTORS (TILE_PANELS * PANEL / WIDTH)
#define AHEAD (TILE_PANELS * PANEL) /* halves that a column of a tile's panels takes, and fetches of what is next */
#define NEVER (-__builtin_inff())

/*
 * out[panel][row][16] = sum over depth of rows[row][k] · panels[panel][k][16], for a tile of rows and panels. With both strides
 * zero, the same panel is computed twice. Few rows wait for memory: with each column they fetch as much of what is read next.
 */
INLINE void tile(const int rows, const uint16_t *panels, int64_t stride, int depth, const float *x, int x_stride, float *out,
                 int out_stride, const uint16_t *next) {
    Floats acc[TILE_ROWS][VECTORS] = {};
    for (int k = 0; k < depth; k++) {
        if (next) fetch(next + k * AHEAD);
        Floats w[VECTORS];
        UNROLL for (int v = 0; v < VECTORS; v++)
            w[v] = halves(panels + v * WIDTH / PANEL * stride + k * PANEL + v * WIDTH % PANEL);
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int v = 0; v < VECTORS; v++) acc[r][v] += w[v] * x[r * x_stride + k];
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < VECTORS; v++)
            store(out + v * WIDTH / PANEL * out_stride + r * PANEL + v * WIDTH % PANEL, acc[r][v]);
}

static void multiply(const uint16_t *panels, int64_t stride, int count, int depth, const float *x, int x_stride, int rows, float *out,
                     const uint16_t *next) {
    for (int p = 0; p < count; p += TILE_PANELS) {
        const uint16_t *at = panels + p * stride;
        int two = p + 1 < count;
        for (int r = 0; r < rows; r += TILE_ROWS) {
            const float *from = x + r * x_stride;
            float *to = out + (p * ROWS + r) * PANEL;
            if (rows - r > 4) tile(TILE_ROWS, at, two * stride, depth, from, x_stride, to, two * ROWS * PANEL, 0);
            else tile(4, at, two * stride, depth, from, x_stride, to, two * ROWS * PANEL,
                      next + p / TILE_PANELS * depth * AHEAD);
        }
    }
}

/* weights = exp(score - largest) of the visible positions, zero behind them. */
INLINE void softmax(const float *scores, int row, int visible, int panels, float *weights, float *part) {
    float lane[WIDTH];
    for (int i = 0; i < WIDTH; i++) lane[i] = i;
    Floats index = load(lane);
    Floats top = all(NEVER);
    for (int p = 0; p < panels * PANEL; p += WIDTH) {
        Floats s = load(scores + (p / PANEL * ROWS + row) * PANEL + p % PANEL);
        s = where(index + (float)p < all(visible), s, all(NEVER));
        store(weights + row * PAGE + p, s);
        top = larger(top, s);
    }
    float most = visible > 0 ? largest(top) : 0;
    Floats total = {};
    for (int p = 0; p < panels * PANEL; p += WIDTH) {
        Floats w = exponential(load(weights + row * PAGE + p) - most);
        store(weights + row * PAGE + p, w);
        total += w;
    }
    part[LARGEST + row] = visible > 0 ? most : NEVER;
    part[SUM + row] = sum(total);
}

/*
 * Writes rows [from, from + count) of heads · head_dim floats to a page, from a position on, in half-precision: keys as
 * [head][position / 16][head_dim][16], values as [head][dim / 16][PAGE][16].
 */
void EXPORT(append)(const float *new_keys, const float *new_values, int from, int count, int position, int heads, int head_dim,
                    uint16_t *keys, uint16_t *values) {
    int dim_panels = (head_dim + PANEL - 1) / PANEL;
    for (int t = 0; t < count; t++)
        for (int h = 0; h < heads; h++) {
            int64_t row = ((int64_t)(from + t) * heads + h) * head_dim;
            int p = position + t;
            uint16_t *key = keys + (int64_t)(h * PANELS + p / PANEL) * head_dim * PANEL + p % PANEL;
            uint16_t *value = values + ((int64_t)h * dim_panels * PAGE + p) * PANEL;
            for (int d = 0; d < head_dim; d += WIDTH) {
                float padded[2][WIDTH] = {};
                int lanes = head_dim - d < WIDTH ? head_dim - d : WIDTH;
                for (int i = 0; i < lanes; i++) {
                    padded[0][i] = new_keys[row + d + i];
                    padded[1][i] = new_values[row + d + i];
                }
                Halves k = to_halves(load(padded[0])), v = to_halves(load(padded[1]));
                for (int i = 0; i < lanes; i++) {
                    key[(d + i) * PANEL] = k[i];
                    value[(int64_t)((d + i) / PANEL) * PAGE * PANEL + (d + i) % PANEL] = v[i];
                }
            }
        }
}

/*
 * A tile's attention to one page: part = {largest score, sum of weights, weighted values [dim / 16][ROWS][16]}. Keys
 * and values of the key/value head begin at first_key and first_value; first is the position of the page's first row. The cache
 * holds length positions, the last of which are the queries' tokens. The keys that the caller attends to after these begin at
 * first_next.
 */
void EXPORT(attend)(const float *queries, int tokens, int query_heads, const int32_t *heads, int head_count, int from,
                    const uint16_t *keys, int first_key, const uint16_t *values, int first_value, int head_dim, int first, int length,
                    const uint16_t *next_keys, int first_next, float *part) {
    float x[ROWS * head_dim];
    float weights[ROWS * PAGE];
    float scores[PANELS * ROWS * PANEL];
    int visible[ROWS];
    int count = tokens * head_count - from < ROWS ? tokens * head_count - from : ROWS;
    int padded = (count + 3) / 4 * 4;
    float scale = 1 / square_root(head_dim);
    int most = 0;
    for (int r = 0; r < padded; r++) {
        int row = from + (r < count ? r : 0);
        int token = row / head_count;
        const float *query = queries + ((int64_t)token * query_heads + heads[row % head_count]) * head_dim;
        for (int d = 0; d < head_dim; d++) x[r * head_dim + d] = query[d] * scale;
        int sees = length - tokens + token + 1 - first;
        visible[r] = sees < 0 ? 0 : sees > PAGE ? PAGE : sees;
        most = visible[r] > most ? visible[r] : most;
    }
    int panels = (most + PANEL - 1) / PANEL;
    int dim_panels = (head_dim + PANEL - 1) / PANEL;
    multiply(keys + first_key, (int64_t)head_dim * PANEL, panels, head_dim, x, head_dim, padded, scores, values + first_value);
    for (int r = 0; r < padded; r++) softmax(scores, r, visible[r], panels, weights, part);
    multiply(values + first_value, PAGE * PANEL, dim_panels, most, weights, PAGE, padded, part + WEIGHTED,
             next_keys + first_next);
}

/* Adds the part of a later page. */
void EXPORT(join)(float *part, const float *next, int count, int head_dim) {
    int dim_panels = (head_dim + PANEL - 1) / PANEL;
    for (int r = 0; r < count; r++) {
        if (next[SUM + r] == 0) continue;
        float top = part[LARGEST + r] > next[LARGEST + r] ? part[LARGEST + r] : next[LARGEST + r];
        Floats old = exponential(all(part[LARGEST + r] - top));
        Floats fresh = exponential(all(next[LARGEST + r] - top));
        part[LARGEST + r] = top;
        part[SUM + r] = part[SUM + r] * old[0] + next[SUM + r] * fresh[0];
        for (int p = 0; p < dim_panels; p++)
            for (int d = 0; d < PANEL; d += WIDTH) {
                int at = WEIGHTED + (p * ROWS + r) * PANEL + d;
                store(part + at, load(part + at) * old + load(next + at) * fresh);
            }
    }
}

/* Divides, and writes the rows where their queries are. */
void EXPORT(finish)(const float *part, int tokens, int query_heads, const int32_t *heads, int head_count, int from, int head_dim,
                    float *out) {
    for (int r = 0; r < ROWS && from + r < tokens * head_count; r++) {
        int row = from + r;
        float *to = out + ((int64_t)(row / head_count) * query_heads + heads[row % head_count]) * head_dim;
        float inverse = 1 / part[SUM + r];
        for (int d = 0; d < head_dim; d++) to[d] = part[WEIGHTED + (d / PANEL * ROWS + r) * PANEL + d % PANEL] * inverse;
    }
}
