/* strip.c - the entries of an address space one after the other, as many at once as stand side by
 * side.
 *
 *      next -> strip: pages [va, va + n), none of them empty -> changed in place -> set, or emptied
 *
 * A fork, an exit, an unmapping and a change of rights look at every page that a space has. Where a
 * scheme has strips (struct vm_strip_ops), that is one way from the root for each frame of a leaf
 * table; elsewhere, and for a large page, the strip is one entry.
 *
 * Invariant: a strip is as the tables are until anything else is asked of the scheme.
 */
#include "base/assert.h"
#include "space/memory.h"

bool vm_strip_get(const struct vm_memory *m, vm_asid asid, vm_va end, struct vm_strip *strip)
{
    const struct vm_strip_ops *ops = m->c.scheme->strips;
    strip->n = ops ? ops->get(m->scheme, asid, strip->va, end, strip->pte) : 0;
    if (strip->n > 0)
        return true;
    strip->n = 1;
    strip->pte[0] = m->c.scheme->get(m->scheme, asid, strip->va);
    return strip->pte[0].state != VM_PTE_EMPTY;
}

bool vm_strip_next(const struct vm_memory *m, vm_asid asid, vm_va va, vm_va end,
                   struct vm_strip *strip)
{
    strip->va = m->c.scheme->next(m->scheme, asid, va, end);
    return strip->va < end && vm_strip_get(m, asid, end, strip);
}

void vm_strip_set(struct vm_memory *m, vm_asid asid, const struct vm_strip *strip)
{
    const struct vm_strip_ops *ops = m->c.scheme->strips;
    if (strip->n == 1)
        m->c.scheme->set(m->scheme, asid, strip->va, strip->pte[0]);
    else if (strip->n > 1)
        ops->set(m->scheme, asid, strip->va, strip->n, strip->pte);
}

void vm_strip_empty(struct vm_memory *m, vm_asid asid, const struct vm_strip *strip)
{
    static const struct vm_pte empty[VM_STRIP_MAX];
    struct vm_pte alone = {.state = VM_PTE_EMPTY, .order = strip->pte[0].order};
    if (strip->n == 1)
        m->c.scheme->set(m->scheme, asid, strip->va, alone);
    else
        m->c.scheme->strips->set(m->scheme, asid, strip->va, strip->n, empty);
}

void vm_strip_shootdown(struct vm_memory *m, vm_asid asid, const struct vm_strip *strip)
{
    for (uint32_t first = 0, end; first < strip->n; first = end + 1) {
        for (end = first; end < strip->n && strip->pte[end].state == VM_PTE_PRESENT;)
            end++;
        if (end > first)
            m->c.shootdown_pages(m->c.host, vm_strip_key(m, asid, strip, first), end - first);
    }
}
