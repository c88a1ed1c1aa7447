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
#define NEVER (-__builtin_inff())

/* Keys and values of one head, and the keys that are read after them. */
typedef struct {
    const uint16_t *keys, *values, *next;
    int head_dim;
} Page;

/* The rows of a tile, and how many positions of a page each sees; most is the largest of these. */
typedef struct {
    const float *query[ROWS];
    int visible[ROWS];
    int count, most;
    float scale;
} Queries;

/* Some dimensions of a position: of a key, 16 numbers apart, and of a value. */
INLINE void put_halves(int lanes, Halves key, Halves value, uint16_t *keys, uint16_t *values) {
    if (lanes >= WIDTH) {
        *(HalvesAt *)values = value;
        UNROLL for (int i = 0; i < WIDTH; i++) keys[i * PANEL] = key[i];
    } else {
        for (int i = 0; i < lanes; i++) values[i] = value[i], keys[i * PANEL] = key[i];
    }
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
            for (int d = 0; d < head_dim; d += WIDTH)
                put_halves(head_dim - d, to_halves(first_of(new_keys + row + d, head_dim - d)),
                           to_halves(first_of(new_values + row + d, head_dim - d)), key + d * PANEL,
                           value + (int64_t)(d / PANEL) * PAGE * PANEL + d % PANEL);
        }
}

#ifdef __AMX_BF16__
#include "attention_tiles.h"
#else
#include "attention_floats.h"
#endif

/*
 * A tile's attention to one page: part = {largest score, sum of weights, weighted values [dim / 16][ROWS][16]}, with room for an even
 * number of panels. Keys and values of the key/value head begin at first_key and first_value; first is the position of the page's first
 * row. The cache holds length positions, the last of which are the queries' tokens. The keys that the caller attends to after these begin
 * at first_next.
 */
void EXPORT(attend)(const float *queries, int tokens, int query_heads, const int32_t *heads, int head_count, int from,
                    const uint16_t *keys, int first_key, const uint16_t *values, int first_value, int head_dim, int first, int length,
                    const uint16_t *next_keys, int first_next, float *part) {
    Page page = {keys + first_key, values + first_value, next_keys + first_next, head_dim};
    Queries rows;
    rows.scale = 1 / square_root(head_dim);
    rows.count = tokens * head_count - from < ROWS ? tokens * head_count - from : ROWS;
    int token = from / head_count, head = from % head_count;
    for (int r = 0; r < rows.count; r++) {
        int sees = length - tokens + token + 1 - first;
        rows.query[r] = queries + ((int64_t)token * query_heads + heads[head]) * head_dim;
        rows.visible[r] = rows.most = sees < 0 ? 0 : sees > PAGE ? PAGE : sees;
        if (++head == head_count) token++, head = 0;
    }
    attend_to_page(&page, &rows, part);
}

/* Adds the part of a later page. */
void EXPORT(join)(float *part, const float *next, int count, int head_dim) {
    enum { PADDED = ROWS < WIDTH ? WIDTH : ROWS };
    float old[PADDED] = {}, fresh[PADDED] = {};
    for (int r = 0; r < ROWS; r++) {
        old[r] = part[LARGEST + r];
        fresh[r] = next[LARGEST + r];
    }
    for (int r = 0; r < PADDED; r += WIDTH) {
        Floats a = load(old + r), b = load(fresh + r), top = larger(a, b);
        store(old + r, exponential(a - top));
        store(fresh + r, exponential(b - top));
    }
    int dim_panels = (head_dim + PANEL - 1) / PANEL;
    for (int r = 0; r < count; r++) {
        if (next[SUM + r] == 0) continue;
        part[LARGEST + r] = part[LARGEST + r] > next[LARGEST + r] ? part[LARGEST + r] : next[LARGEST + r];
        part[SUM + r] = part[SUM + r] * old[r] + next[SUM + r] * fresh[r];
        for (int p = 0; p < dim_panels; p++)
            for (int d = 0; d < PANEL; d += WIDTH) {
                int at = WEIGHTED + (p * ROWS + r) * PANEL + d;
                store(part + at, load(part + at) * old[r] + load(next + at) * fresh[r]);
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
        for (int d = 0; d < head_dim; d += PANEL) {
            const float *weighted = part + WEIGHTED + (d / PANEL * ROWS + r) * PANEL;
            if (head_dim - d >= PANEL)
                UNROLL for (int i = 0; i < PANEL; i += WIDTH) store(to + d + i, load(weighted + i) * inverse);
            else for (int i = 0; d + i < head_dim; i++) to[d + i] = weighted[i] * inverse;
        }
    }
}
