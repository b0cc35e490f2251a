/* suspend.c - a process leaves memory whole: all its pages at once, written in clusters.
 *
 * What load control does with a process that is not to run for a while: its frames are free for
 * the others, at the price of transfers as long as its pages lie side by side in the swap area,
 * which nobody waits for. Its tables stay, as do pages that other spaces map too. It comes back by
 * faults.
 *
 * Segments stay as well: where the unit is the segment nothing leaves but by the policy's choice.
 */
#include "space/memory.h"

/* The page at `va`, present with that entry, leaves unless it is shared. False: m->out. */
static bool leave(struct vm_memory *m, vm_pfn f)
{
    if (m->frame[f].sharers || vm_is_locked(m, f))
        return true;
    return !vm_huge_has(m, f) ? vm_frame_vacate(m, f) : vm_huge_demote(m, f);
}

static bool leave_range(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end)
{
    vm_va va = start;
    while ((va = m->c.scheme->next(m->scheme, asid, va, end)) < end) {
        struct vm_pte pte = m->c.scheme->get(m->scheme, asid, va);
        if (pte.state == VM_PTE_PRESENT && !leave(m, pte.pfn))
            return false;
        if (pte.state != VM_PTE_PRESENT || !pte.order || m->frame[pte.pfn].sharers ||
            vm_is_locked(m, pte.pfn))
            va = vm_memory_behind(m, va, pte);
        /* else it was split: its base pages are next */
    }
    return true;
}

bool vm_memory_suspend(struct vm_memory *m, vm_asid asid, struct vm_error *e)
{
    const struct vm_space *s = &m->space[asid];
    bool good = true;
    if (m->seg)
        return true;
    vm_reserve_break(m, asid, 0, UINT64_MAX);
    vm_swap_gather(m);
    for (size_t i = 0; i < s->nvmas && good; i++)
        good = leave_range(m, asid, s->vma[i].start, s->vma[i].end);
    vm_swap_gathered(m);
    if (!good)
        *e = m->out;
    return good;
}
