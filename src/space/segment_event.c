/* segment_event.c - events on segments.
 *
 * A mapping that comes changes nothing but the hull; the segment grows when it is touched there.
 * One that goes, or is protected, takes effect at once. A fork copies each segment that may be
 * written, as a whole, and shares the others; of one that is swapped the slots are shared until it
 * comes back.
 */
#include "base/assert.h"
#include "space/segment.h"

/* Call `each` for every span of [start, end) with a segment that is not empty. */
static bool for_segments(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end, void *host,
                         bool (*each)(struct vm_memory *m, vm_asid asid, const struct vm_span *span,
                                      void *host))
{
    struct vm_span span;
    for (vm_va va = start; va < end; va = span.end)
        if (vm_segment_span(m, va, &span) && vm_segment_get(m, asid, va).state != VM_PTE_EMPTY &&
            !each(m, asid, &span, host))
            return false;
    return true;
}

static bool release(struct vm_memory *m, vm_asid asid, const struct vm_span *span, void *host)
{
    struct vm_segment g = vm_segment_get(m, asid, span->start);
    (void)host;
    if (g.state == VM_PTE_SWAPPED)
        vm_run_unref(m, g.slot);
    else
        vm_unit_unmap(m, vm_unit_of(m, g.pfn), vm_memory_key(m, span->start, asid));
    vm_segment_set(m, asid, span->start, (struct vm_segment){.state = VM_PTE_EMPTY});
    return true;
}

/* ---- fitting ---- */

/* A shared unit keeps its frames, and is not written to. */
static void fit_present(struct vm_memory *m, vm_asid asid, const struct vm_span *span,
                        struct vm_segment g, uint8_t prot)
{
    uint32_t u = vm_unit_of(m, g.pfn), before = vm_segment_get(m, asid, span->start).pages;
    bool alone = vm_unit_mappers(m, u) == 1;
    m->space[asid].resident -= before - g.pages;
    if (alone)
        vm_unit_shrink(m, u, g.pages);
    bool writable = alone && !(m->seg->unit[u].slot && m->seg->run[m->seg->unit[u].slot].refs);
    vm_segment_set_present(m, asid, span->start, u, g.pages,
                           writable ? prot : prot & (uint8_t)~VM_PROT_WRITE);
}

static bool fit(struct vm_memory *m, vm_asid asid, const struct vm_span *span, void *host)
{
    struct vm_hull h = vm_segment_hull(m, asid, span);
    struct vm_segment g = vm_segment_get(m, asid, span->start);
    (void)host;
    if (!h.vma)
        return release(m, asid, span, NULL);
    if (h.pages < g.pages)
        g.pages = h.pages;
    if (g.state == VM_PTE_PRESENT)
        fit_present(m, asid, span, g, h.prot);
    else
        vm_segment_set(m, asid, span->start, g);
    return true;
}

void vm_segments_fit(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end)
{
    for_segments(m, asid, start, end, NULL, fit);
}

struct range {
    vm_va start, end;
};

static bool zero(struct vm_memory *m, vm_asid asid, const struct vm_span *span, void *host)
{
    const struct range *r = host;
    struct vm_segment g = vm_segment_get(m, asid, span->start);
    unsigned shift = m->c.page_shift;
    vm_va start = segment_start(span, g.pages, shift), end = segment_end(span, g.pages, shift);
    start = start > r->start ? start : r->start;
    end = end < r->end ? end : r->end;
    if (g.state != VM_PTE_PRESENT || start >= end)
        return true;
    uint32_t u = vm_unit_of(m, g.pfn);
    if (vm_unit_mappers(m, u) > 1) /* read-only, and the others have it: it stays as it is */
        return true;
    m->bits[u] |= VM_FRAME_DIRTY;
    m->c.counts->page_copies += (end - start) >> shift;
    return true;
}

void vm_segments_zero(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end)
{
    struct range r = {start, end};
    for_segments(m, asid, start, end, &r, zero);
}

void vm_segments_clear(struct vm_memory *m, vm_asid asid)
{
    const struct vm_space *s = &m->space[asid];
    for (size_t i = 0; i < s->nvmas; i++)
        for_segments(m, asid, s->vma[i].start, s->vma[i].end, NULL, release);
}

/* ---- fork ---- */

/* Both are swapped to the run; each that comes back and may write gets a copy of its own. */
static bool fork_swapped(struct vm_memory *m, vm_asid child, const struct vm_span *span,
                         struct vm_segment g)
{
    vm_run_ref(m, g.slot);
    vm_segment_set(m, child, span->start, g);
    return true;
}

static bool fork_shared(struct vm_memory *m, vm_asid child, const struct vm_span *span,
                        struct vm_segment g)
{
    if (!vm_unit_share(m, vm_unit_of(m, g.pfn), vm_memory_key(m, span->start, child)))
        return false;
    m->space[child].resident += g.pages;
    g.accessed = g.dirty = false;
    vm_segment_set(m, child, span->start, g);
    return true;
}

/* Making room may have made the parent's leave: then its slots are shared. */
static bool fork_copied(struct vm_memory *m, vm_asid parent, vm_asid child,
                        const struct vm_span *span, struct vm_segment g)
{
    uint32_t pages = g.pages;
    vm_pfn first = vm_segment_room(m, pages);
    if (first == VM_NOFRAME)
        return false;
    g = vm_segment_get(m, parent, span->start);
    if (g.state != VM_PTE_PRESENT) {
        vm_segment_room_give(m, first, pages);
        return g.state == VM_PTE_EMPTY || fork_swapped(m, child, span, g);
    }
    uint8_t backing = m->seg->unit[vm_unit_of(m, g.pfn)].backing;
    uint32_t u = vm_unit_make(m, first, pages, vm_memory_key(m, span->start, child), span, backing);
    m->c.counts->page_copies += pages;
    vm_segment_set_present(m, child, span->start, u, pages, g.prot);
    vm_unit_begin(m, u, true);
    return true;
}

struct fork {
    vm_asid child;
    vm_va done; /* spans below have been copied: two VMAs may lie in one */
};

static bool fork_segment(struct vm_memory *m, vm_asid parent, const struct vm_span *span,
                         void *host)
{
    struct fork *k = host;
    if (span->start < k->done)
        return true;
    k->done = span->end;
    if (!m->c.scheme->ensure(m->scheme, k->child, span->start, 0))
        return false;
    struct vm_segment g = vm_segment_get(m, parent, span->start);
    if (g.state == VM_PTE_EMPTY) /* was clean, anonymous and has left meanwhile */
        return true;
    if (g.state == VM_PTE_SWAPPED)
        return fork_swapped(m, k->child, span, g);
    struct vm_hull h = vm_segment_hull(m, parent, span);
    if (h.prot & VM_PROT_WRITE)
        return fork_copied(m, parent, k->child, span, g);
    return fork_shared(m, k->child, span, g);
}

bool vm_segments_fork(struct vm_memory *m, vm_asid parent, vm_asid child)
{
    const struct vm_space *s = &m->space[parent];
    struct fork k = {.child = child};
    for (size_t i = 0; i < s->nvmas; i++)
        if (!for_segments(m, parent, s->vma[i].start, s->vma[i].end, &k, fork_segment))
            return false;
    return true;
}
