/* mmu.c - one touch of a page: the levels of TLBs, and who must be told. What a touch that no TLB
 * answers does is walk.c's. */
#include "base/assert.h"
#include "engine/machine.h"

#include <string.h>

/* What a level-1 entry must have for a hit to be complete: the right and, for a write, the dirty
 * bit (a first write walks again to set it, as x86-64 does). */
static const uint64_t hit_needs[VM_ACCESSES] = {
    [VM_READ] = VM_PROT_READ,
    [VM_WRITE] = VM_PROT_WRITE | VM_TLB_DIRTY,
    [VM_FETCH] = VM_PROT_FETCH,
};

static void cool_access(struct vm_engine *m, enum vm_access a)
{
    for (uint32_t slot = 0; m->cpu->warm[a] && slot <= m->hot_mask; slot++)
        m->cpu->hot[a][slot].page = HOT_NONE;
    m->cpu->warm[a] = m->cpu->hot_has_large[a] = false;
}

/* Where base page number `page` is, if it is hot. */
static inline struct hot_page *hot_slot(const struct vm_engine *m, struct processor *p,
                                        enum vm_access a, uint64_t page)
{
    return &p->hot[a][hot_index(page, m->hot_mask)];
}

void vm_mmu_cool(struct vm_engine *m)
{
    for (enum vm_access a = 0; a < VM_ACCESSES; a++)
        cool_access(m, a);
    if (m->cpu->large_warm)
        memset(m->cpu->large, 0, sizeof m->cpu->large);
    m->cpu->large_warm = false;
}

/* What a use of the entry that `t` used last would write. */
static inline uint64_t *stamp_of_last(struct processor *p, const struct vm_tlb *t)
{
    return t && t->replace == VM_TLB_LRU ? &t->stamp[t->last] : &p->no_stamp;
}

/* A plru TLB has been used: what its tree says of pages for other accesses is not known any more.
 */
static void __attribute__((noinline))
cool_others(struct vm_engine *m, const struct vm_tlb *t, enum vm_access access)
{
    for (enum vm_access a = 0; a < VM_ACCESSES; a++)
        if (a != access && m->cpu->base1[a] == t)
            cool_access(m, a);
}

/* The base page with this entry was used last in level 1, for such an access: note it if a repeat
 * would change nothing but its stamp. A write is such only if the dirty bit is set: then the
 * frame's is too. */
static inline void heat(struct vm_engine *m, struct processor *p, const struct vm_tlb *t,
                        uint64_t tag, uint64_t value, vm_pfn unit, enum vm_access access)
{
    struct hot_page *h = hot_slot(m, p, access, tag >> 12);
    bool complete = (value & hit_needs[access]) == hit_needs[access];
    if (t && t->replace == VM_TLB_PLRU)
        cool_others(m, t, access);
    p->warm[access] = true;
    h->page = complete ? tag >> 12 << m->page_shift : HOT_NONE;
    h->stamp = stamp_of_last(p, t);
    h->unit = unit;
}

/* And that it begins at `pa`, for the caches. Apart, since most machines have none. */
static inline void heat_place(const struct vm_engine *m, struct processor *p, uint64_t tag,
                              vm_pa pa, enum vm_access access)
{
    hot_slot(m, p, access, tag >> 12)->pa = pa;
}

