/* frames.h - the machine's frame allocator: which frames are free, and who gets which.
 *
 *   memory  = zones, lowest first      a request names what for; that says its highest zone, and
 *                                      how many frames each zone keeps from it
 *   a zone  = a binary buddy, or one for each group of pageblocks: what can be moved, what can be
 *             reclaimed and what stays lie apart, so that long blocks come free again
 *   a list  = single frames at hand of one processor, for one zone and group
 *
 * Without zones, groups and lists it is one buddy: free frames lie in blocks of 2^order frames,
 * aligned to their size; a block and its buddy that are both free are one block of the next order.
 * A take breaks the smallest block that fits, the lowest of that order. The blocks that memory
 * began as are opened last and lowest first, so that a memory nobody gave back to fills from frame
 * 0 up, whatever its size.
 *
 * Colours: frame f has the colour f mod ncolours. In a cache that is indexed by physical addresses
 * frames of one colour compete for the same sets.
 *
 * Invariants (vm_frames_check)
 *  1. A frame is held, in one free block, or in one list.
 *  2. A block lies in one zone and, if it is shorter than a pageblock, in the group of that; what
 *     is not is movable.
 *  3. A list has `high` frames at most.
 *  4. No take leaves a zone with fewer free frames than it keeps from what the take is for. (A take
 *     by number asks for no zone's leave.)
 *
 * Knowlton, "A fast storage allocator", CACM 8(10) 1965; Gorman, "Understanding the Linux Virtual
 * Memory Manager", ch. 2 (zones, watermarks) and 6 (the buddy); Gorman & Whitcroft, "The what, the
 * why and the where to of anti-fragmentation", Ottawa Linux Symposium 2006 (groups); Bonwick &
 * Adams, "Magazines and vmem", USENIX 2001 (why a list has a high mark); Linux,
 * Documentation/admin-guide/sysctl/vm.rst (lowmem_reserve_ratio, extfrag_threshold).
 */
#ifndef PAGODA_FRAMES_H
#define PAGODA_FRAMES_H

#include <pagoda/error.h>
#include <pagoda/types.h>

/* ---- zones (zones.c) ---- */

#define VM_ZONES_MAX 5

/* In the order in which they lie in memory. */
enum vm_zone_kind {
    VM_ZONE_DMA,   /* what devices of few address bits reach */
    VM_ZONE_DMA32, /* of 32 */
    VM_ZONE_NORMAL,
    VM_ZONE_HIGHMEM, /* what the kernel has no addresses for: no tables */
    VM_ZONE_MOVABLE, /* nothing that stays */
};

struct vm_zone_config {
    enum vm_zone_kind kind;
    uint32_t nframes; /* at most: what memory has left; of the last one UINT32_MAX, the rest */
    uint32_t ratio;   /* it keeps 1/ratio of the frames of zones above for those who may not have
                         these; 0: none */
};

const char *vm_zone_name(enum vm_zone_kind kind);
/* "none", or NAME:SIZE[/RATIO],...,NAME[/RATIO], lowest first. *n: 0 for none. Errors: VM_EUSAGE.
 */
bool vm_zones_parse(const char *text, uint64_t page_bytes, struct vm_zone_config out[VM_ZONES_MAX],
                    unsigned *n, struct vm_error *e);

/* ---- the allocator (frames.c) ---- */

/* What a frame is wanted for. Its zones are those up to the highest that may hold such; it lies
 * among frames of its group. */
enum vm_frame_use {
    VM_FRAME_FOR_PAGE,        /* any zone; movable; so are pages in slots, compressed */
    VM_FRAME_FOR_LOOSE_TABLE, /* of the kernel, but may be evicted; reclaimable */
    VM_FRAME_FOR_KERNEL,      /* tables; not in highmem or movable; stays */
    VM_FRAME_FOR_DEVICE,      /* what a device reaches: the lowest zone; stays */
};
#define VM_FRAME_USES 4

enum vm_frame_group { VM_GROUP_MOVABLE, VM_GROUP_RECLAIMABLE, VM_GROUP_UNMOVABLE };
#define VM_FRAME_GROUPS 3

struct vm_frames_config {
    uint32_t nframes;  /* 1 to 2^31 */
    uint32_t ncolours; /* a power of two; 1: no colours */
    unsigned nzones;   /* 0: one, of all frames */
    struct vm_zone_config zone[VM_ZONES_MAX];
    uint32_t min;         /* frames, of all zones by their sizes, that pages leave to the kernel */
    unsigned block_order; /* of a pageblock; 0: no groups */
    uint32_t list_high;   /* frames in a list at most; 0: no lists. Without colours alone */
    uint32_t list_batch;  /* that a list gets and gives back together, 1 to list_high */
    uint32_t processors;  /* 1 to VM_CPUS_MAX, each with lists of its own */
};

struct vm_frames;

