/* segment.c - units: segments that have frames. See segment.h. */
#include "space/segment.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

/* ---- opening ---- */

static struct vm_alloc_env frames_env(const struct vm_memory *m)
{
    return (struct vm_alloc_env){m->c.nframes, m->c.seed, m->c.fit_params};
}

static struct vm_alloc_env swap_env(const struct vm_memory *m)
{
    return (struct vm_alloc_env){m->swap[VM_SWAP_FAST].slots.n, m->c.seed, NULL};
}

static size_t room(const struct vm_memory *m, const struct vm_segments *s)
{
    struct vm_alloc_env frames = frames_env(m), swap = swap_env(m);
    return vm_arena_room(s->fit->size(&frames)) + vm_arena_room(s->swap_fit->size(&swap)) +
           vm_arena_room(sizeof *s->unit * m->c.nframes) +
           vm_arena_room(sizeof *s->unit_of * m->c.nframes) +
           vm_arena_room(sizeof *s->run * ((size_t)m->swap[VM_SWAP_FAST].slots.n + 2));
}

static void take_all(const struct vm_memory *m, struct vm_segments *s)
{
    struct vm_alloc_env frames = frames_env(m), swap = swap_env(m);
    s->frames = vm_arena_take(&s->arena, s->fit->size(&frames));
    s->swap = vm_arena_take(&s->arena, s->swap_fit->size(&swap));
    s->unit = vm_arena_take(&s->arena, sizeof *s->unit * m->c.nframes);
    s->unit_of = vm_arena_take(&s->arena, sizeof *s->unit_of * m->c.nframes);
    s->run = vm_arena_take(&s->arena, sizeof *s->run * ((size_t)m->swap[VM_SWAP_FAST].slots.n + 2));
    s->fit->init(s->frames, &frames);
    s->swap_fit->init(s->swap, &swap);
}

struct vm_segments *vm_segments_open(struct vm_memory *m, struct vm_error *e)
{
    VM_ASSERT(m->c.fit);
    struct vm_segments *s = calloc(1, sizeof *s);
    if (!s) {
        vm_fail(e, VM_ESYSTEM, "no memory for a machine's segments");
        return NULL;
    }
    s->fit = m->c.fit;
    s->swap_fit = vm_alloc_find("first-fit", e);
    VM_ASSERT(s->swap_fit);
    if (!vm_arena_open(&s->arena, room(m, s), e)) {
        free(s);
        return NULL;
    }
    take_all(m, s);
    return s;
}

void vm_segments_close(struct vm_segments *s)
{
    if (!s)
        return;
    vm_arena_close(&s->arena);
    free(s);
}

/* ---- descriptors ---- */

bool vm_segment_span(const struct vm_memory *m, vm_va va, struct vm_span *out)
{
    return m->c.scheme->segments->span(m->scheme, va, out);
}

struct vm_segment vm_segment_get(const struct vm_memory *m, vm_asid asid, vm_va va)
{
    return m->c.scheme->segments->get(m->scheme, asid, va);
}

/* A processor that keeps descriptors drops them all when one changes, as Multics' `cam` does. */
void vm_segment_set(struct vm_memory *m, vm_asid asid, vm_va va, struct vm_segment g)
{
    m->c.scheme->segments->set(m->scheme, asid, va, g);
    m->c.shootdown_space(m->c.host, asid);
}

void vm_segment_set_present(struct vm_memory *m, vm_asid asid, vm_va va, uint32_t u, uint32_t pages,
                            uint8_t prot)
{
    struct vm_segment g = {.state = VM_PTE_PRESENT,
                           .prot = prot & VM_PROT_ALL,
                           .pages = pages,
                           .pfn = vm_unit_pfn(m, u, pages)};
    vm_segment_set(m, asid, va, g);
}

struct vm_hull vm_segment_hull(const struct vm_memory *m, vm_asid asid, const struct vm_span *span)
{
    const struct vm_space *s = &m->space[asid];
    struct vm_hull h = {.prot = VM_PROT_ALL & ~m->c.scheme->segments->rights};
    for (size_t i = 0; i < s->nvmas && s->vma[i].start < span->end; i++) {
        struct vm_vma *v = &s->vma[i];
        if (v->end <= span->start)
            continue;
        vm_va start = v->start > span->start ? v->start : span->start;
        vm_va end = v->end < span->end ? v->end : span->end;
        uint32_t pages =
            segment_index(span, span->grows_down ? start : end - 1, m->c.page_shift) + 1;
        h.pages = pages > h.pages ? pages : h.pages;
        h.prot |= v->prot;
        h.backing = !h.vma || h.backing == VM_BACKING_ANON ? v->backing : h.backing;
        h.vma = v;
    }
    return h;
}

