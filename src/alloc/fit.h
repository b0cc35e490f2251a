/* fit.h - what the fits share: free blocks in address order, of which one is chosen.
 *
 * first-fit, next-fit, best-fit and worst-fit differ only in which of the free blocks that are long
 * enough serves a take: a row's file has its choice and nothing else. The run is cut from the
 * block's low end (behind a gap if it must be aligned); what remains of the block stays free.
 *
 * Taken runs are not remembered: any part of them can be given back. Nothing is held beyond what
 * was asked for.
 *
 * Knuth, "The Art of Computer Programming" vol. 1, section 2.5, algorithms A and B.
 */
#ifndef ALLOC_FIT_H
#define ALLOC_FIT_H

#include "alloc/spans.h"

struct fit {
    struct spans free;
    uint64_t rover; /* the end of the last run that was taken: next-fit begins there */
    uint64_t takes, failures, searched;
};

size_t vm_fit_size(const struct vm_alloc_env *env);
void vm_fit_init(void *state, const struct vm_alloc_env *env);
/* Take n units from the free block that the row has chosen (VM_ALLOC_NONE: there was none). */
uint64_t vm_fit_take(struct fit *f, uint64_t block, uint64_t n, uint64_t align);
void vm_fit_give(void *state, uint64_t start, uint64_t n);
bool vm_fit_extend(void *state, uint64_t start, uint64_t n, uint64_t more);
void vm_fit_usage(const void *state, struct vm_alloc_usage *out);
uint64_t vm_fit_next_free(const void *state, uint64_t at, uint64_t *n);
void vm_fit_check(const void *state);

/* The members of struct vm_alloc_ops that all fits have in common. */
#define FIT_OPS                                                                                    \
    .give_kind = VM_GIVE_PARTS, .size = vm_fit_size, .init = vm_fit_init, .give = vm_fit_give,     \
    .extend = vm_fit_extend, .usage = vm_fit_usage, .next_free = vm_fit_next_free,                 \
    .check = vm_fit_check

/* The first multiple of `align` at or after `at`. */
static inline uint64_t fit_align(uint64_t at, uint64_t align)
{
    return (at + align - 1) & ~(align - 1);
}

/* Whether the free block `block` has room for n aligned units. */
static inline bool fit_holds(const struct fit *f, uint64_t block, uint64_t n, uint64_t align)
{
    uint64_t end = block + spans_units(&f->free, block), start = fit_align(block, align);
    return start < end && n <= end - start;
}

/* The first free block from `from` on, and before `end`, that has room. */
static inline uint64_t fit_first(struct fit *f, uint64_t from, uint64_t end, uint64_t n,
                                 uint64_t align)
{
    for (uint64_t at = from; (at = spans_next(&f->free, at)) < end; at++) {
        f->searched++;
        if (fit_holds(f, at, n, align))
            return at;
    }
    return VM_ALLOC_NONE;
}

#endif
