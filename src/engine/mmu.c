/* mmu.c - one touch of a page: TLB levels, the walk, the fault, and who must be told. */
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

_Static_assert(VM_TLB_EMPTY == UINT64_MAX, "bytes of ones are empty tags");

void vm_mmu_cool(struct vm_engine *m)
{
    if (m->warm)
        memset(m->hot, 0xff, sizeof m->hot);
    m->warm = false;
}

/* The page with this entry was used last in its set of level 1: note for which accesses a repeat
 * would change nothing. A write is such only if the dirty bit is set: then the frame's is too. */
static inline void heat(struct vm_engine *m, const struct vm_tlb *t, uint64_t tag, uint64_t value)
{
    uint32_t slot = (uint32_t)(tag >> 12) & m->hot_mask;
    m->warm = true;
    for (int a = 0; a < VM_ACCESSES; a++) {
        if (m->first[a] != t)
            continue;
        m->hot[a][slot] = (value & hit_needs[a]) == hit_needs[a] ? tag : VM_TLB_EMPTY;
        m->hot_unit[a][slot] = vm_tlb_pfn(value);
    }
}

void vm_mmu_settle(void *engine)
{
    struct vm_engine *m = engine;
    if (m->ntouched)
        m->policy->touch(m->policy_state, m->touched, m->ntouched);
    m->ntouched = 0;
    vm_mmu_cool(m); /* what follows may clear referenced bits */
}

void vm_mmu_tick(struct vm_engine *m)
{
    vm_mmu_settle(m);
    TELL(m, .kind = VM_TAP_TICK);
    m->policy->tick(m->policy_state);
    m->tick_next += m->tick_every;
}

/* ---- invalidation ---- */

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
}

/* ---- a touch that level 1 did not answer ---- */

/* The entry for `tag`, or for the same page in every address space. */
static int64_t find(const struct vm_tlb *t, uint64_t tag)
{
    int64_t i = vm_tlb_find(t, tag);
    return i < 0 && t->nglobal ? vm_tlb_find(t, (tag & ~UINT64_C(0xfff)) | VM_TLB_GLOBAL) : i;
}

/* Make (tag, value) the entry of its page, used just now. */
static void install(struct vm_engine *m, struct vm_tlb *t, uint64_t tag, uint64_t value)
{
    int64_t i = vm_tlb_find(t, tag);
    uint64_t replaced = VM_TLB_EMPTY;
    if (i < 0)
        replaced = vm_tlb_fill(t, tag, value);
    else
        t->value[vm_tlb_use(t, (uint64_t)i)] = value;
    TELL(m, .kind = VM_TAP_FILL, .fill = {(size_t)(t - m->tlb), tag, value, replaced, t});
}

/* Search the levels. Answers how many from the nearest on lack the page (npath: all do); below
 * that, *found is the entry. */
static size_t search(struct vm_engine *m, uint64_t tag, enum vm_access access, uint64_t *found_tag,
                     uint64_t *found)
{
    for (size_t level = 0; level < m->npath; level++) {
        struct vm_tlb *t = m->path[access][level];
        int64_t i = find(t, tag);
        t->counts.lookups += level > 0; /* of level 1: derived from the touches */
        TELL(m, .kind = VM_TAP_LOOKUP,
             .lookup = {(size_t)(t - m->tlb), tag, i >= 0, i >= 0 ? t->value[i] : 0, t});
        if (i >= 0) {
            uint64_t at = vm_tlb_use(t, (uint64_t)i);
            *found_tag = t->tag[at];
            *found = t->value[at];
            return level;
        }
        t->counts.misses++;
    }
    return m->npath;
}

static uint64_t entry_value(const struct vm_walk *w)
{
    unsigned bits = w->prot;
    if (w->dirty && (w->prot & VM_PROT_WRITE))
        bits |= VM_TLB_DIRTY;
    return vm_tlb_value(w->pfn, w->order, bits);
}

static void walk_once(struct vm_engine *m, vm_va va, enum vm_access access, struct vm_walk *w)
{
    m->scheme->walk(m->scheme_state, m->asid, va, access, VM_MODE_USER, w);
    m->counts.walks++;
    m->counts.walk_loads += w->nloads;
    m->counts.walk_stores += w->nstores;
    TELL(m, .kind = VM_TAP_WALK, .walk = w);
}

enum walked { WALKED, WALKED_INSERTED, WALKED_NOWHERE };

/* Walk, and resolve faults until the walk succeeds or nothing can make it. */
static enum walked walk(struct vm_engine *m, vm_va va, enum vm_access access, struct vm_walk *w)
{
    struct vm_fault f = {.asid = m->asid, .va = va, .access = access};
    for (;;) {
        walk_once(m, va, access, w);
        if (w->fault == VM_WALK_OK)
            return f.inserted ? WALKED_INSERTED : WALKED;
        if (w->fault == VM_WALK_BOUNDS) {
            m->counts.unnamed++;
            return WALKED_NOWHERE;
        }
        bool inserted = f.inserted;
        if (!vm_memory_fault(m->memory, &f, &m->error)) {
            m->failed = true;
            return WALKED_NOWHERE;
        }
        TELL(m, .kind = VM_TAP_FAULT, .fault = &f);
        if (!f.vma)
            return WALKED_NOWHERE;
        f.inserted |= inserted;
    }
}

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

static void touched(struct vm_engine *m, vm_va va, uint64_t tag, uint64_t value,
                    enum vm_access access)
{
    m->bits[vm_tlb_pfn(value)] |= m->marks[access];
    report(m, vm_tlb_pfn(value), access);
    if (m->npath)
        heat(m, m->first[access], tag, value);
    TELL(m, .kind = VM_TAP_ACCESS, .access = {value, address_of(m, va, value)});
}

