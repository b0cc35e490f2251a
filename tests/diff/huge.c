/* Which pages are huge, in memories where nothing need leave: thousands of small random worlds
 * against tests/oracle/naive_huge.h. And a whole machine, with TLBs of any kind, makes, splits and
 * evicts as its memory alone does. */
#include "base/random.h"
#include "oracle/machine_trace.h"
#include "oracle/naive_huge.h"
#include "rounds.h"
#include "unit/test.h"

#include <stdio.h>

#define PAGE UINT64_C(4096)

enum { STEPS = 300 };

struct world {
    struct space_world fast;
    struct naive_huge naive;
    struct vm_random random;
};

static unsigned below(struct world *w, unsigned n)
{
    return (unsigned)vm_random_below(&w->random, n);
}

/* Runs of neighbours, so that regions fill. */
static const char *touches(struct world *w)
{
    vm_asid asid = (vm_asid)below(w, NAIVE_HUGE_SPACES);
    unsigned page = below(w, naive_huge_npages(&w->naive));
    for (unsigned n = 1 + below(w, 6); n > 0 && page < naive_huge_npages(&w->naive); n--, page++) {
        enum vm_access access = (enum vm_access)below(w, VM_ACCESSES);
        struct touch t = space_world_touch(&w->fast, asid,
                                           w->naive.start + page * PAGE + below(w, PAGE), access);
        if (t.outcome == TOUCH_FAILED)
            return w->fast.error.text;
        if (t.outcome == TOUCH_DONE)
            naive_huge_touch(&w->naive, asid, page, access);
    }
    return NULL;
}

static struct vm_event random_event(struct world *w, enum vm_event_kind kind)
{
    unsigned npages = naive_huge_npages(&w->naive), first = below(w, npages), n = 1 + below(w, 10);
    vm_asid asid = (vm_asid)below(w, NAIVE_HUGE_SPACES);
    return (struct vm_event){
        .kind = (uint8_t)kind,
        .asid = asid,
        .child = (vm_asid)((asid + 1 + below(w, NAIVE_HUGE_SPACES - 1)) % NAIVE_HUGE_SPACES),
        .va = w->naive.start + first * PAGE,
        .bytes = (first + n > npages ? npages - first : n) * PAGE,
        .prot = below(w, 4) ? VM_PROT_READ | VM_PROT_WRITE : (uint8_t)below(w, VM_PROT_ALL + 1),
        .detail = (uint8_t)(kind == VM_EVENT_MAP ? below(w, 2) * below(w, 3)
                                                 : VM_ADVICE_DONTNEED - below(w, 2)),
    };
}

/* Every address space begins with all of its pages mapped alike. */
static const char *map_all(struct world *w, vm_asid asid)
{
    struct vm_event v = {.kind = VM_EVENT_MAP,
                         .asid = asid,
                         .va = w->naive.start,
                         .bytes = naive_huge_npages(&w->naive) * PAGE,
                         .prot = VM_PROT_READ | VM_PROT_WRITE,
                         .detail = VM_BACKING_ANON};
    naive_huge_event(&w->naive, &v);
    return space_world_event(&w->fast, v) ? NULL : w->fast.error.text;
}

static const char *event(struct world *w)
{
    static const enum vm_event_kind kinds[] = {
        VM_EVENT_MAP,  VM_EVENT_MAP,    VM_EVENT_UNMAP, VM_EVENT_PROTECT, VM_EVENT_PROTECT,
        VM_EVENT_FORK, VM_EVENT_ADVISE, VM_EVENT_EXEC,  VM_EVENT_EXIT,
    };
    struct vm_event v = random_event(w, kinds[below(w, sizeof kinds / sizeof kinds[0])]);
    if (!space_world_event(&w->fast, v))
        return w->fast.error.text;
    naive_huge_event(&w->naive, &v);
    return v.kind == VM_EVENT_EXEC || v.kind == VM_EVENT_EXIT ? map_all(w, v.asid) : NULL;
}

static const char *scan(struct world *w)
{
    naive_huge_scan(&w->naive);
    return vm_memory_scan(w->fast.memory, &w->fast.error) ? NULL : w->fast.error.text;
}

