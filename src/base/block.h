/* block.h - where a part's struct and arrays lie in the one block that its host gives it.
 *
 * The struct comes first, then the arrays, each on cache lines of its own. A part has one
 * function that says so, `layout`; without a block it measures.
 */
#ifndef BASE_BLOCK_H
#define BASE_BLOCK_H

#include "base/arena.h"
#include "base/bitset.h"

struct block {
    uintptr_t start; /* 0: only measure */
    size_t used;
};

/* The next `bytes` of the block. */
static inline void *block_take(struct block *b, size_t bytes)
{
    void *taken = (void *)(b->start + b->used);
    b->used += vm_arena_room(bytes);
    return taken;
}

/* A set of numbers below `n` in the block, which the host has zeroed: the empty set. */
static inline void block_take_set(struct block *b, uint64_t n, struct vm_bitset *s)
{
    vm_bitset_init(s, block_take(b, vm_bitset_size(n)), n);
}

#endif
