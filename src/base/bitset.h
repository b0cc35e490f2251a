/* bitset.h - a set of small numbers that finds its next and previous member at once: bits over
 * bits.
 *
 * Level 0 has a bit for each number; a bit of level k + 1 says whether a word of level k is not
 * zero. Finding a neighbour climbs until a word has one and descends again: four levels name 16
 * million numbers. A number costs 1.02 bits.
 *
 * Invariant: bit i of level k + 1 is set iff word i of level k is not zero; bits past the last
 * number are clear.
 */
#ifndef BASE_BITSET_H
#define BASE_BITSET_H

#include "base/arena.h"
#include "base/assert.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VM_BITSET_LEVELS 7 /* 64^7 = 2^42 numbers */
#define VM_BITSET_NONE   UINT64_MAX

struct vm_bitset {
    uint64_t *level[VM_BITSET_LEVELS];
    uint64_t nwords[VM_BITSET_LEVELS];
    uint32_t nlevels;
};

/* Bytes that the words of a set of numbers below `n` take. */
static inline size_t vm_bitset_size(uint64_t n)
{
    size_t bytes = 0;
    do {
        n = n / 64 + (n % 64 != 0);
        bytes += vm_arena_room(n * sizeof(uint64_t));
    } while (n > 1);
    return bytes;
}

/* The set of numbers below `n` whose words are `words`[vm_bitset_size(n)]; zeroed, it is empty. */
static inline void vm_bitset_init(struct vm_bitset *s, void *words, uint64_t n)
{
    s->nlevels = 0;
    do {
        VM_ASSERT(s->nlevels < VM_BITSET_LEVELS);
        n = n / 64 + (n % 64 != 0);
        s->nwords[s->nlevels] = n;
        s->level[s->nlevels++] = words;
        words = (uint8_t *)words + vm_arena_room(n * sizeof(uint64_t));
    } while (n > 1);
}

static inline bool vm_bitset_has(const struct vm_bitset *s, uint64_t member)
{
    return s->level[0][member / 64] >> member % 64 & 1;
}

/* The uppermost level is one word. */
static inline bool vm_bitset_is_empty(const struct vm_bitset *s)
{
    return !*s->level[s->nlevels - 1];
}

static inline void vm_bitset_add(struct vm_bitset *s, uint64_t member)
{
    uint64_t i = member;
    for (uint32_t k = 0; k < s->nlevels; k++, i /= 64) {
        uint64_t *word = &s->level[k][i / 64], before = *word;
        *word |= UINT64_C(1) << i % 64;
        if (before)
            return;
    }
}

/* Answers whether that leaves the set empty. */
static inline bool vm_bitset_drop(struct vm_bitset *s, uint64_t member)
{
    uint64_t i = member;
    for (uint32_t k = 0; k < s->nlevels; k++, i /= 64) {
        uint64_t *word = &s->level[k][i / 64];
        *word &= ~(UINT64_C(1) << i % 64);
        if (*word)
            return false;
    }
    return true;
}

/* Make the upper levels right after level 0 was written as a whole. */
static inline void vm_bitset_refit(struct vm_bitset *s)
{
    for (uint32_t k = 1; k < s->nlevels; k++)
        for (uint64_t i = 0; i < s->nwords[k]; i++) {
            uint64_t word = 0;
            for (uint64_t j = 0; j < 64 && i * 64 + j < s->nwords[k - 1]; j++)
                word |= (uint64_t)(s->level[k - 1][i * 64 + j] != 0) << j;
            s->level[k][i] = word;
        }
}

/* The first member at or after `at`, or VM_BITSET_NONE. */
static inline uint64_t vm_bitset_next(const struct vm_bitset *s, uint64_t at)
{
    uint64_t i = at, word;
    uint32_t k = 0;
    for (;; k++, i = i / 64 + 1) {
        if (k == s->nlevels || i / 64 >= s->nwords[k])
            return VM_BITSET_NONE;
        word = s->level[k][i / 64] & ~UINT64_C(0) << i % 64;
        if (word)
            break;
    }
    for (i = i / 64 * 64 + (uint64_t)__builtin_ctzll(word); k > 0; k--)
        i = i * 64 + (uint64_t)__builtin_ctzll(s->level[k - 1][i]);
    return i;
}

/* The last member at or before `at`, a number of the set, or VM_BITSET_NONE. */
static inline uint64_t vm_bitset_prev(const struct vm_bitset *s, uint64_t at)
{
    uint64_t i = at, word;
    uint32_t k = 0;
    for (;; k++, i = i / 64 - 1) {
        word = s->level[k][i / 64] & ~UINT64_C(0) >> (63 - i % 64);
        if (word)
            break;
        if (i < 64) /* nothing lies before this word */
            return VM_BITSET_NONE;
    }
    for (i = i / 64 * 64 + 63 - (uint64_t)__builtin_clzll(word); k > 0; k--)
        i = i * 64 + 63 - (uint64_t)__builtin_clzll(s->level[k - 1][i]);
    return i;
}

static inline void vm_bitset_check(const struct vm_bitset *s)
{
    for (uint32_t k = 0; k + 1 < s->nlevels; k++)
        for (uint64_t i = 0; i < s->nwords[k]; i++)
            VM_ASSERT((s->level[k + 1][i / 64] >> i % 64 & 1) == (s->level[k][i] != 0));
}

#endif
