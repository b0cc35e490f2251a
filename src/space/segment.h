/* segment.h - memory whose unit is the segment (schemes of VM_UNIT_SEGMENT), as the files do it:
 *
 *   segment.c        units: segments that have frames; room for them, moving, leaving
 *   segment_swap.c   runs of swap slots
 *   segment_fault.c  the fault path
 *   segment_event.c  what map, unmap, protect and fork mean for segments
 *
 * An address space has at most one segment in each span of the scheme: from the span's start (a
 * stack: from its end) to the last address that a VMA has in it. A segment is present whole, in
 * consecutive frames from an allocator of alloc/, or not at all: the policy chooses among segments,
 * and one that leaves is written as one transfer. A resident segment is a *unit*; its number is
 * what the policy calls a frame, and stays when the segment moves.
 *
 * Where no free block is long enough for a segment, either all segments are moved together (option
 * `compact`), if the free frames would do, or the policy's victims leave until it fits. One that
 * must grow grows in place, else moves, else leaves and comes back at its new length: "expansion
 * swap", as Unix did it (Lions, "A Commentary on the Sixth Edition UNIX", `expand` and `xswap`).
 *
 * Hardware knows base, bound and rights of a segment, not its VMAs: an address between two VMAs of
 * one segment is as good as its neighbours, and rights are those of all its VMAs together. Copying
 * on write is for pages: a fork copies what may be written and shares the rest.
 *
 * Invariants (vm_segments_check)
 *  1. unit_of[f] is the unit that has frame f; each frame is free in the allocator, a table's, or
 *     one unit's: units do not overlap.
 *  2. A unit's mappers are the spaces whose descriptors are present with its frames; more than one
 *     only where none may write. A descriptor is not longer than its unit.
 *  3. run[s], of the first of a run of slots, counts the descriptors that are swapped to it, and
 *     names the unit whose clean copy it is. A run with neither is free.
 *  4. The policy has exactly the units.
 */
#ifndef SPACE_SEGMENT_H
#define SPACE_SEGMENT_H

#include "scheme/segments.h"
#include "space/memory.h"

#include <pagoda/alloc.h>

#define VM_NOUNIT VM_NOFRAME

struct vm_unit_state {
    uint64_t owner;   /* page key of its span's start, of one mapper; of a free number: unused */
    uint32_t sharers; /* further mappers, in the pool of sharers */
    vm_pfn first;     /* of its frames */
    uint32_t frames;  /* 0: the number is free; `first` is the next free number then */
    vm_slot slot;     /* of its clean copy; 0: none */
    uint8_t backing;  /* enum vm_backing: what a clean one without a slot becomes */
    bool down;        /* it lies at the end of its span, and of its frames */
    uint32_t above;   /* while segments are moved together: the next higher one */
};

struct vm_slot_run {
    uint32_t refs, slots, unit; /* unit + 1; 0: none */
};

struct vm_segments {
    struct vm_arena arena;
    const struct vm_alloc_ops *fit, *swap_fit;
    void *frames, *swap;        /* allocators' states */
    struct vm_unit_state *unit; /* [nframes] */
    uint32_t fresh, free_head;  /* numbers never used; the first free one + 1 */
    uint32_t nunits;
    uint32_t *unit_of;       /* [nframes] unit + 1; 0: none */
    struct vm_slot_run *run; /* [slots + 2] */
    vm_slot run_end;         /* runs that ever were begin below */
    double fragmentation;    /* summed over the takes that found no block long enough */
};

/* What is mapped in a span. */
struct vm_hull {
    uint32_t pages; /* that its segment must have */
    uint8_t prot;   /* of its VMAs together, and what the scheme always gives */
    uint8_t backing;
    struct vm_vma *vma; /* the last of them; NULL: none */
};

/* ---- segment.c ---- */

struct vm_segments *vm_segments_open(struct vm_memory *m, struct vm_error *e);
void vm_segments_close(struct vm_segments *s); /* NULL is fine */
void vm_segments_check(const struct vm_memory *m);

/* Frames for tables, as vm_frame_take and vm_frame_give. */
vm_pfn vm_segments_take(void *memory, uint32_t n);
void vm_segments_give(void *memory, vm_pfn first, uint32_t n);

