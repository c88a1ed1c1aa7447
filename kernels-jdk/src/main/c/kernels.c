/* The arithmetic of elms.kernels.Kernels for one tier. What each function computes is written there. */
#include "kernels.h"

#include "simd.h"

#define PAIR (2 * PANEL)

/* One of the two matrices that a pair of panels comes from. */
typedef struct {
    int form;
    const uint8_t *panel;
    int64_t ahead; /* from this panel to the one that is read after it */
    const void *x; /* Activations, or dense floats if the matrix holds floats */
} Panel;

/* Where the sums will go: one row a token. */
typedef struct {
    const float *at;
    int64_t stride;
    int tokens;
} Rows;

#ifdef __AMX_BF16__
#include "tiles.h"
#else
#include "integers.h"
#endif

static void floats(const Panel *panel, int width, int tokens, float *sums) {
    const float *w = (const float *)panel->panel, *x = panel->x;
    for (int t = 0; t < tokens; t++)
        for (int r = 0; r < PANEL; r += WIDTH) {
            Floats acc = {};
            for (int c = 0; c < width; c++) acc += load(w + c * PANEL + r) * x[(int64_t)t * width + c];
            store(sums + t * PAIR + r, acc);
        }
}

/* sums[token][panel][row] = panel · x[token] for two panels. */
static void pair(const Panel panels[2], int width, int tokens, const Rows *out, float *sums) {
    int blocks = (width + BLOCK - 1) / BLOCK;
    int float0 = panels[0].form == F32, float1 = panels[1].form == F32;
    if (!float0 || !float1) quantized((Panel[2]){panels[float0], panels[!float1]}, blocks, tokens, out, sums);
    for (int p = 0; p < 2; p++)
        if (panels[p].form == F32) floats(panels + p, width, tokens, sums + p * PANEL);
}

/* to += from, for up to a pair's rows. */
INLINE void add_row(int rows, const float *from, float *to) {
    if (rows == PAIR) UNROLL for (int r = 0; r < PAIR; r += WIDTH) store(to + r, load(to + r) + load(from + r));
    else for (int r = 0; r < rows; r++) to[r] += from[r];
}

/* The i-th pair of a matrix's panels, where the last may be alone; returns how many rows it has. */
INLINE int pair_of(int form, const uint8_t *weights, int64_t panel_bytes, int rows, int i, const void *x, Panel panels[2]) {
    int left = rows - i * PAIR, count = left < PAIR ? left : PAIR;
    for (int p = 0; p < 2; p++)
        panels[p] = (Panel){form, weights + (2 * i + (p * PANEL < count ? p : 0)) * panel_bytes, 2 * panel_bytes, x};
    return count;
}

/*
 * Pairs of panels [first, last) of a matrix with all tokens, stored to out or added to it. x holds Activations in one or two terms
 * (see quantize), or floats for a matrix of floats; sums is memory for 32 floats a token and term.
 */
void EXPORT(matmul)(int form, const uint8_t *weights, int64_t panel_bytes, int rows, int width, const void *x, int tokens,
                    int terms, int first, int last, int add, float *sums, float *out) {
    if (form == F32) terms = 1;
    for (int i = first; i < last; i++) {
        Panel panels[2];
        int row = i * PAIR, count = pair_of(form, weights, panel_bytes, rows, i, x, panels);
        pair(panels, width, terms * tokens, &(Rows){out + row, rows, tokens}, sums);
        for (int t = 0; t < tokens; t++) {
            float *to = out + (int64_t)t * rows + row;
            float *from = sums + terms * t * PAIR;
            if (terms == 2) add_row(PAIR, from + PAIR, from);
            if (add) add_row(count, from, to);
            else for (int r = 0; r < count; r++) to[r] = from[r];
        }
    }
}

/* The same for one token and listed panels, from the first-th to before the last-th of them, two at a time. */
void EXPORT(panels)(int form, const uint8_t *weights, int64_t panel_bytes, int rows, int width, const void *x, int terms,
                    const int32_t *listed, int first, int last, float *sums, float *out) {
    if (form == F32) terms = 1;
    for (int i = first; i < last; i += 2) {
        int32_t two[2] = {listed[i], listed[i + 1 < last ? i + 1 : i]};
        Panel panels[2];
        for (int p = 0; p < 2; p++) {
            int32_t next = listed[i + 2 + p < last ? i + 2 + p : i];
            panels[p] = (Panel){form, weights + two[p] * panel_bytes, (next - two[p]) * panel_bytes, x};
        }
        pair(panels, width, terms, &(Rows){out, 0, 1}, sums);
        for (int p = 0; p < 2; p++) {
            int row = two[p] * PANEL;
            int count = rows - row < PANEL ? rows - row : PANEL;
            const float *from = sums + p * PANEL;
            for (int r = 0; r < count; r++) out[row + r] = terms == 2 ? from[r] + from[PAIR + r] : from[r];
        }
    }
}

