/* frame_lists.c - single free frames at hand of each processor, so that most takes and gives of one
 * frame need no buddy (and, on a real machine, no lock).
 *
 *     take   first of the list; an empty one is refilled by `batch` frames before
 *     give   first of the list; one of more than `high` frames gives its last `batch` back
 *
 * What was given last is taken first: it may still be in the processor's cache. A list is of one
 * zone and group. A frame may lie in one of another group than its pageblock's, if that was claimed
 * since; it goes to its pageblock's.
 *
 * Where a zone has no block for a take, its lists give back all they have, whosever they are,
 * before a lower zone is asked; Linux asks lower zones first, and drains when all have failed.
 *
 * Linux, mm/page_alloc.c (per_cpu_pages: high, batch); Gorman, "Understanding the Linux Virtual
 * Memory Manager", section 6.5 (before: hot and cold lists); Bonwick & Adams, "Magazines and vmem",
 * USENIX 2001. high and batch are fixed here; Linux scales them with what is freed.
 */
#include "alloc/frame_zone.h"

size_t vm_lists_size(const struct vm_frames_config *c, unsigned nzones, unsigned ngroups)
{
    size_t nlists = (size_t)c->processors * nzones * ngroups;
    if (c->list_high == 0)
        return 0;
    return vm_arena_room(sizeof(struct vm_links) * (c->nframes + nlists)) +
           vm_arena_room(sizeof(uint16_t) * c->nframes) + vm_arena_room(sizeof(uint32_t) * nlists) +
           vm_arena_room(sizeof(struct vm_list_counts) * c->processors);
}

static uint32_t head_of(const struct vm_frames *s, uint32_t list)
{
    return s->nframes + list;
}

void vm_lists_init(struct vm_frames *s, const struct vm_frames_config *c, void *memory)
{
    struct frame_lists *l = &s->lists;
    uint8_t *at = memory;
    if (c->list_high == 0)
        return;
    VM_ASSERT(c->list_batch >= 1 && c->list_batch <= c->list_high && c->ncolours == 1);
    l->high = c->list_high;
    l->batch = c->list_batch;
    l->processors = c->processors;
    l->nlists = c->processors * s->nzones * s->ngroups;
    VM_ASSERT(c->processors >= 1 && l->nlists < UINT16_MAX);
    l->links = (struct vm_links *)at;
    at += vm_arena_room(sizeof *l->links * (s->nframes + (size_t)l->nlists));
    l->in = (uint16_t *)at;
    at += vm_arena_room(sizeof *l->in * s->nframes);
    l->n = (uint32_t *)at;
    at += vm_arena_room(sizeof *l->n * l->nlists);
    l->counts = (struct vm_list_counts *)at;
    for (uint32_t list = 0; list < l->nlists; list++)
        vm_links_head(l->links, head_of(s, list));
}

static uint32_t list_of(const struct vm_frames *s, uint32_t processor, unsigned zone,
                        enum vm_frame_group group)
{
    return (processor * s->nzones + zone) * s->ngroups + group;
}

static void note_listed(struct vm_frames *s, unsigned zone, uint32_t list, vm_pfn frame)
{
    s->lists.in[frame] = (uint16_t)(list + 1);
    s->lists.n[list]++;
    s->zone[zone].nlisted++;
}

void vm_lists_remove(struct vm_frames *s, unsigned zone, vm_pfn frame)
{
    VM_ASSERT(vm_lists_have(s, frame));
    vm_links_remove(s->lists.links, frame);
    s->lists.n[s->lists.in[frame] - 1]--;
    s->lists.in[frame] = 0;
    s->zone[zone].nlisted--;
}

static void refill(struct vm_frames *s, unsigned zone, enum vm_frame_group group, uint32_t list)
{
    struct vm_list_counts *c = &s->lists.counts[s->lists.current];
    uint32_t n = 0;
    for (vm_pfn f; n < s->lists.batch; n++) {
        f = vm_zone_take(&s->zone[zone], group, 0, ANY_COLOUR);
        if (f == VM_NOFRAME)
            break;
        vm_links_push_last(s->lists.links, head_of(s, list), f);
        note_listed(s, zone, list, f);
    }
    c->refills += n > 0;
    c->refilled += n;
}

vm_pfn vm_lists_take(struct vm_frames *s, unsigned zone, enum vm_frame_group group)
{
    uint32_t list = list_of(s, s->lists.current, zone, group);
    if (s->lists.n[list] > 0)
        s->lists.counts[s->lists.current].hits++;
    else
        refill(s, zone, group, list);
    if (s->lists.n[list] == 0)
        return VM_NOFRAME;
    vm_pfn f = s->lists.links[head_of(s, list)].next;
    vm_lists_remove(s, zone, f);
    return f;
}

/* The last n frames of a list that has as many are in the zone's blocks. */
static void drain(struct vm_frames *s, unsigned zone, uint32_t list, uint32_t n)
{
    struct vm_list_counts *c = &s->lists.counts[list / (s->nzones * s->ngroups)];
    c->drains += n > 0;
    c->drained += n;
    while (n-- > 0) {
        vm_pfn f = s->lists.links[head_of(s, list)].prev;
        vm_lists_remove(s, zone, f);
        vm_zone_give(&s->zone[zone], f, f + 1);
    }
}

void vm_lists_give(struct vm_frames *s, unsigned zone, vm_pfn frame)
{
    uint32_t list = list_of(s, s->lists.current, zone, vm_zone_group_of(&s->zone[zone], frame));
    vm_links_push_first(s->lists.links, head_of(s, list), frame);
    note_listed(s, zone, list, frame);
    if (s->lists.n[list] > s->lists.high)
        drain(s, zone, list, s->lists.batch);
}

void vm_lists_drain(struct vm_frames *s, unsigned zone)
{
    for (uint32_t processor = 0; processor < s->lists.processors; processor++)
        for (unsigned g = 0; g < s->ngroups; g++) {
            uint32_t list = list_of(s, processor, zone, (enum vm_frame_group)g);
            drain(s, zone, list, s->lists.n[list]);
        }
}

/* ---- the check ---- */

static void check_list(const struct vm_frames *s, const struct frame_zone *z, uint32_t list)
{
    uint32_t n = 0, head = head_of(s, list);
    for (vm_pfn f = s->lists.links[head].next; f != head; f = s->lists.links[f].next, n++) {
        VM_ASSERT(f >= z->start && f < z->end && s->lists.in[f] == list + 1);
        VM_ASSERT(vm_zone_free_until(z, f) == f);
    }
    VM_ASSERT(n == s->lists.n[list] && n <= s->lists.high);
}

void vm_lists_check(const struct vm_frames *s)
{
    uint64_t listed[VM_ZONES_MAX] = {0}, in = 0;
    for (uint32_t list = 0; list < s->lists.nlists; list++) {
        unsigned zone = list / s->ngroups % s->nzones;
        check_list(s, &s->zone[zone], list);
        listed[zone] += s->lists.n[list];
    }
    for (vm_pfn f = 0; s->lists.high && f < s->nframes; f++)
        in += s->lists.in[f] > 0;
    for (unsigned i = 0; i < s->nzones; i++) {
        VM_ASSERT(listed[i] == s->zone[i].nlisted);
        in -= listed[i];
    }
    VM_ASSERT(in == 0);
}