/* The same for a large page, whose repeat is a touch of any base page of it. */
static void heat_large(struct vm_engine *m, struct vm_tlb *t, uint64_t tag,
                       const struct vm_tlb_entry *e)
{
    unsigned order = vm_tlb_order(e->value);
    const struct vm_tlb_config *c = &m->plan.tlb[t - m->cpu->tlb];
    if (t->replace == VM_TLB_PLRU) {
        cool_others(m, t, VM_ACCESSES);
        return;
    }
    m->cpu->large_warm = true;
    for (enum vm_access a = 0; a < VM_ACCESSES; a++) {
        struct large_pages *l = &m->cpu->large[a];
        if (!vm_tlb_serves(c, a))
            continue;
        if (l->tlb != t || l->order != order)
            *l = (struct large_pages){.tlb = t, .order = order};
        bool complete = (e->value & hit_needs[a]) == hit_needs[a];
        l->slot[tag >> 12 & (LARGE_SLOTS - 1)] =
            (struct large_page){.page = (tag >> 12 << order) + e->first,
                                .n = complete ? e->end - e->first : 0,
                                .stamp = stamp_of_last(m->cpu, t),
                                .pfn = vm_tlb_pfn(e->value) + e->first};
    }
}

/* Base pages of group `tag`: of a pair both. */
static void cool_pages(struct vm_engine *m, const struct vm_tlb *t, enum vm_access a, uint64_t tag)
{
    for (uint64_t half = 0; half <= t->pair_shift; half++) {
        uint64_t page = (tag >> 12) << t->pair_shift | half;
        struct hot_page *h = hot_slot(m, m->cpu, a, page);
        if (h->page == page << m->page_shift)
            h->page = HOT_NONE;
    }
}

/* Of the large page `tag` of `order`, as far as it is known for this access. */
static void cool_large(struct vm_engine *m, const struct vm_tlb *t, enum vm_access a, uint64_t tag,
                       unsigned order)
{
    struct large_pages *l = &m->cpu->large[a];
    if (l->tlb == t && l->order == order)
        l->slot[tag >> 12 & (LARGE_SLOTS - 1)].n = 0;
    if (m->cpu->base1[a] == t && m->cpu->hot_has_large[a])
        cool_access(m, a);
}

void vm_mmu_cool_entry(struct vm_engine *m, const struct vm_tlb *t, uint64_t tag, unsigned order)
{
    for (enum vm_access a = 0; a < VM_ACCESSES; a++)
        if (order > 0)
            cool_large(m, t, a, tag, order);
        else if (m->cpu->base1[a] == t)
            cool_pages(m, t, a, tag);
}

/* No policy knows of pages that are locked. */
static void forget_locked(struct vm_engine *m)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->ntouched; i++)
        if (!(m->bits[m->touched[i]] & VM_FRAME_LOCKED))
            m->touched[kept++] = m->touched[i];
    m->ntouched = kept;
}

void vm_mmu_settle(void *engine)
{
    struct vm_engine *m = engine;
    if (m->ntouched && vm_memory_locked(m->memory))
        forget_locked(m);
    if (m->ntouched)
        m->policy->touch(m->policy_state, m->touched, m->ntouched);
    m->ntouched = 0;
    vm_mmu_cool(m); /* what follows may clear referenced bits */
}

void vm_mmu_tick(struct vm_engine *m)
{
    vm_mmu_settle(m);
    vm_mmu_kernel_begins(m);
    TELL(m, .kind = VM_TAP_TICK);
    m->clock.touches = m->tick_next;
    uint64_t after;
    m->failed |= !vm_memory_tick(m->memory, &after, &m->error);
    m->tick_next = !m->failed && after ? m->tick_next + after : UINT64_MAX;
}

/* ---- a touch that level 1 did not answer ---- */

static inline void report_order(struct vm_engine *m, vm_pfn pfn, enum vm_access access)
{
    uint64_t touch = touch_word(pfn, access);
    if (!is_told(touch, m->last_touch))
        return;
    m->touched[m->ntouched++] = pfn;
    m->last_touch = touch;
}

/* The policy hears of a touch of `pfn` by the loop's REPORT; this is for the paths outside it. */
static void report(struct vm_engine *m, vm_pfn pfn, enum vm_access access)
{
    if (m->policy->touch_kind == VM_TOUCH_EACH)
        m->touched[m->ntouched++] = pfn;
    else if (m->policy->touch_kind == VM_TOUCH_ORDER)
        report_order(m, pfn, access);
}

