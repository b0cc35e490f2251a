/* alloc.h - space allocators: who gets which run of units, and what is left in between.
 *
 * Range allocators (allocators.def) give out runs of any length from [0, units); a unit is a frame,
 * or a byte of a heap: they do not care. The machine's own frames have an allocator of their own:
 * frames.h.
 *
 * A range allocator, contract, checked by tests/conform/alloc.c
 *  1. What is taken lies in [0, units) and overlaps nothing else that is taken.
 *  2. free_units + internal_units + what hosts asked for == units.
 *  3. The state is one block of ops->size bytes, zeroed, aligned to 64; nothing is allocated and
 *     nothing fails after init. Equal calls and seed give equal answers.
 *  4. The block is touched only where something was given or taken, so that a large range that is
 *     little used costs the host little.
 *
 * Knuth, "The Art of Computer Programming" vol. 1, section 2.5; Wilson, Johnstone, Neely & Boles,
 * "Dynamic storage allocation: a survey and critical review", IWMM 1995.
 */
#ifndef PAGODA_ALLOC_H
#define PAGODA_ALLOC_H

#include <pagoda/error.h>
#include <pagoda/params.h>
#include <pagoda/types.h>

/* ---- range allocators ---- */

#define VM_ALLOC_NONE      UINT64_MAX
#define VM_ALLOC_UNITS_MAX (UINT64_C(1) << 40)

struct vm_alloc_env {
    uint64_t units; /* 1 to VM_ALLOC_UNITS_MAX */
    uint64_t seed;
    const struct vm_params *params; /* parsed against the allocator's own table; only during init */
};

/* What `give` takes back. */
enum vm_give_kind {
    VM_GIVE_PARTS, /* any run of units that are taken, whatever call took them */
    VM_GIVE_WHOLE, /* what one take (or extend) made, whole */
};

struct vm_alloc_usage {
    uint64_t free_units, free_blocks;
    uint64_t free_max;        /* units of the largest free block */
    uint64_t internal_units;  /* held beyond what was asked for (internal fragmentation) */
    uint64_t takes, failures; /* takes that were served; that were not */
    uint64_t searched;        /* free blocks (buddy: sizes) that takes looked at */
};

struct vm_alloc_ops {
    const char *name;
    const char *summary; /* one line: which free block serves */
    enum vm_give_kind give_kind;
    const struct vm_param *param;
    size_t nparams;

    size_t (*size)(const struct vm_alloc_env *env);
    void (*init)(void *state, const struct vm_alloc_env *env);
    /* The first of n >= 1 consecutive units, a multiple of `align` (a power of two), which are the
     * host's from now on; or VM_ALLOC_NONE. */
    uint64_t (*take)(void *state, uint64_t n, uint64_t align);
    /* [start, start + n) is free again. Of a whole one, n is what was asked for, extensions
     * included. */
    void (*give)(void *state, uint64_t start, uint64_t n);
    /* [start, start + n), the end of what was taken (whole ones: all of it), grows in place by
     * `more` >= 1 units. False: there is no room behind it, and nothing has changed. */
    bool (*extend)(void *state, uint64_t start, uint64_t n, uint64_t more);
    void (*usage)(const void *state, struct vm_alloc_usage *out);
    /* The first free block that starts at or after `at` (any number up to units), its units in *n;
     * or VM_ALLOC_NONE. */
    uint64_t (*next_free)(const void *state, uint64_t at, uint64_t *n);
    void (*check)(const void *state); /* asserts the whole structure's invariants */
};

/* The row of allocators.def with that name. Errors: VM_EUSAGE with the nearest name. */
const struct vm_alloc_ops *vm_alloc_find(const char *name, struct vm_error *e);
const struct vm_alloc_ops *vm_alloc_at(size_t i); /* NULL past the end */
bool vm_alloc_list(size_t i, struct vm_listed *out);

#endif
