/* shootdown.c - what must leave the TLBs and caches when mappings change, frames are emptied, or
 * the address space is switched. */
#include "engine/machine.h"

/* The tag under which the TLBs would hold this page: UINT64_MAX (none) if its space is not current
 * and the TLBs were flushed when it ceased to be. */
static uint64_t tag_of_key(const struct vm_engine *m, uint64_t page_key)
{
    if (m->config.tlb_tags == VM_TLB_TAGS_ASID)
        return page_key;
    return (page_key & 0xfff) == m->asid ? page_key & ~UINT64_C(0xfff) : VM_TLB_EMPTY;
}

/* Remove the page, of whatever order, from one TLB. */
static bool remove_page(struct vm_engine *m, size_t i, uint64_t tag)
{
    bool removed = false;
    if (tag == VM_TLB_EMPTY)
        return false;
    for (uint64_t orders = m->orders[i] & m->orders_seen; orders; orders &= orders - 1) {
        unsigned order = (unsigned)__builtin_ctzll(orders);
        removed |= vm_tlb_invalidate(&m->tlb[i], vm_tlb_tag(tag, order), order);
    }
    return removed;
}

void vm_mmu_shootdown(void *engine, uint64_t page_key)
{
    struct vm_engine *m = engine;
    uint64_t tag = tag_of_key(m, page_key);
    bool removed = false;
    for (size_t i = 0; i < m->ntlbs; i++) {
        removed |= remove_page(m, i, tag);
        removed |= m->tlb[i].nglobal && remove_page(m, i, vm_tlb_global(page_key));
    }
    m->counts.shootdowns += removed;
    vm_va va = vm_key_va(page_key, m->page_shift);
    vm_walk_caches_forget(m, vm_key_asid(page_key), va, va + 1);
    vm_mmu_cool(m);
    TELL(m, .kind = VM_TAP_SHOOTDOWN, .shootdown = {page_key, removed});
}

static void shoot_space(const struct vm_engine *m, struct vm_tlb *t, vm_asid asid)
{
    if (m->config.tlb_tags == VM_TLB_TAGS_ASID)
        vm_tlb_invalidate_space(t, asid);
    else if (asid == m->asid)
        vm_tlb_flush(t);
}

void vm_mmu_shootdown_space(void *engine, vm_asid asid)
{
    struct vm_engine *m = engine;
    for (size_t i = 0; i < m->ntlbs; i++)
        shoot_space(m, &m->tlb[i], asid);
    for (size_t i = 0; i < m->walk_cache_plan.n; i++)
        shoot_space(m, &m->walk_cache[i], asid);
    vm_mmu_cool(m);
    TELL(m, .kind = VM_TAP_FLUSH, .flush = {VM_FLUSH_SPACE, asid});
}

void vm_mmu_joined(void *engine, vm_pfn unit, uint64_t key)
{
    struct vm_engine *m = engine;
    TELL(m, .kind = VM_TAP_JOINED, .joined = {unit, key});
}

void vm_mmu_parted(void *engine, vm_pfn unit)
{
    struct vm_engine *m = engine;
    TELL(m, .kind = VM_TAP_PARTED, .parted = unit);
}

void vm_mmu_left(void *engine, const struct vm_leaving *leaving)
{
    struct vm_engine *m = engine;
    TELL(m, .kind = VM_TAP_LEAVING, .leaving = leaving);
}

void vm_mmu_cleaned(void *engine, vm_pfn pfn, uint64_t key, vm_slot slot)
{
    struct vm_engine *m = engine;
    TELL(m, .kind = VM_TAP_CLEANED, .cleaned = {pfn, key, slot});
}

void vm_mmu_wished(void *engine, const struct vm_fault *f, vm_slot slot,
                   const struct vm_readahead_wish *wish)
{
    struct vm_engine *m = engine;
    TELL(m, .kind = VM_TAP_WISHED, .wished = {f, slot, wish});
}

void vm_mmu_came_ahead(void *engine, vm_pfn pfn, uint64_t key, vm_slot slot)
{
    struct vm_engine *m = engine;
    TELL(m, .kind = VM_TAP_AHEAD, .ahead = {pfn, key, slot});
}

void vm_mmu_emptied(void *engine, vm_pfn first, uint32_t n)
{
    struct vm_engine *m = engine;
    TELL(m, .kind = VM_TAP_EMPTIED, .emptied = {first, n});
    vm_caches_flush_frames(&m->caches, (vm_pa)first << m->page_shift, (uint64_t)n << m->page_shift);
}

static void flush_all(struct vm_engine *m)
{
    for (size_t i = 0; i < m->ntlbs; i++)
        vm_tlb_flush(&m->tlb[i]);
    for (size_t i = 0; i < m->walk_cache_plan.n; i++)
        vm_tlb_flush(&m->walk_cache[i]);
    if (m->ntlbs == 0)
        return;
    m->counts.tlb_flushes++;
    TELL(m, .kind = VM_TAP_FLUSH, .flush = {VM_FLUSH_SWITCH, m->asid});
}

void vm_mmu_switch(struct vm_engine *m, vm_asid asid)
{
    if (asid == m->asid)
        return;
    m->counts.switches++;
    vm_caches_switch(&m->caches);
    if (m->config.tlb_tags == VM_TLB_TAGS_FLUSH)
        flush_all(m);
    m->asid = asid;
    m->spent[m->clock.running] += m->clock.touches - m->clock.since;
    m->clock.running = asid;
    m->clock.since = m->clock.touches;
    vm_mmu_settle(m);
    uint64_t after = m->policy->switched(m->policy_state);
    if (after)
        m->tick_next = m->clock.touches + after;
    m->tag_asid = m->config.tlb_tags == VM_TLB_TAGS_ASID ? asid : 0;
    m->predictor.nknown = 0; /* no distance leads from one space to another */
}
