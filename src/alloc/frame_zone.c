/* frame_zone.c - see frame_zone.h. */
#include "alloc/frame_zone.h"

#include "base/bits.h"

static uint32_t pageblocks_to(vm_pfn end, unsigned block_order)
{
    return (uint32_t)(((uint64_t)end + vm_low_bits(block_order)) >> block_order);
}

size_t vm_zone_size(vm_pfn end, uint32_t ncolours, unsigned block_order)
{
    size_t blocks = vm_blocks_size(end, ncolours);
    if (block_order == 0)
        return blocks;
    return VM_FRAME_GROUPS * blocks + vm_arena_room(pageblocks_to(end, block_order));
}

void vm_zone_init(struct frame_zone *z, void *memory, uint32_t ncolours)
{
    size_t bytes = vm_blocks_size(z->end, ncolours);
    z->ngroups = z->block_order ? VM_FRAME_GROUPS : 1;
    for (unsigned g = 0; g < z->ngroups; g++)
        vm_blocks_init(&z->free[g], (uint8_t *)memory + g * bytes, z->end, ncolours);
    if (z->block_order)
        z->group = (uint8_t *)memory + VM_FRAME_GROUPS * bytes;
    vm_zone_give(z, z->start, z->end);
}

/* ---- pageblocks ---- */

/* The frames of a pageblock that are the zone's. */
static vm_pfn pageblock_start(const struct frame_zone *z, uint32_t pageblock)
{
    vm_pfn first = pageblock << z->block_order;
    return first > z->start ? first : z->start;
}

static vm_pfn pageblock_end(const struct frame_zone *z, uint32_t pageblock)
{
    uint64_t end = ((uint64_t)pageblock + 1) << z->block_order;
    return end < z->end ? (vm_pfn)end : z->end;
}

static bool is_whole(const struct frame_zone *z, uint32_t pageblock)
{
    return pageblock_end(z, pageblock) - pageblock_start(z, pageblock) == UINT32_C(1)
                                                                              << z->block_order;
}

/* Where the block of `b` around `at` ends, or `end` if that is before; `at`: it is in none. */
static vm_pfn block_end(const struct blocks *b, vm_pfn at, vm_pfn end)
{
    uint64_t start;
    unsigned order = vm_blocks_around(b, at, &start);
    if (order == BLOCKS_NONE)
        return at;
    uint64_t until = start + (UINT64_C(1) << order);
    return until < end ? (vm_pfn)until : end;
}

/* Take [at, until), which lies in a block of `b`. */
static void cut_at(struct blocks *b, vm_pfn at, vm_pfn until)
{
    uint64_t start;
    unsigned order = vm_blocks_around(b, at, &start);
    vm_blocks_cut(b, order, start, at, until - at);
}

/* The pageblock and its free frames are that group's. */
static void regroup(struct frame_zone *z, uint32_t pageblock, enum vm_frame_group group)
{
    struct blocks *from = &z->free[z->group[pageblock]], *to = &z->free[group];
    vm_pfn end = pageblock_end(z, pageblock), until;
    for (vm_pfn at = pageblock_start(z, pageblock); at<end; at = until> at ? until : at + 1) {
        until = block_end(from, at, end);
        if (until == at)
            continue;
        cut_at(from, at, until);
        vm_blocks_give(to, at, until);
    }
    z->group[pageblock] = (uint8_t)group;
}

static uint32_t pageblock_free(const struct frame_zone *z, uint32_t pageblock)
{
    const struct blocks *b = &z->free[z->group[pageblock]];
    uint32_t n = 0;
    vm_pfn end = pageblock_end(z, pageblock), until;
    for (vm_pfn at = pageblock_start(z, pageblock); at<end; at = until> at ? until : at + 1) {
        until = block_end(b, at, end);
        n += until - at;
    }
    return n;
}

/* ---- taking ---- */

static vm_pfn take_from(struct blocks *b, unsigned order, uint32_t colour)
{
    uint64_t start, at;
    unsigned found = BLOCKS_NONE;
    if (colour != ANY_COLOUR)
        found = vm_blocks_find_colour(b, colour, &start);
    if (found != BLOCKS_NONE) {
        at = start + ((colour - start) & (b->ncolours - 1));
    } else {
        found = vm_blocks_find(b, order, &start);
        if (found == BLOCKS_NONE)
            return VM_NOFRAME;
        at = start;
    }
    vm_blocks_cut(b, found, start, at, UINT64_C(1) << order);
    return (vm_pfn)at;
}

/* Whom a group takes from, in this order: Linux's `fallbacks`. */
static const enum vm_frame_group others[VM_FRAME_GROUPS][VM_FRAME_GROUPS - 1] = {
    [VM_GROUP_MOVABLE] = {VM_GROUP_RECLAIMABLE, VM_GROUP_UNMOVABLE},
    [VM_GROUP_RECLAIMABLE] = {VM_GROUP_UNMOVABLE, VM_GROUP_MOVABLE},
    [VM_GROUP_UNMOVABLE] = {VM_GROUP_RECLAIMABLE, VM_GROUP_MOVABLE}};

/* The first group that has a block of just this order, or `group`: none has. */
static enum vm_frame_group who_has(const struct frame_zone *z, enum vm_frame_group group,
                                   unsigned order)
{
    for (unsigned i = 0; i < VM_FRAME_GROUPS - 1; i++)
        if (z->free[others[group][i]].nblocks[order] > 0)
            return others[group][i];
    return group;
}