#define VM_FRAME_ORDERS 32

/* Bytes of the block that they need; it is zeroed and aligned to 64. */
size_t vm_frames_size(const struct vm_frames_config *c);
/* All frames free. Lives in `block` and owns nothing. */
struct vm_frames *vm_frames_init(void *block, const struct vm_frames_config *c);
/* Who takes and gives from now on; at first 0. */
void vm_frames_processor(struct vm_frames *s, uint32_t n);

/* The first of 2^order consecutive frames, aligned to their number, or VM_NOFRAME. */
vm_pfn vm_frames_take(struct vm_frames *s, enum vm_frame_use use, unsigned order);
/* The first of n consecutive frames, aligned to the power of two from n up, or VM_NOFRAME. */
vm_pfn vm_frames_take_run(struct vm_frames *s, enum vm_frame_use use, uint32_t n);
/* One frame, of that colour if any such is free in the zone that serves, else any: its number says
 * which. VM_NOFRAME: none. */
vm_pfn vm_frames_take_colour(struct vm_frames *s, enum vm_frame_use use, uint32_t colour);
/* Take the frames [start, start + n). False: not all of them were free, and nothing has changed. */
bool vm_frames_take_at(struct vm_frames *s, vm_pfn start, uint32_t n);
/* [start, start + n), all taken, by whatever calls, are free. */
void vm_frames_give(struct vm_frames *s, vm_pfn start, uint32_t n);

bool vm_frames_is_free(const struct vm_frames *s, vm_pfn frame);
uint32_t vm_frames_free(const struct vm_frames *s);
/* Frames that takes of one each would get. */
uint32_t vm_frames_free_for(const struct vm_frames *s, enum vm_frame_use use);
/* The frames that `use` may have are those below. */
vm_pfn vm_frames_end_for(const struct vm_frames *s, enum vm_frame_use use);
/* Whether a frame that is given back might as well stay taken, for `use`: it is in no zone and no
 * group that is not for that, and no list would have it. */
bool vm_frames_suits(const struct vm_frames *s, enum vm_frame_use use, vm_pfn frame);
void vm_frames_check(const struct vm_frames *s);

/* ---- how fragmented it is (frame_state.c) ---- */

/* Free blocks of each order. */
struct vm_free_blocks {
    uint64_t n[VM_FRAME_ORDERS];
};

/* The part of the free frames that a take of `order` cannot use, 0 (all can) to 1; 0 where none is
 * free. The "unusable free space index" of Gorman & Whitcroft, section 2 of the paper above; Linux,
 * mm/vmstat.c (extfrag/unusable_index). */
double vm_unusable_index(const struct vm_free_blocks *b, unsigned order);
/* Why a take of `order` fails: towards 0, memory is lacking; towards 1, it is in pieces. -1: it
 * does not fail. 1 - (1 + free / 2^order) / blocks; 0 where none is free. Linux, mm/vmstat.c
 * (extfrag/extfrag_index), by Gorman. */
double vm_fragmentation_index(const struct vm_free_blocks *b, unsigned order);
/* Blocks of `order` that the free ones hold. */
uint64_t vm_blocks_of_order(const struct vm_free_blocks *b, unsigned order);

struct vm_zone_state {
    const char *name;
    uint32_t start, nframes;
    uint32_t nfree; /* in blocks and in lists */
    uint32_t nlisted;
    uint32_t kept[VM_FRAME_USES]; /* free frames that it keeps from each */
    struct vm_free_blocks blocks; /* of all groups */
    /* Pageblocks, where there are groups. */
    uint32_t pageblocks[VM_FRAME_GROUPS];
    uint64_t takes;     /* that it served */
    uint64_t fallbacks; /* of these, those for which a higher zone was asked first */
    uint64_t refusals;  /* takes that it had the frames for, and kept them */
    uint64_t claims;    /* pageblocks that a group took over from another, as it had none left */
    uint64_t borrows;   /* takes of one group served from a pageblock that stays another's */
};

/* Of all lists of a processor. */
struct vm_list_counts {
    uint64_t hits;     /* takes that a list served as it was */
    uint64_t refills;  /* times that an empty one got a batch */
    uint64_t refilled; /* frames that it got so */
    uint64_t drains;   /* times that one gave a batch back, or all it had */
    uint64_t drained;
};

/* False past the last zone. */
bool vm_frames_zone(const struct vm_frames *s, unsigned i, struct vm_zone_state *out);
/* The free blocks of all zones. */
void vm_frames_blocks(const struct vm_frames *s, struct vm_free_blocks *out);
/* False past the last processor, or where there are no lists. */
bool vm_frames_lists(const struct vm_frames *s, uint32_t processor, struct vm_list_counts *out);
/* Blocks of `order` that takes for pages would get, one after the other, as the blocks lie now. */
uint64_t vm_frames_available(const struct vm_frames *s, unsigned order);

#endif
