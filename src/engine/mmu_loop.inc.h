/* mmu_loop.inc.h - the loop over references, stamped for each way a policy is told of touches, with
 * caches and without.
 *
 * Define before including: SEGMENT (the function's name), REPORT(m, pfn, access) (how a touch of a
 * frame is noted for the policy) and CACHES (a constant: whether a touch goes on to the caches).
 * The includer provides touch_miss, touch_crossing and access_data, access_place.
 *
 * The scheme does not stamp this loop: it is reached only by a walk, and on the shipped traces
 * fewer than one touch in 200 walks (docs/decisions/0002).
 */

/* One touch of the page with this tag, number `at` of its segment. False: the machine failed, or
 * the process must wait: the segment ends. */
static inline bool __attribute__((always_inline))
SEGMENT_(touch)(struct vm_engine *m, vm_va va, uint64_t tag, enum vm_access access, uint32_t at)
{
    struct processor *const p = m->cpu;
    struct vm_tlb *t = p->first[access];
    uint64_t i = (tag >> 12 & t->set_mask) * t->ways, end = i + t->ways; /* first[] are plain */
    while (t->tag[i] != tag)
        if (++i == end)
            return touch_miss(m, va, tag, access, at);
    uint64_t value = t->value[i];
    if ((value & (hit_needs[access] | VM_TLB_ORDER_MASK)) != hit_needs[access])
        return touch_miss(m, va, tag, access, at); /* not all that it needs; or a large page's */
    vm_tlb_use(t, i);
    m->bits[vm_tlb_pfn(value)] |= m->marks[access];
    heat(m, p, t, tag, value, vm_tlb_pfn(value), access);
    REPORT(m, vm_tlb_pfn(value), access);
    if (CACHES) {
        m->place = (vm_pa)vm_tlb_pfn(value) << m->page_shift;
        heat_place(m, p, tag, m->place, access);
    }
    return true;
}

/* References [i, ...) as long as their pages are hot: answers the first that is not, or n. A page
 * has 2^shift bytes; `*now` is the latest stamp. */
static inline uint32_t __attribute__((always_inline))
SEGMENT_(hot)(struct vm_engine *m, const vm_va *va, const uint16_t *meta, uint32_t i, uint32_t n,
              unsigned shift, uint64_t *now)
{
    const struct processor *const p = m->cpu;
    const vm_va page_mask = -(vm_va)1 << shift;
    const uint32_t hot_mask = m->hot_mask;
    uint64_t stamp = *now;
    for (; i < n; i++) {
        vm_va last = va[i] + vm_ref_bytes(meta[i]) - 1;
        enum vm_access access = vm_ref_access(meta[i]);
        const struct hot_page *h = &p->hot[access][hot_index(va[i] >> shift, hot_mask)];
        if (__builtin_expect(((va[i] & page_mask) ^ h->page) | ((last & page_mask) ^ h->page), 0))
            break;
        *h->stamp = ++stamp;
        REPORT(m, h->unit, access);
        if (CACHES)
            access_data(m, &p->caches, va[i], meta[i], h->pa);
    }
    *now = stamp;
    return i;
}

uint32_t SEGMENT(struct vm_engine *m, const vm_va *va, const uint16_t *meta, uint32_t n)
{
    const struct processor *const p = m->cpu;
    const unsigned shift = m->page_shift;
    for (uint32_t i = 0;;) {
        uint64_t now = stamps_take(p);
        i = shift == USUAL_SHIFT ? SEGMENT_(hot)(m, va, meta, i, n, USUAL_SHIFT, &now)
                                 : SEGMENT_(hot)(m, va, meta, i, n, shift, &now);
        stamps_give(p, now);
        if (i == n)
            return n;
        uint64_t page = va[i] >> shift, last = (va[i] + vm_ref_bytes(meta[i]) - 1) >> shift;
        if (page != last) {
            touch_crossing(m, va[i], meta[i], SEGMENT_(touch), i + 1);
            return i + 1;
        }
        bool on =
            SEGMENT_(touch)(m, va[i], page << 12 | p->tag_asid, vm_ref_access(meta[i]), i + 1);
        if (CACHES && !m->failed)
            access_place(m, va[i], meta[i]);
        i++;
        if (!on)
            return i;
    }
}

#undef SEGMENT
#undef SEGMENT_
#undef REPORT
#undef CACHES
