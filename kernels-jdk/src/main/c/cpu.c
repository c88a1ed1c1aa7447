/* Which tiers this processor can run. The library itself is compiled for the oldest one. */
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

#if defined(__x86_64__)
#include <cpuid.h>

static int has(unsigned bits, int bit) { return bits >> bit & 1; }

/*
 * Asks Linux to save this process's tiles, which it does only for those that ask, since they are 8 KB: the system call
 * arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA).
 */
static int may_use_tiles(void) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(158), "D"(0x1023), "S"(18) : "rcx", "r11", "memory");
    return result == 0;
}

/* Bit 0: avx2, bit 1: avxvnni, bit 2: avx512vnni, bit 3: amx. An operating system that does not save the registers counts too. */
EXPORT int elms_tiers(int64_t capabilities, int64_t more) {
    (void)capabilities, (void)more;
    unsigned a, b, c, d, b7, c7, d7, a71 = 0, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, 27)) return 0;
    int fma = has(c, 12) && has(c, 29); /* and half-precision conversion */
    if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d7)) return 0;
    if (a >= 1) __get_cpuid_count(7, 1, &a71, &b, &c, &d);
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    int avx2 = fma && has(b7, 5) && (low & 6) == 6;
    int avx512 = avx2 && has(b7, 16) && has(b7, 17) && has(b7, 30) && has(b7, 31) && (low & 0xe6) == 0xe6;
    int avx512vnni = avx512 && has(c7, 11);
    int amx = avx512vnni && has(d7, 22) && has(d7, 23) && has(d7, 24) && (low >> 17 & 3) == 3 && may_use_tiles();
    return avx2 | (avx2 && has(a71, 4)) << 1 | avx512vnni << 2 | amx << 3;
}

#elif defined(__aarch64__)

/* Bit 0: dotprod, bit 1: i8mm. The capabilities are Linux's AT_HWCAP and AT_HWCAP2, which only the kernel can tell. */
EXPORT int elms_tiers(int64_t capabilities, int64_t more) {
    int dotprod = capabilities >> 20 & 1;
    return dotprod | (dotprod & (int)(more >> 13 & 1)) << 1;
}

#endif
