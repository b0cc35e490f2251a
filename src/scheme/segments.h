/* segments.h - what every scheme of segments does with a base and a bound.
 *
 * A segment lies at the start of its span and grows up, or at its end and grows down:
 *
 *      span   | 0 | 1 | 2 | ....... |         span   | ....... | n-2 | n-1 |
 *             |<- pages ->|                                     |<- pages ->|
 *      frame   pfn                                               pfn
 */
#ifndef SCHEME_SEGMENTS_H
#define SCHEME_SEGMENTS_H

#include "base/bits.h"
#include "scheme/walk.h"

static inline uint32_t span_pages(const struct vm_span *span, unsigned shift)
{
    return (uint32_t)((span->end - span->start) >> shift);
}

/* The number of va's base page in its span, from the end that the segment lies at. */
static inline uint32_t segment_index(const struct vm_span *span, vm_va va, unsigned shift)
{
    return (uint32_t)((span->grows_down ? span->end - 1 - va : va - span->start) >> shift);
}

/* The addresses of the segment. */
static inline vm_va segment_start(const struct vm_span *span, uint32_t pages, unsigned shift)
{
    return span->grows_down ? span->end - ((vm_va)pages << shift) : span->start;
}
static inline vm_va segment_end(const struct vm_span *span, uint32_t pages, unsigned shift)
{
    return span->grows_down ? span->end : span->start + ((vm_va)pages << shift);
}

/* The page that va is in, as part of its segment. */
static inline struct vm_pte segment_pte(const struct vm_span *span, const struct vm_segment *g,
                                        vm_va va, unsigned shift)
{
    uint32_t i = segment_index(span, va, shift);
    if (g->state == VM_PTE_EMPTY || i >= g->pages)
        return (struct vm_pte){.state = VM_PTE_EMPTY};
    if (g->state == VM_PTE_SWAPPED)
        return (struct vm_pte){.state = VM_PTE_SWAPPED, .slot = g->slot};
    return (struct vm_pte){.state = VM_PTE_PRESENT,
                           .prot = g->prot,
                           .accessed = g->accessed,
                           .dirty = g->dirty,
                           .pfn = g->pfn + (span->grows_down ? g->pages - 1 - i : i)};
}

/* The first page at or behind va that is the segment's, or the span's end. */
static inline vm_va segment_next(const struct vm_span *span, const struct vm_segment *g, vm_va va,
                                 unsigned shift)
{
    vm_va start = segment_start(span, g->pages, shift), end = segment_end(span, g->pages, shift);
    va = va > start ? va : start;
    return g->state != VM_PTE_EMPTY && va < end ? va : span->end;
}

/* The end of a walk that has found base and bound: fault, or the whole segment as a page of the
 * span's size, of which not all base pages are there. */
static inline void segment_walk(struct vm_walk *out, const struct vm_span *span,
                                const struct vm_segment *g, vm_va va, enum vm_access access,
                                unsigned shift)
{
    uint32_t all = span_pages(span, shift);
    if (g->state != VM_PTE_PRESENT || segment_index(span, va, shift) >= g->pages) {
        out->fault = VM_WALK_ABSENT;
        return;
    }
    out->order = (uint8_t)vm_log2(all);
    out->first = span->grows_down ? all - g->pages : 0;
    out->end = out->first + g->pages;
    out->pfn = g->pfn - out->first; /* of a base page that may not be there: modulo 2^32 */
    out->prot = g->prot;
    out->fault = g->prot & vm_access_needs(access) ? VM_WALK_OK : VM_WALK_DENIED;
}

#endif