/* ---- units ---- */

uint32_t vm_unit_of(const struct vm_memory *m, vm_pfn frame)
{
    VM_ASSERT(frame < m->c.nframes && m->seg->unit_of[frame]);
    return m->seg->unit_of[frame] - 1;
}

vm_pfn vm_unit_pfn(const struct vm_memory *m, uint32_t u, uint32_t pages)
{
    const struct vm_unit_state *unit = &m->seg->unit[u];
    VM_ASSERT(pages <= unit->frames);
    return unit->down ? unit->first + (unit->frames - pages) : unit->first;
}

static void note_frames(struct vm_memory *m, uint32_t u)
{
    const struct vm_unit_state *unit = &m->seg->unit[u];
    for (uint32_t i = 0; i < unit->frames; i++)
        m->seg->unit_of[unit->first + i] = u + 1;
}

/* The frames are free, though what they hold may yet be put down there again. */
static void lift_frames(struct vm_memory *m, vm_pfn first, uint32_t n)
{
    memset(m->seg->unit_of + first, 0, n * sizeof m->seg->unit_of[0]);
    m->seg->fit->give(m->seg->frames, first, n);
}

static void give_frames(struct vm_memory *m, vm_pfn first, uint32_t n)
{
    lift_frames(m, first, n);
    m->c.emptied(m->c.host, first, n);
}

static uint32_t number_take(struct vm_segments *s)
{
    uint32_t u = s->free_head;
    if (!u)
        return s->fresh++;
    s->free_head = s->unit[--u].first;
    return u;
}

uint32_t vm_unit_make(struct vm_memory *m, vm_pfn first, uint32_t pages, uint64_t key,
                      const struct vm_span *span, uint8_t backing)
{
    uint32_t u = number_take(m->seg);
    m->seg->unit[u] = (struct vm_unit_state){.owner = key,
                                             .first = first,
                                             .frames = pages,
                                             .backing = backing,
                                             .down = span->grows_down};
    m->seg->nunits++;
    m->nresident += pages;
    m->space[vm_key_asid(key)].resident += pages;
    note_frames(m, u);
    return u;
}

void vm_unit_begin(struct vm_memory *m, uint32_t u, bool dirty)
{
    m->bits[u] = VM_FRAME_REFERENCED | (dirty ? VM_FRAME_DIRTY : 0);
    m->c.settle(m->c.host);
    m->c.policy->insert(m->policy, u, m->seg->unit[u].owner);
    m->c.joined(m->c.host, u, m->seg->unit[u].owner);
}

/* The unit ceases to be; its frames are given already. */
static void unit_free(struct vm_memory *m, uint32_t u)
{
    struct vm_segments *s = m->seg;
    m->bits[u] = 0;
    s->unit[u] = (struct vm_unit_state){.first = s->free_head};
    s->free_head = u + 1;
    s->nunits--;
}

uint32_t vm_unit_mappers(const struct vm_memory *m, uint32_t u)
{
    uint32_t n = 1;
    for (uint32_t node = m->seg->unit[u].sharers; node; node = m->sharer[node].next)
        n++;
    return n;
}

bool vm_unit_share(struct vm_memory *m, uint32_t u, uint64_t key)
{
    struct vm_unit_state *unit = &m->seg->unit[u];
    uint32_t node = vm_sharer_take(m);
    if (!node)
        return false;
    m->sharer[node] = (struct vm_sharer){key, unit->sharers};
    unit->sharers = node;
    return true;
}

/* Take `key` off the mappers; false if it was the last. */
static bool unshare(struct vm_memory *m, struct vm_unit_state *unit, uint64_t key)
{
    if (!unit->sharers) {
        VM_ASSERT(unit->owner == key);
        return false;
    }
    uint32_t *link = &unit->sharers;
    if (unit->owner == key)
        unit->owner = m->sharer[*link].owner;
    else
        while (m->sharer[*link].owner != key)
            link = &m->sharer[*link].next;
    uint32_t node = *link;
    VM_ASSERT(node);
    *link = m->sharer[node].next;
    vm_sharer_free(m, node);
    return true;
}

