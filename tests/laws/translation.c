/* Laws of translation: what TLBs, walk caches, walkers, marks and prefetching must not change, and
 * what they must add up to. Machines are held against each other on small random traces. */
#include "engine/price.h"
#include "laws/machines.h"
#include "oracle/naive_tlb.h"
#include "rounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
        hear_walk(l, e->walk.walk);
    }
    for (size_t i = 0; i < l->m->walk_cache_plan.n; i++) {
        if (e->kind == VM_TAP_SHOOTDOWN &&
            (!flush || vm_key_asid(e->shootdown.page_key) == l->m->cpu->asid))
            naive_tlb_drop(&l->cache[i], naive_tlb_is,
                           cache_tag(l, i, vm_key_va(e->shootdown.page_key, 12),
                                     vm_key_asid(e->shootdown.page_key)),
                           0);
        if (e->kind == VM_TAP_FLUSH && e->flush.why == VM_FLUSH_SPACE &&
            (!flush || e->flush.asid == l->m->cpu->asid))
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
        struct vm_config c = some_config(i);
        machine_set(&c, "scheme", "x86-64");
        machine_set(&c, "huge", "never"); /* tables that huge pages replace are told to nobody */
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
            struct vm_tlb_counts n = m->cpu->walk_cache[k].counts;
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

/* With unmaps too: a stale word would not be what the walk reads, which the machine asserts. */
static void walk_caches_change_nothing_but_loads(void **unused)
{
    (void)unused;
    struct machine_trace t;
    for (unsigned i = test_rounds(300); i-- > 0;) {
        struct vm_config c = some_config(i);
        machine_trace_fill(&t, some_events(i), 900 + i);
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

/* A table that is given back while no page of it is present: nothing was shot down since a walk in
 * vain read the word that led to it. */
static void a_walk_cache_forgets_tables_that_are_given_back(void **unused)
{
    (void)unused;
    enum { PAGES = 2 };
    const uint8_t prot = VM_PROT_READ;
    struct vm_event map = {
        .kind = VM_EVENT_MAP, .va = TRACE_BASE, .bytes = PAGES * PAGE, .prot = prot};
    struct machine_trace t = {.nrefs = 3, .nevents = 4};
    for (unsigned i = 0; i < t.nrefs; i++) /* present; denied; after another table was made */
        t.va[i] = TRACE_BASE + (i == 1) * PAGE;
    t.meta[0] = t.meta[2] = vm_ref_meta(VM_READ, 1);
    t.meta[1] = vm_ref_meta(VM_WRITE, 1);
    t.event[0] = map;
    t.event[1] = t.event[2] = t.event[3] = map;
    t.event[1].kind = VM_EVENT_ADVISE;
    t.event[1].detail = VM_ADVICE_DONTNEED;
    t.event[1].at = 1;
    t.event[2].kind = VM_EVENT_UNMAP;
    t.event[2].at = t.event[3].at = 2;
    struct vm_config c = machine_config("lru", 8);
    machine_set(&c, "walk-caches", "p1=4");
    struct vm_engine *m = ran(&c, &t, NULL);
    /* Walks of 1 and 4 loads; 4 in vain, the cache having been told of page 0; 3, since the unmap
     * gave the tables back, and 4 again: none but the third table's words were saved. */
    assert_int_equal(m->counts.denials, 1);
    assert_int_equal(m->counts.walk_skips, 0);
    assert_int_equal(m->cpu->walk_cache[0].counts.invalidations, 2);
    vm_engine_close(m);
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
        struct vm_config c = some_config(i);
        if (strstr(c.tlb, "pair")) /* walks bring neighbours, and the buffer saves walks */
            machine_set(&c, "tlb", "l1=6/3 l2=8");
        machine_trace_fill(&t, some_events(i), 1300 + i);
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

static uint64_t buffer_hits(const char *kind, const uint64_t *page, uint32_t n)
{
    struct machine_trace t = {.nrefs = 512 + n};
    struct vm_config c = machine_config("lru", 1024);
    machine_set(&c, "tlb", "l1=1");
    machine_set(&c, "prefetch", kind);
    machine_set(&c, "prefetch-entries", "4");
    for (unsigned i = 0; i < t.nrefs; i++) { /* every page once, so that it is there */
        uint64_t number = i < 512 ? 511 - i : page[i - 512];
        t.va[i] = (number + 4096) * PAGE;
        t.meta[i] = vm_ref_meta(VM_READ, 1);
    }
    t.nrefs = 512;
    struct vm_engine *m = ran(&c, &t, NULL);
    uint64_t before = m->counts.prefetch_hits;
    struct vm_error e = {0};
    struct vm_batch b = {.nrefs = n, .va = t.va + 512, .meta = t.meta + 512};
    assert_true(vm_engine_run(m, &b, &e));
    uint64_t hits = m->counts.prefetch_hits - before;
    vm_engine_close(m);
    return hits;
}

/* By hand, on what each is made for, after pages 511 to 0 have been read. */
static void each_predictor_finds_its_own_pattern(void **unused)
{
    (void)unused;
    static const uint64_t rising[] = {100, 101, 102, 103, 104};
    static const uint64_t strides[] = {100, 107, 114, 121, 128};
    static const uint64_t turns[] = {100, 103, 110, 113, 120, 123, 130}; /* 3, 7, 3, 7 ... */
    assert_int_equal(buffer_hits("next", rising, 5), 4);
    assert_int_equal(buffer_hits("next", strides, 5), 0);
    assert_int_equal(buffer_hits("stride", strides, 5), 2); /* two distances must agree */
    assert_int_equal(buffer_hits("stride", turns, 7), 0);
    /* 3 after 7 is seen at page 113, 7 after 3 at page 110: the next are known. */
    assert_int_equal(buffer_hits("distance", turns, 7), 3);
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
        struct vm_config c = some_config(i);
        machine_trace_fill(&t, some_events(i), 1700 + i);
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

/* The kernel that resolves a fault marks for the touch that faulted: only a later write traps. */
static void a_page_that_was_just_brought_in_does_not_trap(void **unused)
{
    (void)unused;
    struct machine_trace t = {.nrefs = 4};
    for (unsigned i = 0; i < t.nrefs; i++) {
        t.va[i] = TRACE_BASE + (i == 2) * PAGE;
        t.meta[i] = vm_ref_meta(i == 0 ? VM_READ : VM_WRITE, 1);
    }
    struct vm_config c = machine_config("lru", 8);
    machine_set(&c, "marks", "trap");
    struct vm_engine *m = ran(&c, &t, NULL);
    assert_int_equal(m->counts.faults, 2);
    assert_int_equal(m->counts.mark_traps, 1);
    assert_int_equal(m->counts.walk_stores, 0);
    vm_engine_close(m);
}

/* ---- walkers ---- */

static void walkers_share_the_steps_of_a_window(void **unused)
{
    (void)unused;
    static const char *const windows[] = {"1", "2", "64", "100000"};
    struct machine_trace t;
    for (unsigned i = test_rounds(60); i-- > 0;) {
        struct vm_config c = some_config(i);
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

/* ---- prices ---- */

/* Silberschatz, Operating System Concepts, 10th edition, 9.3.2: 80 % hits, 10 ns a memory access:
 * 0.80 x 10 + 0.20 x 20 = 12 ns. A table of one word makes the miss cost one access more. */
static void the_cases_add_up_to_the_time(void **unused)
{
    (void)unused;
    struct machine_trace t;
    for (unsigned i = test_rounds(60); i-- > 0;) {
        struct vm_config c = some_config(i);
        machine_trace_fill(&t, some_events(i), 2300 + i);
        struct vm_engine *m = ran(&c, &t, NULL);
        struct vm_result r = {.config = c};
        vm_engine_counts(m, &r.counts);
        r.ntlbs = vm_engine_ntlbs(m);
        for (size_t k = 0; k < r.ntlbs; k++)
            vm_engine_tlb(m, k, &r.tlb[k].config, &r.tlb[k].counts);
        vm_price(&r, (uint64_t[VM_WAITS]){1000, 2000, 500}, &r.prices);
        vm_engine_close(m);
        const struct vm_prices *p = &r.prices;
        double cases = (double)p->hit.touches * p->hit.each_ns +
                       (double)p->miss.touches * p->miss.each_ns +
                       (double)p->fault.touches * p->fault.each_ns;
        double rest = p->mark_ns + p->shootdown_ns + p->switching_ns;
        assert_int_equal(p->hit.touches + p->miss.touches + p->fault.touches, r.counts.touches);
        assert_true(cases + rest > p->total_ns * (1 - 1e-9));
        assert_true(cases + rest < p->total_ns * (1 + 1e-9));
    }
    struct vm_result book = {.config = {.page_bytes = 4096, .memory_ns = 10},
                             .counts = {.refs = 100,
                                        .touches = 100,
                                        .tlb_hits = 80,
                                        .tlb_misses = 20,
                                        .miss_present = 20,
                                        .walks = 20,
                                        .walk_loads = 20,
                                        .walk_steps = 20,
                                        .walk_waits = 20}};
    vm_price(&book, (uint64_t[VM_WAITS]){0}, &book.prices);
    assert_true(book.prices.hit.each_ns == 10 && book.prices.miss.each_ns == 20);
    assert_true(book.prices.access_ns == 12);
}

/* ---- which combinations there are ---- */

/* Patterson & Hennessy, Computer Organization and Design (RISC-V edition), figure 5.33: the
 * combinations of events in the TLB, the page table and the cache.
 *
 *      TLB    page table   cache    possible?
 *      hit    hit          hit      yes
 *      hit    hit          miss     yes
 *      miss   hit          hit      yes
 *      miss   hit          miss     yes
 *      miss   miss         miss     yes: a page fault
 *      hit    miss         miss     no: a translation cannot be in the TLB if the page is not
 *                                   in memory
 *      hit    miss         hit      no, for the same reason
 *      miss   miss         hit      no: data cannot be in the cache if the page is not in memory
 */
struct combinations {
    struct vm_engine *m;
    vm_asid asid;
    vm_va va;
    bool hit, fresh;        /* some TLB had it; nothing was asked of the table yet */
    bool present, due;      /* the page table had it; no line was asked for yet */
    uint64_t n[2][2];       /* [TLB hit][page table hit] */
    uint64_t line[2][2][2]; /* [TLB hit][page table hit][some cache had the first line] */
};

static void note_combination(struct combinations *c)
{
    struct vm_pte pte = c->m->scheme->get(c->m->scheme_state, c->asid, c->va);
    c->present = pte.state == VM_PTE_PRESENT;
    c->n[c->hit][c->present]++;
    c->fresh = false;
}

static void hear_combination(void *host, const struct vm_tap_event *e)
{
    struct combinations *c = host;
    if (e->kind == VM_TAP_TOUCH) {
        c->asid = e->touch.asid;
        c->va = e->touch.va;
        c->hit = false;
        c->fresh = c->due = true;
    } else if (e->kind == VM_TAP_LINE && !e->line.table && c->due) {
        c->line[c->hit][c->present][e->line.level < c->m->cpu->caches.levels]++;
        c->due = false;
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

static void assert_possible(const struct combinations *c, const struct vm_counts *n)
{
    assert_int_equal(c->n[1][1], n->tlb_hits);
    assert_int_equal(c->n[1][0], 0); /* impossible */
    assert_int_equal(c->n[0][1] + c->n[0][0], n->tlb_misses);
    assert_int_equal(c->n[0][1], n->miss_present);
    assert_true(c->n[0][1] > 0 && c->n[0][0] > 0);
    assert_true(c->line[1][1][1] > 0 && c->line[1][1][0] > 0);
    assert_true(c->line[0][1][1] > 0 && c->line[0][1][0] > 0);
    assert_true(c->line[0][0][0] > 0);
    assert_int_equal(c->line[0][0][1], 0); /* impossible */
    assert_int_equal(c->line[1][0][0] + c->line[1][0][1], 0);
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

static void only_possible_combinations_of_tlb_table_and_cache_are_seen(void **unused)
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
        machine_set(&c, "cache", "l1i=4KiB/2 l1d=4KiB/2 l2=64KiB/4");
        machine_set(&c, "scheme", schemes[i / 3]);
        struct combinations seen = {.m = vm_engine_open(&c, VM_STRAY_MAPS, NULL, &e)};
        struct vm_tap tap = {&seen, hear_combination};
        assert_non_null(seen.m);
        vm_engine_listen(seen.m, &tap);
        play_trace(&seen, traces[i % 3], 200000);
        struct vm_counts n = outcome(seen.m).counts;
        assert_possible(&seen, &n);
        vm_engine_close(seen.m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walk_caches_skip_what_naive_ones_do),
        cmocka_unit_test(walk_caches_change_nothing_but_loads),
        cmocka_unit_test(a_walk_cache_forgets_tables_that_are_given_back),
        cmocka_unit_test(prefetching_turns_misses_into_hits_and_changes_no_tlb),
        cmocka_unit_test(each_predictor_finds_its_own_pattern),
        cmocka_unit_test(marks_reach_the_table_however_they_are_kept),
        cmocka_unit_test(a_page_that_was_just_brought_in_does_not_trap),
        cmocka_unit_test(walkers_share_the_steps_of_a_window),
        cmocka_unit_test(walks_of_one_window_overlap),
        cmocka_unit_test(the_cases_add_up_to_the_time),
        cmocka_unit_test(only_possible_combinations_of_tlb_table_and_cache_are_seen),
    };
    return cmocka_run_group_tests_name("laws_translation", tests, NULL, NULL);
}
