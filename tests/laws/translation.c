/* Laws of translation: what TLBs, walk caches, walkers, marks and prefetching must not change, and
 * what they must add up to. Machines are held against each other on small random traces. */
#include "base/random.h"
#include "engine/machine.h"
#include "oracle/machine_trace.h"
#include "oracle/naive_tlb.h"
#include "rounds.h"
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE UINT64_C(4096)

enum { ALL_EVENTS = TRACE_PROTECTS | TRACE_MAPS | TRACE_FORKS };

static const char *const plans[] = {
    "none",
    "l1=4/2:fifo",
    "l1i=4 l1d=4/2 l2=16/4",
    "l1i=2/1 l1d=8:plru l2=16/4:random",
    "l1i=4 l1l=8/2:xor l1s=2 l2=16/2:xor:fifo",
    "l1=16/4 l2=8:pair",
};
enum { NPLANS = sizeof plans / sizeof plans[0] };

static struct vm_config config(unsigned i)
{
    static const char *const policies[] = {"lru", "clock", "fifo", "aging"};
    struct vm_config c = machine_config(policies[i % 4], 6 + i % 40);
    machine_set(&c, "tlb", plans[i % NPLANS]);
    machine_set(&c, "tlb-tags", i / NPLANS % 2 ? "flush" : "asid");
    machine_set(&c, "scheme", i % 5 ? "x86-64" : "sv32");
    return c;
}

/* A machine that has run the trace; the caller closes it. */
static struct vm_engine *ran(const struct vm_config *c, const struct machine_trace *t,
                             const struct vm_tap *tap)
{
    struct vm_error e = {0};
    struct vm_batch b = {t->nrefs, t->nevents, t->va, t->meta, t->event};
    struct vm_engine *m = vm_engine_open(c, VM_STRAY_MAPS, NULL, &e);
    if (!m)
        fail_msg("%s", e.text);
    vm_engine_listen(m, tap);
    if (!vm_engine_run(m, &b, &e))
        fail_msg("%s", e.text);
    vm_engine_check(m);
    return m;
}

static struct machine_outcome outcome(struct vm_engine *m)
{
    struct machine_outcome out = {.ntlbs = vm_engine_ntlbs(m)};
    struct vm_tlb_config tlb;
    vm_engine_counts(m, &out.counts);
    for (size_t i = 0; i < out.ntlbs; i++)
        vm_engine_tlb(m, i, &tlb, &out.tlb[i]);
    return out;
}

static void assert_same_counts(const struct vm_counts *a, const struct vm_counts *b)
{
#define SAME(field, what)                                                                          \
    if (a->field != b->field)                                                                      \
        fail_msg("%s: %llu, %llu", #field, (unsigned long long)a->field,                           \
                 (unsigned long long)b->field);
    VM_COUNTS(SAME)
#undef SAME
}

static void assert_same_tlb(const struct vm_tlb_counts *a, const struct vm_tlb_counts *b)
{
    assert_int_equal(a->lookups, b->lookups);
    assert_int_equal(a->misses, b->misses);
    assert_int_equal(a->fills, b->fills);
    assert_int_equal(a->evictions, b->evictions);
    assert_int_equal(a->invalidations, b->invalidations);
}

static void assert_same_tlbs(const struct machine_outcome *a, const struct machine_outcome *b)
{
    for (size_t i = 0; i < a->ntlbs; i++)
        assert_same_tlb(&a->tlb[i], &b->tlb[i]);
}

static void flush(struct vm_engine *m)
{
    for (size_t i = 0; i < m->ntlbs; i++)
        for (unsigned who = 0; who <= VM_TLB_GLOBAL; who++)
            vm_tlb_invalidate_space(&m->tlb[i], (vm_asid)who);
    vm_mmu_cool(m);
}

/* ---- short cuts ---- */

static void hear_nothing(void *host, const struct vm_tap_event *event)
{
    (void)host, (void)event;
}

static const struct vm_tap deaf = {.event = hear_nothing};

