/* blocks.h - the binary buddy system: free blocks of 2^order units, aligned to their size.
 *
 *     order 3   [               0               ]
 *     order 2   [       0       |       4       ]        a block and its buddy, the other half of
 *     order 1   [   0   |   2   |   4   |   6   ]        the block above, become that one when
 *     order 0   [ 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 ]        both are free
 *
 * A range that is no power of two begins as several blocks, one for each bit of its length, longest
 * first: its roots. A block is taken from the smallest free one that is large enough and no root,
 * the lowest of that order; only then from a root, the lowest. So long blocks survive, and a range
 * that nothing was given back to is taken from 0 up.
 *
 * Colours: unit u has colour u mod ncolours, a power of two. A block smaller than that has a run of
 * colours, and its number mod ncolours / 2^order says which: its group. The set of an order has the
 * blocks of one group beside each other, so that the lowest of a group is found at once too.
 *
 * Invariants
 *  1. No unit is in two free blocks; nfree is their sum, nblocks[] their number for each order, and
 *     `orders` has those of which there are any.
 *  2. A free block's buddy is not a free block of the same order.
 *
 * Knowlton, "A fast storage allocator", CACM 8(10) 1965; Knuth, "The Art of Computer Programming"
 * vol. 1, section 2.5, algorithms R and S. Who holds what is not known here.
 */
#ifndef ALLOC_BLOCKS_H
#define ALLOC_BLOCKS_H

#include "base/bitset.h"

#include <pagoda/alloc.h>

#define BLOCKS_ORDERS 41 /* 2^40 == VM_ALLOC_UNITS_MAX */
#define BLOCKS_NONE   UINT32_MAX

struct blocks {
    struct vm_bitset free[BLOCKS_ORDERS]; /* by place: see blocks.c */
    uint64_t nblocks[BLOCKS_ORDERS];
    uint64_t orders; /* bit k: there are free blocks of order k */
    uint64_t end, nfree;
    uint64_t ncolours;
    unsigned norders;
};

size_t vm_blocks_size(uint64_t end, uint64_t ncolours);
/* None of [0, end) free; `memory`[vm_blocks_size(end, ncolours)] is zeroed. */
void vm_blocks_init(struct blocks *b, void *memory, uint64_t end, uint64_t ncolours);

/* The free block that a take of `order` is served from: its order, or BLOCKS_NONE. */
unsigned vm_blocks_find(const struct blocks *b, unsigned order, uint64_t *start);
/* The same for one unit of a colour: a block that has one. */
unsigned vm_blocks_find_colour(const struct blocks *b, uint64_t colour, uint64_t *start);
/* The free block that `unit` lies in: its order, or BLOCKS_NONE. */
unsigned vm_blocks_around(const struct blocks *b, uint64_t unit, uint64_t *start);
bool vm_blocks_has(const struct blocks *b, unsigned order, uint64_t start);
/* The lowest free block of an order of which there are any, a root or not. */
uint64_t vm_blocks_lowest(const struct blocks *b, unsigned order);
/* The lowest free block of `order` that starts at or after `at`, or VM_ALLOC_NONE; without colours.
 */
uint64_t vm_blocks_next(const struct blocks *b, unsigned order, uint64_t at);

/* Take [at, at + n) out of the free block `start`, which holds it; the rest stays free. */
void vm_blocks_cut(struct blocks *b, unsigned order, uint64_t start, uint64_t at, uint64_t n);
/* [start, end), all taken, is free. */
void vm_blocks_give(struct blocks *b, uint64_t start, uint64_t end);
void vm_blocks_check(const struct blocks *b);

#endif