/* The pageblock of the longest block that others have, if that is worth it. False: it is not, or
 * there is none. */
static bool claim(struct frame_zone *z, enum vm_frame_group group, unsigned order)
{
    enum vm_frame_group from = group;
    unsigned longest = z->free[group].norders;
    while (from == group && longest-- > order)
        from = who_has(z, group, longest);
    if (from == group || (group == VM_GROUP_MOVABLE && longest < z->block_order / 2))
        return false;
    uint32_t pageblock = (uint32_t)(vm_blocks_lowest(&z->free[from], longest) >> z->block_order);
    uint32_t nframes = pageblock_end(z, pageblock) - pageblock_start(z, pageblock);
    if (2 * pageblock_free(z, pageblock) < nframes)
        return false;
    regroup(z, pageblock, group);
    z->claims++;
    return true;
}

static vm_pfn borrow(struct frame_zone *z, enum vm_frame_group group, unsigned order)
{
    for (unsigned k = order; k < z->free[group].norders; k++) {
        enum vm_frame_group from = who_has(z, group, k);
        if (from == group)
            continue;
        uint64_t start = vm_blocks_lowest(&z->free[from], k);
        vm_blocks_cut(&z->free[from], k, start, start, UINT64_C(1) << order);
        z->borrows++;
        return (vm_pfn)start;
    }
    return VM_NOFRAME;
}

/* Whole pageblocks, which are all in one buddy. */
static vm_pfn take_pageblocks(struct frame_zone *z, enum vm_frame_group group, unsigned order)
{
    vm_pfn first = take_from(&z->free[VM_GROUP_MOVABLE], order, ANY_COLOUR);
    uint32_t n = UINT32_C(1) << (order - z->block_order);
    for (uint32_t i = 0; first != VM_NOFRAME && i < n; i++)
        z->group[(first >> z->block_order) + i] = (uint8_t)group;
    return first;
}

static vm_pfn take_grouped(struct frame_zone *z, enum vm_frame_group group, unsigned order,
                           uint32_t colour)
{
    if (order >= z->block_order)
        return take_pageblocks(z, group, order);
    vm_pfn f = take_from(&z->free[group], order, colour);
    if (f != VM_NOFRAME)
        return f;
    if (claim(z, group, order))
        return take_from(&z->free[group], order, colour);
    return borrow(z, group, order);
}

vm_pfn vm_zone_take(struct frame_zone *z, enum vm_frame_group group, unsigned order,
                    uint32_t colour)
{
    vm_pfn f =
        z->group ? take_grouped(z, group, order, colour) : take_from(&z->free[0], order, colour);
    if (f != VM_NOFRAME)
        z->nfree -= UINT64_C(1) << order;
    return f;
}

vm_pfn vm_zone_take_at(struct frame_zone *z, vm_pfn at, vm_pfn end)
{
    struct blocks *b = &z->free[vm_zone_group_of(z, at)];
    vm_pfn until = block_end(b, at, end);
    if (until > at)
        cut_at(b, at, until);
    z->nfree -= until - at;
    return until;
}

vm_pfn vm_zone_free_until(const struct frame_zone *z, vm_pfn frame)
{
    return block_end(&z->free[vm_zone_group_of(z, frame)], frame, z->end);
}

/* ---- giving ---- */

static void give_to_pageblock(struct frame_zone *z, vm_pfn start, vm_pfn end)
{
    uint32_t pageblock = start >> z->block_order;
    enum vm_frame_group group = (enum vm_frame_group)z->group[pageblock];
    vm_blocks_give(&z->free[group], start, end);
    if (group != VM_GROUP_MOVABLE && is_whole(z, pageblock) &&
        vm_blocks_has(&z->free[group], z->block_order, pageblock_start(z, pageblock)))
        regroup(z, pageblock, VM_GROUP_MOVABLE);
}

void vm_zone_give(struct frame_zone *z, vm_pfn start, vm_pfn end)
{
    z->nfree += end - start;
    if (!z->group) {
        vm_blocks_give(&z->free[0], start, end);
        return;
    }
    for (vm_pfn at = start, until; at < end; at = until) {
        until = pageblock_end(z, at >> z->block_order);
        until = until < end ? until : end;
        give_to_pageblock(z, at, until);
    }
}

/* ---- the check ---- */

/* Every frame of a free block is in a pageblock of the block's group. */
static void check_groups(const struct frame_zone *z)
{
    for (vm_pfn f = z->start; f < z->end; f++) {
        uint64_t start;
        for (unsigned g = 0; g < z->ngroups; g++) {
            unsigned order = vm_blocks_around(&z->free[g], f, &start);
            if (order == BLOCKS_NONE)
                continue;
            VM_ASSERT(start >= z->start && vm_zone_group_of(z, f) == g);
            VM_ASSERT(order < z->block_order || g == VM_GROUP_MOVABLE);
        }
    }
}

void vm_zone_check(const struct frame_zone *z)
{
    uint64_t nfree = 0;
    for (unsigned g = 0; g < z->ngroups; g++) {
        vm_blocks_check(&z->free[g]);
        nfree += z->free[g].nfree;
    }
    VM_ASSERT(nfree == z->nfree && nfree + z->nlisted <= z->end - z->start);
    if (z->group)
        check_groups(z);
}
