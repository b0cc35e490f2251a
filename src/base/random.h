/* random.h - seeded random numbers: the same seed gives the same sequence on every host.
 *
 * xoshiro256** (Blackman & Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4)
 * 2021), its state filled by splitmix64 from the seed. Bounded numbers by Lemire's multiplication
 * ("Fast random integer generation in an interval", ACM TOMACS 29(1) 2019), without bias.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

struct vm_random {
    uint64_t s[4];
};

/* A bijection of 64-bit words that looks random: splitmix64's output function. */
static inline uint64_t vm_mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline void vm_random_seed(struct vm_random *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        r->s[i] = vm_mix64(seed += UINT64_C(0x9e3779b97f4a7c15));
}

static inline uint64_t vm_random_u64(struct vm_random *r)
{
    uint64_t *s = r->s, x = s[1] * 5, out = (x << 7 | x >> 57) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3] << 45 | s[3] >> 19;
    return out;
}

/* Uniform in [0, n), n >= 1. */
static inline uint64_t vm_random_below(struct vm_random *r, uint64_t n)
{
    for (;;) {
        unsigned __int128 m = (unsigned __int128)vm_random_u64(r) * n;
        uint64_t low = (uint64_t)m;
        if (low >= n || low >= -n % n)
            return (uint64_t)(m >> 64);
    }
}

/* Uniform in [0, 1): 53 bits. */
static inline double vm_random_real(struct vm_random *r)
{
    return (double)(vm_random_u64(r) >> 11) * 0x1p-53;
}

#endif
