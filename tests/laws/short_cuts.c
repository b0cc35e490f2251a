/* The short cuts of the loop, which a machine with a tap does not take: counts are the same with
 * them and without, for base pages and large ones. */
#include "laws/machines.h"
#include "rounds.h"

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
    unsigned large = 0;
    for (unsigned i = test_rounds(300); i-- > 0;) {
        struct vm_config c = some_config(i);
        machine_set(&c, "marks", marks[i / 3 % 3]);
        machine_trace_fill(&t, some_events(i), 100 + i);
        struct vm_engine *m = ran(&c, &t, NULL), *told = ran(&c, &t, &deaf);
        struct machine_outcome a = outcome(m), b = outcome(told);
        assert_same_counts(&a.counts, &b.counts);
        assert_same_tlbs(&a, &b);
        assert_memory_equal(m->bits, told->bits, c.memory_bytes / PAGE);
        large += m->orders_seen > 1;
        vm_engine_close(m);
        vm_engine_close(told);
    }
    assert_true(large > 0);
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
    assert_true(vm_tlb_find(&m->cpu->tlb[0], 504 / 8 * PAGE, LARGE) < 0);
    assert_true(vm_tlb_find(&m->cpu->tlb[0], 503 * PAGE, 0) >= 0);
    vm_engine_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_short_cut_of_the_loop_changes_a_count),
        cmocka_unit_test(no_short_cut_of_large_pages_changes_a_count),
        cmocka_unit_test(a_large_page_takes_one_entry),
    };
    return cmocka_run_group_tests_name("laws_short_cuts", tests, NULL, NULL);
}
