/* segment_fault.c - the fault path of segments: from a touch that base and bound refuse to a
 * segment that has it.
 *
 *   may_touch   what is mapped in the span, grown by first touch where that is the rule; its rights
 *   resolve     present: it grows, or is taken over from former sharers; swapped, and a unit still
 *               has its copy: mapped again
 *   fill        room (which may make anybody leave, so the descriptor is looked at again after it),
 *               filled by what the descriptor says
 *
 * Like a page's, a fault on a segment is of one kind: growing counts as demand-zero.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "space/segment.h"

#define FIRST_TOUCH_SHIFT_MAX 16 /* 64 KiB: a segment is brought in whole, what is in it or not */
#define FIRST_TOUCH_PARTS     6  /* of a small span, a 2^6th */

/* The fault's segment. */
struct target {
    struct vm_span span;
    struct vm_hull hull;
    uint64_t key;
};

static unsigned block_shift(const struct vm_memory *m, const struct vm_span *span)
{
    unsigned bits = vm_log2(span->end - span->start);
    unsigned shift = bits > FIRST_TOUCH_PARTS ? bits - FIRST_TOUCH_PARTS : 0;
    shift = shift < FIRST_TOUCH_SHIFT_MAX ? shift : FIRST_TOUCH_SHIFT_MAX;
    return shift > m->c.page_shift ? shift : m->c.page_shift;
}

static bool is_inside(const struct vm_memory *m, const struct target *t, vm_va va)
{
    return segment_index(&t->span, va, m->c.page_shift) < t->hull.pages;
}

static bool is_allowed(const struct vm_fault *f, const struct target *t)
{
    return t->hull.prot & vm_access_needs(f->access);
}

/* A mapping about the touch; a segment that is there has its rights at once. */
static bool first_touch(struct vm_memory *m, const struct vm_fault *f, struct target *t,
                        struct vm_error *e)
{
    if (!vm_vma_first_touch(&m->space[f->asid], f->va, m->c.page_shift, block_shift(m, &t->span),
                            m->c.scheme->va_first, e))
        return false;
    vm_segments_fit(m, f->asid, t->span.start, t->span.start + 1);
    t->hull = vm_segment_hull(m, f->asid, &t->span);
    return true;
}

/* Fills the target, and f->vma; or f->kind with the reason why not (f->vma stays NULL). */
static bool may_touch(struct vm_memory *m, struct vm_fault *f, struct target *t, struct vm_error *e)
{
    struct vm_space *s = &m->space[f->asid];
    bool named = vm_segment_span(m, f->va, &t->span);
    VM_ASSERT(named); /* else the walk would have said so */
    t->key = vm_memory_key(m, t->span.start, f->asid);
    t->hull = vm_segment_hull(m, f->asid, &t->span);
    bool good = is_inside(m, t, f->va) && is_allowed(f, t);
    if (!good && m->c.stray == VM_STRAY_MAPS && !vm_vma_find(s, f->va) && !first_touch(m, f, t, e))
        return false;
    f->kind = is_inside(m, t, f->va) ? VM_FAULT_DENIED : VM_FAULT_VIOLATION;
    if (!is_inside(m, t, f->va) || !is_allowed(f, t))
        return true;
    f->vma = vm_vma_find(s, f->va);
    if (!f->vma) /* between two VMAs of the segment */
        f->vma = t->hull.vma;
    return true;
}

static void set_present(struct vm_memory *m, const struct vm_fault *f, const struct target *t,
                        uint32_t u)
{
    vm_segment_set_present(m, f->asid, f->va, u, t->hull.pages, t->hull.prot);
}

/* ---- filling ---- */

/* From a run of slots; answers whether the unit is dirty: where others still need the run, it is
 * the run's clean copy only if nobody may write to it. */
static bool fill_from_run(struct vm_memory *m, struct vm_fault *f, const struct target *t,
                          uint32_t u, struct vm_segment g)
{
    struct vm_slot_run *run = &m->seg->run[g.slot];
    if (run->unit) { /* copied from the unit that has it */
        f->kind = VM_FAULT_COW;
        m->c.counts->page_copies += t->hull.pages;
        vm_run_unref(m, g.slot);
        return true;
    }
    f->kind = VM_FAULT_SWAP_IN;
    vm_unit_read(m, g.slot, t->key, t->hull.pages);
    bool own = run->refs > 1 && (t->hull.prot & VM_PROT_WRITE);
    if (!own)
        vm_run_attach(m, g.slot, u);
    vm_run_unref(m, g.slot);
    return own;
}

