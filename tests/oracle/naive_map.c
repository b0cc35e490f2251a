/* naive_map.c - see naive_map.h. */
#include "oracle/naive_map.h"

#include "base/assert.h"

static vm_va bytes(const struct naive_map *m, struct vm_pte pte)
{
    return UINT64_C(1) << (m->page_shift + pte.order);
}

static size_t find(const struct naive_map *m, vm_asid asid, vm_va va)
{
    size_t i = 0;
    while (i < m->n && !(m->entry[i].asid == asid && va >= m->entry[i].va &&
                         va - m->entry[i].va < bytes(m, m->entry[i].pte)))
        i++;
    return i;
}

struct vm_pte naive_map_get(const struct naive_map *m, vm_asid asid, vm_va va)
{
    size_t i = find(m, asid, va);
    return i < m->n ? m->entry[i].pte : (struct vm_pte){.state = VM_PTE_EMPTY};
}

void naive_map_set(struct naive_map *m, vm_asid asid, vm_va va, struct vm_pte pte)
{
    size_t i = find(m, asid, va);
    if (pte.state == VM_PTE_EMPTY) {
        if (i < m->n)
            m->entry[i] = m->entry[--m->n];
        return;
    }
    VM_ASSERT(i < NAIVE_MAP_MAX);
    if (i == m->n)
        m->n++;
    m->entry[i].asid = asid;
    m->entry[i].va = va & ~(bytes(m, pte) - 1);
    m->entry[i].pte = pte;
}

vm_va naive_map_next(const struct naive_map *m, vm_asid asid, vm_va va, vm_va end)
{
    vm_va first = end;
    for (size_t i = 0; i < m->n; i++) {
        vm_va begin = m->entry[i].va, last = begin + (bytes(m, m->entry[i].pte) - 1);
        if (m->entry[i].asid == asid && last >= va && (begin > va ? begin : va) < first)
            first = begin > va ? begin : va;
    }
    return first;
}

void naive_map_close(struct naive_map *m, vm_asid asid)
{
    for (size_t i = m->n; i-- > 0;)
        if (m->entry[i].asid == asid)
            m->entry[i] = m->entry[--m->n];
}

enum vm_walk_fault naive_map_access(struct naive_map *m, vm_asid asid, vm_va va,
                                    enum vm_access access)
{
    size_t i = find(m, asid, va);
    if (i == m->n || m->entry[i].pte.state != VM_PTE_PRESENT)
        return VM_WALK_ABSENT;
    struct vm_pte *pte = &m->entry[i].pte;
    if (!(pte->prot & VM_PROT_ALL))
        return VM_WALK_ABSENT; /* hardware has no entry that is present without rights */
    if (!(pte->prot & vm_access_needs(access)))
        return VM_WALK_DENIED;
    pte->accessed |= (m->marks & VM_FRAME_REFERENCED) != 0;
    pte->dirty |= access == VM_WRITE && (m->marks & VM_FRAME_DIRTY);
    return VM_WALK_OK;
}

bool naive_pte_equal(struct vm_pte a, struct vm_pte b)
{
    if (a.state != b.state)
        return false;
    if (a.state == VM_PTE_SWAPPED)
        return a.slot == b.slot;
    return a.state == VM_PTE_EMPTY || (a.prot == b.prot && a.accessed == b.accessed &&
                                       a.dirty == b.dirty && a.pfn == b.pfn && a.order == b.order);
}
