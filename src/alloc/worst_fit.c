/* worst_fit.c - the longest free block serves; among equals the lowest.
 *
 * What is left is as useful as can be; but the long blocks go first. (Where a run must be aligned,
 * the longest of the blocks that hold it: the very longest may not.) Wilson, Johnstone, Neely &
 * Boles, "Dynamic storage allocation: a survey and critical review", IWMM 1995, section 3.4.
 */
#include "alloc/fit.h"

static uint64_t choose(struct fit *f, uint64_t n, uint64_t align)
{
    uint64_t longest = VM_ALLOC_NONE, end = f->free.end;
    for (uint64_t at = 0; (at = fit_first(f, at, end, n, align)) != VM_ALLOC_NONE; at++)
        if (longest == VM_ALLOC_NONE || spans_units(&f->free, at) > spans_units(&f->free, longest))
            longest = at;
    return longest;
}

static uint64_t take(void *state, uint64_t n, uint64_t align)
{
    return vm_fit_take(state, choose(state, n, align), n, align);
}

const struct vm_alloc_ops vm_alloc_worst_fit = {
    .name = "worst-fit",
    .summary = "the longest free block",
    .take = take,
    FIT_OPS,
};
