/* walk.c - the walk of the page table, and the faults on its way. */
#include "engine/machine.h"

static void walk_once(struct vm_engine *m, vm_va va, enum vm_access access, struct vm_walk *w)
{
    m->scheme->walk(m->scheme_state, m->asid, va, access, VM_MODE_USER, w);
    m->counts.walks++;
    m->counts.walk_loads += w->nloads;
    m->counts.walk_stores += w->nstores;
    TELL(m, .kind = VM_TAP_WALK, .walk = w);
    vm_data_walk(m, w);
}

enum walked vm_mmu_walk(struct vm_engine *m, vm_va va, enum vm_access access, struct vm_walk *w)
{
    struct vm_fault f = {.asid = m->asid, .va = va, .access = access};
    for (;;) {
        walk_once(m, va, access, w);
        if (w->fault == VM_WALK_OK)
            return f.inserted ? WALKED_INSERTED : WALKED;
        if (w->fault == VM_WALK_BOUNDS) {
            m->counts.unnamed++;
            return WALKED_NOWHERE;
        }
        bool inserted = f.inserted;
        if (!vm_memory_fault(m->memory, &f, &m->error)) {
            m->failed = true;
            return WALKED_NOWHERE;
        }
        TELL(m, .kind = VM_TAP_FAULT, .fault = &f);
        if (!f.vma)
            return WALKED_NOWHERE;
        f.inserted |= inserted;
    }
}