/* n consecutive frames, whoever has to leave for them. VM_NOFRAME: m->out says why. */
vm_pfn vm_segment_room(struct vm_memory *m, uint32_t n);
void vm_segment_room_give(struct vm_memory *m, vm_pfn first, uint32_t n);
/* Make a unit of [first, first + pages) for the page key; the policy is told by
 * vm_unit_begin once its contents are there. */
uint32_t vm_unit_make(struct vm_memory *m, vm_pfn first, uint32_t pages, uint64_t key,
                      const struct vm_span *span, uint8_t backing);
void vm_unit_begin(struct vm_memory *m, uint32_t u, bool dirty);
uint32_t vm_unit_of(const struct vm_memory *m, vm_pfn frame);
/* The first frame of a segment of `pages` in unit u. */
vm_pfn vm_unit_pfn(const struct vm_memory *m, uint32_t u, uint32_t pages);
uint32_t vm_unit_mappers(const struct vm_memory *m, uint32_t u);
/* One more mapper. False: no room for it (m->out). */
bool vm_unit_share(struct vm_memory *m, uint32_t u, uint64_t key);
/* `key` maps it no more; the caller sees to its descriptor. The last mapper's is freed. */
void vm_unit_unmap(struct vm_memory *m, uint32_t u, uint64_t key);
/* Give the unit, which has one mapper, `pages` frames, with its descriptor: in place, or
 * elsewhere if nobody has to leave for that. False: neither; it may even have left. */
bool vm_unit_grow(struct vm_memory *m, uint32_t u, uint64_t key, uint32_t pages);
void vm_unit_shrink(struct vm_memory *m, uint32_t u, uint32_t pages);
/* Unit u, which the policy has given up, leaves memory. False: swap is full (m->out). */
bool vm_unit_leave(struct vm_memory *m, uint32_t u, enum vm_leaves why);
/* The policy's unit u leaves memory at once. False: swap is full (m->out). */
bool vm_unit_expel(struct vm_memory *m, uint32_t u);

/* The descriptor of `va` becomes present in unit u; TLBs hear of it. */
void vm_segment_set_present(struct vm_memory *m, vm_asid asid, vm_va va, uint32_t u, uint32_t pages,
                            uint8_t prot);
void vm_segment_set(struct vm_memory *m, vm_asid asid, vm_va va, struct vm_segment g);
struct vm_segment vm_segment_get(const struct vm_memory *m, vm_asid asid, vm_va va);
bool vm_segment_span(const struct vm_memory *m, vm_va va, struct vm_span *out);
struct vm_hull vm_segment_hull(const struct vm_memory *m, vm_asid asid, const struct vm_span *span);

/* ---- segment_swap.c ---- */

/* Write the unit to its run of slots, or to a new one. False: swap is full (m->out). */
bool vm_unit_write(struct vm_memory *m, uint32_t u, uint32_t pages);
/* Price reading `pages` of a swapped segment, from a run or from its file. */
void vm_unit_read(struct vm_memory *m, vm_slot s, uint64_t key, uint32_t pages);
void vm_run_ref(struct vm_memory *m, vm_slot s);
void vm_run_unref(struct vm_memory *m, vm_slot s);
/* Unit u has the clean copy of the run; has it no more. */
void vm_run_attach(struct vm_memory *m, vm_slot s, uint32_t u);
void vm_run_detach(struct vm_memory *m, uint32_t u);

/* ---- segment_fault.c, segment_event.c ---- */

/* As vm_memory_fault. */
bool vm_segment_fault(struct vm_memory *m, struct vm_fault *f, struct vm_error *e);
/* After the VMAs of [start, end) have changed: segments that are there lose what is no more, and
 * have the rights of what is. */
void vm_segments_fit(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end);
/* What is resident of [start, end) is zeroed. */
void vm_segments_zero(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end);
/* Every segment goes; the VMAs are still there. */
void vm_segments_clear(struct vm_memory *m, vm_asid asid);
/* The child, which has the parent's VMAs, gets its segments. False: m->out says why. */
bool vm_segments_fork(struct vm_memory *m, vm_asid parent, vm_asid child);

#endif
