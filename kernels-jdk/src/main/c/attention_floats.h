/* Attention in floats: a few rows and panels at a time, in registers. */
#ifndef ELMS_ATTENTION_FLOATS_H
#define ELMS_ATTENTION_FLOATS_H

#if WIDTH == 16
#define TILE_ROWS 8
#define TILE_PANELS 2
#else
#define TILE_ROWS 4
#define TILE_PANELS 1
#endif
#define VECTORS (TILE_PANELS * PANEL / WIDTH)
#define AHEAD (TILE_PANELS * PANEL) /* halves that a column of a tile's panels takes, and fetches of what is next */

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
        store(weights + p, s);
        top = larger(top, s);
    }
    float most = visible > 0 ? largest(top) : 0;
    Floats total = {};
    for (int p = 0; p < panels * PANEL; p += WIDTH) {
        Floats w = exponential(load(weights + p) - most);
        store(weights + p, w);
        total += w;
    }
    part[LARGEST + row] = visible > 0 ? most : NEVER;
    part[SUM + row] = sum(total);
}

static void attend_to_page(const Page *page, const Queries *rows, float *part) {
    float x[ROWS * page->head_dim];
    float weights[ROWS * PAGE];
    float scores[PANELS * ROWS * PANEL];
    int padded = (rows->count + 3) / 4 * 4;
    int panels = (rows->most + PANEL - 1) / PANEL;
    int dim_panels = (page->head_dim + PANEL - 1) / PANEL;
    for (int r = 0; r < padded; r++) {
        const float *query = rows->query[r < rows->count ? r : 0];
        for (int d = 0; d < page->head_dim; d++) x[r * page->head_dim + d] = query[d] * rows->scale;
    }
    multiply(page->keys, (int64_t)page->head_dim * PANEL, panels, page->head_dim, x, page->head_dim, padded, scores, page->values);
    for (int r = 0; r < padded; r++)
        softmax(scores, r, rows->visible[r < rows->count ? r : 0], panels, weights + r * PAGE, part);
    multiply(page->values, PAGE * PANEL, dim_panels, rows->most, weights, PAGE, padded, part + WEIGHTED, page->next);
}

#endif
