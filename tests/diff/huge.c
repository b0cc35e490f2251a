/* Which pages are huge, in memories where nothing need leave: thousands of small random worlds
 * against tests/oracle/naive_huge.h. */
#include "base/random.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_touch_makes_a_region_huge_while_it_is_empty),
        cmocka_unit_test(a_reservation_becomes_huge_when_it_is_full),
        cmocka_unit_test(a_scan_collapses_what_is_not_shared_and_full_enough),
    };
    return cmocka_run_group_tests_name("diff_huge", tests, NULL, NULL);
}
