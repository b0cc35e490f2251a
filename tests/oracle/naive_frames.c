/* naive_frames.c - see naive_frames.h. */
#include "oracle/naive_frames.h"

#include <string.h>

/* ---- zones ---- */

static void lay(struct naive_frames *n)
{
    uint32_t at = 0;
    for (unsigned i = 0; i < (n->c.nzones ? n->c.nzones : 1); i++) {
        struct vm_zone_config all = {.kind = VM_ZONE_NORMAL, .nframes = UINT32_MAX};
        struct vm_zone_config zone = n->c.nzones ? n->c.zone[i] : all;
        if (at == n->c.nframes)
            break;
        n->start[i] = at;
        while (at < n->c.nframes && at - n->start[i] < zone.nframes)
            at++;
        n->end[i] = at;
        n->kind[i] = zone.kind;
        n->ratio[i] = zone.ratio;
        n->nzones++;
    }
}

void naive_frames_open(struct naive_frames *n, const struct vm_frames_config *c)
{
    memset(n, 0, sizeof *n);
    n->c = *c;
    lay(n);
    for (uint32_t f = 0; f < c->nframes; f++)
        n->where[f] = NAIVE_FREE;
    for (unsigned z = 0; z < VM_ZONES_MAX; z++)
        for (unsigned b = 0; b < NAIVE_UNITS; b++)
            n->group[z][b] = VM_GROUP_MOVABLE;
}

unsigned naive_frames_zone_of(const struct naive_frames *n, uint32_t frame)
{
    for (unsigned z = 0; z < n->nzones; z++)
        if (frame >= n->start[z] && frame < n->end[z])
            return z;
    return n->nzones;
}

static bool may_lie(enum vm_frame_use use, enum vm_zone_kind kind)
{
    if (use == VM_FRAME_FOR_PAGE)
        return true;
    return use == VM_FRAME_FOR_DEVICE ? kind == VM_ZONE_DMA : kind <= VM_ZONE_NORMAL;
}

unsigned naive_frames_highest(const struct naive_frames *n, enum vm_frame_use use)
{
    for (unsigned z = n->nzones; z-- > 0;)
        if (may_lie(use, n->kind[z]))
            return z;
    return 0;
}

uint32_t naive_frames_kept(const struct naive_frames *n, unsigned z, enum vm_frame_use use)
{
    unsigned highest = naive_frames_highest(n, use);
    uint32_t above = highest > z ? n->end[highest] - n->end[z] : 0, kept = 0;
    if (n->ratio[z])
        kept += above / n->ratio[z];
    if (use == VM_FRAME_FOR_PAGE)
        kept += n->c.min * (n->end[z] - n->start[z]) / n->c.nframes;
    return kept;
}

uint32_t naive_frames_free(const struct naive_frames *n, unsigned z)
{
    uint32_t frames = 0;
    for (uint32_t f = n->start[z]; f < n->end[z]; f++)
        frames += n->where[f] != NAIVE_HELD;
    return frames;
}

/* ---- groups ---- */

static enum vm_frame_group group_of(const struct naive_frames *n, unsigned z, uint32_t frame)
{
    return n->c.block_order ? n->group[z][frame >> n->c.block_order] : VM_GROUP_MOVABLE;
}

static enum vm_frame_group group_for(const struct naive_frames *n, enum vm_frame_use use)
{
    if (n->c.block_order == 0 || use == VM_FRAME_FOR_PAGE)
        return VM_GROUP_MOVABLE;
    return use == VM_FRAME_FOR_LOOSE_TABLE ? VM_GROUP_RECLAIMABLE : VM_GROUP_UNMOVABLE;
}

/* What a zone has free of one group, as a range in which everything else is held. */
static struct naive_alloc view(const struct naive_frames *n, unsigned z, enum vm_frame_group group)
{
    struct naive_alloc a = {.units = n->end[z]};
    for (uint32_t f = 0; f < n->end[z]; f++)
        a.held[f] = f < n->start[z] || n->where[f] != NAIVE_FREE || group_of(n, z, f) != group;
    return a;
}

bool naive_frames_is_block(const struct naive_frames *n, unsigned z, unsigned order, uint32_t start)
{
    for (unsigned g = 0; g < VM_FRAME_GROUPS; g++) {
        struct naive_alloc a = view(n, z, (enum vm_frame_group)g);
        if (naive_alloc_is_block(&a, order, start))
            return true;
    }
    return false;
}

/* The frames of the zone that pageblock b has, and how many of them are free. */
static uint32_t block_frames(const struct naive_frames *n, unsigned z, uint32_t b, uint32_t *free)
{
    uint32_t all = 0;
    *free = 0;
    for (uint32_t f = n->start[z]; f < n->end[z]; f++)
        if (f >> n->c.block_order == b) {
            all++;
            *free += n->where[f] == NAIVE_FREE;
        }
    return all;
}

