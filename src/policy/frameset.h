/* frameset.h - a set of frames that finds its next member at once: bits over bits.
 *
 * Level 0 has a bit for each frame; a bit of level k + 1 says whether a word of level k is not
 * zero. Finding the next member climbs until a word has one and descends again: four levels name 16
 * million frames. A frame costs 1.02 bits.
 *
 * Invariant: bit i of level k + 1 is set iff word i of level k is not zero; bits past the last
 * frame are clear.
 */
#ifndef POLICY_FRAMESET_H
#define POLICY_FRAMESET_H

#include "base/assert.h"
#include "policy/block.h"

#include <pagoda/types.h>

#define FRAMESET_LEVELS 6 /* 64^6 > 2^32 */

struct frameset {
    uint64_t *level[FRAMESET_LEVELS];
    uint32_t nwords[FRAMESET_LEVELS];
    uint32_t nlevels;
};

/* Take the set's words, which the host has zeroed: the empty set. */
static inline void frameset_layout(struct frameset *s, struct block *b, uint32_t nframes)
{
    uint32_t nbits = nframes;
    s->nlevels = 0;
    do {
        nbits = nbits / 64 + (nbits % 64 != 0);
        s->nwords[s->nlevels] = nbits;
        s->level[s->nlevels++] = block_take(b, nbits * sizeof(uint64_t));
    } while (nbits > 1);
}

static inline bool frameset_has(const struct frameset *s, vm_pfn frame)
{
    return s->level[0][frame / 64] >> frame % 64 & 1;
}

static inline void frameset_add(struct frameset *s, vm_pfn frame)
{
    for (uint32_t k = 0, i = frame; k < s->nlevels; k++, i /= 64) {
        uint64_t *word = &s->level[k][i / 64], before = *word;
        *word |= UINT64_C(1) << i % 64;
        if (before)
            return;
    }
}

static inline void frameset_drop(struct frameset *s, vm_pfn frame)
{
    for (uint32_t k = 0, i = frame; k < s->nlevels; k++, i /= 64) {
        uint64_t *word = &s->level[k][i / 64];
        *word &= ~(UINT64_C(1) << i % 64);
        if (*word)
            return;
    }
}

/* Make the upper levels right after level 0 was written as a whole. */
static inline void frameset_refit(struct frameset *s)
{
    for (uint32_t k = 1; k < s->nlevels; k++)
        for (uint32_t i = 0; i < s->nwords[k]; i++) {
            uint64_t word = 0;
            for (uint32_t j = 0; j < 64 && i * 64 + j < s->nwords[k - 1]; j++)
                word |= (uint64_t)(s->level[k - 1][i * 64 + j] != 0) << j;
            s->level[k][i] = word;
        }
}

/* The first member at or after `frame` (at most nframes), or VM_NOFRAME. */
static inline vm_pfn frameset_next(const struct frameset *s, vm_pfn frame)
{
    uint32_t i = frame, k = 0;
    uint64_t word;
    for (;; k++, i = i / 64 + 1) {
        if (k == s->nlevels || i / 64 >= s->nwords[k])
            return VM_NOFRAME;
        word = s->level[k][i / 64] & ~UINT64_C(0) << i % 64;
        if (word)
            break;
    }
    for (i = i / 64 * 64 + (uint32_t)__builtin_ctzll(word); k > 0; k--)
        i = i * 64 + (uint32_t)__builtin_ctzll(s->level[k - 1][i]);
    return i;
}

static inline void frameset_check(const struct frameset *s)
{
    for (uint32_t k = 0; k + 1 < s->nlevels; k++)
        for (uint32_t i = 0; i < s->nwords[k]; i++)
            VM_ASSERT((s->level[k + 1][i / 64] >> i % 64 & 1) == (s->level[k][i] != 0));
}

#endif
