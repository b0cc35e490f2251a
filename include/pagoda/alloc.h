/* alloc.h - space allocators: who gets which run of units, and what is left in between.
 *
 * Two things are here. Range allocators (allocators.def) give out runs of any length from
 * [0, units); a unit is a frame, or a byte of a heap: they do not care. The frame allocator (struct
 * vm_frames) is the machine's own: a buddy over frames with page colours, and no choice of another.
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

/* ---- the machine's frames ---- */

/* A binary buddy over frames [0, nframes): free frames lie in blocks of 2^order frames, aligned to
 * their size; a block and its buddy that are both free are one block of the next order. (Knowlton,
 * "A fast storage allocator", CACM 8(10) 1965.)
 *
 * A take breaks the smallest block that fits, the lowest of that order. The blocks that memory
 * began as are opened last and lowest first, so that a memory nobody gave back to fills from frame
 * 0 up, whatever its size.
 *
 * Colours: frame f has the colour f mod ncolours. In a cache that is indexed by physical addresses
 * frames of one colour compete for the same sets. */
struct vm_frames;

#define VM_FRAME_ORDERS 32

/* Bytes of the block that `nframes` frames (1 to 2^31) need; it is zeroed and aligned to 64. */
size_t vm_frames_size(uint32_t nframes, uint32_t ncolours);
/* All frames free. ncolours: a power of two; 1: no colours. Lives in `block` and owns nothing. */
struct vm_frames *vm_frames_init(void *block, uint32_t nframes, uint32_t ncolours);

/* The first of 2^order consecutive frames, aligned to their number, or VM_NOFRAME. */
vm_pfn vm_frames_take(struct vm_frames *s, unsigned order);
/* The first of n consecutive frames, aligned to the power of two from n up, or VM_NOFRAME. */
vm_pfn vm_frames_take_run(struct vm_frames *s, uint32_t n);
/* One frame, of that colour if any such is free, else any: its number says which. VM_NOFRAME: none.
 */
vm_pfn vm_frames_take_colour(struct vm_frames *s, uint32_t colour);
/* Take the frames [start, start + n). False: not all of them were free, and nothing has changed. */
bool vm_frames_take_at(struct vm_frames *s, vm_pfn start, uint32_t n);
/* [start, start + n), all taken, by whatever calls, are free. */
void vm_frames_give(struct vm_frames *s, vm_pfn start, uint32_t n);

bool vm_frames_is_free(const struct vm_frames *s, vm_pfn frame);
uint32_t vm_frames_free(const struct vm_frames *s);
uint32_t vm_frames_free_blocks(const struct vm_frames *s, unsigned order);
/* The part of the free frames that a take of `order` cannot use, 0 (all can) to 1; 0 where none is
 * free. The "unusable free space index" of Gorman & Whitcroft, "The what, the why and the where to
 * of anti-fragmentation", Ottawa Linux Symposium 2006. */
double vm_frames_unusable(const struct vm_frames *s, unsigned order);
void vm_frames_check(const struct vm_frames *s);

#endif