/* The physical address of va in the page with this entry. */
static vm_pa address_of(const struct vm_engine *m, vm_va va, uint64_t value)
{
    vm_va page = ((vm_va)1 << m->page_shift << vm_tlb_order(value)) - 1;
    return ((vm_pa)vm_tlb_pfn(value) << m->page_shift) + (va & page);
}

/* The entry translates va. */
static void accessed(struct vm_engine *m, vm_va va, uint64_t value)
{
    vm_pa pa = address_of(m, va, value);
    m->place = pa >> m->page_shift << m->page_shift;
    TELL(m, .kind = VM_TAP_ACCESS, .access = {value, pa});
}

/* A touch of a base page that led to m->place. */
static void heat_base(struct vm_engine *m, const struct vm_tlb *t, uint64_t tag, uint64_t value,
                      vm_pfn unit, enum vm_access access)
{
    heat(m, m->cpu, t, tag, value, unit, access);
    heat_place(m, m->cpu, tag, m->place, access);
}

/* Where registers translate, a page is hot for any access that they allow. They have no dirty bit:
 * a first write is news. */
static void heat_registers(struct vm_engine *m, uint64_t tag, uint64_t value, vm_pfn unit,
                           enum vm_access access)
{
    if (!(m->bits[unit] & VM_FRAME_DIRTY))
        value &= ~(uint64_t)VM_TLB_DIRTY;
    heat_base(m, NULL, tag, value, unit, access);
}

/* Of a huge page: this base page of it was used. */
static inline void note_part(struct vm_engine *m, vm_pfn pfn)
{
    if (m->config.huge_pages != VM_HUGE_NEVER && !(m->bits[pfn] & VM_FRAME_TOUCHED))
        vm_memory_note_touched(m->memory, pfn);
}

/* The base page of va, with this tag, was touched; `e` translates the page of `page_tag` around it.
 */
static void touched(struct vm_engine *m, vm_va va, uint64_t tag, uint64_t page_tag,
                    const struct vm_tlb_entry *e, enum vm_access access)
{
    unsigned order = vm_tlb_order(e->value);
    vm_pfn index = (vm_pfn)(tag >> 12 & ((UINT64_C(1) << order) - 1));
    vm_pfn pfn = vm_tlb_pfn(e->value) + index, unit = vm_unit(m, pfn);
    struct vm_tlb *t = m->plan.levels ? vm_levels_holder(m, 0, access, order) : NULL;
    m->bits[unit] |= m->marks[access];
    if (order > 0)
        note_part(m, pfn);
    report(m, unit, access);
    accessed(m, va, e->value);
    if (m->scheme->in_registers)
        heat_registers(m, tag, e->value, unit, access);
    if (t && order == 0)
        heat_base(m, t, page_tag, e->value, unit, access);
    else if (t)
        heat_large(m, t, page_tag, e);
}

/* Both pages of pairs come together, as a refill reads them together. */
static void install_neighbours(struct vm_engine *m, uint64_t tag, unsigned order,
                               enum vm_access access)
{
    struct vm_tlb_entry e;
    uint64_t neighbour = tag ^ UINT64_C(1) << 12;
    for (size_t level = 0; level < m->plan.levels; level++) {
        struct vm_tlb *t = vm_levels_holder(m, level, access, order);
        if (t && t->pair_shift && vm_tlb_find(t, neighbour, order) < 0 &&
            vm_walk_neighbour(m, tag, order, &e))
            vm_levels_fill(m, t, neighbour, e);
    }
}

/* The segment may have more references: neither has the machine failed, nor must the process wait,
 * nor is it watched how long a touch takes that is no hit in level 1. */
static bool goes_on(const struct vm_engine *m)
{
    return !m->failed && !m->cpu->ahead_ns && !m->alarm_ns;
}