void vm_unit_unmap(struct vm_memory *m, uint32_t u, uint64_t key)
{
    struct vm_unit_state *unit = &m->seg->unit[u];
    vm_asid asid = vm_key_asid(key);
    m->space[asid].resident -= vm_segment_get(m, asid, vm_key_va(key, m->c.page_shift)).pages;
    if (unshare(m, unit, key))
        return;
    m->c.settle(m->c.host);
    m->c.policy->remove(m->policy, u);
    m->c.parted(m->c.host, u);
    m->c.left(m->c.host,
              &(struct vm_leaving){
                  .pfn = u, .key = key, .why = VM_LEAVES_MAPPING, .how = VM_LEFT_UNMAPPED});
    vm_run_detach(m, u);
    m->nresident -= unit->frames;
    m->nused -= unit->frames;
    give_frames(m, unit->first, unit->frames);
    unit_free(m, u);
}

/* ---- leaving ---- */

/* A mapper's descriptor when its segment has left: swapped to slot s, or (0) as its file or zeros
 * have it. */
static void swap_out_mapper(struct vm_memory *m, const struct vm_unit_state *unit, uint64_t key)
{
    vm_asid asid = vm_key_asid(key);
    vm_va va = vm_key_va(key, m->c.page_shift);
    struct vm_segment g = vm_segment_get(m, asid, va);
    m->space[asid].resident -= g.pages;
    g.accessed = g.dirty = false;
    g.state = VM_PTE_SWAPPED;
    g.slot = unit->slot ? unit->slot : VM_SLOT_FILE;
    if (!unit->slot && unit->backing == VM_BACKING_ANON)
        g = (struct vm_segment){.state = VM_PTE_EMPTY};
    if (unit->slot)
        vm_run_ref(m, unit->slot);
    vm_segment_set(m, asid, va, g);
}

static void swap_out_mappers(struct vm_memory *m, struct vm_unit_state *unit)
{
    swap_out_mapper(m, unit, unit->owner);
    while (unit->sharers) {
        uint32_t node = unit->sharers;
        swap_out_mapper(m, unit, m->sharer[node].owner);
        unit->sharers = m->sharer[node].next;
        vm_sharer_free(m, node);
    }
}

/* The segment in unit u, which the policy has given up, leaves; its frames are still taken, the
 * number is free. False: it is dirty and swap is full; nothing has changed. */
static bool leave(struct vm_memory *m, uint32_t u, enum vm_leaves why)
{
    struct vm_unit_state *unit = &m->seg->unit[u];
    struct vm_leaving leaving = {.pfn = u, .key = unit->owner, .why = why, .how = VM_LEFT_DROPPED};
    if (m->bits[u] & VM_FRAME_DIRTY) {
        if (!vm_unit_write(m, u, unit->frames))
            return false;
        m->c.counts->writebacks++;
        leaving.how = VM_LEFT_WRITTEN;
    } else {
        m->c.counts->clean_drops++;
    }
    m->c.counts->evictions++;
    leaving.slot = unit->slot;
    m->c.left(m->c.host, &leaving);
    swap_out_mappers(m, unit);
    vm_run_detach(m, u);
    m->nresident -= unit->frames;
    m->nused -= unit->frames;
    unit_free(m, u);
    return true;
}

bool vm_unit_leave(struct vm_memory *m, uint32_t u, enum vm_leaves why)
{
    struct vm_unit_state unit = m->seg->unit[u];
    if (!leave(m, u, why))
        return false;
    give_frames(m, unit.first, unit.frames);
    return true;
}

bool vm_unit_expel(struct vm_memory *m, uint32_t u)
{
    m->c.settle(m->c.host);
    m->c.policy->remove(m->policy, u);
    m->c.parted(m->c.host, u);
    return vm_unit_leave(m, u, VM_LEAVES_CLAIMED);
}

/* ---- moving ---- */

/* The descriptors of the unit's mappers follow it. */
static void repoint(struct vm_memory *m, uint32_t u, uint64_t key)
{
    vm_asid asid = vm_key_asid(key);
    vm_va va = vm_key_va(key, m->c.page_shift);
    struct vm_segment g = vm_segment_get(m, asid, va);
    g.pfn = vm_unit_pfn(m, u, g.pages);
    vm_segment_set(m, asid, va, g);
}