static void no_short_cut_of_the_loop_changes_a_count(void **unused)
{
    (void)unused;
    static const char *const marks[] = {"at-once", "on-leaving", "trap"};
    struct machine_trace t;
    for (unsigned i = test_rounds(300); i-- > 0;) {
        struct vm_config c = config(i);
        machine_set(&c, "marks", marks[i / 3 % 3]);
        machine_trace_fill(&t, ALL_EVENTS, 100 + i);
        struct vm_engine *m = ran(&c, &t, NULL), *told = ran(&c, &t, &deaf);
        struct machine_outcome a = outcome(m), b = outcome(told);
        assert_same_counts(&a.counts, &b.counts);
        assert_same_tlbs(&a, &b);
        assert_memory_equal(m->bits, told->bits, c.memory_bytes / PAGE);
        vm_engine_close(m);
        vm_engine_close(told);
    }
}

/* ---- large pages, made up ---- */

/* Walks that find every other block of eight pages as one large page, as if its frames, which
 * follow each other since they were taken in order, had been mapped so. */
enum { LARGE = 3 };

static bool is_large(vm_va va)
{
    uint64_t block = va / PAGE >> LARGE, first = TRACE_BASE / PAGE;
    return block % 2 && block << LARGE >= first && (block + 1) << LARGE <= first + TRACE_PAGES;
}

static void walk_large(void *state, vm_asid asid, vm_va va, enum vm_access access, unsigned mode,
                       struct vm_walk *out)
{
    struct vm_error e;
    vm_scheme_find("x86-64", &e)->walk(state, asid, va, access, mode, out);
    if (out->fault != VM_WALK_OK || !is_large(va))
        return;
    out->order = LARGE;
    out->pfn -= (vm_pfn)(va / PAGE & 7);
    out->end = 8;
}

/* The first events map; then every page is read once, in order, so that frames are in order too. */
static void take_frames(struct vm_engine *m, const struct machine_trace *t)
{
    struct vm_error e = {0};
    vm_va va[TRACE_PAGES];
    uint16_t meta[TRACE_PAGES];
    struct vm_batch maps = {.nevents = TRACE_SPACES * TRACE_PAGES / 8, .event = t->event};
    assert_true(vm_engine_run(m, &maps, &e));
    for (unsigned i = 0; i < TRACE_PAGES; i++) {
        va[i] = TRACE_BASE + i * PAGE;
        meta[i] = vm_ref_meta(VM_READ, 1);
    }
    for (vm_asid asid = 0; asid < TRACE_SPACES; asid++) {
        struct vm_event enter = {.kind = VM_EVENT_SWITCH, .asid = asid};
        struct vm_batch b = {TRACE_PAGES, 1, va, meta, &enter};
        assert_true(vm_engine_run(m, &b, &e));
    }
}

static struct vm_engine *ran_large(const struct vm_config *c, const struct machine_trace *t,
                                   const struct vm_scheme_ops *large, const struct vm_tap *tap)
{
    struct vm_error e = {0};
    uint32_t maps = TRACE_SPACES * TRACE_PAGES / 8;
    struct vm_batch rest = {t->nrefs, t->nevents - maps, t->va, t->meta, t->event + maps};
    struct vm_engine *m = vm_engine_open(c, VM_STRAY_FAULTS, NULL, &e);
    if (!m)
        fail_msg("%s", e.text);
    take_frames(m, t);
    m->scheme = large;
    flush(m);                             /* or some pages would stand in the TLBs in both sizes */
    for (size_t i = 0; i < m->ntlbs; i++) /* the plan's 2 MiB are eight pages here */
        m->orders[i] = (m->orders[i] & 1) | (m->orders[i] >> 9 & 1) << LARGE;
    vm_engine_listen(m, tap);
    assert_true(vm_engine_run(m, &rest, &e));
    vm_engine_check(m);
    return m;
}

