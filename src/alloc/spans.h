/* spans.h - the free blocks of a range in the order of their addresses, none beside another.
 *
 * The idea: two free blocks are never adjacent, or they would be one; so their starts are at least
 * two apart, and start / 2 is a number of a block's own. A set has the starts, an array the
 * lengths: the list in address order that textbooks link through the blocks themselves, with its
 * neighbours found at once from any address (so that giving back needs no search and no boundary
 * tags), and touched only where there are free blocks.
 *
 * Invariants
 *  1. `start` has the first unit of each free block, units[start / 2] its length, at least 1.
 *  2. A free block ends before the next one begins, with at least one taken unit in between, and
 *     at `end` at the latest.
 *  3. nfree is the sum of their lengths, nblocks their number.
 */
#ifndef ALLOC_SPANS_H
#define ALLOC_SPANS_H

#include "base/bitset.h"

#include <pagoda/alloc.h>

struct spans {
    struct vm_bitset start;
    uint64_t *units; /* [end / 2 + 1] by start / 2 */
    uint64_t end;
    uint64_t nfree, nblocks;
};

static inline size_t spans_size(uint64_t end)
{
    return vm_bitset_size(end) + vm_arena_room((end / 2 + 1) * sizeof(uint64_t));
}

/* No free block in [0, end); `memory`[spans_size(end)] is zeroed. */
static inline void spans_init(struct spans *s, void *memory, uint64_t end)
{
    *s = (struct spans){.end = end};
    vm_bitset_init(&s->start, memory, end);
    s->units = (uint64_t *)((uint8_t *)memory + vm_bitset_size(end));
}

static inline uint64_t spans_units(const struct spans *s, uint64_t start)
{
    return s->units[start / 2];
}

/* The first free block that starts at or after `at` <= end, or VM_ALLOC_NONE. */
static inline uint64_t spans_next(const struct spans *s, uint64_t at)
{
    return vm_bitset_next(&s->start, at);
}

/* The last free block that starts before `at`, or VM_ALLOC_NONE. */
static inline uint64_t spans_before(const struct spans *s, uint64_t at)
{
    return at ? vm_bitset_prev(&s->start, at - 1) : VM_ALLOC_NONE;
}

static inline void spans_put(struct spans *s, uint64_t start, uint64_t n)
{
    vm_bitset_add(&s->start, start);
    s->units[start / 2] = n;
    s->nblocks++;
}

static inline void spans_drop(struct spans *s, uint64_t start)
{
    vm_bitset_drop(&s->start, start);
    s->nblocks--;
}

/* Make [start, start + n), all of it taken, free, and one with the free blocks beside it. */
static inline void spans_add(struct spans *s, uint64_t start, uint64_t n)
{
    uint64_t before = spans_before(s, start), after = start + n;
    VM_ASSERT(n >= 1 && after <= s->end && spans_next(s, start) >= after);
    s->nfree += n;
    if (after < s->end && vm_bitset_has(&s->start, after)) {
        n += spans_units(s, after);
        spans_drop(s, after);
    }
    if (before != VM_ALLOC_NONE) {
        uint64_t before_end = before + spans_units(s, before);
        VM_ASSERT(before_end <= start);
        if (before_end == start) {
            s->units[before / 2] += n;
            return;
        }
    }
    spans_put(s, start, n);
}

/* Take [at, at + n) out of the free block `start`, which holds it. */
static inline void spans_cut(struct spans *s, uint64_t start, uint64_t at, uint64_t n)
{
    uint64_t end = start + spans_units(s, start);
    VM_ASSERT(start <= at && at + n <= end);
    s->nfree -= n;
    spans_drop(s, start);
    if (start < at)
        spans_put(s, start, at - start);
    if (at + n < end)
        spans_put(s, at + n, end - (at + n));
}

static inline void spans_check(const struct spans *s)
{
    uint64_t nfree = 0, nblocks = 0, end = 0;
    for (uint64_t at = 0; (at = spans_next(s, at)) != VM_ALLOC_NONE; at = end) {
        VM_ASSERT(nblocks == 0 || at > end);
        nfree += spans_units(s, at);
        nblocks++;
        end = at + spans_units(s, at);
        VM_ASSERT(spans_units(s, at) >= 1 && end <= s->end);
    }
    VM_ASSERT(nfree == s->nfree && nblocks == s->nblocks);
    vm_bitset_check(&s->start);
}

#endif
