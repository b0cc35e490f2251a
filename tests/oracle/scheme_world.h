/* scheme_world.h - a host for one translation scheme: memory, and frames to take and give.
 *
 * Frames come in ascending order, the lowest free ones first. Every frame is accounted for: giving
 * one that is not taken fails the test, and what is given back is poisoned until taken again.
 */
#ifndef ORACLE_SCHEME_WORLD_H
#define ORACLE_SCHEME_WORLD_H

#include "base/arena.h"

#include <pagoda/scheme.h>

#define WORLD_FRAMES 16384 /* 64 MiB: room for some linear tables of 8 MiB */

struct scheme_world {
    const struct vm_scheme_ops *ops;
    void *state;
    unsigned va_bits, page_shift; /* base pages of 4 KiB, or what is nearest to them */
    uint64_t orders;
    uint32_t nframes;
    struct vm_params params;
    struct vm_error refusal;
    struct vm_arena arena; /* not the heap: a test touches little of so much memory and state */
    uint8_t *memory;
    bool taken[WORLD_FRAMES];
    uint32_t ntaken;
    vm_pfn first_frame;         /* that is ever taken */
    bool extends;               /* tables may grow in place */
    uint64_t moved_bytes;       /* of tables that grew elsewhere */
    const vm_pfn *script;       /* the frames to take, in turn; NULL: the lowest free ones */
    uint32_t takes_left;        /* before taking fails; UINT32_MAX: it never does */
    void (*on_take)(void *arg); /* what making room does meanwhile; or NULL */
    void *on_take_arg;
};

/* A world with the row `name` ("sv39", "linear:bits=20"); fails the test on errors. */
struct scheme_world *world_open(const char *spec, vm_pfn first_frame, uint32_t nasids);
/* With base pages of 1 << page_shift bytes. */
struct scheme_world *world_open_with(const char *spec, unsigned page_shift, vm_pfn first_frame,
                                     uint32_t nasids);
/* With frame numbers below nframes: pages may have more of them than tables, or all have fewer. */
struct scheme_world *world_open_frames(const char *spec, unsigned page_shift, uint32_t nframes,
                                       vm_pfn first_frame, uint32_t nasids);
/* Also fails the test if a frame is still taken. */
void world_close(struct scheme_world *w);

static inline struct vm_pte pte_present(vm_pfn pfn, unsigned prot)
{
    return (struct vm_pte){.state = VM_PTE_PRESENT, .prot = (uint8_t)prot, .pfn = pfn};
}

static inline struct vm_pte pte_swapped(vm_slot slot)
{
    return (struct vm_pte){.state = VM_PTE_SWAPPED, .slot = slot};
}

/* Frames that the tables of asid alone hold. */
static inline uint64_t world_footprint(const struct scheme_world *w, vm_asid asid)
{
    struct vm_footprint f;
    w->ops->footprint(w->state, asid, &f);
    return f.own_bytes >> w->page_shift;
}

/* Frames of tables that the open address space `asid` shares with all others. */
static inline uint64_t world_shared(const struct scheme_world *w, vm_asid asid)
{
    struct vm_footprint f;
    w->ops->footprint(w->state, asid, &f);
    return f.shared_bytes >> w->page_shift;
}

#endif
