/* frames.c - the machine's frames: which zone serves, and what is asked of all zones together.
 *
 * Frames are given back in any pieces: the host knows which it holds, and pages of a huge page that
 * was split go one by one. Nothing is noted for a frame that is held.
 *
 * Zones are asked from the highest that the use may have down. Each keeps some free frames from a
 * use, `kept`: from pages its part of `min`; and from any use that may have higher zones the frames
 * of those, divided by its ratio (Linux's lowmem_reserve), lest those who need just this zone find
 * it full of what could lie elsewhere.
 */
#include "alloc/frame_zone.h"

#include "base/bits.h"

_Static_assert(VM_FRAME_ORDERS <= BLOCKS_ORDERS, "every order of frames is one of blocks");

/* ---- opening ---- */

/* The zones as memory has them: the frames of each, of which the last have what is left. How many
 * have any. */
static unsigned lay_zones(const struct vm_frames_config *c, struct vm_zone_config out[VM_ZONES_MAX])
{
    uint32_t left = c->nframes;
    unsigned n = 0;
    if (c->nzones == 0) {
        out[0] = (struct vm_zone_config){.kind = VM_ZONE_NORMAL, .nframes = left};
        return 1;
    }
    for (; n < c->nzones && left > 0; n++) {
        out[n] = c->zone[n];
        out[n].nframes = left < c->zone[n].nframes ? left : c->zone[n].nframes;
        left -= out[n].nframes;
    }
    VM_ASSERT(left == 0);
    return n;
}

static unsigned groups_of(const struct vm_frames_config *c)
{
    return c->block_order ? VM_FRAME_GROUPS : 1;
}

static size_t header_size(unsigned nzones)
{
    return vm_arena_room(sizeof(struct vm_frames) + nzones * sizeof(struct frame_zone));
}

size_t vm_frames_size(const struct vm_frames_config *c)
{
    struct vm_zone_config zone[VM_ZONES_MAX];
    unsigned n = lay_zones(c, zone);
    size_t bytes = header_size(n) + vm_lists_size(c, n, groups_of(c));
    uint32_t end = 0;
    for (unsigned i = 0; i < n; i++) {
        end += zone[i].nframes;
        bytes += vm_zone_size(end, c->ncolours, c->block_order);
    }
    return bytes;
}

/* The highest zone of a kind that may hold what `use` says. A memory too small for its normal zone
 * has one for the kernel below: vm_zones_parse sees to that. */
static unsigned highest_for(enum vm_frame_use use, const struct vm_zone_config *zone, unsigned n)
{
    static const enum vm_zone_kind most[VM_FRAME_USES] = {[VM_FRAME_FOR_PAGE] = VM_ZONE_MOVABLE,
                                                          [VM_FRAME_FOR_LOOSE_TABLE] =
                                                              VM_ZONE_NORMAL,
                                                          [VM_FRAME_FOR_KERNEL] = VM_ZONE_NORMAL,
                                                          [VM_FRAME_FOR_DEVICE] = VM_ZONE_DMA};
    unsigned highest = 0;
    for (unsigned i = 0; i < n; i++)
        if (zone[i].kind <= most[use])
            highest = i;
    return highest;
}

/* What zone `i` keeps from `use`. */
static uint64_t kept_from(const struct vm_frames *s, const struct vm_frames_config *c,
                          const struct vm_zone_config *zone, unsigned i, enum vm_frame_use use)
{
    uint64_t above = 0, kept = 0;
    for (unsigned k = i + 1; k <= s->highest[use]; k++)
        above += zone[k].nframes;
    if (zone[i].ratio > 0)
        kept = above / zone[i].ratio;
    if (use == VM_FRAME_FOR_PAGE)
        kept += (uint64_t)c->min * zone[i].nframes / c->nframes;
    return kept;
}

struct vm_frames *vm_frames_init(void *block, const struct vm_frames_config *c)
{
    struct vm_frames *s = block;
    struct vm_zone_config zone[VM_ZONES_MAX];
    VM_ASSERT(c->nframes <= UINT32_C(1) << (VM_FRAME_ORDERS - 1));
    *s = (struct vm_frames){.nframes = c->nframes,
                            .ncolours = c->ncolours,
                            .nzones = lay_zones(c, zone),
                            .ngroups = groups_of(c)};
    uint8_t *memory = (uint8_t *)block + header_size(s->nzones);
    for (unsigned use = 0; use < VM_FRAME_USES; use++)
        s->highest[use] = highest_for((enum vm_frame_use)use, zone, s->nzones);
    vm_pfn start = 0;
    for (unsigned i = 0; i < s->nzones; i++) {
        struct frame_zone *z = &s->zone[i];
        z->name = vm_zone_name(zone[i].kind);
        z->start = start;
        z->end = start += zone[i].nframes;
        z->block_order = c->block_order;
        for (unsigned use = 0; use < VM_FRAME_USES; use++)
            z->kept[use] = kept_from(s, c, zone, i, (enum vm_frame_use)use);
        vm_zone_init(z, memory, c->ncolours);
        memory += vm_zone_size(z->end, c->ncolours, c->block_order);
    }
    vm_lists_init(s, c, memory);
    s->plain = s->nzones == 1 && s->ngroups == 1 && c->list_high == 0;
    return s;
}

void vm_frames_processor(struct vm_frames *s, uint32_t n)
{
    VM_ASSERT(s->lists.high == 0 || n < s->lists.processors);
    s->lists.current = n;
}

/* ---- taking ---- */