/* A pageblock that is wholly free is movable. */
static void settle(struct naive_frames *n)
{
    for (unsigned z = 0; n->c.block_order && z < n->nzones; z++)
        for (uint32_t b = 0; b < NAIVE_UNITS; b++) {
            uint32_t free, all = block_frames(n, z, b, &free);
            if (all == UINT32_C(1) << n->c.block_order && free == all)
                n->group[z][b] = VM_GROUP_MOVABLE;
        }
}

/* The lowest block of just that order; NONE. */
static uint64_t lowest(const struct naive_alloc *a, unsigned order)
{
    for (uint64_t f = 0; f < a->units; f++)
        if (naive_alloc_is_block(a, order, f))
            return f;
    return VM_ALLOC_NONE;
}

static const enum vm_frame_group fallbacks[][2] = {
    [VM_GROUP_UNMOVABLE] = {VM_GROUP_RECLAIMABLE, VM_GROUP_MOVABLE},
    [VM_GROUP_RECLAIMABLE] = {VM_GROUP_UNMOVABLE, VM_GROUP_MOVABLE},
    [VM_GROUP_MOVABLE] = {VM_GROUP_RECLAIMABLE, VM_GROUP_UNMOVABLE},
};

/* Where others have a block of just that order; NONE. */
static uint64_t others_have(const struct naive_frames *n, unsigned z, enum vm_frame_group group,
                            unsigned order)
{
    for (unsigned i = 0; i < 2; i++) {
        struct naive_alloc a = view(n, z, fallbacks[group][i]);
        uint64_t at = lowest(&a, order);
        if (at != VM_ALLOC_NONE)
            return at;
    }
    return VM_ALLOC_NONE;
}

/* Of the longest block of others, the pageblock becomes the group's. */
static bool claim(struct naive_frames *n, unsigned z, enum vm_frame_group group, unsigned order)
{
    for (unsigned k = 16; k-- > order;) {
        uint64_t at = others_have(n, z, group, k);
        if (at == VM_ALLOC_NONE)
            continue;
        uint32_t b = (uint32_t)at >> n->c.block_order, free;
        uint32_t all = block_frames(n, z, b, &free);
        if ((group == VM_GROUP_MOVABLE && k < n->c.block_order / 2) || free * 2 < all)
            return false;
        n->group[z][b] = group;
        n->zone[z].claims++;
        return true;
    }
    return false;
}

static void hold(struct naive_frames *n, uint64_t start, uint64_t frames)
{
    for (uint64_t f = start; f < start + frames; f++)
        n->where[f] = NAIVE_HELD;
}

/* From the group's own: NONE if it has none. */
static uint64_t own(const struct naive_frames *n, unsigned z, enum vm_frame_group group,
                    unsigned order, uint32_t colour)
{
    struct naive_alloc a = view(n, z, group);
    uint64_t at = VM_ALLOC_NONE;
    if (colour != UINT32_MAX)
        at = naive_alloc_colour(&a, colour, n->c.ncolours);
    return at == VM_ALLOC_NONE ? naive_alloc_buddy(&a, order) : at;
}

static uint64_t find(struct naive_frames *n, unsigned z, enum vm_frame_group group, unsigned order,
                     uint32_t colour)
{
    if (n->c.block_order && order >= n->c.block_order)
        return own(n, z, VM_GROUP_MOVABLE, order, UINT32_MAX);
    uint64_t at = own(n, z, group, order, colour);
    if (at != VM_ALLOC_NONE || n->c.block_order == 0)
        return at;
    if (claim(n, z, group, order))
        return own(n, z, group, order, colour);
    for (unsigned k = order; k < 16; k++)
        if ((at = others_have(n, z, group, k)) != VM_ALLOC_NONE) {
            n->zone[z].borrows++;
            return at;
        }
    return VM_ALLOC_NONE;
}

static vm_pfn take_blocks(struct naive_frames *n, unsigned z, enum vm_frame_group group,
                          unsigned order, uint32_t colour)
{
    uint64_t at = find(n, z, group, order, colour), frames = UINT64_C(1) << order;
    if (at == VM_ALLOC_NONE)
        return VM_NOFRAME;
    hold(n, at, frames);
    for (uint64_t f = at; n->c.block_order && order >= n->c.block_order && f < at + frames; f++)
        n->group[z][f >> n->c.block_order] = group;
    return (vm_pfn)at;
}

/* ---- lists ---- */

static unsigned list_of(const struct naive_frames *n, uint32_t processor, unsigned z,
                        enum vm_frame_group group)
{
    unsigned ngroups = n->c.block_order ? VM_FRAME_GROUPS : 1;
    return (processor * n->nzones + z) * ngroups + group;
}

/* Place i of a list is nothing's any more. */
static void unlist(struct naive_frames *n, unsigned list, unsigned i)
{
    n->list[list].n--;
    for (; i < n->list[list].n; i++)
        n->list[list].frame[i] = n->list[list].frame[i + 1];
}

static void drain(struct naive_frames *n, uint32_t processor, unsigned list, unsigned frames)
{
    n->counts[processor].drains += frames > 0;
    n->counts[processor].drained += frames;
    for (; frames > 0; frames--) {
        n->where[n->list[list].frame[n->list[list].n - 1]] = NAIVE_FREE;
        unlist(n, list, n->list[list].n - 1);
        settle(n);
    }
}