/* Walk and make the outcome the entry of every level; `missed` or not, a TLB had the page. */
static bool touch_walk(struct vm_engine *m, vm_va va, uint64_t tag, enum vm_access access,
                       bool missed)
{
    struct vm_walk w;
    enum walked how = vm_mmu_walk(m, va, access, &w);
    m->counts.miss_present += missed && how == WALKED;
    if (how == WALKED_NOWHERE) {
        m->place = NOWHERE;
        if (missed)
            vm_levels_charge(m, access, 0, m->plan.levels);
        vm_mmu_cool(m);
        return goes_on(m);
    }
    struct vm_tlb_entry e = vm_walk_entry(&w);
    uint64_t page_tag = vm_tlb_tag(tag, w.order);
    if (w.prot & VM_PROT_GLOBAL)
        page_tag = vm_tlb_global(page_tag);
    if (access == VM_WRITE && m->config.marks == VM_MARKS_ON_LEAVING && !w.dirty)
        e.value |= VM_TLB_DIRTY | VM_TLB_OWES_DIRTY;
    m->orders_seen |= UINT64_C(1) << w.order;
    if (missed)
        vm_levels_charge(m, access, w.order, m->plan.levels);
    vm_refill_end(m, tag, w.order);
    vm_levels_install(m, access, m->plan.levels, page_tag, e);
    install_neighbours(m, page_tag, w.order, access);
    if (how == WALKED_TOLD) {
        /* Being told was the touch; the policy may have cleared the referenced bit. */
        m->last_touch = touch_word(vm_unit(m, w.pfn + w.first), access);
        vm_mmu_cool(m);
        accessed(m, va, e.value);
    } else {
        touched(m, va, tag, page_tag, &e, access);
    }
    if (missed)
        vm_prefetch_after(m, tag, w.order, access);
    return goes_on(m);
}

/* A TLB, or the prefetch buffer, has the page: *hit. */
static bool touch_found(struct vm_engine *m, vm_va va, uint64_t tag, enum vm_access access,
                        struct tlb_hit *hit)
{
    uint64_t lacks = hit_needs[access] & ~hit->entry.value;
    unsigned order = vm_tlb_order(hit->entry.value);
    vm_levels_charge(m, access, order, hit->level);
    if (lacks == VM_TLB_DIRTY && m->config.marks == VM_MARKS_ON_LEAVING) {
        vm_marks_owe_dirty(m, access, hit);
    } else if (lacks) {
        m->counts.tlb_upgrades++;
        m->refilled = false;
        return touch_walk(m, va, tag, access, false);
    } else {
        struct vm_tlb_entry e = hit->entry;
        e.value &= ~(uint64_t)VM_TLB_OWES;
        vm_levels_install(m, access, hit->level, hit->tag, e);
    }
    touched(m, va, tag, hit->tag, &hit->entry, access);
    if (hit->level == m->plan.levels)
        vm_prefetch_after(m, tag, order, access);
    return goes_on(m);
}

/* This base page of a large one was touched: the loop need not come here for it again. */
static void heat_part(struct vm_engine *m, uint64_t tag, enum vm_access access, vm_pfn unit,
                      uint64_t *stamp)
{
    m->cpu->warm[access] = m->cpu->hot_has_large[access] = true;
    *hot_slot(m, m->cpu, access, tag >> 12) = (struct hot_page){
        .page = tag >> 12 << m->page_shift, .stamp = stamp, .pa = m->place, .unit = unit};
}

/* A large page has it that level 1 has. */
static bool touch_large(struct vm_engine *m, uint64_t tag, enum vm_access access)
{
    const struct large_pages *all = &m->cpu->large[access];
    const struct large_page *l = &all->slot[tag >> 12 >> all->order & (LARGE_SLOTS - 1)];
    uint64_t index = (tag >> 12) - l->page;
    if (index >= l->n)
        return false;
    bool elsewhere = all->tlb != m->cpu->base1[access];
    m->elsewhere[access] += elsewhere;
    all->tlb->counts.lookups += elsewhere;
    *l->stamp = ++all->tlb->now;
    vm_pfn pfn = l->pfn + (vm_pfn)index, unit = vm_unit(m, pfn);
    m->place = (vm_pa)pfn << m->page_shift;
    m->bits[unit] |= m->marks[access];
    note_part(m, pfn);
    report(m, unit, access);
    if (!elsewhere)
        heat_part(m, tag, access, unit, l->stamp);
    return true;
}

