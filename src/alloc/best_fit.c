/* best_fit.c - the shortest free block that is long enough serves; among equals the lowest.
 *
 * A block of exactly the length asked for ends the search. What is left of the others is as small
 * as can be, which saves the long blocks and leaves slivers. Knuth, "The Art of Computer
 * Programming" vol. 1, section 2.5, exercise 2.
 */
#include "alloc/fit.h"

static uint64_t choose(struct fit *f, uint64_t n, uint64_t align)
{
    uint64_t best = VM_ALLOC_NONE, end = f->free.end;
    for (uint64_t at = 0; (at = fit_first(f, at, end, n, align)) != VM_ALLOC_NONE; at++) {
        if (best == VM_ALLOC_NONE || spans_units(&f->free, at) < spans_units(&f->free, best))
            best = at;
        if (spans_units(&f->free, best) == n)
            break;
    }
    return best;
}

static uint64_t take(void *state, uint64_t n, uint64_t align)
{
    return vm_fit_take(state, choose(state, n, align), n, align);
}

const struct vm_alloc_ops vm_alloc_best_fit = {
    .name = "best-fit",
    .summary = "the shortest free block that is long enough",
    .take = take,
    FIT_OPS,
};
