/* first_fit.c - the lowest free block that is long enough serves.
 *
 * Small remainders gather at the low end, and long blocks survive at the high end. Knuth, "The Art
 * of Computer Programming" vol. 1, section 2.5, algorithm A.
 */
#include "alloc/fit.h"

static uint64_t take(void *state, uint64_t n, uint64_t align)
{
    struct fit *f = state;
    return vm_fit_take(f, fit_first(f, 0, f->free.end, n, align), n, align);
}

const struct vm_alloc_ops vm_alloc_first_fit = {
    .name = "first-fit",
    .summary = "the lowest free block that is long enough",
    .take = take,
    FIT_OPS,
};
