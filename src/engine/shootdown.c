/* shootdown.c - what must leave the TLBs and caches when mappings change, frames are emptied, or
 * the address space is switched; and which processors have to hear of it.
 *
 * A processor removes from its own TLBs alone. So the kernel, which works on the current one,
 * interrupts each other one that may have the translation (an interprocessor interrupt, IPI) and
 * waits until it has removed it. Which these are it knows as Linux's mm_cpumask does: a processor
 * may have translations of a space from when it runs it first; where TLBs are flushed at a switch,
 * only as long as it does; after the whole space was shot down, none that does not run it. What the
 * kernel does at once, an event or a fault, interrupts a processor once: the pages are gathered.
 *
 * Black, Rashid, Golub, Hill & Baron, "Translation lookaside buffer consistency: a software
 * approach", ASPLOS 1989; Linux, arch/riscv/mm/context.c (set_mm), tlbflush.c.
 */
#include "base/assert.h"
#include "engine/machine.h"

/* To look for one page in every TLB costs as much as looking at so many entries. */
#define LOOKS_A_PAGE 8

/* The tag under which the TLBs would hold this page: UINT64_MAX (none) if its space is not current
 * and the TLBs were flushed when it ceased to be. */
static uint64_t tag_of_key(const struct vm_engine *m, const struct processor *p, uint64_t page_key)
{
    if (m->config.tlb_tags == VM_TLB_TAGS_ASID)
        return page_key;
    return (page_key & 0xfff) == p->asid ? page_key & ~UINT64_C(0xfff) : VM_TLB_EMPTY;
}

/* Remove the page, of whatever order, from one TLB. */
static bool remove_page(const struct vm_engine *m, struct vm_tlb *t, size_t i, uint64_t tag)
{
    bool removed = false;
    if (tag == VM_TLB_EMPTY)
        return false;
    for (uint64_t orders = m->orders[i] & m->orders_seen; orders; orders &= orders - 1) {
        unsigned order = (unsigned)__builtin_ctzll(orders);
        removed |= vm_tlb_invalidate(t, vm_tlb_tag(tag, order), order);
    }
    return removed;
}

/* ---- who has to hear of it ---- */

static uint64_t bit_of(const struct vm_engine *m, const struct processor *p)
{
    return UINT64_C(1) << (p - m->processor);
}

static uint64_t bits_of_all(const struct vm_engine *m)
{
    VM_ASSERT(m->nprocessors >= 1);
    return UINT64_MAX >> (VM_CPUS_MAX - m->nprocessors);
}

static uint64_t running(const struct vm_engine *m, vm_asid asid)
{
    uint64_t set = 0;
    for (uint32_t n = 0; n < m->nprocessors; n++)
        set |= (uint64_t)(m->processor[n].asid == asid) << n;
    return set;
}

/* Processors that may have translations of the space. */
static uint64_t holders(const struct vm_engine *m, vm_asid asid)
{
    if (asid > VM_ASID_MAX) /* the kernel's pages are everybody's */
        return bits_of_all(m);
    return m->config.tlb_tags == VM_TLB_TAGS_ASID ? m->ran[asid] : running(m, asid);
}

void vm_mmu_kernel_begins(struct vm_engine *m)
{
    m->interrupted = 0;
}

/* All but the current one and those that this work of the kernel's has interrupted already. */
static void interrupt_holders(struct vm_engine *m, vm_asid asid)
{
    if (m->nprocessors == 1)
        return;
    uint64_t set = holders(m, asid) & ~m->interrupted & ~bit_of(m, m->cpu);
    m->interrupted |= set;
    for (; set; set &= set - 1) {
        m->processor[__builtin_ctzll(set)].ipis++;
        m->counts.ipis++;
    }
}

/* ---- pages and spaces ---- */

static bool remove_from(const struct vm_engine *m, struct processor *p, uint64_t page_key)
{
    uint64_t tag = tag_of_key(m, p, page_key);
    bool removed = false;
    for (size_t i = 0; i < m->ntlbs; i++) {
        removed |= remove_page(m, &p->tlb[i], i, tag);
        removed |= p->tlb[i].nglobal && remove_page(m, &p->tlb[i], i, vm_tlb_global(page_key));
    }
    return removed;
}

/* The page was in a TLB, and is in none now. */
static bool remove_from_all(struct vm_engine *m, uint64_t page_key)
{
    bool removed = false;
    for (uint32_t n = 0; n < m->nprocessors; n++)
        removed |= remove_from(m, &m->processor[n], page_key);
    m->counts.shootdowns += removed;
    return removed;
}

void vm_mmu_shootdown(void *engine, uint64_t page_key)
{
    struct vm_engine *m = engine;
    bool removed = remove_from_all(m, page_key);
    interrupt_holders(m, vm_key_asid(page_key));
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
        n += (uint64_t)(m->cpu->tlb[i].set_mask + 1) * m->cpu->tlb[i].ways;
    return n * m->nprocessors;
}