static const char *step(struct world *w)
{
    unsigned what = below(w, 10);
    return what < 7 ? touches(w) : what < 9 ? event(w) : scan(w);
}

static void play(const struct space_plan *plan)
{
    struct world w;
    const char *wrong = NULL;
    assert_true(space_world_open(&w.fast, plan));
    naive_huge_open(&w.naive, plan, 0x100000);
    vm_random_seed(&w.random, plan->seed);
    for (vm_asid asid = 0; asid < NAIVE_HUGE_SPACES; asid++)
        assert_null(map_all(&w, asid));
    for (unsigned i = 0; i < STEPS && !wrong; i++) {
        wrong = step(&w);
        if (!wrong)
            wrong = naive_huge_inspect(&w.naive, &w.fast);
        if (wrong)
            fail_msg("%s, huge pages %d, seed %llu, step %u: %s", plan->scheme, plan->huge.pages,
                     (unsigned long long)plan->seed, i, wrong);
        space_world_check(&w.fast);
    }
    space_world_close(&w.fast);
}

static void play_all(enum vm_huge_pages pages)
{
    static const char *const scheme[] = {"two-level:dir=8,table=1", "two-level:dir=8,table=2"};
    for (unsigned seed = 0; seed < test_rounds(150); seed++) {
        unsigned order = 1 + seed % 2;
        struct space_plan plan = {
            .scheme = scheme[order - 1],
            .policy = "lru",
            .nframes = 600,
            .tables = seed % 3 ? VM_TABLES_APART : VM_TABLES_INSIDE,
            .stray = VM_STRAY_FAULTS,
            .huge = {.pages = pages,
                     .order = order,
                     .scan_pages = 1000,
                     .empty_max = seed % (1u << order)},
            .seed = seed,
        };
        play(&plan);
    }
}

static void a_first_touch_makes_a_region_huge_while_it_is_empty(void **unused)
{
    (void)unused;
    play_all(VM_HUGE_FAULT);
}

static void a_reservation_becomes_huge_when_it_is_full(void **unused)
{
    (void)unused;
    play_all(VM_HUGE_RESERVE);
}

static void a_scan_collapses_what_is_not_shared_and_full_enough(void **unused)
{
    (void)unused;
    play_all(VM_HUGE_COLLAPSE);
}

/* ---- machines ---- */

enum { SCAN_EVERY = 40 };

static const char *const policies[] = {"fifo",           "lru",    "clock", "lfu",
                                       "enhanced-clock", "random", "mru"};
static const char *const tlbs[] = {"none", "l1=8/2", "l1i=2 l1d=4:4K l1d=2:16K", "l1=2 l2=8/4:plru",
                                   "l1d=4:16K l1i=4:4K l2=16"};
static const char *const marks[] = {"at-once", "on-leaving", "trap"};
static const char *const modes[] = {"never", "fault", "reserve", "collapse"};

struct machine_plan {
    struct machine_trace trace;
    struct vm_config config;
    struct space_plan space; /* the same memory without the machine */
};

static void plan_machine(struct machine_plan *p, unsigned seed)
{
    enum vm_huge_pages pages = (enum vm_huge_pages)(VM_HUGE_FAULT + seed % 3);
    uint32_t nframes = 60 + 20 * (seed / 3 % 4);
    const char *policy = policies[seed % 7];
    machine_trace_fill(&p->trace, TRACE_MAPS | TRACE_FORKS | TRACE_PROTECTS, seed);
    p->config = machine_config(policy, nframes);
    machine_set(&p->config, "scheme", "two-level:dir=10,table=2");
    machine_set(&p->config, "layout", "as-is");
    machine_set(&p->config, "tables", seed % 2 ? "inside" : "apart");
    machine_set(&p->config, "tlb", tlbs[seed / 2 % 5]);
    machine_set(&p->config, "tlb-tags", seed / 5 % 2 ? "asid" : "flush");
    machine_set(&p->config, "walk-caches", seed / 7 % 2 ? "p1=2" : "none");
    machine_set(&p->config, "marks", marks[seed / 4 % 3]);
    machine_set(&p->config, "huge", modes[pages]);
    machine_set(&p->config, "huge-size", "16KiB");
    machine_set(&p->config, "huge-scan-touches", "40");
    machine_set(&p->config, "huge-scan-pages", "16");
    machine_set(&p->config, "huge-empty", "0.5");
    p->space = (struct space_plan){
        .scheme = p->config.scheme,
        .policy = p->config.policy,
        .nframes = nframes,
        .tables = (enum vm_tables)p->config.tables,
        .stray = VM_STRAY_MAPS,
        .nslots = (uint32_t)(p->config.swap_bytes / PAGE),
        .seed = p->config.seed,
        .huge = {.pages = pages, .order = 2, .scan_pages = 16, .empty_max = 2},
    };
}

