/*
 * One vector of the tier this file is compiled for, and the few operations that C cannot write down. All else is plain
 * arithmetic on vector types, which GCC and Clang both know.
 */
#ifndef ELMS_SIMD_H
#define ELMS_SIMD_H

#include <stdint.h>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#else
#error "no tier: compile with the flags in build.sh"
#endif

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)") /* a count would be obeyed too late for arrays to become registers */
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#if defined(__AVX512VNNI__)
#define WIDTH 16
#elif defined(__AVX2__)
#define WIDTH 8
#else
#define WIDTH 4
#endif

typedef float Floats __attribute__((vector_size(4 * WIDTH)));
typedef int32_t Ints __attribute__((vector_size(4 * WIDTH)));
typedef uint8_t Bytes __attribute__((vector_size(4 * WIDTH)));
typedef int8_t Quants __attribute__((vector_size(WIDTH)));
typedef uint16_t Halves __attribute__((vector_size(2 * WIDTH)));
/* The same where they need not be aligned. */
typedef float FloatsAt __attribute__((vector_size(4 * WIDTH), aligned(1), may_alias));
typedef uint8_t BytesAt __attribute__((vector_size(4 * WIDTH), aligned(1), may_alias));
typedef Quants QuantsAt __attribute__((aligned(1), may_alias));
typedef Halves HalvesAt __attribute__((aligned(1), may_alias));
typedef int32_t IntAt __attribute__((aligned(1), may_alias));

INLINE Floats load(const float *p) { return *(const FloatsAt *)p; }
INLINE void store(float *p, Floats x) { *(FloatsAt *)p = x; }
/* The first of some numbers, and zeros behind them. */
INLINE Floats first_of(const float *x, int count) {
    if (count >= WIDTH) return load(x);
    float padded[WIDTH] = {};
    for (int i = 0; i < count; i++) padded[i] = x[i];
    return load(padded);
}
INLINE Floats all(float x) { return x - (Floats){}; }
INLINE Floats where(Ints mask, Floats a, Floats b) { return (Floats)(((Ints)a & mask) | ((Ints)b & ~mask)); }
INLINE Floats absolute(Floats x) { return (Floats)((Ints)x & 0x7fffffff); }
INLINE Floats to_floats(Ints x) { return __builtin_convertvector(x, Floats); }

/*
 * Has the processor fetch what will be read soon into its second-level cache. The non-temporal hint, though weights are read once a
 * token, would bypass that cache: Intel's Xeons then keep half as many lines on their way.
 */
INLINE void fetch(const void *p) { __builtin_prefetch(p, 0, 2); }
INLINE void fetch_to_write(const void *p) { __builtin_prefetch(p, 1); }

/* Four columns of one token, for every row. */
INLINE Ints columns(const int8_t *p) { return *(const IntAt *)p - (Ints){}; }

/*
 * sums[row] += sum of four products of weight bytes and activation bytes. Where weights must be unsigned, those of 8 bits are
 * kept 128 too large (BIAS).
 */
#if defined(__AVX512VNNI__)
#define BIAS 128
INLINE Ints dot(Ints sums, Bytes weights, Ints x) {
    return (Ints)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)weights, (__m512i)x);
}
#elif defined(__AVXVNNI__)
#define BIAS 128
INLINE Ints dot(Ints sums, Bytes weights, Ints x) {
    return (Ints)_mm256_dpbusd_avx_epi32((__m256i)sums, (__m256i)weights, (__m256i)x);
}
#elif defined(__AVX2__)
/* maddubs adds pairs in 16 bits: weights' signs move to the activations, so that 128 · 127 · 2 fits. */
#define BIAS 0
INLINE Ints dot(Ints sums, Bytes weights, Ints x) {
    __m256i w = (__m256i)weights;
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8((__m256i)x, w));
    return sums + (Ints)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}
#else
#define BIAS 0
INLINE Ints dot(Ints sums, Bytes weights, Ints x) { return vdotq_s32(sums, (int8x16_t)weights, (int8x16_t)x); }
#endif

/*
 * Where the processor multiplies matrices of two rows and eight columns, it reads both groups of four columns of a row side by
 * side, and those of two tokens likewise.
 */
#if defined(__ARM_FEATURE_MATMUL_INT8)
#define MATRICES
INLINE void arrange(Bytes *first, Bytes *second) {
    int32x4_t a = (int32x4_t)*first, b = (int32x4_t)*second;
    *first = (Bytes)vzip1q_s32(a, b);
    *second = (Bytes)vzip2q_s32(a, b);
}
INLINE Ints eight_columns(const int8_t *a, const int8_t *b) { return (Ints)vcombine_s8(vld1_s8(a), vld1_s8(b)); }