/* Mark, of the n pages from `page_key` on, each that is the first of a page which the TLB has. */
static void mark_found(const struct vm_tlb *t, uint64_t tag, uint64_t page_key, uint32_t n,
                       uint64_t *marked)
{
    uint64_t own = tag & 0xfff, first = page_key >> 12;
    for (uint64_t way = 0, end = (uint64_t)(t->set_mask + 1) * t->ways; way < end; way++) {
        uint64_t its = t->tag[way];
        if (its == VM_TLB_EMPTY || ((its & 0xfff) != own && (its & 0xfff) != VM_TLB_GLOBAL))
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
    for (const struct processor *p = m->processor; p < m->processor + m->nprocessors; p++)
        for (size_t i = 0; i < m->ntlbs; i++)
            mark_found(&p->tlb[i], tag_of_key(m, p, page_key), page_key, n, marked);
    remove_marked(m, page_key, marked);
    interrupt_holders(m, vm_key_asid(page_key));
    vm_walk_caches_forget(m, vm_key_asid(page_key), va, va + ((vm_va)n << m->page_shift));
    vm_mmu_cool(m);
    if (m->programs)
        m->programs->forget(m->programs->host, page_key, n);
}

/* ---- whole spaces ---- */

static void shoot_space(const struct vm_engine *m, const struct processor *p, struct vm_tlb *t,
                        vm_asid asid)
{
    if (m->config.tlb_tags == VM_TLB_TAGS_ASID)
        vm_tlb_invalidate_space(t, asid);
    else if (asid == p->asid)
        vm_tlb_flush(t);
}

static void remove_space_from(const struct vm_engine *m, struct processor *p, vm_asid asid)
{
    for (size_t i = 0; i < m->ntlbs; i++)
        shoot_space(m, p, &p->tlb[i], asid);
    for (size_t i = 0; i < m->walk_cache_plan.n; i++)
        shoot_space(m, p, &p->walk_cache[i], asid);
}

void vm_mmu_shootdown_space(void *engine, vm_asid asid)
{
    struct vm_engine *m = engine;
    for (uint32_t n = 0; n < m->nprocessors; n++)
        remove_space_from(m, &m->processor[n], asid);
    interrupt_holders(m, asid);
    m->ran[asid] = running(m, asid);
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
    vm_data_flush_frames(m, (vm_pa)first << m->page_shift, (uint64_t)n << m->page_shift);
}

static void flush_all(struct vm_engine *m)
{
    for (size_t i = 0; i < m->ntlbs; i++)
        vm_tlb_flush(&m->cpu->tlb[i]);
    for (size_t i = 0; i < m->walk_cache_plan.n; i++)
        vm_tlb_flush(&m->cpu->walk_cache[i]);
    if (m->ntlbs == 0)
        return;
    m->counts.tlb_flushes++;
    TELL(m, .kind = VM_TAP_FLUSH, .flush = {VM_FLUSH_SWITCH, m->cpu->asid});
}

/* The policy's clock of that process goes on. */
static void touches_are_of(struct vm_engine *m, vm_asid asid)
{
    m->spent[m->clock.running] += m->clock.touches - m->clock.since;
    m->clock.running = asid;
    m->clock.since = m->clock.touches;
    vm_mmu_settle(m);
    uint64_t after = m->policy->switched(m->policy_state);
    if (after)
        m->tick_next = m->clock.touches + after;
}

void vm_mmu_switch(struct vm_engine *m, vm_asid asid)
{
    if (asid == m->cpu->asid)
        return;
    m->counts.switches++;
    vm_caches_switch(&m->cpu->caches);
    if (m->config.tlb_tags == VM_TLB_TAGS_FLUSH)
        flush_all(m);
    m->cpu->asid = asid;
    m->cpu->tag_asid = m->config.tlb_tags == VM_TLB_TAGS_ASID ? asid : 0;
    m->cpu->predictor.nknown = 0; /* no distance leads from one space to another */
    m->ran[asid] |= bit_of(m, m->cpu);
    touches_are_of(m, asid);
}

uint32_t vm_engine_processors(const struct vm_engine *m)
{
    return m->nprocessors;
}

void vm_engine_processor(struct vm_engine *m, uint32_t n)
{
    VM_ASSERT(n < m->nprocessors);
    if (m->cpu == &m->processor[n])
        return;
    vm_mmu_settle(m);
    m->last_touch = NO_TOUCH;
    vm_walk_window_close(m);
    m->cpu = &m->processor[n];
    vm_memory_processor(m->memory, n);
    if (m->cpu->asid != m->clock.running)
        touches_are_of(m, m->cpu->asid);
}

uint64_t vm_engine_ipis(const struct vm_engine *m, uint32_t n)
{
    VM_ASSERT(n < m->nprocessors);
    return m->processor[n].ipis;
}