/* out[panel] = the largest of its rows' scores, which begin at the first-th. */
void EXPORT(largest_of_panels)(const float *scores, int first, int rows, float *out) {
    for (int row = 0; row < rows; row += PANEL) {
        const float *from = scores + first + row;
        if (rows - row >= PANEL) {
            Floats top = load(from);
            for (int r = WIDTH; r < PANEL; r += WIDTH) top = larger(top, load(from + r));
            out[row / PANEL] = largest(top);
        } else {
            float top = from[0];
            for (int r = 1; r < rows - row; r++) top = from[r] > top ? from[r] : top;
            out[row / PANEL] = top;
        }
    }
}

/* A panel's rows of silu(gate) ⊙ up, which stand side by side. */
INLINE void gate_row(const float *pair, float *out) {
    for (int r = 0; r < PANEL; r += WIDTH) {
        Floats g = load(pair + r);
        store(out + r, g / (exponential(-g) + 1.f) * load(pair + PANEL + r));
    }
}

/* silu(gate · x) ⊙ (up · x) for panels [first, last). */
void EXPORT(gated)(int gate_form, const uint8_t *gate, int64_t gate_bytes, int up_form, const uint8_t *up, int64_t up_bytes,
                   int rows, int width, const void *gate_x, const void *up_x, int tokens, int first, int last, float *sums,
                   float *out) {
    for (int i = first; i < last; i++) {
        Panel panels[2] = {{gate_form, gate + i * gate_bytes, gate_bytes, gate_x}, {up_form, up + i * up_bytes, up_bytes, up_x}};
        pair(panels, width, tokens, &(Rows){out + i * PANEL, rows, tokens}, sums);
        int count = rows - i * PANEL < PANEL ? rows - i * PANEL : PANEL;
        for (int t = 0; t < tokens; t++) {
            float *from = sums + t * PAIR;
            gate_row(from, from);
            for (int r = 0; r < count; r++) out[(int64_t)t * rows + i * PANEL + r] = from[r];
        }
    }
}

#ifdef __AMX_BF16__
#include "products.h"
#endif

/*
 * Rounds tokens [first, last) of x, rows of width floats, to what matmul reads; the last block of a row is filled up with zeros. A token's
 * second term follows its first.
 */
void EXPORT(quantize)(const float *x, int width, int terms, int first, int last, void *out) {
    int blocks = (width + BLOCK - 1) / BLOCK;
    for (int t = first; t < last; t++)
        for (int b = 0; b < blocks; b++) {
            const float *from = x + (int64_t)t * width + b * BLOCK;
            float padded[BLOCK] = {};
            if ((b + 1) * BLOCK > width) {
                for (int i = 0; i < width % BLOCK; i++) padded[i] = from[i];
                from = padded;
            }
            round_block(from, t, b, blocks, terms, out);
        }
}

/* Tokens of an adapter at a time, and sums that its columns are spread over: always the same ones, whatever the tokens. */
#define ADAPTED (WIDTH == 16 ? 4 : 2)
#define SPREAD 4
#define ROWS_VECTORS (PANEL / WIDTH)

/* inner[t][row] = panel · x[t], where columns of 16 bytes follow each other. */
INLINE void adapter_down(const int tokens, const int8_t *panel, int width, const float *x, int64_t x_stride, float *inner,
                         int inner_stride) {
    for (int v = 0; v < PANEL; v += WIDTH) {
        Floats sums[ADAPTED][SPREAD] = {};
        int c = 0;
        for (; c + SPREAD <= width; c += SPREAD)
            UNROLL for (int s = 0; s < SPREAD; s++) {
                Floats w = signed_bytes(panel + (c + s) * PANEL + v);
                UNROLL for (int t = 0; t < tokens; t++) sums[t][s] += w * x[t * x_stride + c + s];
            }
        for (; c < width; c++)
            UNROLL for (int t = 0; t < tokens; t++) sums[t][0] += signed_bytes(panel + c * PANEL + v) * x[t * x_stride + c];
        UNROLL for (int t = 0; t < tokens; t++)
            store(inner + t * inner_stride + v, (sums[t][0] + sums[t][1]) + (sums[t][2] + sums[t][3]));
    }
}

/* y[t] += panel · inner[t] + bias for up to 16 rows. */
INLINE void adapter_up(const int tokens, const int8_t *panel, int rank, const float *inner, int inner_stride, const float *bias,
                       int count, float *y, int64_t y_stride) {
    for (int v = 0; v < count; v += WIDTH) {
        Floats sums[ADAPTED] = {};
        for (int k = 0; k < rank; k++) {
            Floats w = signed_bytes(panel + k * PANEL + v);
            UNROLL for (int t = 0; t < tokens; t++) sums[t] += w * inner[t * inner_stride + k];
        }
        UNROLL for (int t = 0; t < tokens; t++) {
            float *to = y + t * y_stride + v;
            if (v + WIDTH <= count) {
                store(to, load(to) + (sums[t] + load(bias + v)));
            } else {
                float last[WIDTH];
                store(last, sums[t]);
                for (int r = 0; r < count - v; r++) to[r] += last[r] + bias[v + r];
            }
        }
    }
}