static const char *const sized[] = {
    "l1=4",
    "l1=8/4 l2=16/4:4K l2=4:2M",
    "l1i=4:4K l1i=2:2M l1d=4/2:4K l1d=2/1:2M l2=16/4",
    "l1l=4:4K l1l=1:2M l1s=2 l1i=4/2:plru l2=8/2:xor:4K+2M",
    "l1d=8/2:4K l1i=4:4K l2=4:fifo:2M+4K",
    "l1=4:2M l2=4:pair",
};
enum { NSIZED = sizeof sized / sizeof sized[0] };

static struct vm_config sized_config(unsigned i)
{
    static const char *const policies[] = {"lru", "clock", "fifo", "aging"};
    struct vm_config c = machine_config(policies[i % 4], 400);
    machine_set(&c, "tlb", sized[i % NSIZED]);
    machine_set(&c, "tlb-tags", i / NSIZED % 2 ? "flush" : "asid");
    return c;
}

/* Lookups of a level's TLBs: the touches of sizes that they hold, less what nearer levels had. */
static void assert_tlbs_add_up(struct vm_engine *m, const struct machine_outcome *o)
{
    uint64_t level1 = 0, hits = 0;
    for (size_t i = 0; i < o->ntlbs; i++) {
        assert_true(o->tlb[i].misses <= o->tlb[i].lookups);
        hits += o->tlb[i].lookups - o->tlb[i].misses;
        level1 += m->plan.tlb[i].level == 1 ? o->tlb[i].lookups : 0;
    }
    assert_int_equal(hits, o->counts.tlb_hits);
    assert_true(level1 <= o->counts.touches);
}

static void no_short_cut_of_large_pages_changes_a_count(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_scheme_ops large = *vm_scheme_find("x86-64", &e);
    struct machine_trace t;
    uint64_t found = 0;
    large.walk = walk_large;
    for (unsigned i = test_rounds(400); i-- > 0;) {
        struct vm_config c = sized_config(i);
        machine_trace_fill(&t, TRACE_PROTECTS, 700 + i);
        struct vm_engine *m = ran_large(&c, &t, &large, NULL);
        struct vm_engine *told = ran_large(&c, &t, &large, &deaf);
        struct machine_outcome a = outcome(m), b = outcome(told);
        assert_same_counts(&a.counts, &b.counts);
        assert_same_tlbs(&a, &b);
        assert_memory_equal(m->bits, told->bits, c.memory_bytes / PAGE);
        assert_int_equal(a.counts.evictions, 0);
        assert_tlbs_add_up(m, &a);
        found += m->orders_seen >> LARGE & 1;
        vm_engine_close(m);
        vm_engine_close(told);
    }
    assert_true(found > 0);
}

/* Large pages hit where base pages would have missed: never less often, with one TLB of pages of
 * every size that is large enough for all of them. */
static void a_large_page_takes_one_entry(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_scheme_ops large = *vm_scheme_find("x86-64", &e);
    struct machine_trace t;
    large.walk = walk_large;
    machine_trace_fill(&t, TRACE_PROTECTS, 5);
    t.nevents = TRACE_SPACES * TRACE_PAGES / 8; /* the maps alone: nothing leaves */
    t.nrefs = 16;
    for (unsigned i = 0; i < t.nrefs; i++) { /* pages 496 to 511: a block of each kind */
        t.va[i] = (496 + i) * PAGE;
        t.meta[i] = vm_ref_meta(VM_READ, 1);
    }
    struct vm_config c = sized_config(0);
    machine_set(&c, "tlb", "l1=64");
    struct vm_engine *m = vm_engine_open(&c, VM_STRAY_FAULTS, NULL, &e);
    take_frames(m, &t);
    struct vm_event home = {.kind = VM_EVENT_SWITCH, .asid = 0};
    struct vm_batch b = {.nevents = 1, .event = &home};
    assert_true(vm_engine_run(m, &b, &e));
    m->scheme = &large;
    m->orders[0] = 1 | 1 << LARGE;
    flush(m);
    uint64_t misses = m->counts.tlb_misses;
    b = (struct vm_batch){.nrefs = t.nrefs, .va = t.va, .meta = t.meta};
    assert_true(vm_engine_run(m, &b, &e));
    assert_int_equal(m->counts.tlb_misses - misses, 8 + 1);
    assert_true(is_large(504 * PAGE) && !is_large(496 * PAGE));
    /* One shootdown of any of its pages removes it, and is one. */
    uint64_t shootdowns = m->counts.shootdowns;
    vm_mmu_shootdown(m, vm_page_key(509 * PAGE, 12, 0));
    assert_int_equal(m->counts.shootdowns, shootdowns + 1);
    vm_mmu_shootdown(m, vm_page_key(505 * PAGE, 12, 0));
    assert_int_equal(m->counts.shootdowns, shootdowns + 1);
    assert_true(vm_tlb_find(&m->tlb[0], 504 / 8 * PAGE, LARGE) < 0);
    assert_true(vm_tlb_find(&m->tlb[0], 503 * PAGE, 0) >= 0);
    vm_engine_close(m);
}

