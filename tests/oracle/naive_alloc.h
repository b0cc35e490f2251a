/* naive_alloc.h - a range of units as a row of flags, and by brute force what each allocator would
 * choose.
 *
 * Free runs, and the free blocks of a buddy system, are found in the flags each time anew: a buddy
 * block is free if all its units are, and the block above, where there is one, is not.
 */
#ifndef ORACLE_NAIVE_ALLOC_H
#define ORACLE_NAIVE_ALLOC_H

#include <pagoda/alloc.h>

#define NAIVE_UNITS 256

struct naive_alloc {
    uint64_t units; /* at most NAIVE_UNITS */
    bool held[NAIVE_UNITS];
};

/* Flag [start, start + n), which must be flagged otherwise, or inside nothing at all. False: it is
 * not. */
bool naive_alloc_hold(struct naive_alloc *a, uint64_t start, uint64_t n);
bool naive_alloc_release(struct naive_alloc *a, uint64_t start, uint64_t n);
uint64_t naive_alloc_free(const struct naive_alloc *a);

/* The first run of free units, as long as it gets, that begins at or after `at`, or NONE. */
uint64_t naive_alloc_run(const struct naive_alloc *a, uint64_t at, uint64_t *n);
/* Where n units, aligned, would be taken by that fit; `rover`: where the last run taken ended. */
uint64_t naive_alloc_first(const struct naive_alloc *a, uint64_t n, uint64_t align);
uint64_t naive_alloc_next(const struct naive_alloc *a, uint64_t n, uint64_t align, uint64_t rover);
uint64_t naive_alloc_best(const struct naive_alloc *a, uint64_t n, uint64_t align);
uint64_t naive_alloc_worst(const struct naive_alloc *a, uint64_t n, uint64_t align);

/* Whether [start, start + 2^order) is a free block of a buddy system. */
bool naive_alloc_is_block(const struct naive_alloc *a, unsigned order, uint64_t start);
/* Where a buddy system takes 2^order units; and one unit of `colour`, or NONE. */
uint64_t naive_alloc_buddy(const struct naive_alloc *a, unsigned order);
uint64_t naive_alloc_colour(const struct naive_alloc *a, uint64_t colour, uint64_t ncolours);

#endif