static void repoint_mappers(struct vm_memory *m, uint32_t u)
{
    repoint(m, u, m->seg->unit[u].owner);
    for (uint32_t node = m->seg->unit[u].sharers; node; node = m->sharer[node].next)
        repoint(m, u, m->sharer[node].owner);
}

static void count_move(struct vm_memory *m, uint32_t pages)
{
    m->c.counts->moves++;
    m->c.counts->moved_bytes += (uint64_t)pages << m->c.page_shift;
    m->c.counts->page_copies += pages;
}

/* All units, lowest first, by `above`; VM_NOUNIT: none. Their frames are free then. */
static uint32_t lift_all(struct vm_memory *m)
{
    struct vm_segments *s = m->seg;
    uint32_t lowest = VM_NOUNIT, last = VM_NOUNIT;
    for (vm_pfn f = 0; f < m->c.nframes;) {
        if (!s->unit_of[f]) {
            f++;
            continue;
        }
        uint32_t u = s->unit_of[f] - 1;
        struct vm_unit_state *unit = &s->unit[u];
        unit->above = VM_NOUNIT;
        *(last == VM_NOUNIT ? &lowest : &s->unit[last].above) = u;
        last = u;
        f = unit->first + unit->frames;
        lift_frames(m, unit->first, unit->frames);
    }
    return lowest;
}

/* Put a lifted unit down at the lowest place; where tables leave none for it, it leaves memory. */
static bool put_down(struct vm_memory *m, uint32_t u)
{
    struct vm_unit_state *unit = &m->seg->unit[u];
    uint64_t at = m->seg->fit->take(m->seg->frames, unit->frames, 1);
    if (at != unit->first)
        m->c.emptied(m->c.host, unit->first, unit->frames);
    if (at == VM_ALLOC_NONE) {
        m->c.settle(m->c.host);
        m->c.policy->remove(m->policy, u);
        m->c.parted(m->c.host, u);
        return leave(m, u, VM_LEAVES_CLAIMED);
    }
    bool moves = at != unit->first;
    unit->first = (vm_pfn)at;
    note_frames(m, u);
    if (moves) {
        count_move(m, unit->frames);
        repoint_mappers(m, u);
    }
    return true;
}

/* Move all segments together. False: m->out. */
static bool compact(struct vm_memory *m)
{
    m->c.counts->compactions++;
    uint32_t u = lift_all(m);
    while (u != VM_NOUNIT) {
        uint32_t above = m->seg->unit[u].above;
        if (!put_down(m, u))
            return false;
        u = above;
    }
    return true;
}

/* ---- room ---- */

static bool may_compact(const struct vm_memory *m, const struct vm_alloc_usage *usage, uint32_t n)
{
    return m->c.compact == VM_COMPACT_NEEDED && usage->free_units >= n &&
           usage->free_max < usage->free_units;
}

/* n consecutive frames without anybody leaving: as they are, or after moving all together. */
static uint64_t place(struct vm_memory *m, uint32_t n, bool *failed)
{
    struct vm_alloc_usage usage;
    uint64_t at = m->seg->fit->take(m->seg->frames, n, 1);
    *failed = false;
    if (at != VM_ALLOC_NONE)
        return at;
    m->seg->fit->usage(m->seg->frames, &usage);
    m->c.counts->misfits++;
    m->c.counts->fragmented += usage.free_units >= n;
    if (usage.free_units)
        m->seg->fragmentation +=
            (double)(usage.free_units - usage.free_max) / (double)usage.free_units;
    if (!may_compact(m, &usage, n))
        return VM_ALLOC_NONE;
    *failed = !compact(m);
    return *failed ? VM_ALLOC_NONE : m->seg->fit->take(m->seg->frames, n, 1);
}

static bool fail_room(struct vm_memory *m, uint32_t n)
{
    char wanted[32], all[32];
    vm_fail(&m->out, VM_EMACHINE,
            "a segment of %s does not fit into a memory of %s, of which tables hold %llu pages, "
            "though no other segment is in it",
            vm_text_bytes((uint64_t)n << m->c.page_shift, wanted, sizeof wanted),
            vm_text_bytes((uint64_t)m->c.nframes << m->c.page_shift, all, sizeof all),
            (unsigned long long)m->ntables);
    return vm_hint(&m->out, "give more memory (--memory), or lay the program out without gaps "
                            "(--layout packed)");
}

