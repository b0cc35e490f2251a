/* refbits.h - the referenced bits of many frames at once, for policies that look at all of them. */
#ifndef POLICY_REFBITS_H
#define POLICY_REFBITS_H

#include <pagoda/types.h>
#include <string.h>

/* Which of the frames [first, first + 64) below `nframes` are referenced, as bits. */
static inline uint64_t refbits_gather(const uint8_t *bits, vm_pfn first, uint32_t nframes)
{
    _Static_assert(VM_FRAME_REFERENCED == 1, "the lowest bit of each byte is gathered");
    uint64_t word = 0;
    uint32_t n = nframes - first < 64 ? nframes - first : 64, i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t eight;
        memcpy(&eight, bits + first + i, sizeof eight);
        eight &= UINT64_C(0x0101010101010101);
        /* Byte k's bit, at 8 k, comes to lie at 56 + k: 8 k + (56 - 7 k). */
        word |= (eight * UINT64_C(0x0102040810204080) >> 56) << i;
    }
    for (; i < n; i++)
        word |= (uint64_t)(bits[first + i] & VM_FRAME_REFERENCED) << i;
    return word;
}

#endif