/* One reference, page by page. Answers how many touches it was. */
static unsigned world_reference(struct space_world *w, vm_asid asid, vm_va va, uint16_t meta)
{
    vm_va last = (va + vm_ref_bytes(meta) - 1) / PAGE;
    unsigned n = 0;
    for (; n == 0 || va / PAGE <= last; va = (va / PAGE + 1) * PAGE, n++) {
        struct touch t = space_world_touch(w, asid, va, vm_ref_access(meta));
        assert_int_not_equal(t.outcome, TOUCH_FAILED);
    }
    return n;
}

static struct vm_counts play_memory(const struct machine_plan *p)
{
    struct space_world w;
    const struct machine_trace *t = &p->trace;
    uint64_t touches = 0, scan_next = SCAN_EVERY;
    vm_asid asid = 0;
    assert_true(space_world_open(&w, &p->space));
    for (uint32_t i = 0, k = 0; i < t->nrefs; i++) {
        for (; k < t->nevents && t->event[k].at == i; k++) {
            assert_true(space_world_event(&w, t->event[k]));
            asid = t->event[k].kind == VM_EVENT_SWITCH ? t->event[k].asid : asid;
        }
        touches += world_reference(&w, asid, t->va[i], t->meta[i]);
        if (touches < scan_next)
            continue;
        assert_true(vm_memory_scan(w.memory, &w.error));
        scan_next = touches + SCAN_EVERY;
    }
    space_world_check(&w);
    struct vm_counts counts = w.counts;
    space_world_close(&w);
    return counts;
}

static void a_machine_has_the_huge_pages_of_its_memory(void **unused)
{
    (void)unused;
    uint64_t made = 0, split = 0;
    for (unsigned seed = 0; seed < test_rounds(420); seed++) {
        struct machine_plan p;
        plan_machine(&p, seed);
        struct vm_counts machine = machine_play(&p.config, &p.trace, 1 + seed % 100).counts;
        struct vm_counts memory = play_memory(&p);
#define SAME(count)                                                                                \
    if (machine.count != memory.count)                                                             \
    fail_msg("seed %u: " #count " %llu, of the memory alone %llu", seed,                           \
             (unsigned long long)machine.count, (unsigned long long)memory.count)
        SAME(faults);
        SAME(demand_zero);
        SAME(cow_breaks);
        SAME(swap_ins);
        SAME(evictions);
        SAME(writebacks);
        SAME(page_copies);
        SAME(huge_faults);
        SAME(promotions);
        SAME(huge_copies);
        SAME(demotions);
        SAME(huge_freed);
        SAME(huge_misses);
        SAME(reservations);
        SAME(reservation_breaks);
        SAME(huge_untouched);
        SAME(huge_untouched_peak);
        SAME(frames_peak);
#undef SAME
        made += machine.huge_faults + machine.promotions;
        split += machine.demotions;
    }
    assert_true(made > 1000 && split > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_touch_makes_a_region_huge_while_it_is_empty),
        cmocka_unit_test(a_reservation_becomes_huge_when_it_is_full),
        cmocka_unit_test(a_scan_collapses_what_is_not_shared_and_full_enough),
        cmocka_unit_test(a_machine_has_the_huge_pages_of_its_memory),
    };
    return cmocka_run_group_tests_name("diff_huge", tests, NULL, NULL);
}