/* ---- walk caches ---- */

/* Caches as lists, which hear of walks and of what is removed. */
struct listener {
    const struct vm_engine *m;
    struct naive_tlb cache[VM_WALK_CACHES_MAX];
    unsigned covers[VM_WALK_CACHES_MAX];
    uint64_t lookups[VM_WALK_CACHES_MAX], misses[VM_WALK_CACHES_MAX];
    uint64_t skips;
    struct {
        vm_asid asid;
        vm_va va;
    } touch;
};

static uint64_t cache_tag(const struct listener *l, size_t i, vm_va va, vm_asid asid)
{
    return (va >> l->covers[i]) * 4096 + (l->m->config.tlb_tags == VM_TLB_TAGS_FLUSH ? 0 : asid);
}

static void hear_walk(struct listener *l, const struct vm_walk *w)
{
    uint64_t tag[VM_WALK_CACHES_MAX];
    size_t n = l->m->walk_cache_plan.n, hit = n;
    for (size_t i = 0; i < n; i++)
        tag[i] = cache_tag(l, i, l->touch.va, l->touch.asid);
    for (size_t i = 0; i < n && hit == n; i++) {
        struct naive_tlb_entry *e = naive_tlb_find(&l->cache[i], tag[i], 0);
        l->lookups[i]++;
        l->misses[i] += !e;
        if (!e)
            continue;
        naive_tlb_use(&l->cache[i], e);
        hit = i;
    }
    for (uint32_t k = 0; k < w->nloads; k++)
        l->skips += hit < n && w->load[k].covers >= l->covers[hit];
    for (size_t i = 0; i < hit; i++)
        for (uint32_t k = 0; k + 1 < w->nloads; k++)
            if (w->load[k].covers == l->covers[i])
                naive_tlb_fill(&l->cache[i], naive_tlb_place(&l->cache[i], tag[i], 0), tag[i], 0,
                               1);
}

static void hear(void *host, const struct vm_tap_event *e)
{
    struct listener *l = host;
    bool flush = l->m->config.tlb_tags == VM_TLB_TAGS_FLUSH;
    if (e->kind == VM_TAP_TOUCH) {
        l->touch.asid = e->touch.asid;
        l->touch.va = e->touch.va;
    } else if (e->kind == VM_TAP_WALK) {
        hear_walk(l, e->walk);
    }
    for (size_t i = 0; i < l->m->walk_cache_plan.n; i++) {
        if (e->kind == VM_TAP_SHOOTDOWN &&
            (!flush || vm_key_asid(e->shootdown.page_key) == l->m->asid))
            naive_tlb_drop(&l->cache[i], naive_tlb_is,
                           cache_tag(l, i, vm_key_va(e->shootdown.page_key, 12),
                                     vm_key_asid(e->shootdown.page_key)),
                           0);
        if (e->kind == VM_TAP_FLUSH && e->flush.why == VM_FLUSH_SPACE &&
            (!flush || e->flush.asid == l->m->asid))
            naive_tlb_drop(&l->cache[i], naive_tlb_of_space, flush ? 0 : e->flush.asid, 0);
        if (e->kind == VM_TAP_FLUSH && e->flush.why == VM_FLUSH_SWITCH)
            naive_tlb_drop(&l->cache[i], naive_tlb_not_global, 0, 0);
    }
}

