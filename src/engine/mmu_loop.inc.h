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
    uint64_t first = (tag >> 12 & t->set_mask) * t->ways, i = first; /* first[] are plain */
    while (t->tag[i] != tag)
        if (++i == first + t->ways)
            return touch_miss(m, va, tag, access, at);
    uint64_t value = t->value[i];
    if ((value & (hit_needs[access] | VM_TLB_ORDER_MASK)) != hit_needs[access])
        return touch_miss(m, va, tag, access, at); /* not all that it needs; or a large page's */
    if (i != first || t->replace == VM_TLB_PLRU)
        vm_tlb_use_in_set(t, first, i);
    m->bits[vm_tlb_pfn(value)] |= m->marks[access];
    heat(m, p, t, tag, value, vm_tlb_pfn(value));
    REPORT(m, vm_tlb_pfn(value), access);
    if (CACHES) {
        m->place = (vm_pa)vm_tlb_pfn(value) << m->page_shift;
        heat_place(m, p, t, tag, m->place);
    }
    return true;
}

uint32_t SEGMENT(struct vm_engine *m, const vm_va *va, const uint16_t *meta, uint32_t n)
{
    const struct processor *const p = m->cpu;
    const uint64_t asid = p->tag_asid;
    const uint32_t hot_mask = m->hot_mask;
    const unsigned shift = m->page_shift;
    uint32_t i = 0;
    while (i < n) {
        enum vm_access access = vm_ref_access(meta[i]);
        uint64_t page = va[i] >> shift, last = (va[i] + vm_ref_bytes(meta[i]) - 1) >> shift;
        uint64_t tag = page << 12 | asid;
        uint32_t slot = (uint32_t)page & hot_mask;
        i++;
        if (__builtin_expect(((tag ^ p->hot[access][slot]) | (page ^ last)) == 0, 1)) {
            REPORT(m, p->hot_unit[access][slot], access);
            if (CACHES)
                access_data(m, &p->caches, va[i - 1], meta[i - 1], p->hot_pa[access][slot]);
            continue;
        }
        if (page != last) {
            touch_crossing(m, va[i - 1], meta[i - 1], SEGMENT_(touch), i);
            break;
        }
        bool on = SEGMENT_(touch)(m, va[i - 1], tag, access, i);
        if (CACHES && !m->failed)
            access_place(m, va[i - 1], meta[i - 1]);
        if (!on)
            break;
    }
    return i;
}

#undef SEGMENT
#undef SEGMENT_
#undef REPORT
#undef CACHES