/* Level 1 has no entry that answers this touch completely. It is number `at` of its segment. False:
 * the segment ends with this reference. */
static bool __attribute__((noinline))
touch_miss(struct vm_engine *m, vm_va va, uint64_t tag, enum vm_access access, uint32_t at)
{
    struct tlb_hit hit;
    if (touch_large(m, tag, access))
        return true;
    m->touch = m->counts.touches + at;
    m->clock.touches = m->touch - 1;
    if (vm_levels_search(m, tag, access, &hit) || vm_prefetch_take(m, tag, &hit))
        return touch_found(m, va, tag, access, &hit);
    m->counts.tlb_misses++;
    vm_refill_begin(m);
    return touch_walk(m, va, tag, access, true);
}

/* The loop's clock goes on from the latest stamp of level 1; what it calls, from the loop's. */
static inline uint64_t stamps_take(const struct processor *p)
{
    uint64_t now = 0;
    for (int a = 0; a < VM_ACCESSES; a++)
        if (p->base1[a] && p->base1[a]->now > now)
            now = p->base1[a]->now;
    return now;
}

static inline void stamps_give(const struct processor *p, uint64_t now)
{
    for (int a = 0; a < VM_ACCESSES; a++)
        if (p->base1[a])
            p->base1[a]->now = now;
}

/* A reference that reaches into further pages: a touch of each, and between them the tick that may
 * fall there. It is reference number `done` of its segment. */
static void __attribute__((noinline))
touch_crossing(struct vm_engine *m, vm_va va, uint16_t meta,
               bool (*touch)(struct vm_engine *, vm_va, uint64_t, enum vm_access, uint32_t),
               uint32_t done)
{
    const unsigned shift = m->page_shift;
    const enum vm_access access = vm_ref_access(meta);
    const vm_va last = va + vm_ref_bytes(meta) - 1;
    while (touch(m, va, va >> shift << 12 | m->cpu->tag_asid, access, done) || !m->failed) {
        vm_data_touch(m, va, last, access);
        if (va >> shift == last >> shift)
            return;
        if (m->counts.touches + done++ == m->tick_next)
            vm_mmu_tick(m);
        if (m->ntouched >= SEGMENT_REFS) /* tiny pages: one reference touches very many */
            vm_mmu_settle(m);
        m->crossings[access]++;
        va = ((va >> shift) + 1) << shift;
    }
}

/* A loop of its own is a few vector instructions for eight references. */
void vm_mmu_count_kinds(struct vm_engine *m, uint32_t n)
{
    _Static_assert(VM_WRITE == 1 && VM_FETCH == 2, "a bit of the access tells one from the others");
    const uint16_t *meta = m->segment.meta;
    uint16_t writes = 0, fetches = 0; /* n <= SEGMENT_REFS */
    for (uint32_t i = m->segment.counted; i < n; i++) {
        writes += meta[i] & VM_WRITE;
        fetches += (meta[i] & VM_FETCH) / VM_FETCH;
    }
    m->kinds[VM_WRITE] += writes;
    m->kinds[VM_FETCH] += fetches;
    if (n > m->segment.counted) {
        m->kinds[VM_READ] += n - m->segment.counted - writes - fetches;
        m->segment.counted = n;
    }
}

