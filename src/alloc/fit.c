/* fit.c - see fit.h: everything of the fits but their choice. */
#include "alloc/fit.h"

#include "base/bits.h"

size_t vm_fit_size(const struct vm_alloc_env *env)
{
    return vm_arena_room(sizeof(struct fit)) + spans_size(env->units);
}

void vm_fit_init(void *state, const struct vm_alloc_env *env)
{
    struct fit *f = state;
    VM_ASSERT(env->units >= 1 && env->units <= VM_ALLOC_UNITS_MAX);
    spans_init(&f->free, (uint8_t *)state + vm_arena_room(sizeof *f), env->units);
    spans_add(&f->free, 0, env->units);
}

uint64_t vm_fit_take(struct fit *f, uint64_t block, uint64_t n, uint64_t align)
{
    VM_ASSERT(n >= 1 && vm_is_pow2(align));
    if (block == VM_ALLOC_NONE) {
        f->failures++;
        return VM_ALLOC_NONE;
    }
    uint64_t start = fit_align(block, align);
    spans_cut(&f->free, block, start, n);
    f->rover = start + n;
    f->takes++;
    return start;
}

void vm_fit_give(void *state, uint64_t start, uint64_t n)
{
    struct fit *f = state;
    spans_add(&f->free, start, n);
}

bool vm_fit_extend(void *state, uint64_t start, uint64_t n, uint64_t more)
{
    struct fit *f = state;
    uint64_t behind = start + n;
    VM_ASSERT(more >= 1 && behind <= f->free.end);
    if (spans_next(&f->free, behind) != behind || spans_units(&f->free, behind) < more)
        return false;
    spans_cut(&f->free, behind, behind, more);
    return true;
}

void vm_fit_usage(const void *state, struct vm_alloc_usage *out)
{
    const struct fit *f = state;
    *out = (struct vm_alloc_usage){
        .free_units = f->free.nfree,
        .free_blocks = f->free.nblocks,
        .takes = f->takes,
        .failures = f->failures,
        .searched = f->searched,
    };
    for (uint64_t at = 0; (at = spans_next(&f->free, at)) != VM_ALLOC_NONE; at++)
        if (spans_units(&f->free, at) > out->free_max)
            out->free_max = spans_units(&f->free, at);
}

uint64_t vm_fit_next_free(const void *state, uint64_t at, uint64_t *n)
{
    const struct fit *f = state;
    uint64_t start = spans_next(&f->free, at);
    if (start != VM_ALLOC_NONE)
        *n = spans_units(&f->free, start);
    return start;
}

void vm_fit_check(const void *state)
{
    const struct fit *f = state;
    VM_ASSERT(f->rover <= f->free.end);
    spans_check(&f->free);
}
