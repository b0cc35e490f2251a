/* shootdown.c - what must leave the TLBs and caches when mappings change or the address space is
 * switched. */
#include "engine/machine.h"

/* The tag under which the TLBs would hold this page: UINT64_MAX (none) if its space is not current
 * and the TLBs were flushed when it ceased to be. */
static uint64_t tag_of_key(const struct vm_engine *m, uint64_t page_key)
{
    if (m->config.tlb_tags == VM_TLB_TAGS_ASID)
        return page_key;
    return (page_key & 0xfff) == m->asid ? page_key & ~UINT64_C(0xfff) : VM_TLB_EMPTY;
}

void vm_mmu_shootdown(void *engine, uint64_t page_key)
{
    struct vm_engine *m = engine;
    uint64_t tag = tag_of_key(m, page_key), global = (page_key & ~UINT64_C(0xfff)) | VM_TLB_GLOBAL;
    bool removed = false;
    for (size_t i = 0; i < m->plan.n; i++) {
        removed |= tag != VM_TLB_EMPTY && vm_tlb_invalidate(&m->tlb[i], tag);
        removed |= m->tlb[i].nglobal && vm_tlb_invalidate(&m->tlb[i], global);
    }
    m->counts.shootdowns += removed;
    vm_mmu_cool(m);
    TELL(m, .kind = VM_TAP_SHOOTDOWN, .shootdown = {page_key, removed});
}

void vm_mmu_shootdown_space(void *engine, vm_asid asid)
{
    struct vm_engine *m = engine;
    for (size_t i = 0; i < m->plan.n; i++) {
        if (m->config.tlb_tags == VM_TLB_TAGS_ASID)
            vm_tlb_invalidate_space(&m->tlb[i], asid);
        else if (asid == m->asid)
            vm_tlb_flush(&m->tlb[i]);
    }
    vm_mmu_cool(m);
    TELL(m, .kind = VM_TAP_FLUSH, .flush = {VM_FLUSH_SPACE, asid});
}

void vm_mmu_left(void *engine, const struct vm_leaving *leaving)
{
    struct vm_engine *m = engine;
    TELL(m, .kind = VM_TAP_LEAVING, .leaving = leaving);
    vm_data_left(m, leaving->pfn, 1);
}

void vm_mmu_tables_left(void *engine, vm_pfn first, uint32_t n)
{
    struct vm_engine *m = engine;
    TELL(m, .kind = VM_TAP_TABLES, .tables = {first, n});
    vm_data_left(m, first, n);
}

void vm_mmu_switch(struct vm_engine *m, vm_asid asid)
{
    if (asid == m->asid)
        return;
    m->counts.switches++;
    vm_caches_switch(&m->caches);
    if (m->config.tlb_tags == VM_TLB_TAGS_FLUSH && m->plan.n) {
        m->counts.tlb_flushes++;
        for (size_t i = 0; i < m->plan.n; i++)
            vm_tlb_flush(&m->tlb[i]);
        TELL(m, .kind = VM_TAP_FLUSH, .flush = {VM_FLUSH_SWITCH, m->asid});
    }
    m->asid = asid;
    m->tag_asid = m->config.tlb_tags == VM_TLB_TAGS_ASID ? asid : 0;
}