static const char *const walk_caches[] = {
    "p1=4/2",
    "p1=2 p2=1 p3=1",
    "p1=1:fifo p3=2",
    "p2=2:plru",
};

/* Without unmaps, since what trimming removes is told to nobody. */
static void walk_caches_skip_what_naive_ones_do(void **unused)
{
    (void)unused;
    struct machine_trace t;
    uint64_t skips = 0;
    for (unsigned i = test_rounds(300); i-- > 0;) {
        struct vm_config c = config(i);
        machine_set(&c, "scheme", "x86-64");
        if (i % NPLANS == 0)
            machine_set(&c, "tlb", "l1=1");
        machine_set(&c, "walk-caches", walk_caches[i % 4]);
        machine_trace_fill(&t, TRACE_PROTECTS | TRACE_FORKS, 300 + i);
        for (unsigned k = 0; k < t.nrefs; k += 3) /* some far away, under other tables */
            t.va[k] = (t.va[k] & (8 * PAGE - 1)) + ((uint64_t)(k % 7) << 30);
        struct vm_error e = {0};
        struct vm_engine *m = vm_engine_open(&c, VM_STRAY_MAPS, NULL, &e);
        static struct listener l;
        memset(&l, 0, sizeof l);
        l.m = m;
        for (size_t k = 0; k < m->walk_cache_plan.n; k++) {
            naive_tlb_open(&l.cache[k], &m->walk_cache_plan.cache[k]);
            l.covers[k] = 12 + 9 * m->walk_cache_plan.cache[k].level;
        }
        vm_engine_listen(m, &(struct vm_tap){&l, hear});
        struct vm_batch b = {t.nrefs, t.nevents, t.va, t.meta, t.event};
        assert_true(vm_engine_run(m, &b, &e));
        vm_engine_check(m);
        for (size_t k = 0; k < m->walk_cache_plan.n; k++) {
            struct vm_tlb_counts n = m->walk_cache[k].counts;
            assert_int_equal(n.lookups, l.lookups[k]);
            assert_int_equal(n.misses, l.misses[k]);
            assert_int_equal(n.fills, l.cache[k].counts.fills);
            assert_int_equal(n.evictions, l.cache[k].counts.evictions);
            assert_int_equal(n.invalidations, l.cache[k].counts.invalidations);
        }
        assert_int_equal(m->counts.walk_skips, l.skips);
        skips += l.skips;
        vm_engine_close(m);
    }
    assert_true(skips > 0);
}

/* With unmaps too: a stale word would not be the one that the walk reads, which the machine asserts.
 */
static void walk_caches_change_nothing_but_loads(void **unused)
{
    (void)unused;
    struct machine_trace t;
    for (unsigned i = test_rounds(300); i-- > 0;) {
        struct vm_config c = config(i);
        machine_trace_fill(&t, ALL_EVENTS, 900 + i);
        struct vm_engine *m = ran(&c, &t, NULL);
        struct machine_outcome without = outcome(m);
        vm_engine_close(m);
        machine_set(&c, "walk-caches", strcmp(c.scheme, "sv32") ? walk_caches[i % 4] : "p1=2");
        m = ran(&c, &t, NULL);
        struct machine_outcome with = outcome(m);
        vm_engine_close(m);
        assert_int_equal(with.counts.walk_loads + with.counts.walk_skips,
                         without.counts.walk_loads);
        assert_int_equal(with.counts.walk_steps, with.counts.walk_loads);
        with.counts.walk_loads = without.counts.walk_loads;
        with.counts.walk_steps = without.counts.walk_steps;
        with.counts.walk_waits = without.counts.walk_waits;
        with.counts.walk_skips = 0;
        assert_same_counts(&with.counts, &without.counts);
        assert_same_tlbs(&with, &without);
    }
}

