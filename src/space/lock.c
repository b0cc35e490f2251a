/* lock.c - pages that are locked: they stay in their frames until nobody wants them there any more.
 *
 * A program locks mappings (mlock). A page is locked while one of the mappings that map it is; the
 * policy does not have it then, so that it can neither be chosen nor be told of, as on Linux's
 * list of unevictable pages. It is a newcomer to the policy when it is not locked any more.
 *
 * What is locked is not in memory by that alone: whoever locks touches.
 *
 * Invariants (vm_memory_check)
 *  1. VM_FRAME_LOCKED is set where a mapper's VMA has VM_VMA_LOCKED, and nowhere else.
 *  2. lock.nunits are the units with that bit, lock.npages the base pages of these.
 *
 * Source: Linux, Documentation/mm/unevictable-lru.rst; mlock(2).
 */
#include "base/assert.h"
#include "space/memory.h"

bool vm_lock_holds(const struct vm_memory *m, vm_pfn f)
{
    if (!m->lock.on || vm_is_unmapped(m, f) || vm_is_table_page(m, f))
        return false;
    struct vm_mapper mapper = vm_mapper_first(m, f);
    do {
        struct vm_space *s = &m->space[vm_key_asid(mapper.key)];
        const struct vm_vma *v = vm_vma_find(s, vm_key_va(mapper.key, m->c.page_shift));
        if (v && (v->flags & VM_VMA_LOCKED))
            return true;
    } while (vm_mapper_next(m, &mapper));
    return false;
}

void vm_lock_add(struct vm_memory *m, vm_pfn f)
{
    VM_ASSERT(!vm_is_locked(m, f));
    m->bits[f] |= VM_FRAME_LOCKED;
    m->lock.nunits++;
    m->lock.npages += vm_huge_pages_of(m, f);
    if (m->lock.npages > m->c.counts->locked_peak)
        m->c.counts->locked_peak = m->lock.npages;
}

void vm_lock_remove(struct vm_memory *m, vm_pfn f)
{
    VM_ASSERT(vm_is_locked(m, f));
    m->bits[f] &= (uint8_t)~VM_FRAME_LOCKED;
    m->lock.nunits--;
    m->lock.npages -= vm_huge_pages_of(m, f);
}

void vm_lock_settle(struct vm_memory *m, vm_pfn f)
{
    if (!m->lock.on || vm_is_leaving(m, f) || vm_is_locked(m, f) == vm_lock_holds(m, f))
        return;
    vm_unit_remove(m, f);
    vm_unit_insert(m, f, m->frame[f].owner);
}

uint64_t vm_memory_locked(const struct vm_memory *m)
{
    return m->lock.npages;
}

/* Every page of [start, end) that is there is as its mappings want it. */
static void settle_range(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end)
{
    struct vm_pte pte;
    for (vm_va va = start; !m->seg && (va = vm_next_entry(m, asid, va, end, &pte)) < end;
         va = vm_memory_behind(m, va, pte))
        if (pte.state == VM_PTE_PRESENT)
            vm_lock_settle(m, pte.pfn);
}

bool vm_lock_range(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end, struct vm_error *e)
{
    m->lock.on = true;
    if (!vm_vma_flag(&m->space[asid], start, end, VM_VMA_LOCKED, 0xff, e))
        return false;
    settle_range(m, asid, start, end);
    return true;
}

bool vm_unlock_range(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end, struct vm_error *e)
{
    if (!vm_vma_flag(&m->space[asid], start, end, 0, (uint8_t)~VM_VMA_LOCKED, e))
        return false;
    settle_range(m, asid, start, end);
    return true;
}