/* What the descriptor says; answers whether the unit is dirty, its content being nowhere else. */
static bool fill(struct vm_memory *m, struct vm_fault *f, const struct target *t, uint32_t u,
                 struct vm_segment g)
{
    switch (g.state) {
    case VM_PTE_EMPTY:
        f->kind = VM_FAULT_DEMAND_ZERO;
        m->c.counts->page_copies += t->hull.pages;
        return false;
    case VM_PTE_PRESENT: /* shared since a fork */
        f->kind = VM_FAULT_COW;
        m->c.counts->page_copies += t->hull.pages;
        vm_unit_unmap(m, vm_unit_of(m, g.pfn), t->key);
        return true;
    case VM_PTE_SWAPPED:
        break;
    }
    if (g.slot != VM_SLOT_FILE)
        return fill_from_run(m, f, t, u, g);
    f->kind = VM_FAULT_FILE_IN;
    vm_unit_read(m, VM_SLOT_FILE, t->key, g.pages < t->hull.pages ? g.pages : t->hull.pages);
    return false;
}

/* Find room, fill it, set the descriptor and tell the policy. */
static bool resolve_filled(struct vm_memory *m, struct vm_fault *f, const struct target *t)
{
    vm_pfn first = vm_segment_room(m, t->hull.pages);
    if (first == VM_NOFRAME)
        return false;
    struct vm_segment g = vm_segment_get(m, f->asid, f->va); /* now, not before */
    uint32_t u = vm_unit_make(m, first, t->hull.pages, t->key, &t->span, t->hull.backing);
    bool dirty = fill(m, f, t, u, g);
    set_present(m, f, t, u);
    vm_unit_begin(m, u, dirty || f->access == VM_WRITE);
    f->inserted = f->told = true;
    return true;
}

/* ---- what needs no filling ---- */

/* Present, but not for an access that its VMAs allow: it is or was shared. */
static bool resolve_shared(struct vm_memory *m, struct vm_fault *f, const struct target *t,
                           struct vm_segment g)
{
    uint32_t u = vm_unit_of(m, g.pfn);
    if (vm_unit_mappers(m, u) > 1)
        return resolve_filled(m, f, t);
    vm_slot s = m->seg->unit[u].slot;
    if (s && m->seg->run[s].refs) /* the slots' content is others' from now on */
        vm_run_detach(m, u);
    vm_segment_set_present(m, f->asid, f->va, u, g.pages, t->hull.prot);
    f->kind = VM_FAULT_COW;
    return true;
}

/* Where nobody need leave for it; else the segment itself leaves, and comes back longer. */
static bool resolve_growth(struct vm_memory *m, struct vm_fault *f, const struct target *t,
                           uint32_t u)
{
    if (vm_unit_mappers(m, u) > 1)
        return resolve_filled(m, f, t);
    f->kind = VM_FAULT_DEMAND_ZERO;
    if (vm_unit_grow(m, u, t->key, t->hull.pages))
        return true;
    struct vm_segment g = vm_segment_get(m, f->asid, f->va);
    if (g.state == VM_PTE_PRESENT && !vm_unit_expel(m, vm_unit_of(m, g.pfn)))
        return false;
    return resolve_filled(m, f, t);
}

/* Swapped, but a unit still has the run's copy, and nobody may write to it. */
static bool map_again(struct vm_memory *m, struct vm_fault *f, const struct target *t, vm_slot s)
{
    uint32_t u = m->seg->run[s].unit - 1;
    if (!vm_unit_share(m, u, t->key))
        return false;
    vm_run_unref(m, s);
    set_present(m, f, t, u);
    m->space[f->asid].resident += t->hull.pages;
    f->kind = VM_FAULT_SOFT;
    return true;
}

static bool may_map_again(const struct vm_memory *m, const struct target *t, struct vm_segment g)
{
    if (g.state != VM_PTE_SWAPPED || g.slot == VM_SLOT_FILE || (t->hull.prot & VM_PROT_WRITE))
        return false;
    uint32_t u = m->seg->run[g.slot].unit;
    return u && m->seg->unit[u - 1].frames >= t->hull.pages;
}

static bool resolve(struct vm_memory *m, struct vm_fault *f, const struct target *t)
{
    struct vm_segment g = vm_segment_get(m, f->asid, f->va);
    if (may_map_again(m, t, g))
        return map_again(m, f, t, g.slot);
    if (g.state != VM_PTE_PRESENT)
        return resolve_filled(m, f, t);
    if (segment_index(&t->span, f->va, m->c.page_shift) >= g.pages)
        return resolve_growth(m, f, t, vm_unit_of(m, g.pfn));
    if (!(g.prot & vm_access_needs(f->access)))
        return resolve_shared(m, f, t, g);
    f->kind = VM_FAULT_SOFT; /* the first touch gave it the right */
    return true;
}

bool vm_segment_fault(struct vm_memory *m, struct vm_fault *f, struct vm_error *e)
{
    struct target t;
    f->vma = NULL;
    if (!may_touch(m, f, &t, e))
        return false;
    if (!f->vma) {
        vm_fault_count_refused(m, f);
        return true;
    }
    if (!m->c.scheme->ensure(m->scheme, f->asid, f->va, 0) || !resolve(m, f, &t)) {
        *e = m->out;
        return false;
    }
    f->pfn = m->c.scheme->get(m->scheme, f->asid, f->va).pfn;
    vm_fault_count(m, f);
    return true;
}
