/* refbits.h - one of the bits of many frames at once, for policies that look at all of them. */
#ifndef POLICY_REFBITS_H
#define POLICY_REFBITS_H

#include <pagoda/types.h>
#include <string.h>

/* Which of the frames [first, first + 64) below `nframes` have the bit `flag`, as bits. */
static inline uint64_t refbits_gather(const uint8_t *bits, enum vm_frame_bits flag, vm_pfn first,
                                      uint32_t nframes)
{
    uint64_t word = 0;
    int shift = __builtin_ctz(flag);
    uint32_t n = nframes - first < 64 ? nframes - first : 64, i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t eight;
        memcpy(&eight, bits + first + i, sizeof eight);
        eight = eight >> shift & UINT64_C(0x0101010101010101);
        /* Byte k's bit, at 8 k, comes to lie at 56 + k: 8 k + (56 - 7 k). */
        word |= (eight * UINT64_C(0x0102040810204080) >> 56) << i;
    }
    for (; i < n; i++)
        word |= (uint64_t)(bits[first + i] >> shift & 1) << i;
    return word;
}

#endif