/* sums = {a · row 0, a · row 1, b · row 0, b · row 1} for tokens a and b. */
INLINE Ints matrix_dot(Ints sums, Bytes rows, Ints tokens) { return vmmlaq_s32(sums, (int8x16_t)tokens, (int8x16_t)rows); }

/* Sums of rows 0 and 1, and of rows 2 and 3, become those of token a, and of token b. */
INLINE void separate(Ints *first, Ints *second) {
    int64x2_t a = (int64x2_t)*first, b = (int64x2_t)*second;
    *first = (Ints)vzip1q_s64(a, b);
    *second = (Ints)vzip2q_s64(a, b);
}
#else
INLINE void arrange(Bytes *first, Bytes *second) { (void)first, (void)second; }
#endif

#if WIDTH == 16
INLINE Floats larger(Floats a, Floats b) { return _mm512_max_ps(a, b); }
INLINE Floats smaller(Floats a, Floats b) { return _mm512_min_ps(a, b); }
#elif WIDTH == 8
INLINE Floats larger(Floats a, Floats b) { return _mm256_max_ps(a, b); }
INLINE Floats smaller(Floats a, Floats b) { return _mm256_min_ps(a, b); }
#else
INLINE Floats larger(Floats a, Floats b) { return vmaxq_f32(a, b); }
INLINE Floats smaller(Floats a, Floats b) { return vminq_f32(a, b); }
#endif

INLINE float square_root(float x) {
#if WIDTH > 4
    return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)));
#else
    return vgetq_lane_f32(vsqrtq_f32(vdupq_n_f32(x)), 0);
#endif
}

/* Signed bytes as floats. */
INLINE Floats signed_bytes(const int8_t *p) {
#if WIDTH == 16
    return (Floats)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)p)));
#elif WIDTH == 8
    return (Floats)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)p)));
#else
    int8x8_t bytes = vreinterpret_s8_s32(vdup_n_s32(*(const IntAt *)p));
    return (Floats)vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(bytes))));
#endif
}

/* Half-precision numbers as floats. */
INLINE Floats halves(const void *p) {
#if WIDTH == 16
    return _mm512_cvtph_ps(_mm256_loadu_si256(p));
#elif WIDTH == 8
    return _mm256_cvtph_ps(_mm_loadu_si128(p));
#else
    return vcvt_f32_f16(vld1_f16(p));
#endif
}

/* The other way; what is too large for them becomes the largest of them. */
INLINE Halves to_halves(Floats x) {
    x = larger(smaller(x, all(65504.f)), all(-65504.f));
#if WIDTH == 16
    return (Halves)_mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT);
#elif WIDTH == 8
    return (Halves)_mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT);
#else
    return (Halves)vcvt_f16_f32(x);
#endif
}

/* Over all lanes, always in the same order. */
#if WIDTH == 16
INLINE float sum(Floats x) { return _mm512_reduce_add_ps(x); }
INLINE float largest(Floats x) { return _mm512_reduce_max_ps(x); }
#elif WIDTH == 8
INLINE float sum(Floats x) {
    __m128 a = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    a = _mm_add_ps(a, _mm_movehl_ps(a, a));
    return a[0] + a[1];
}
INLINE float largest(Floats x) {
    __m128 a = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    a = _mm_max_ps(a, _mm_movehl_ps(a, a));
    return a[0] > a[1] ? a[0] : a[1];
}
#else
INLINE float sum(Floats x) { return vaddvq_f32(x); }
INLINE float largest(Floats x) { return vmaxvq_f32(x); }
#endif

/*
 * e to the power of each lane, within 2 units in the last place; zero below -87, so that no result is denormal. Polynomial of
 * the Cephes library (Moshier, expf).
 */
INLINE Floats exponential(Floats x) {
    const Floats round = all(0x1.8p23f); /* adding it leaves an integer in the low bits */
    Floats clamped = smaller(larger(x, all(-87.f)), all(88.f));
    Floats shifted = clamped * 1.44269504f + round;
    Floats n = shifted - round;
    Floats r = clamped - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    Floats p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + (r + 1.f);
    Floats power = (Floats)((Ints)p + ((Ints)shifted << 23));
    return (Floats)((Ints)power & (x >= all(-87.f)));
}

#endif