/* One touch with every step told: level 1 is searched like the others. */
static bool touch_told(struct vm_engine *m, vm_va va, uint64_t tag, enum vm_access access,
                       uint32_t at)
{
    vm_mmu_cool(m);
    uint64_t ref = m->kinds[VM_READ] + m->kinds[VM_WRITE] + m->kinds[VM_FETCH] + 1;
    TELL(m, .kind = VM_TAP_TOUCH, .touch = {ref, m->cpu->asid, va, access});
    return touch_miss(m, va, tag, access, at);
}

uint32_t vm_mmu_segment_told(struct vm_engine *m, const vm_va *va, const uint16_t *meta, uint32_t n)
{
    (void)n;
    touch_crossing(m, va[0], meta[0], touch_told, 1);
    return 1;
}

/* The address is beyond those that page keys can tell apart, and so beyond the scheme's: no TLB can
 * have it, and the walk says so. */
#define KEY_OF_NONE UINT64_C(0xfff)
uint32_t vm_mmu_segment_beyond(struct vm_engine *m, const vm_va *va, const uint16_t *meta,
                               uint32_t n)
{
    (void)n;
    enum vm_access access = vm_ref_access(meta[0]);
    vm_mmu_cool(m);
    if (m->tap)
        touch_told(m, va[0], KEY_OF_NONE, access, 1);
    else
        touch_miss(m, va[0], KEY_OF_NONE, access, 1);
    vm_data_touch(m, va[0], va[0], access);
    return 1;
}

/* A reference of a page that begins at `page_pa` goes on to the caches. */
static inline void access_data(struct vm_engine *m, const struct vm_caches *h, vm_va va,
                               uint16_t meta, vm_pa page_pa)
{
    enum vm_access access = vm_ref_access(meta);
    vm_va last = va + vm_ref_bytes(meta) - 1;
    vm_pa pa = page_pa | (va & ((UINT64_C(1) << m->page_shift) - 1));
    if (__builtin_expect(((va ^ last) & h->first[access]->line_mask) == 0, 1) &&
        __builtin_expect(vm_caches_is_hot(h, va, pa, access), 1))
        return;
    vm_data_lines(m, va, pa, last, access);
}

/* Likewise, after a touch that led to m->place or nowhere. */
static inline void access_place(struct vm_engine *m, vm_va va, uint16_t meta)
{
    if (m->place == NOWHERE)
        m->cold[vm_ref_access(meta)]++;
    else
        access_data(m, &m->cpu->caches, va, meta, m->place);
}

/* How a touch is reported, by what the policy wants. */
#define REPORT_NOTHING(m, pfn, access) ((void)(pfn))
#define REPORT_EACH(m, pfn, access)    ((m)->touched[(m)->ntouched++] = (pfn))

#define SEGMENT        vm_mmu_segment_bits
#define SEGMENT_(name) bits_##name
#define REPORT         REPORT_NOTHING
#define CACHES         false
#include "engine/mmu_loop.inc.h"

#define SEGMENT        vm_mmu_segment_order
#define SEGMENT_(name) order_##name
#define REPORT         report_order
#define CACHES         false
#include "engine/mmu_loop.inc.h"

#define SEGMENT        vm_mmu_segment_each
#define SEGMENT_(name) each_##name
#define REPORT         REPORT_EACH
#define CACHES         false
#include "engine/mmu_loop.inc.h"

#define SEGMENT        vm_mmu_segment_bits_caches
#define SEGMENT_(name) bits_caches_##name
#define REPORT         REPORT_NOTHING
#define CACHES         true
#include "engine/mmu_loop.inc.h"

#define SEGMENT        vm_mmu_segment_order_caches
#define SEGMENT_(name) order_caches_##name
#define REPORT         report_order
#define CACHES         true
#include "engine/mmu_loop.inc.h"

#define SEGMENT        vm_mmu_segment_each_caches
#define SEGMENT_(name) each_caches_##name
#define REPORT         REPORT_EACH
#define CACHES         true
#include "engine/mmu_loop.inc.h"
