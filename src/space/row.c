/* row.c - the entries of an address space one after the other, as many at once as stand side by
 * side.
 *
 *      next -> row: pages [va, va + n), none of them empty -> changed in place -> set, or emptied
 *
 * A fork, an exit, an unmapping and a change of rights look at every page that a space has. Where a
 * scheme has rows (struct vm_row_ops), that is one way from the root for each frame of a leaf
 * table; elsewhere, and for a large page, the row is one entry.
 *
 * Invariant: a row is as the tables are until anything else is asked of the scheme.
 */
#include "base/assert.h"
#include "space/memory.h"

/* From the entry of row->va on. False: it is empty. */
bool vm_row_get(const struct vm_memory *m, vm_asid asid, vm_va end, struct vm_row *row)
{
    const struct vm_row_ops *ops = m->c.scheme->rows;
    row->n = ops ? ops->get(m->scheme, asid, row->va, end, row->pte) : 0;
    if (row->n > 0)
        return true;
    row->n = 1;
    row->pte[0] = m->c.scheme->get(m->scheme, asid, row->va);
    return row->pte[0].state != VM_PTE_EMPTY;
}

bool vm_row_next(const struct vm_memory *m, vm_asid asid, vm_va va, vm_va end, struct vm_row *row)
{
    row->va = m->c.scheme->next(m->scheme, asid, va, end);
    return row->va < end && vm_row_get(m, asid, end, row);
}

void vm_row_set(struct vm_memory *m, vm_asid asid, const struct vm_row *row)
{
    const struct vm_row_ops *ops = m->c.scheme->rows;
    if (row->n == 1)
        m->c.scheme->set(m->scheme, asid, row->va, row->pte[0]);
    else if (row->n > 1)
        ops->set(m->scheme, asid, row->va, row->n, row->pte);
}

void vm_row_empty(struct vm_memory *m, vm_asid asid, const struct vm_row *row)
{
    static const struct vm_pte empty[VM_ROW_MAX];
    struct vm_pte alone = {.state = VM_PTE_EMPTY, .order = row->pte[0].order};
    if (row->n == 1)
        m->c.scheme->set(m->scheme, asid, row->va, alone);
    else
        m->c.scheme->rows->set(m->scheme, asid, row->va, row->n, empty);
}

void vm_row_shootdown(struct vm_memory *m, vm_asid asid, const struct vm_row *row)
{
    for (uint32_t first = 0, end; first < row->n; first = end + 1) {
        for (end = first; end < row->n && row->pte[end].state == VM_PTE_PRESENT;)
            end++;
        if (end > first)
            m->c.shootdown_pages(m->c.host, vm_row_key(m, asid, row, first), end - first);
    }
}