static vm_pfn take_listed(struct naive_frames *n, unsigned z, enum vm_frame_group group)
{
    unsigned list = list_of(n, n->processor, z, group), before = n->list[list].n;
    for (uint32_t i = 0; before == 0 && i < n->c.list_batch; i++) {
        vm_pfn f = take_blocks(n, z, group, 0, UINT32_MAX);
        if (f == VM_NOFRAME)
            break;
        n->where[f] = NAIVE_LISTED;
        n->list[list].frame[n->list[list].n++] = f;
    }
    n->counts[n->processor].hits += before > 0;
    n->counts[n->processor].refills += before == 0 && n->list[list].n > 0;
    n->counts[n->processor].refilled += before == 0 ? n->list[list].n : 0;
    if (n->list[list].n == 0)
        return VM_NOFRAME;
    vm_pfn f = n->list[list].frame[0];
    unlist(n, list, 0);
    n->where[f] = NAIVE_HELD;
    return f;
}

static void drain_zone(struct naive_frames *n, unsigned z)
{
    for (uint32_t p = 0; p < n->c.processors; p++)
        for (unsigned g = 0; g < (n->c.block_order ? VM_FRAME_GROUPS : 1); g++) {
            unsigned list = list_of(n, p, z, (enum vm_frame_group)g);
            drain(n, p, list, n->list[list].n);
        }
}

static void give_listed(struct naive_frames *n, uint32_t frame)
{
    unsigned z = naive_frames_zone_of(n, frame);
    unsigned list = list_of(n, n->processor, z, group_of(n, z, frame));
    for (unsigned i = n->list[list].n++; i > 0; i--)
        n->list[list].frame[i] = n->list[list].frame[i - 1];
    n->list[list].frame[0] = frame;
    n->where[frame] = NAIVE_LISTED;
    if (n->list[list].n > n->c.list_high)
        drain(n, n->processor, list, n->c.list_batch);
}

/* ---- what is asked ---- */

static vm_pfn take_in(struct naive_frames *n, unsigned z, enum vm_frame_use use, unsigned order,
                      uint32_t colour)
{
    enum vm_frame_group group = group_for(n, use);
    uint32_t free = naive_frames_free(n, z), frames = UINT32_C(1) << order;
    if (free < frames)
        return VM_NOFRAME;
    if (free - frames < naive_frames_kept(n, z, use)) {
        n->zone[z].refusals++;
        return VM_NOFRAME;
    }
    vm_pfn f = order == 0 && n->c.list_high ? take_listed(n, z, group)
                                            : take_blocks(n, z, group, order, colour);
    if (f == VM_NOFRAME) {
        drain_zone(n, z);
        f = take_blocks(n, z, group, order, colour);
    }
    return f;
}

vm_pfn naive_frames_take(struct naive_frames *n, enum vm_frame_use use, unsigned order,
                         uint32_t colour)
{
    unsigned highest = naive_frames_highest(n, use);
    vm_pfn f = VM_NOFRAME;
    for (unsigned z = highest + 1; f == VM_NOFRAME && z-- > 0;) {
        f = take_in(n, z, use, order, n->c.ncolours > 1 ? colour : UINT32_MAX);
        n->zone[z].takes += f != VM_NOFRAME;
        n->zone[z].fallbacks += f != VM_NOFRAME && z < highest;
    }
    return f;
}

static void free_all(struct naive_frames *n, uint32_t start, uint32_t end)
{
    for (uint32_t f = start; f < end; f++)
        n->where[f] = NAIVE_FREE;
    settle(n);
}

vm_pfn naive_frames_take_run(struct naive_frames *n, enum vm_frame_use use, uint32_t frames)
{
    unsigned order = 0;
    while (UINT32_C(1) << order < frames)
        order++;
    vm_pfn f = naive_frames_take(n, use, order, UINT32_MAX);
    if (f != VM_NOFRAME)
        free_all(n, f + frames, f + (UINT32_C(1) << order));
    return f;
}

bool naive_frames_take_at(struct naive_frames *n, uint32_t start, uint32_t frames)
{
    for (uint32_t f = start; f < start + frames; f++)
        if (n->where[f] == NAIVE_HELD)
            return false;
    for (unsigned list = 0; list < NAIVE_LISTS_MAX; list++)
        for (unsigned i = n->list[list].n; i-- > 0;)
            if (n->list[list].frame[i] >= start && n->list[list].frame[i] < start + frames)
                unlist(n, list, i);
    hold(n, start, frames);
    return true;
}

bool naive_frames_give(struct naive_frames *n, uint32_t start, uint32_t frames)
{
    for (uint32_t f = start; f < start + frames; f++)
        if (n->where[f] != NAIVE_HELD)
            return false;
    if (frames == 1 && n->c.list_high)
        give_listed(n, start);
    else
        free_all(n, start, start + frames);
    return true;
}
