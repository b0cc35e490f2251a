/* huge.c - the configuration's huge pages: whether the machine's parts can have them, and in orders
 * and base pages what it gives in bytes and parts of 1. What they are is space/'s.
 */
#include "base/bits.h"
#include "engine/machine.h"
#include "engine/parts.h"

/* A policy that reads the future is told it of base pages; which of them are one page by then
 * nobody knows before. */
bool vm_huge_parts(const struct vm_config *c, const struct vm_parts *p, struct vm_error *e)
{
    if (c->huge_pages == VM_HUGE_NEVER)
        return true;
    if (p->policy->future == VM_FUTURE_NEEDED)
        return vm_fail(e, VM_EMACHINE,
                       "policy %s reads the future, in base pages: expected another one with huge "
                       "pages",
                       p->policy->name);
    if (p->scheme->unit == VM_UNIT_SEGMENT)
        return vm_fail(e, VM_EMACHINE,
                       "scheme %s has segments: expected one of pages with huge "
                       "pages",
                       p->scheme->name);
    if (c->huge_scan_touches == 0)
        return vm_fail(e, VM_EMACHINE, "a collapse scan every 0 touches: expected at least 1");
    if (c->huge_empty > 1)
        return vm_fail(e, VM_EMACHINE, "%g of a huge page may be absent: expected at most 1",
                       c->huge_empty);
    return true;
}

/* The order of huge pages. 2^30 base pages are more than any memory has. */
static bool find_order(const struct vm_engine *m, uint64_t orders, unsigned *order,
                       struct vm_error *e)
{
    char sizes[128];
    uint64_t larger = orders >> 1 << 1 & vm_low_bits(31), bytes = m->config.huge_bytes;
    *order = bytes ? vm_log2(bytes) - m->page_shift : 0;
    if (vm_is_pow2(bytes) && bytes > m->config.page_bytes && *order <= 30 && larger >> *order & 1)
        return true;
    if (larger == 0)
        return vm_fail(e, VM_EMACHINE, "huge pages: scheme %s has no pages larger than %llu bytes",
                       m->scheme->name, (unsigned long long)m->config.page_bytes);
    return vm_fail(e, VM_EMACHINE,
                   "huge pages of %llu bytes: expected one of %s, the larger pages of scheme %s",
                   (unsigned long long)bytes,
                   vm_page_sizes_text(larger << m->page_shift, sizes, sizeof sizes),
                   m->scheme->name);
}

bool vm_huge_plan(struct vm_engine *m, uint64_t orders, struct vm_huge_config *out,
                  struct vm_error *e)
{
    const struct vm_config *c = &m->config;
    *out = (struct vm_huge_config){.pages = (enum vm_huge_pages)c->huge_pages};
    m->scan_next = UINT64_MAX;
    if (out->pages == VM_HUGE_NEVER)
        return true;
    if (!find_order(m, orders, &out->order, e))
        return false;
    uint64_t npages = UINT64_C(1) << out->order,
             absent = (uint64_t)(c->huge_empty * (double)npages);
    uint64_t scan_pages = c->huge_scan_pages ? c->huge_scan_pages : 8 * npages;
    out->empty_max = (uint32_t)(absent < npages ? absent : npages - 1);
    out->scan_pages = (uint32_t)(scan_pages < UINT32_MAX ? scan_pages : UINT32_MAX);
    if (out->pages == VM_HUGE_COLLAPSE)
        m->scan_every = m->scan_next = c->huge_scan_touches;
    return true;
}