/* ---- prefetching ---- */

/* The buffer stands beside the levels, so that they hold what they would hold without it. */
static void prefetching_turns_misses_into_hits_and_changes_no_tlb(void **unused)
{
    (void)unused;
    static const char *const kinds[] = {"next", "stride", "distance"};
    struct machine_trace t;
    uint64_t hits[3] = {0};
    for (unsigned i = test_rounds(300); i-- > 0;) {
        struct vm_config c = config(i);
        if (strstr(c.tlb, "pair")) /* walks bring neighbours, and the buffer saves walks */
            machine_set(&c, "tlb", "l1=6/3 l2=8");
        machine_trace_fill(&t, ALL_EVENTS, 1300 + i);
        struct vm_engine *m = ran(&c, &t, NULL);
        struct machine_outcome without = outcome(m);
        vm_engine_close(m);
        machine_set(&c, "prefetch", kinds[i % 3]);
        machine_set(&c, "prefetch-entries", i % 2 ? "2" : "8");
        m = ran(&c, &t, NULL);
        struct machine_outcome with = outcome(m);
        assert_int_equal(with.ntlbs, without.ntlbs + 1);
        struct vm_tlb_counts buffer = with.tlb[without.ntlbs];
        vm_engine_close(m);
        hits[i % 3] += with.counts.prefetch_hits;
        assert_int_equal(buffer.fills, with.counts.prefetches);
        assert_int_equal(buffer.lookups - buffer.misses, with.counts.prefetch_hits);
        assert_int_equal(buffer.misses, with.counts.tlb_misses);
        assert_int_equal(with.counts.tlb_misses + with.counts.prefetch_hits,
                         without.counts.tlb_misses);
        assert_int_equal(with.counts.faults, without.counts.faults);
        assert_int_equal(with.counts.writebacks, without.counts.writebacks);
        assert_same_tlbs(&without, &with);
    }
    assert_true(hits[0] && hits[1] && hits[2]);
}

/* ---- marks ---- */

struct marked {
    uint64_t pages, dirty, hash;
};

/* What the tables say of every page that is there. */
static struct marked marks_of(struct vm_engine *m)
{
    struct marked out = {0};
    for (vm_asid asid = 0; asid < TRACE_SPACES; asid++) {
        if (!vm_memory_space(m->memory, asid))
            continue;
        for (vm_va va = 0, end = 1 << 30;
             (va = m->scheme->next(m->scheme_state, asid, va, end)) < end; va += PAGE) {
            struct vm_pte pte = m->scheme->get(m->scheme_state, asid, va);
            if (pte.state != VM_PTE_PRESENT)
                continue;
            out.pages++;
            out.dirty += pte.dirty;
            out.hash = out.hash * 31 + va / PAGE + asid * 7 + pte.accessed * 3 + pte.dirty * 5;
        }
    }
    return out;
}

static void assert_same_marks(struct marked a, struct marked b)
{
    assert_int_equal(a.pages, b.pages);
    assert_int_equal(a.dirty, b.dirty);
    assert_int_equal(a.hash, b.hash);
}

static void marks_reach_the_table_however_they_are_kept(void **unused)
{
    (void)unused;
    struct machine_trace t;
    uint64_t stores = 0, traps = 0;
    for (unsigned i = test_rounds(200); i-- > 0;) {
        struct vm_config c = config(i);
        machine_trace_fill(&t, ALL_EVENTS, 1700 + i);
        struct vm_engine *now = ran(&c, &t, NULL);
        machine_set(&c, "marks", "on-leaving");
        struct vm_engine *late = ran(&c, &t, NULL);
        machine_set(&c, "marks", "trap");
        struct vm_engine *kernel = ran(&c, &t, NULL);
        flush(late);
        assert_same_marks(marks_of(now), marks_of(late));
        assert_same_marks(marks_of(now), marks_of(kernel));
        assert_memory_equal(now->bits, late->bits, c.memory_bytes / PAGE);
        assert_memory_equal(now->bits, kernel->bits, c.memory_bytes / PAGE);
        struct machine_outcome a = outcome(now), b = outcome(late), k = outcome(kernel);
        assert_int_equal(a.counts.faults, b.counts.faults);
        assert_int_equal(a.counts.evictions, b.counts.evictions);
        assert_true(b.counts.tlb_upgrades <= a.counts.tlb_upgrades);
        stores += b.counts.mark_stores;
        traps += k.counts.mark_traps;
        /* A trap is a walk more, and no other difference. */
        assert_int_equal(k.counts.walks, a.counts.walks + k.counts.mark_traps);
        assert_same_tlbs(&a, &k);
        vm_engine_close(now);
        vm_engine_close(late);
        vm_engine_close(kernel);
    }
    assert_true(stores > 0 && traps > 0);
}

