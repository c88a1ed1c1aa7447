/* append, attend, join and finish, put together as the callers do. */
#include <math.h>
#include <string.h>

#include "parity.h"

enum { KV_HEADS = 2, KV_HEAD = 1, QUERY_HEADS = 6, MAX_PAGES = 6 };

/* The query heads that read KV_HEAD. */
typedef struct {
    int count;
    int32_t *heads;
} Group;

static Group group(int count) {
    static const int32_t some[] = {5, 0, 2, 3, 1, 4};
    Group g = {count, memory((size_t)count * sizeof(int32_t))};
    memcpy(g.heads, some, (size_t)count * sizeof(int32_t));
    return g;
}

typedef struct {
    int length, head_dim;
    float *key, *value; /* [position][dimension] of KV_HEAD */
    uint16_t *keys[MAX_PAGES], *values[MAX_PAGES]; /* in half-precision */
} Cache;

static float eleven_bits(float scale) { return (float)(int)(random_bits() >> 21) / 1024 * scale - scale; }

/*
 * Keys and values of 11 bits, which half-precision holds exactly, appended in two calls a page. Positions that were forgotten and
 * the other heads hold large numbers, which must not be seen.
 */
static Cache random_cache(const Tier *tier, int length, int head_dim) {
    enum { THIRTY_THOUSAND = 0x7753 };
    size_t count = (size_t)length * head_dim;
    Cache c = {.length = length, .head_dim = head_dim, .key = floats(count), .value = floats(count)};
    float *new_keys = floats(KV_HEADS * count), *new_values = floats(KV_HEADS * count);
    for (size_t i = 0; i < KV_HEADS * count; i++) new_keys[i] = new_values[i] = 30000;
    for (int p = 0; p < length; p++)
        for (int d = 0; d < head_dim; d++) {
            size_t at = ((size_t)p * KV_HEADS + KV_HEAD) * head_dim + d;
            new_keys[at] = c.key[p * head_dim + d] = eleven_bits(2);
            new_values[at] = c.value[p * head_dim + d] = eleven_bits(2);
        }
    size_t keys = (size_t)KV_HEADS * PAGE * head_dim, values = (size_t)KV_HEADS * PAGE * PANEL * ceil_div(head_dim, PANEL);
    for (int page = 0; page < ceil_div(length, PAGE); page++) {
        c.keys[page] = memory(keys * sizeof(uint16_t));
        c.values[page] = memory(values * sizeof(uint16_t));
        for (size_t i = 0; i < keys; i++) c.keys[page][i] = THIRTY_THOUSAND;
        for (size_t i = 0; i < values; i++) c.values[page][i] = THIRTY_THOUSAND;
        int rows = smaller_int(PAGE, length - page * PAGE), first = rows / 3;
        tier->append(new_keys, new_values, page * PAGE, first, 0, KV_HEADS, head_dim, c.keys[page], c.values[page]);
        tier->append(new_keys, new_values, page * PAGE + first, rows - first, first, KV_HEADS, head_dim, c.keys[page], c.values[page]);
    }
    return c;
}

static void attend(const Tier *tier, const Cache *cache, const Group *g, const float *queries, int tokens, int from, int page,
                   float *part) {
    tier->attend(queries, tokens, QUERY_HEADS, g->heads, g->count, from, cache->keys[page], KV_HEAD * PAGE * cache->head_dim,
                 cache->values[page], KV_HEAD * ceil_div(cache->head_dim, PANEL) * PAGE * PANEL, cache->head_dim, page * PAGE,
                 cache->length, cache->keys[page], 0, part);
}

/* All tiles of the last tokens of a cache. Pages that a tile does not see at all are computed on request. */
static void attention(const Tier *tier, const Cache *cache, const Group *g, const float *queries, int tokens, int unseen, float *out) {
    int most = has_tiles(tier) ? MANY_ROWS : FEW_ROWS;
    size_t length = 2 * most + (size_t)most * 2 * PANEL * ceil_div(cache->head_dim, 2 * PANEL);
    float *joined = floats(length), *next = floats(length);
    for (int from = 0; from < tokens * g->count; from += most) {
        int rows = smaller_int(most, tokens * g->count - from);
        int sees = unseen ? cache->length : cache->length - tokens + (from + rows - 1) / g->count + 1;
        attend(tier, cache, g, queries, tokens, from, 0, joined);
        for (int page = 1; page < ceil_div(sees, PAGE); page++) {
            attend(tier, cache, g, queries, tokens, from, page, next);
            tier->join(joined, next, rows, cache->head_dim);
        }
        tier->finish(joined, tokens, QUERY_HEADS, g->heads, g->count, from, cache->head_dim, out);
    }
}