vm_pfn vm_segment_room(struct vm_memory *m, uint32_t n)
{
    bool failed;
    uint64_t at;
    while ((at = place(m, n, &failed)) == VM_ALLOC_NONE) {
        if (failed || (m->seg->nunits == 0 && !fail_room(m, n)))
            return VM_NOFRAME;
        m->c.settle(m->c.host);
        if (!vm_unit_leave(m, m->c.policy->victim(m->policy, VM_NOPAGE), VM_LEAVES_CHOSEN))
            return VM_NOFRAME;
    }
    m->nused += n;
    if (m->nused > m->c.counts->frames_peak)
        m->c.counts->frames_peak = m->nused;
    return (vm_pfn)at;
}

void vm_segment_room_give(struct vm_memory *m, vm_pfn first, uint32_t n)
{
    m->nused -= n;
    m->seg->fit->give(m->seg->frames, first, n);
}

vm_pfn vm_segments_take(void *memory, uint32_t n)
{
    struct vm_memory *m = memory;
    vm_pfn first = vm_segment_room(m, n);
    if (first == VM_NOFRAME)
        return first;
    m->ntables += n;
    if (m->ntables > m->c.counts->table_frames_peak)
        m->c.counts->table_frames_peak = m->ntables;
    return first;
}

void vm_segments_give(void *memory, vm_pfn first, uint32_t n)
{
    struct vm_memory *m = memory;
    memset(m->physical + ((size_t)first << m->c.page_shift), 0, (size_t)n << m->c.page_shift);
    m->ntables -= n;
    m->c.emptied(m->c.host, first, n);
    vm_segment_room_give(m, first, n);
}

/* ---- growing and shrinking ---- */

static void set_frames(struct vm_memory *m, uint32_t u, vm_pfn first, uint32_t frames)
{
    struct vm_unit_state *unit = &m->seg->unit[u];
    m->nresident = m->nresident - unit->frames + frames;
    unit->first = first;
    unit->frames = frames;
    note_frames(m, u);
}

static bool extend(struct vm_memory *m, uint32_t u, uint32_t frames)
{
    const struct vm_unit_state *unit = &m->seg->unit[u];
    uint32_t more = frames - unit->frames;
    if (unit->down || !m->seg->fit->extend(m->seg->frames, unit->first, unit->frames, more))
        return false;
    m->nused += more;
    if (m->nused > m->c.counts->frames_peak)
        m->c.counts->frames_peak = m->nused;
    set_frames(m, u, unit->first, frames);
    return true;
}

/* Elsewhere. Both copies are there for a moment, and count for the peak. */
static bool move(struct vm_memory *m, uint32_t u, uint64_t key, uint32_t frames)
{
    bool failed;
    uint64_t at = place(m, frames, &failed);
    if (at == VM_ALLOC_NONE)
        return false;
    const struct vm_unit_state *unit = &m->seg->unit[u];
    if (unit->frames == 0 || unit->owner != key) { /* it left while others were moved together */
        m->seg->fit->give(m->seg->frames, at, frames);
        return false;
    }
    vm_pfn first = unit->first;
    uint32_t before = unit->frames;
    m->nused += frames;
    if (m->nused > m->c.counts->frames_peak)
        m->c.counts->frames_peak = m->nused;
    count_move(m, before);
    give_frames(m, first, before);
    m->nused -= before;
    set_frames(m, u, (vm_pfn)at, frames);
    return true;
}

bool vm_unit_grow(struct vm_memory *m, uint32_t u, uint64_t key, uint32_t pages)
{
    if (m->seg->unit[u].frames < pages && !extend(m, u, pages) && !move(m, u, key, pages))
        return false;
    vm_asid asid = vm_key_asid(key);
    vm_va va = vm_key_va(key, m->c.page_shift);
    struct vm_segment g = vm_segment_get(m, asid, va);
    m->space[asid].resident += pages - g.pages;
    m->c.counts->page_copies += pages - g.pages; /* zeroed */
    vm_segment_set_present(m, asid, va, u, pages, g.prot);
    return true;
}

/* The frames that are no longer needed are free again, if the allocator takes parts back. */
void vm_unit_shrink(struct vm_memory *m, uint32_t u, uint32_t pages)
{
    const struct vm_unit_state *unit = &m->seg->unit[u];
    uint32_t more = unit->frames - pages;
    if (more == 0 || m->seg->fit->give_kind == VM_GIVE_WHOLE)
        return;
    vm_pfn first = vm_unit_pfn(m, u, pages);
    give_frames(m, unit->down ? unit->first : unit->first + pages, more);
    m->nused -= more;
    set_frames(m, u, first, pages);
}