static vm_pfn take_in_zone(struct vm_frames *s, unsigned zone, enum vm_frame_use use,
                           unsigned order, uint32_t colour)
{
    struct frame_zone *z = &s->zone[zone];
    enum vm_frame_group group = vm_zone_group_for(z, use);
    uint64_t nfree = z->nfree + z->nlisted, n = UINT64_C(1) << order;
    if (nfree < z->kept[use] + n) {
        z->refusals += nfree >= n;
        return VM_NOFRAME;
    }
    vm_pfn f = order == 0 && s->lists.high ? vm_lists_take(s, zone, group)
                                           : vm_zone_take(z, group, order, colour);
    if (f != VM_NOFRAME || z->nlisted == 0)
        return f;
    vm_lists_drain(s, zone);
    return vm_zone_take(z, group, order, colour);
}

static vm_pfn take(struct vm_frames *s, enum vm_frame_use use, unsigned order, uint32_t colour)
{
    for (unsigned i = s->highest[use] + 1; i-- > 0;) {
        vm_pfn f = take_in_zone(s, i, use, order, colour);
        if (f == VM_NOFRAME)
            continue;
        s->zone[i].takes++;
        s->zone[i].fallbacks += i < s->highest[use];
        return f;
    }
    return VM_NOFRAME;
}

vm_pfn vm_frames_take(struct vm_frames *s, enum vm_frame_use use, unsigned order)
{
    return take(s, use, order, ANY_COLOUR);
}

vm_pfn vm_frames_take_colour(struct vm_frames *s, enum vm_frame_use use, uint32_t colour)
{
    VM_ASSERT(colour < s->ncolours);
    return take(s, use, 0, s->ncolours > 1 ? colour : ANY_COLOUR);
}

static unsigned zone_of(const struct vm_frames *s, vm_pfn frame)
{
    unsigned i = 0;
    while (frame >= s->zone[i].end)
        i++;
    return i;
}

/* Frames that lie in any zones, and in no list, are in blocks. */
static void give_blocks(struct vm_frames *s, vm_pfn start, vm_pfn end)
{
    for (unsigned i = zone_of(s, start); start < end; i++) {
        vm_pfn until = end < s->zone[i].end ? end : s->zone[i].end;
        vm_zone_give(&s->zone[i], start, until);
        start = until;
    }
}

vm_pfn vm_frames_take_run(struct vm_frames *s, enum vm_frame_use use, uint32_t n)
{
    unsigned order = vm_bits_below(n);
    vm_pfn first = vm_frames_take(s, use, order);
    uint32_t whole = UINT32_C(1) << order;
    if (first != VM_NOFRAME && n < whole)
        give_blocks(s, first + n, first + whole);
    return first;
}

/* ---- by number ---- */

/* Where what is free at `frame` ends, in a block or a list; `frame`: it is held. */
static vm_pfn free_until(const struct vm_frames *s, vm_pfn frame)
{
    if (vm_lists_have(s, frame))
        return frame + 1;
    return vm_zone_free_until(&s->zone[zone_of(s, frame)], frame);
}

bool vm_frames_is_free(const struct vm_frames *s, vm_pfn frame)
{
    return free_until(s, frame) > frame;
}

bool vm_frames_take_at(struct vm_frames *s, vm_pfn start, uint32_t n)
{
    VM_ASSERT(n <= s->nframes && start <= s->nframes - n);
    vm_pfn end = start + n, at, until;
    for (at = start; at < end; at = until)
        if ((until = free_until(s, at)) == at)
            return false;
    for (at = start; at < end;) {
        unsigned zone = zone_of(s, at);
        if (vm_lists_have(s, at))
            vm_lists_remove(s, zone, at++);
        else
            at = vm_zone_take_at(&s->zone[zone], at, end);
    }
    return true;
}

void vm_frames_give(struct vm_frames *s, vm_pfn start, uint32_t n)
{
    VM_EXPECT(!vm_frames_is_free(s, start) && !vm_frames_is_free(s, start + n - 1));
    if (n == 1 && s->lists.high)
        vm_lists_give(s, zone_of(s, start), start);
    else
        give_blocks(s, start, start + n);
}

bool vm_frames_suits(const struct vm_frames *s, enum vm_frame_use use, vm_pfn frame)
{
    if (s->plain)
        return true;
    unsigned i = zone_of(s, frame);
    const struct frame_zone *z = &s->zone[i];
    return i <= s->highest[use] && s->lists.high == 0 &&
           vm_zone_group_of(z, frame) == vm_zone_group_for(z, use);
}

/* ---- how many ---- */

uint32_t vm_frames_free(const struct vm_frames *s)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < s->nzones; i++)
        n += s->zone[i].nfree + s->zone[i].nlisted;
    return (uint32_t)n;
}

uint32_t vm_frames_free_for(const struct vm_frames *s, enum vm_frame_use use)
{
    uint64_t n = 0;
    for (unsigned i = 0; i <= s->highest[use]; i++) {
        const struct frame_zone *z = &s->zone[i];
        uint64_t nfree = z->nfree + z->nlisted;
        n += nfree > z->kept[use] ? nfree - z->kept[use] : 0;
    }
    return (uint32_t)n;
}

vm_pfn vm_frames_end_for(const struct vm_frames *s, enum vm_frame_use use)
{
    return s->zone[s->highest[use]].end;
}

void vm_frames_check(const struct vm_frames *s)
{
    for (unsigned i = 0; i < s->nzones; i++) {
        VM_ASSERT(s->zone[i].start == (i ? s->zone[i - 1].end : 0));
        vm_zone_check(&s->zone[i]);
    }
    VM_ASSERT(s->zone[s->nzones - 1].end == s->nframes);
    vm_lists_check(s);
}
