/* next_fit.c - the next free block that is long enough, from where the last run was taken, serves.
 *
 * The search goes round from a rover, the end of the last run: first from the first block that ends
 * behind it, then, once, from the lowest. It is shorter than first-fit's, and remainders are spread
 * over all of the range, which costs the long blocks. Knuth, "The Art of Computer Programming"
 * vol. 1, section 2.5, exercise 6; Bays, "A comparison of next-fit, first-fit, and best-fit", CACM
 * 20(3) 1977.
 */
#include "alloc/fit.h"

/* The first free block that ends behind the rover, or the rover: no block lies around it. */
static uint64_t begin(const struct fit *f)
{
    uint64_t before = spans_before(&f->free, f->rover);
    if (before != VM_ALLOC_NONE && before + spans_units(&f->free, before) > f->rover)
        return before;
    return f->rover;
}

static uint64_t take(void *state, uint64_t n, uint64_t align)
{
    struct fit *f = state;
    uint64_t from = begin(f), block = fit_first(f, from, f->free.end, n, align);
    if (block == VM_ALLOC_NONE)
        block = fit_first(f, 0, from, n, align);
    return vm_fit_take(f, block, n, align);
}

const struct vm_alloc_ops vm_alloc_next_fit = {
    .name = "next-fit",
    .summary = "the next free block that is long enough, round from the last run taken",
    .take = take,
    FIT_OPS,
};