/* ---- walkers ---- */

static void walkers_share_the_steps_of_a_window(void **unused)
{
    (void)unused;
    static const char *const windows[] = {"1", "2", "64", "100000"};
    struct machine_trace t;
    for (unsigned i = test_rounds(60); i-- > 0;) {
        struct vm_config c = config(i);
        machine_trace_fill(&t, TRACE_PROTECTS, 2000 + i);
        machine_set(&c, "walk-window", windows[i % 4]);
        uint64_t waits = UINT64_MAX;
        for (uint64_t walkers = 1; walkers < 9; walkers *= 2) {
            c.walkers = walkers;
            struct vm_engine *m = ran(&c, &t, NULL);
            struct vm_counts n = outcome(m).counts;
            vm_engine_close(m);
            assert_true(n.walk_waits <= waits && n.walk_waits * walkers >= n.walk_steps);
            if (walkers == 1)
                assert_int_equal(n.walk_waits, n.walk_steps);
            if (i % 4 == 3) { /* one window, no walk as long as its share */
                assert_int_equal(n.walk_waits, (n.walk_steps + walkers - 1) / walkers);
                assert_true(walkers == 1 || n.walk_waits < waits);
            }
            waits = n.walk_waits;
        }
    }
}

/* Two misses of four loads each, and a third in the next window. */
static void walks_of_one_window_overlap(void **unused)
{
    (void)unused;
    struct machine_trace t = {.nrefs = 3};
    for (unsigned i = 0; i < 3; i++) {
        t.va[i] = TRACE_BASE + i * PAGE;
        t.meta[i] = vm_ref_meta(VM_READ, 1);
    }
    struct vm_config c = machine_config("lru", 8);
    machine_set(&c, "walk-window", "3"); /* touches 0 to 2, 3 to 5: they are numbered from 1 */
    machine_set(&c, "walkers", "4");
    struct vm_engine *m = ran(&c, &t, NULL);
    struct vm_counts n = outcome(m).counts;
    vm_engine_close(m);
    /* The first two pages share their tables: 1 load finds the root empty; then 4; the second: 4
     * and, after its fault, 4. 13 steps by 4 walkers are 4; the longest walk is 4 as well. Then the
     * third: 8 by 4, but no less than 4. */
    assert_int_equal(n.walk_steps, 1 + 4 + 4 + 4 + 4 + 4);
    assert_int_equal(n.walk_waits, 4 + 4);
}

/* ---- which combinations there are ---- */

/* Patterson & Hennessy, Computer Organization and Design (RISC-V edition), figure 5.33: the
 * combinations of events in the TLB and the page table. A translation cannot be in the TLB if the
 * page is not present in memory: the only row that is impossible without regard to the cache. */
struct combinations {
    struct vm_engine *m;
    vm_asid asid;
    vm_va va;
    bool hit, fresh;  /* some TLB had it; nothing was asked of the table yet */
    uint64_t n[2][2]; /* [TLB hit][page table hit] */
};

static void note_combination(struct combinations *c)
{
    struct vm_pte pte = c->m->scheme->get(c->m->scheme_state, c->asid, c->va);
    c->n[c->hit][pte.state == VM_PTE_PRESENT]++;
    c->fresh = false;
}