/* Walk and make the outcome the entry of every level. */
static bool touch_walk(struct vm_engine *m, vm_va va, uint64_t tag, enum vm_access access)
{
    struct vm_walk w;
    enum walked how = walk(m, va, access, &w);
    if (how == WALKED_NOWHERE) {
        vm_mmu_cool(m);
        return !m->failed;
    }
    uint64_t value = entry_value(&w);
    if (w.prot & VM_PROT_GLOBAL)
        tag = (tag & ~UINT64_C(0xfff)) | VM_TLB_GLOBAL;
    for (size_t level = 0; level < m->npath; level++)
        install(m, m->path[access][level], tag, value);
    if (how == WALKED_INSERTED) {
        /* insert was the frame's first touch; the policy may have cleared the referenced bit. */
        m->last_touch = touch_word(w.pfn, access);
        vm_mmu_cool(m);
        TELL(m, .kind = VM_TAP_ACCESS, .access = {value, address_of(m, va, value)});
        return true;
    }
    touched(m, va, tag, value, access);
    return true;
}

/* Level 1 has no entry that answers this touch completely. */
static bool __attribute__((noinline))
touch_miss(struct vm_engine *m, vm_va va, uint64_t tag, enum vm_access access)
{
    uint64_t value = 0, found_tag = 0;
    size_t level = search(m, tag, access, &found_tag, &value);
    if (level == m->npath) {
        m->counts.tlb_misses++;
        return touch_walk(m, va, tag, access);
    }
    if ((value & hit_needs[access]) != hit_needs[access]) {
        m->counts.tlb_upgrades++;
        return touch_walk(m, va, tag, access);
    }
    while (level-- > 0)
        install(m, m->path[access][level], found_tag, value);
    touched(m, va, found_tag, value, access);
    return true;
}

/* A reference that reaches into further pages, up to number `last`: a touch of each, and
 * between them the tick that may fall there. It is reference number `done` of its segment. */
static void touch_crossing(struct vm_engine *m, vm_va va, uint64_t last, enum vm_access access,
                           bool (*touch)(struct vm_engine *, vm_va, uint64_t, enum vm_access),
                           uint32_t done)
{
    uint64_t touches = m->counts.touches + done;
    const unsigned shift = m->page_shift;
    while (touch(m, va, va >> shift << 12 | m->tag_asid, access) && va >> shift != last) {
        if (touches++ == m->tick_next)
            vm_mmu_tick(m);
        if (m->ntouched >= SEGMENT_REFS) /* tiny pages: one reference touches very many */
            vm_mmu_settle(m);
        m->crossings[access]++;
        va = ((va >> shift) + 1) << shift;
    }
}

/* Of the first n references. A loop of its own is a few vector instructions for eight of them. */
static void count_kinds(struct vm_engine *m, const uint16_t *meta, uint32_t n)
{
    _Static_assert(VM_WRITE == 1 && VM_FETCH == 2, "a bit of the access tells one from the others");
    uint16_t writes = 0, fetches = 0; /* n <= SEGMENT_REFS */
    for (uint32_t i = 0; i < n; i++) {
        writes += meta[i] & VM_WRITE;
        fetches += (meta[i] & VM_FETCH) / VM_FETCH;
    }
    m->kinds[VM_WRITE] += writes;
    m->kinds[VM_FETCH] += fetches;
    m->kinds[VM_READ] += n - writes - fetches;
}

/* One touch with every step told: level 1 is searched like the others. */
static bool touch_told(struct vm_engine *m, vm_va va, uint64_t tag, enum vm_access access)
{
    vm_mmu_cool(m);
    uint64_t ref = m->kinds[VM_READ] + m->kinds[VM_WRITE] + m->kinds[VM_FETCH] + 1;
    TELL(m, .kind = VM_TAP_TOUCH, .touch = {ref, m->asid, va, access});
    return touch_miss(m, va, tag, access);
}

uint32_t vm_mmu_segment_told(struct vm_engine *m, const vm_va *va, const uint16_t *meta, uint32_t n)
{
    (void)n;
    enum vm_access access = vm_ref_access(meta[0]);
    uint64_t last = (va[0] + vm_ref_bytes(meta[0]) - 1) >> m->page_shift;
    touch_crossing(m, va[0], last, access, touch_told, 1);
    count_kinds(m, meta, 1);
    return 1;
}

/* The address is beyond those that page keys can tell apart, and so beyond the scheme's: no TLB can
 * have it, and the walk says so. */
#define KEY_OF_NONE UINT64_C(0xfff)
uint32_t vm_mmu_segment_beyond(struct vm_engine *m, const vm_va *va, const uint16_t *meta,
                               uint32_t n)
{
    (void)n;
    if (m->tap)
        touch_told(m, va[0], KEY_OF_NONE, vm_ref_access(meta[0]));
    else
        touch_miss(m, va[0], KEY_OF_NONE, vm_ref_access(meta[0]));
    count_kinds(m, meta, 1);
    return 1;
}

#define SEGMENT                vm_mmu_segment_bits
#define SEGMENT_(name)         bits_##name
#define REPORT(m, pfn, access) ((void)(pfn))
#include "engine/mmu_loop.inc.h"

#define SEGMENT                vm_mmu_segment_order
#define SEGMENT_(name)         order_##name
#define REPORT(m, pfn, access) report_order(m, pfn, access)
#include "engine/mmu_loop.inc.h"

#define SEGMENT                vm_mmu_segment_each
#define SEGMENT_(name)         each_##name
#define REPORT(m, pfn, access) ((m)->touched[(m)->ntouched++] = (pfn))
#include "engine/mmu_loop.inc.h"