/* As the tier rounds a number before it multiplies. */
static double rounded(const Tier *tier, float x) { return has_tiles(tier) ? bfloat16(x) : x; }

/* softmax(query · keys / √head_dim) · values over the first positions. */
static void expect(const Tier *tier, const Cache *cache, const float *query, int positions, Expected *out) {
    int dim = cache->head_dim;
    float scale = 1 / sqrtf((float)dim);
    double weight_error = has_tiles(tier) ? 0x1p-8 : 0; /* a page's weights are rounded too */
    double score[MAX_PAGES * PAGE], most = -INFINITY, total = 0, size = 0;
    for (int p = 0; p < positions; p++) {
        double absolute = 0;
        score[p] = 0;
        for (int d = 0; d < dim; d++) {
            double product = rounded(tier, query[d] * scale) * rounded(tier, cache->key[p * dim + d]);
            score[p] += product;
            absolute += fabs(product);
        }
        most = fmax(most, score[p]);
        size = fmax(size, absolute);
    }
    for (int p = 0; p < positions; p++) total += score[p] = exp(score[p] - most);
    for (int d = 0; d < dim; d++) {
        out[d] = (Expected){0, 2 * (4e-6 + size * 0x1p-21)};
        for (int p = 0; p < positions; p++) {
            double part = score[p] / total * rounded(tier, cache->value[p * dim + d]);
            out[d].value += part;
            out[d].error += weight_error * fabs(part);
        }
    }
}

static void test_parity(const Tier *tier, int tokens, int length, int head_dim, int heads, int kind) {
    begin("attention of %d tokens to %d, %d dimensions, %d heads, %s", tokens, length, head_dim, heads, KIND[kind]);
    Cache cache = random_cache(tier, length, head_dim);
    Group g = group(heads);
    size_t row = (size_t)QUERY_HEADS * head_dim, count = tokens * row;
    float *queries = inputs(count, kind), *out = inputs(count, USUAL), *again = floats(count);
    memcpy(again, out, count * sizeof(float));
    Expected *expected = memory(count * sizeof *expected);
    for (size_t i = 0; i < count; i++) expected[i] = (Expected){out[i], 0};
    for (int t = 0; t < tokens; t++)
        for (int h = 0; h < heads; h++) {
            size_t at = t * row + (size_t)g.heads[h] * head_dim;
            expect(tier, &cache, queries + at, length - tokens + t + 1, expected + at);
        }
    attention(tier, &cache, &g, queries, tokens, 0, out);
    check_close(out, expected, count);
    attention(tier, &cache, &g, queries, tokens, 1, again);
    check_same("attention with unseen pages", again, out, count * sizeof(float));
}

static void test_batches(const Tier *tier) {
    enum { TOKENS = 25, LENGTH = 263, DIM = 20 };
    for (int batch = 1; batch < TOKENS; batch++) {
        begin("attention in batches of %d", batch);
        Cache cache = random_cache(tier, LENGTH, DIM);
        Group g = group(3);
        size_t row = QUERY_HEADS * DIM, count = TOKENS * row;
        float *queries = inputs(count, USUAL), *whole = inputs(count, USUAL), *parts = floats(count);
        memcpy(parts, whole, count * sizeof(float));
        attention(tier, &cache, &g, queries, TOKENS, 0, whole);
        for (int from = 0; from < TOKENS; from += batch) {
            int some = smaller_int(batch, TOKENS - from);
            cache.length = LENGTH - TOKENS + from + some;
            float *part = floats(some * row);
            memcpy(part, queries + from * row, some * row * sizeof(float));
            attention(tier, &cache, &g, part, some, 0, parts + from * row);
        }
        check_same("a token", parts, whole, count * sizeof(float));
    }
}

void test_attention(const Tier *tier) {
    static const int sizes[][4] = {{1, 1, 64, 3}, {1, 127, 64, 6}, {1, 128, 64, 1}, {1, 129, 64, 2}, {1, 700, 64, 5}, {5, 5, 64, 3},
                                   {9, 400, 7, 3}, {30, 140, 20, 3}, {12, 12, 128, 4}, {3, 50, 1, 1}};
    for (int s = 0; s < 10; s++) test_parity(tier, sizes[s][0], sizes[s][1], sizes[s][2], sizes[s][3], USUAL);
    for (int kind = ZERO; kind < KINDS; kind++) test_parity(tier, 4, 270, 24, 3, kind);
    test_batches(tier);
}
