/* collapse.c - huge pages made after the fact: a scan looks for regions of which enough pages are
 * there, and copies them together into a free run.
 *
 * A scan goes on where the last one ended, through all address spaces by number and their regions
 * by address, and round again; it looks at scan_pages base pages, of regions that have any. One is
 * collapsed if none of its pages is swapped or shared, and at most empty_max are absent: those
 * are zeros in the huge page, and its internal fragmentation.
 *
 * Linux, mm/khugepaged.c: scan_pages is its pages_to_scan, empty_max its max_ptes_none (511 of
 * 512); its max_ptes_swap and max_ptes_shared are 0 here. It scans by time, this when the host
 * calls.
 */
#include "base/assert.h"
#include "space/memory.h"

/* ---- one region ---- */

/* Whether the page may be one of a huge page's; then *n counts it if it is there. */
static bool is_fit(const struct vm_memory *m, struct vm_pte pte, uint32_t *n)
{
    *n += pte.state == VM_PTE_PRESENT;
    if (pte.state == VM_PTE_PRESENT)
        return pte.order == 0 && vm_frame_users(m, pte.pfn) == 1;
    return pte.state == VM_PTE_EMPTY;
}

static bool region_is_fit(const struct vm_memory *m, vm_asid asid, vm_va va, uint32_t empty_max)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->huge.npages; i++)
        if (!is_fit(m, m->c.scheme->get(m->scheme, asid, va + ((vm_va)i << m->c.page_shift)), &n))
            return false;
    return n > 0 && m->huge.npages - n <= empty_max;
}

/* Page `i` moves into its frame of the run. What was clean because swap has a copy is dirty: the
 * huge page has no slot. */
static void move_page(struct vm_memory *m, vm_asid asid, vm_va va, vm_pfn head, uint32_t i)
{
    uint64_t key = vm_memory_key(m, va, asid);
    struct vm_pte pte = m->c.scheme->get(m->scheme, asid, va);
    if (pte.state == VM_PTE_EMPTY) {
        vm_contents_zero(m, head + i);
        return;
    }
    vm_contents_copy(m, head + i, pte.pfn);
    m->bits[head] |= m->bits[pte.pfn] & (VM_FRAME_REFERENCED | VM_FRAME_DIRTY);
    m->bits[head] |= m->frame[pte.pfn].home ? VM_FRAME_DIRTY : 0;
    m->bits[head + i] |= VM_FRAME_TOUCHED;
    m->c.scheme->set(m->scheme, asid, va, (struct vm_pte){.state = VM_PTE_EMPTY});
    m->c.shootdown(m->c.host, key);
    vm_frame_unmap(m, pte.pfn, key);
    m->c.counts->huge_copies++;
}

/* False: m->out. */
static bool collapse(struct vm_memory *m, vm_asid asid, const struct vm_vma *v, vm_va va)
{
    vm_pfn head = vm_huge_take(m);
    if (head == VM_NOFRAME)
        return true;
    for (uint32_t i = 0; i < m->huge.npages; i++)
        move_page(m, asid, va + ((vm_va)i << m->c.page_shift), head, i);
    m->space[asid].resident += m->huge.npages;
    m->nresident += m->huge.npages;
    m->c.counts->page_copies += m->huge.npages;
    m->c.counts->promotions++;
    return vm_huge_make(m, asid, v, va, head);
}

bool vm_collapse_region(struct vm_memory *m, vm_asid asid, const struct vm_vma *v, vm_va va)
{
    return !region_is_fit(m, asid, va, m->huge.npages - 1) || collapse(m, asid, v, va);
}

/* ---- from region to region ---- */

static vm_va region_bytes(const struct vm_memory *m)
{
    return UINT64_C(1) << (m->c.page_shift + m->huge.order);
}

/* The first region of `v` at or after `va` that may be huge and has a page; false: none. */
static bool next_in_vma(const struct vm_memory *m, vm_asid asid, const struct vm_vma *v, vm_va va,
                        vm_va *region)
{
    for (va = va > v->start ? va : v->start; va < v->end; va = *region + region_bytes(m)) {
        va = m->c.scheme->next(m->scheme, asid, va, v->end);
        *region = vm_huge_start(m, va);
        if (va < v->end && vm_huge_may(m, v, va))
            return true;
        if (v->end - *region <= region_bytes(m)) /* the next one is beyond the VMA */
            return false;
    }
    return false;
}

/* The first such region of the address space at or after `va`, and its VMA; NULL: none. */
static const struct vm_vma *next_in_space(const struct vm_memory *m, vm_asid asid, vm_va va,
                                          vm_va *region)
{
    const struct vm_space *s = &m->space[asid];
    for (size_t i = 0; s->open && i < s->nvmas; i++)
        if (s->vma[i].end > va && next_in_vma(m, asid, &s->vma[i], va, region))
            return &s->vma[i];
    return NULL;
}

/* The region where the scan goes on, and its VMA; NULL: no address space has one. */
static const struct vm_vma *next_region(struct vm_memory *m, vm_va *region)
{
    struct vm_huge *h = &m->huge;
    for (unsigned spaces = 0; spaces <= VM_ASID_MAX + 1; spaces++) {
        const struct vm_vma *v = next_in_space(m, h->scan_asid, h->scan_va, region);
        if (v) {
            h->scan_va = *region + region_bytes(m);
            return v;
        }
        h->scan_asid = h->scan_asid == VM_ASID_MAX ? 0 : h->scan_asid + 1;
        h->scan_va = 0;
    }
    return NULL;
}

bool vm_memory_scan(struct vm_memory *m, struct vm_error *e)
{
    if (m->c.huge.pages != VM_HUGE_COLLAPSE)
        return true;
    for (uint64_t seen = 0; seen < m->c.huge.scan_pages; seen += m->huge.npages) {
        vm_va va;
        const struct vm_vma *v = next_region(m, &va);
        if (!v)
            return true;
        if (region_is_fit(m, m->huge.scan_asid, va, m->c.huge.empty_max) &&
            !collapse(m, m->huge.scan_asid, v, va)) {
            *e = m->out;
            return false;
        }
    }
    return true;
}