static void hear_combination(void *host, const struct vm_tap_event *e)
{
    struct combinations *c = host;
    if (e->kind == VM_TAP_TOUCH) {
        c->asid = e->touch.asid;
        c->va = e->touch.va;
        c->hit = false;
        c->fresh = true;
    } else if (e->kind == VM_TAP_LOOKUP && e->lookup.hit) {
        struct vm_pte pte = c->m->scheme->get(c->m->scheme_state, c->asid, c->va);
        c->hit = true;
        assert_int_equal(pte.state, VM_PTE_PRESENT);
        assert_int_equal(pte.pfn, vm_tlb_pfn(e->lookup.value));
        assert_int_equal(pte.order, vm_tlb_order(e->lookup.value));
        assert_false(e->lookup.value & VM_PROT_ALL & ~pte.prot);
        note_combination(c);
    } else if (e->kind == VM_TAP_WALK && c->fresh) {
        /* The walk has marked, but neither mapped nor unmapped. */
        note_combination(c);
    }
}

static void play_trace(struct combinations *c, const char *name, uint64_t refs_max)
{
    struct vm_error e = {0};
    struct vm_batch b;
    char path[512];
    uint64_t refs = 0;
    snprintf(path, sizeof path, "%s/traces/%s", getenv("PAGODA_SOURCE"), name);
    struct vm_trace *t = vm_trace_open(path, NULL, &e);
    if (!t)
        fail_msg("%s", e.text);
    while (refs < refs_max && vm_trace_read(t, &b, &e)) {
        assert_true(vm_engine_run(c->m, &b, &e));
        refs += b.nrefs;
    }
    vm_trace_close(t);
}

static void a_tlb_never_has_what_the_page_table_has_not(void **unused)
{
    (void)unused;
    static const char *const traces[] = {"ls.pgt", "sort.pgt", "sqlite.pgt"};
    static const char *const schemes[] = {"x86-64", "sv39"};
    for (unsigned i = 0; i < 6; i++) {
        struct vm_config c;
        struct vm_error e = {0};
        vm_config_init(&c);
        c.memory_bytes = 96 * PAGE;
        machine_set(&c, "tlb", "l1i=8/2 l1d=8/2 l2=32/4");
        machine_set(&c, "scheme", schemes[i / 3]);
        struct combinations seen = {.m = vm_engine_open(&c, VM_STRAY_MAPS, NULL, &e)};
        struct vm_tap tap = {&seen, hear_combination};
        assert_non_null(seen.m);
        vm_engine_listen(seen.m, &tap);
        play_trace(&seen, traces[i % 3], 200000);
        struct vm_counts n = outcome(seen.m).counts;
        assert_int_equal(seen.n[1][1], n.tlb_hits);
        assert_int_equal(seen.n[1][0], 0); /* impossible */
        assert_int_equal(seen.n[0][1] + seen.n[0][0], n.tlb_misses);
        assert_int_equal(seen.n[0][1], n.miss_present);
        assert_true(seen.n[0][1] > 0 && seen.n[0][0] > 0);
        vm_engine_close(seen.m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_short_cut_of_the_loop_changes_a_count),
        cmocka_unit_test(no_short_cut_of_large_pages_changes_a_count),
        cmocka_unit_test(a_large_page_takes_one_entry),
        cmocka_unit_test(walk_caches_skip_what_naive_ones_do),
        cmocka_unit_test(walk_caches_change_nothing_but_loads),
        cmocka_unit_test(prefetching_turns_misses_into_hits_and_changes_no_tlb),
        cmocka_unit_test(marks_reach_the_table_however_they_are_kept),
        cmocka_unit_test(walkers_share_the_steps_of_a_window),
        cmocka_unit_test(walks_of_one_window_overlap),
        cmocka_unit_test(a_tlb_never_has_what_the_page_table_has_not),
    };
    return cmocka_run_group_tests_name("laws_translation", tests, NULL, NULL);
}
