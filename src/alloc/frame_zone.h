/* frame_zone.h - one zone of the machine's memory: its free blocks, in one buddy or, by the groups
 * of pageblocks, in three; and the private face of struct vm_frames.
 *
 *     pageblock   | movable  | unmovable| movable  | movable  |
 *     frames      |##  # ##  |##########|          |  #  #    |    # held
 *     free blocks    M  M  M                  M       M M   M
 *
 * A take of a group breaks a block of its own. Where none fits, it claims the pageblock that the
 * longest block of another group lies in, if at least half of that is free (and, for movable
 * frames, the block at least the root of a pageblock): its free frames are the new group's, and so
 * are the others when they come back. Otherwise it borrows the shortest block that fits, and the
 * pageblock stays what it is.
 *
 * Invariants
 *  1. The free frames of a pageblock are in the buddy of its group: so the buddies' blocks shorter
 *     than a pageblock merge with each other as one buddy's would.
 *  2. A pageblock that is wholly free is movable. So the longer blocks are all in one buddy, too.
 *  3. `nfree` is the sum of the buddies'; frames in lists are not among them, and are `nlisted`.
 *
 * Gorman & Whitcroft, "The what, the why and the where to of anti-fragmentation", Ottawa Linux
 * Symposium 2006, section 3; Linux, mm/page_alloc.c (__rmqueue_fallback, steal_suitable_fallback),
 * which keeps a claimed group until another claims it, may put a part of a pageblock's free frames
 * with another group than the pageblock's, and counts held movable frames as free for a movable
 * claim. Here nothing is known of a frame that is held.
 */
#ifndef ALLOC_FRAME_ZONE_H
#define ALLOC_FRAME_ZONE_H

#include "alloc/blocks.h"
#include "base/links.h"

#include <pagoda/frames.h>

#define ANY_COLOUR UINT32_MAX

struct frame_zone {
    const char *name;
    vm_pfn start, end;
    unsigned ngroups;     /* 1: pageblocks are not told apart, and all are movable */
    unsigned block_order; /* of a pageblock */
    uint8_t *group;       /* [pageblocks from frame 0 to end] enum vm_frame_group; or NULL */
    struct blocks free[VM_FRAME_GROUPS];
    uint64_t nfree, nlisted;
    uint64_t kept[VM_FRAME_USES]; /* free frames that takes for each leave */
    uint64_t takes, fallbacks, refusals, claims, borrows;
};

/* Single frames at hand: see frame_lists.c. */
struct frame_lists {
    uint32_t high, batch; /* high 0: there are none */
    uint32_t processors, current;
    uint32_t nlists;               /* processors * zones * groups */
    struct vm_links *links;        /* [nframes + nlists] heads behind the frames */
    uint16_t *in;                  /* [nframes] list + 1 that a frame is in, 0: none */
    uint32_t *n;                   /* [nlists] frames in each */
    struct vm_list_counts *counts; /* [processors] */
};

struct vm_frames {
    uint32_t nframes, ncolours;
    unsigned nzones, ngroups;
    bool plain;                      /* one zone, one group, no lists: any frame suits anyone */
    unsigned highest[VM_FRAME_USES]; /* the zone that is asked first for each */
    struct frame_lists lists;
    struct frame_zone zone[];
};

/* ---- frame_zone.c ---- */

size_t vm_zone_size(vm_pfn end, uint32_t ncolours, unsigned block_order);
/* [start, end) free; `memory`[vm_zone_size()] is zeroed. */
void vm_zone_init(struct frame_zone *z, void *memory, uint32_t ncolours);
/* 2^order frames of that group's pageblocks if it can be; one of `colour` if one is free there. */
vm_pfn vm_zone_take(struct frame_zone *z, enum vm_frame_group group, unsigned order,
                    uint32_t colour);
/* Take [at, end) of the free block around `at`, or less if that ends before. Where the part that
 * was taken ends; `at`: it is in no block. */
vm_pfn vm_zone_take_at(struct frame_zone *z, vm_pfn at, vm_pfn end);
void vm_zone_give(struct frame_zone *z, vm_pfn start, vm_pfn end);
/* Where the free block that `frame` is in ends; `frame`: it is in none. */
vm_pfn vm_zone_free_until(const struct frame_zone *z, vm_pfn frame);
void vm_zone_check(const struct frame_zone *z);

static inline enum vm_frame_group vm_zone_group_of(const struct frame_zone *z, vm_pfn frame)
{
    return z->group ? (enum vm_frame_group)z->group[frame >> z->block_order] : VM_GROUP_MOVABLE;
}
static inline enum vm_frame_group vm_zone_group_for(const struct frame_zone *z,
                                                    enum vm_frame_use use)
{
    static const enum vm_frame_group groups[VM_FRAME_USES] = {
        [VM_FRAME_FOR_PAGE] = VM_GROUP_MOVABLE,
        [VM_FRAME_FOR_LOOSE_TABLE] = VM_GROUP_RECLAIMABLE,
        [VM_FRAME_FOR_KERNEL] = VM_GROUP_UNMOVABLE,
        [VM_FRAME_FOR_DEVICE] = VM_GROUP_UNMOVABLE};
    return z->group ? groups[use] : VM_GROUP_MOVABLE;
}

/* ---- frame_lists.c ---- */

size_t vm_lists_size(const struct vm_frames_config *c, unsigned nzones, unsigned ngroups);
void vm_lists_init(struct vm_frames *s, const struct vm_frames_config *c, void *memory);
/* A frame from the current processor's list, or VM_NOFRAME: it is empty and stays so. */
vm_pfn vm_lists_take(struct vm_frames *s, unsigned zone, enum vm_frame_group group);
void vm_lists_give(struct vm_frames *s, unsigned zone, vm_pfn frame);
/* The frame, which is in one, is in none: it is held. */
void vm_lists_remove(struct vm_frames *s, unsigned zone, vm_pfn frame);
/* All lists of the zone are empty, whosever they are. */
void vm_lists_drain(struct vm_frames *s, unsigned zone);
void vm_lists_check(const struct vm_frames *s);

static inline bool vm_lists_have(const struct vm_frames *s, vm_pfn frame)
{
    return s->lists.high > 0 && s->lists.in[frame] > 0;
}

#endif
