/* bits.h - powers of two and their logarithms. */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include <stdbool.h>
#include <stdint.h>

static inline bool vm_is_pow2(uint64_t x)
{
    return x && !(x & (x - 1));
}

/* floor(log2(x)), x >= 1. */
static inline unsigned vm_log2(uint64_t x)
{
    return 63u - (unsigned)__builtin_clzll(x);
}

/* Bits that a number below `n` needs; 0 for n <= 1. */
static inline unsigned vm_bits_below(uint64_t n)
{
    return n <= 1 ? 0 : vm_log2(n - 1) + 1;
}

/* How many bits are set. A processor without an instruction for it would have gcc call a function:
 * here sums of 2, 4 and 8 bits are made side by side, and then added up by one multiplication. */
static inline unsigned vm_count_bits(uint64_t x)
{
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(x * UINT64_C(0x0101010101010101) >> 56);
}

/* The low `n` bits, n <= 64. */
static inline uint64_t vm_low_bits(unsigned n)
{
    return n >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1;
}

#endif