INLINE void adapt_tile(const int tokens, const int8_t *down, int down_columns, int rank, int width, const int8_t *up, int up_ranks,
                       int rows, const float *scales, const float *bias, const float *x, float *inner, float *y) {
    int padded = (rank + PANEL - 1) / PANEL * PANEL;
    for (int k = 0; k < rank; k += PANEL)
        adapter_down(tokens, down + (int64_t)k * down_columns, width, x, width, inner + k, padded);
    for (int t = 0; t < tokens; t++)
        for (int k = 0; k < rank; k++) inner[t * padded + k] *= scales[k];
    for (int r = 0; r < rows; r += PANEL)
        adapter_up(tokens, up + (int64_t)r * up_ranks, rank, inner, padded, bias + r, rows - r < PANEL ? rows - r : PANEL, y + r, rows);
}

/*
 * y += up · down · x + bias for tokens [first, last), which may be the same memory. The matrices are signed bytes in panels of 16 rows,
 * column after column, with room for down_columns and up_ranks of them; inner has room for the rank's panels of ADAPTED tokens.
 */
void EXPORT(adapt)(const int8_t *down, int down_columns, int rank, int width, const int8_t *up, int up_ranks, int rows,
                   const float *scales, const float *bias, const float *x, int first, int last, float *inner, float *y) {
    /* They are too short for the processor to see what comes next. */
    for (int64_t line = 0; line < (int64_t)width * PANEL; line += 64) fetch(down + line);
    for (int64_t line = 0; line < (int64_t)rows * up_ranks; line += 64) fetch(up + line);
    for (int t = first; t < last;) {
        const float *from = x + (int64_t)t * width;
        float *to = y + (int64_t)t * rows;
        if (t + ADAPTED <= last) {
            adapt_tile(ADAPTED, down, down_columns, rank, width, up, up_ranks, rows, scales, bias, from, inner, to);
            t += ADAPTED;
        } else {
            adapt_tile(1, down, down_columns, rank, width, up, up_ranks, rows, scales, bias, from, inner, to);
            t++;
        }
    }
}

/* One over the root of the mean square of a row. */
INLINE float inverse_size(const float *row, int width, float epsilon) {
    int vectors = width / WIDTH * WIDTH;
    Floats squares[4] = {};
    for (int i = 0; i < vectors; i += WIDTH) squares[i / WIDTH % 4] += load(row + i) * load(row + i);
    float total = sum((squares[0] + squares[1]) + (squares[2] + squares[3]));
    for (int i = vectors; i < width; i++) total += row[i] * row[i];
    return 1 / square_root(total / width + epsilon);
}

void EXPORT(rms_norm)(const float *x, int width, int first, int last, const float *weight, float epsilon, float *out) {
    for (int t = first; t < last; t++) {
        const float *from = x + (int64_t)t * width;
        float *to = out + (int64_t)t * width;
        float scale = inverse_size(from, width, epsilon);
        for (int i = 0; i < width; i++) to[i] = from[i] * scale * weight[i];
    }
}

/* x = (x + added - mean) / deviation * weight + bias */
void EXPORT(layer_norm)(float *x, int width, int first, int last, const float *added, const float *weight, const float *bias,
                        float epsilon) {
    int vectors = width / WIDTH * WIDTH;
    for (int t = first; t < last; t++) {
        float *row = x + (int64_t)t * width;
        Floats sums[4] = {};
        for (int i = 0; i < vectors; i += WIDTH) {
            Floats value = load(row + i) + load(added + i);
            store(row + i, value);
            sums[i / WIDTH % 4] += value;
        }
        float total = sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
        for (int i = vectors; i < width; i++) total += row[i] += added[i];
        float mean = total / width;
        for (int i = 0; i < width; i++) row[i] -= mean;
        float scale = inverse_size(row, width, epsilon);
        for (int i = 0; i < width; i++) row[i] = row[i] * scale * weight[i] + bias[i];
    }
}

void EXPORT(rotate)(float *x, int first, int last, int heads, int head_dim, int half, const float *cos, const float *sin) {
    for (int t = first; t < last; t++)
        for (int h = 0; h < heads; h++) {
            float *a = x + ((int64_t)t * heads + h) * head_dim;
            float *b = a + half;
            const float *c = cos + (int64_t)t * half, *s = sin + (int64_t)t * half;
            for (int i = 0; i < half; i++) {
                float u = a[i], v = b[i];
                a[i] = u * c[i] - v * s[i];
                b[i] = v * c[i] + u * s[i];
            }
        }
}
