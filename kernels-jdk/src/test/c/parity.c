/*
 * Runs the tests of every tier that this processor has, and skips the others. Exits with 1 if a check fails, or if the tiers are
 * other than those named by the arguments ("none": no tier), where there are any.
 */
#include "parity.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#if defined(__aarch64__)
#define EACH_TIER(X) X(dotprod) X(i8mm)
#else
#define EACH_TIER(X) X(avx2) X(avxvnni) X(avx512vnni) X(amx)
#endif

#define DECLARE(tier) \
    Matmul tier##_matmul; Panels tier##_panels; Gated tier##_gated; Largest tier##_largest_of_panels; Quantize tier##_quantize; \
    Adapt tier##_adapt; RmsNorm tier##_rms_norm; LayerNorm tier##_layer_norm; Rotate tier##_rotate; Append tier##_append; Attend tier##_attend; \
    Join tier##_join; Finish tier##_finish;
EACH_TIER(DECLARE)

#define ENTRY(tier) \
    {#tier, tier##_matmul, tier##_panels, tier##_gated, tier##_largest_of_panels, tier##_quantize, tier##_adapt, tier##_rms_norm, \
     tier##_layer_norm, tier##_rotate, tier##_append, tier##_attend, tier##_join, tier##_finish},
static const Tier TIERS[] = {EACH_TIER(ENTRY)};
#define TIER_COUNT ((int)(sizeof TIERS / sizeof *TIERS))

int elms_tiers(int64_t capabilities, int64_t more);

/* Java's arrays begin after a header of 16 bytes, at multiples of 8. */
#define ALIGNMENT 8

static char current[200];
static int checks, failures;
static void *allocated[128];
static int allocations;
static uint32_t seed;

void begin(const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(current, sizeof current, format, values);
    va_end(values);
    while (allocations > 0) free(allocated[--allocations]);
    seed = 2463534242;
}

void *memory(size_t bytes) {
    if (allocations == sizeof allocated / sizeof *allocated) abort();
    char *p = malloc(ALIGNMENT + bytes);
    if (p == NULL) abort();
    allocated[allocations++] = p;
    return memset(p + ALIGNMENT, 0xff, bytes);
}

float *floats(size_t count) { return memory(count * sizeof(float)); }

/* Xorshift (Marsaglia, 2003). */
uint32_t random_bits(void) {
    seed ^= seed << 13;
    seed ^= seed >> 17;
    return seed ^= seed << 5;
}

float random_float(void) { return (float)(random_bits() >> 8) * 0x1p-23f - 1; }

const char *const KIND[KINDS] = {"usual", "zero", "tiny", "large", "one outlier a block"};

float *inputs(size_t count, int kind) {
    static const float scale[KINDS] = {1, 0, 1e-30f, 1e15f, 1};
    float *x = floats(count);
    for (size_t i = 0; i < count; i++) x[i] = random_float() * scale[kind] * (kind == OUTLIER && i % BLOCK == 5 ? 3000 : 1);
    return x;
}

int has_tiles(const Tier *tier) { return strcmp(tier->name, "amx") == 0; }

double tile_value(uint16_t number) {
    union {
        uint32_t bits;
        float value;
    } whole = {(uint32_t)number << 16};
    return whole.value / 1024.;
}

double bfloat16(double x) {
    union {
        float value;
        uint32_t bits;
    } near = {(float)x};
    near.bits = (near.bits + 0x8000) & 0xffff0000;
    return near.value;
}

void check(int passed, const char *format, ...) {
    checks++;
    if (passed || failures++ >= 20) return;
    printf("  %s: ", current);
    va_list values;
    va_start(values, format);
    vprintf(format, values);
    va_end(values);
    printf("\n");
}

/* Or what is too large for a float. */
static int close_to(float actual, Expected expected) {
    return fabs(actual - expected.value) <= expected.error || actual == (float)expected.value;
}

void check_close(const float *actual, const Expected *expected, size_t count) {
    size_t i = 0;
    while (i < count && close_to(actual[i], expected[i])) i++;
    if (i == count) check(1, "close");
    else check(0, "[%zu] is %g, expected %g ± %g", i, actual[i], expected[i].value, expected[i].error);
}

void check_same(const char *what, const void *a, const void *b, size_t bytes) { check(memcmp(a, b, bytes) == 0, "%s differs", what); }

static int run(const Tier *tier) {
    checks = failures = 0;
    test_matrices(tier);
    test_rows(tier);
    test_tile_products(tier);
    test_attention(tier);
    begin("end");
    if (failures == 0) printf("%s: %d checks passed\n", tier->name, checks);
    else printf("%s: %d of %d checks FAILED\n", tier->name, failures, checks);
    return failures > 0;
}

static int differs(const char *wanted, const char *offered) {
    if (strcmp(wanted, offered) == 0) return 0;
    printf("the tiers should be %s: they are %s\n", wanted, offered);
    return 1;
}

int main(int count, char **arguments) {
    int bits = elms_tiers((int64_t)getauxval(AT_HWCAP), (int64_t)getauxval(AT_HWCAP2));
    char offered[200] = "", wanted[200] = "";
    int failed = 0;
    for (int i = 0; i < TIER_COUNT; i++) {
        if (bits >> i & 1) {
            failed |= run(TIERS + i);
            strcat(strcat(offered, " "), TIERS[i].name);
        } else {
            printf("%s: skipped, this processor lacks it\n", TIERS[i].name);
        }
    }
    for (int i = 1; i < count; i++)
        if (strlen(wanted) + strlen(arguments[i]) + 2 < sizeof wanted) strcat(strcat(wanted, " "), arguments[i]);
    if (count > 1) failed |= differs(wanted, *offered ? offered : " none");
    return failed;
}