/* ---- the check ---- */

struct census {
    const struct vm_memory *m;
    uint32_t *mappers; /* [nframes] present descriptors of the unit */
    uint32_t *swapped; /* [run_end + 2] swapped ones of the run */
};

static void check_segment(struct census *c, vm_asid asid, const struct vm_span *span,
                          uint64_t *resident)
{
    const struct vm_memory *m = c->m;
    struct vm_segment g = vm_segment_get(m, asid, span->start);
    struct vm_hull h = vm_segment_hull(m, asid, span);
    if (g.state == VM_PTE_EMPTY)
        return;
    VM_ASSERT(g.pages > 0 && g.pages <= h.pages);
    if (g.state == VM_PTE_SWAPPED) {
        c->swapped[g.slot]++;
        return;
    }
    uint32_t u = vm_unit_of(m, g.pfn);
    VM_ASSERT(g.pfn == vm_unit_pfn(m, u, g.pages));
    VM_ASSERT(!(g.prot & ~h.prot));
    VM_ASSERT(!(g.prot & VM_PROT_WRITE) || vm_unit_mappers(m, u) == 1);
    c->mappers[u]++;
    *resident += g.pages;
}

static void check_space(struct census *c, vm_asid asid)
{
    const struct vm_memory *m = c->m;
    const struct vm_space *s = &m->space[asid];
    struct vm_span span;
    uint64_t resident = 0;
    vm_va done = 0;
    vm_vma_check(s, m->c.page_shift);
    for (size_t i = 0; i < s->nvmas; i++)
        for (vm_va va = s->vma[i].start > done ? s->vma[i].start : done; va < s->vma[i].end;
             va = done = span.end)
            if (vm_segment_span(m, va, &span))
                check_segment(c, asid, &span, &resident);
    VM_ASSERT(resident == s->resident);
}

static void check_unit(const struct census *c, uint32_t u, uint64_t *frames)
{
    const struct vm_memory *m = c->m;
    const struct vm_unit_state *unit = &m->seg->unit[u];
    if (unit->frames == 0)
        return;
    for (uint32_t i = 0; i < unit->frames; i++)
        VM_ASSERT(m->seg->unit_of[unit->first + i] == u + 1);
    VM_ASSERT(c->mappers[u] == vm_unit_mappers(m, u));
    VM_ASSERT(!unit->slot || m->seg->run[unit->slot].unit == u + 1);
    *frames += unit->frames;
}

void vm_segments_check(const struct vm_memory *m)
{
    const struct vm_segments *s = m->seg;
    struct vm_alloc_usage frames, swap;
    struct census c = {.m = m,
                       .mappers = calloc(m->c.nframes, sizeof *c.mappers),
                       .swapped = calloc((size_t)s->run_end + 2, sizeof *c.swapped)};
    VM_ASSERT(c.mappers && c.swapped);
    for (unsigned asid = 0; asid <= VM_ASID_MAX; asid++)
        if (m->space[asid].open)
            check_space(&c, (vm_asid)asid);
    uint64_t held = 0, slots = 0, inside = m->c.tables == VM_TABLES_INSIDE ? m->ntables : 0;
    for (uint32_t u = 0; u < s->fresh; u++)
        check_unit(&c, u, &held);
    for (vm_slot r = VM_SLOT_FILE + 1; r < s->run_end; r++) {
        VM_ASSERT(s->run[r].refs == c.swapped[r]);
        slots += s->run[r].slots;
    }
    s->fit->usage(s->frames, &frames);
    s->swap_fit->usage(s->swap, &swap);
    VM_ASSERT(held == m->nresident && held + m->ntables == m->nused);
    VM_ASSERT(held + inside + frames.free_units + frames.internal_units == m->c.nframes);
    VM_ASSERT(slots == m->slots_used && slots + swap.free_units == m->swap[VM_SWAP_FAST].slots.n);
    s->fit->check(s->frames);
    s->swap_fit->check(s->swap);
    m->c.policy->check(m->policy);
    m->c.scheme->check(m->scheme);
    free(c.mappers);
    free(c.swapped);
}
