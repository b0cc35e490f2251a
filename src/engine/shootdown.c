/* shootdown.c - what must leave the TLBs and caches when mappings change, frames are emptied, or
 * the address space is switched. */
#include "base/assert.h"
#include "engine/machine.h"

/* To look for one page in every TLB costs as much as looking at so many entries. */
#define LOOKS_A_PAGE 8

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

/* The page was in a TLB, and is in none now. */
static bool remove_from_all(struct vm_engine *m, uint64_t page_key)
{
    uint64_t tag = tag_of_key(m, page_key);
    bool removed = false;
    for (size_t i = 0; i < m->ntlbs; i++) {
        removed |= remove_page(m, i, tag);
        removed |= m->tlb[i].nglobal && remove_page(m, i, vm_tlb_global(page_key));
    }
    m->counts.shootdowns += removed;
    return removed;
}

void vm_mmu_shootdown(void *engine, uint64_t page_key)
{
    struct vm_engine *m = engine;
    bool removed = remove_from_all(m, page_key);
    vm_va va = vm_key_va(page_key, m->page_shift);
    vm_walk_caches_forget(m, vm_key_asid(page_key), va, va + 1);
    vm_mmu_cool(m);
    if (m->programs)
        m->programs->forget(m->programs->host, page_key, 1);
    TELL(m, .kind = VM_TAP_SHOOTDOWN, .shootdown = {page_key, removed});
}

/* ---- many pages at once ---- */

/* Entries of all TLBs. */
static uint64_t count_entries(const struct vm_engine *m)
{
    uint64_t n = 0;
    for (size_t i = 0; i < m->ntlbs; i++)
        n += (uint64_t)(m->tlb[i].set_mask + 1) * m->tlb[i].ways;
    return n;
}

/* Mark, of the n pages from `page_key` on, each that is the first of a page which the TLB has. */
static void mark_found(const struct vm_engine *m, const struct vm_tlb *t, uint64_t page_key,
                       uint32_t n, uint64_t *marked)
{
    uint64_t own = tag_of_key(m, page_key) & 0xfff, first = page_key >> 12;
    for (uint64_t way = 0, end = (uint64_t)(t->set_mask + 1) * t->ways; way < end; way++) {
        uint64_t tag = t->tag[way];
        if (tag == VM_TLB_EMPTY || ((tag & 0xfff) != own && (tag & 0xfff) != VM_TLB_GLOBAL))
            continue;
        uint64_t i = vm_tlb_first_in(t, way, first, n);
        if (i < n)
            marked[i / 64] |= UINT64_C(1) << i % 64;
    }
}

/* As one after the other: an entry leaves with the first page that it is for, so that no page which
 * is not marked would find one. */
static void remove_marked(struct vm_engine *m, uint64_t page_key, const uint64_t *marked)
{
    for (uint64_t word = 0; word < VM_STRIP_MAX / 64; word++)
        for (uint64_t left = marked[word]; left; left &= left - 1)
            remove_from_all(m, page_key + ((word * 64 + (unsigned)__builtin_ctzll(left)) << 12));
}

void vm_mmu_shootdown_pages(void *engine, uint64_t page_key, uint32_t n)
{
    struct vm_engine *m = engine;
    vm_va va = vm_key_va(page_key, m->page_shift);
    uint64_t marked[VM_STRIP_MAX / 64] = {0};
    bool few = n == 1 || n * LOOKS_A_PAGE < count_entries(m);
    if (few || m->tap) { /* which is told of each */
        for (uint32_t i = 0; i < n; i++)
            vm_mmu_shootdown(engine, page_key + ((uint64_t)i << 12));
        return;
    }
    VM_ASSERT(n <= VM_STRIP_MAX);
    for (size_t i = 0; i < m->ntlbs; i++)
        mark_found(m, &m->tlb[i], page_key, n, marked);
    remove_marked(m, page_key, marked);
    vm_walk_caches_forget(m, vm_key_asid(page_key), va, va + ((vm_va)n << m->page_shift));
    vm_mmu_cool(m);
    if (m->programs)
        m->programs->forget(m->programs->host, page_key, n);
}

/* ---- whole spaces ---- */

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
    if (m->programs)
        m->programs->forget_space(m->programs->host, asid);
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
