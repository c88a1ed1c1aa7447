/*
 * The kernels' data and functions. kernels.c is compiled once a tier; TIER names it, and every function carries that name, so
 * that the caller picks a tier by picking symbols and the library keeps no state. Nothing here needs a C library.
 */
#ifndef ELMS_KERNELS_H
#define ELMS_KERNELS_H

#include <stdint.h>

#define PANEL 16 /* rows of a panel */
#define BLOCK 32 /* columns of a block */
#define PAGE 128 /* positions of a page of keys and values */

/* Query rows of an attention tile. */
#define FEW_ROWS 8
#define MANY_ROWS 64 /* where they are multiplied in tiles */
#ifdef __AMX_BF16__
#define ROWS MANY_ROWS
#else
#define ROWS FEW_ROWS
#endif

/* As the enum elms.kernels.Form. */
enum { Q4, Q8, F32 };

/* 32 activations of one token: x = scale · quant. */
typedef struct {
    int8_t quants[BLOCK];
    float scale;
    float sum; /* of the 32 quants, times scale */
} Activations;

#define JOIN3(a, b, c) a##b##c
#define JOIN(a, b, c) JOIN3(a, b, c)
#ifdef TIER
#define EXPORT(name) __attribute__((visibility("default"))) JOIN(TIER, _, name)
#endif

#endif
