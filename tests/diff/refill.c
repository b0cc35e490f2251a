/* Whole machines whose tables lie in kernel virtual memory, and whose TLBs the kernel refills: by
 * hand, and against machines that do neither. */
#include "oracle/machine_trace.h"
#include "rounds.h"
#include "unit/test.h"

#define PAGE UINT64_C(4096)

enum { ALL_EVENTS = TRACE_PROTECTS | TRACE_MAPS | TRACE_FORKS };

static const char *const plans[] = {"none", "l1=4:random", "l1=8:random:wired=2",
                                    "l1i=4 l1d=4/2 l2=16/4", "l1=6:pair"};
enum { NPLANS = sizeof plans / sizeof plans[0] };

/* ---- by hand ---- */

/* Page A is read twice and then written, page B, with the same page of the table, only written. */
static struct machine_outcome four_touches(const char *scheme, const char *refill)
{
    struct machine_trace t = {
        .nrefs = 4,
        .va = {TRACE_BASE, TRACE_BASE, TRACE_BASE, TRACE_BASE + PAGE},
        .meta = {vm_ref_meta(VM_READ, 8), vm_ref_meta(VM_READ, 8), vm_ref_meta(VM_WRITE, 8),
                 vm_ref_meta(VM_WRITE, 8)},
    };
    struct vm_config c = machine_config("lru", 16);
    machine_set(&c, "scheme", scheme);
    machine_set(&c, "refill", refill);
    machine_set(&c, "tlb", "l1=8");
    return machine_play(&c, &t, 4096);
}

/* A: the miss traps (1) and its handler finds no page of the table (1 load): what it puts in is
 * invalid (1). The fault makes the table, the walk after it loads the kernel's word and then the
 * page's (2 loads): the table's page was in no TLB, another trap (2). The write finds D clear: it
 * is modified (1); the kernel's walk before and the one after load the page's word only. B: a trap
 * (3), the table's page is in the TLB, the word is empty (1 load), invalid (2); the kernel marks
 * what it brings for a write (1 load). */
static void mips_by_hand(void **unused)
{
    (void)unused;
    struct vm_counts n = four_touches("mips:processes=1", "software").counts;
    assert_int_equal(n.tlb_misses, 2);
    assert_int_equal(n.tlb_upgrades, 1);
    assert_int_equal(n.refills, 3);
    assert_int_equal(n.invalid_traps, 2);
    assert_int_equal(n.modified_traps, 1);
    assert_int_equal(n.mark_traps, 1);
    assert_int_equal(n.faults, 2);
    assert_int_equal(n.nested_misses, 1);
    assert_int_equal(n.nested_hits, 4);
    assert_int_equal(n.walks, 6);
    assert_int_equal(n.walk_loads, 1 + 2 + 1 + 1 + 1 + 1);
    assert_int_equal(n.walk_skips, 4);
}

/* The hardware marks as it walks: the write walks once. */
static void paged_linear_by_hand(void **unused)
{
    (void)unused;
    struct vm_counts n = four_touches("paged-linear:processes=1", "hardware").counts;
    assert_int_equal(n.refills + n.invalid_traps + n.modified_traps + n.mark_traps, 0);
    assert_int_equal(n.tlb_misses, 2);
    assert_int_equal(n.tlb_upgrades, 1);
    assert_int_equal(n.nested_misses, 1);
    assert_int_equal(n.nested_hits, 3);
    assert_int_equal(n.walks, 5);
    assert_int_equal(n.walk_loads, 1 + 2 + 1 + 1 + 1);
}

static void the_kernel_s_page_in_a_tlb_lets_no_program_in(void **unused)
{
    (void)unused;
    struct machine_trace t = {
        .nrefs = 3,
        .va = {0, UINT64_C(0xc0000000), UINT64_C(0xc0000000)},
        .meta = {vm_ref_meta(VM_READ, 8), vm_ref_meta(VM_READ, 8), vm_ref_meta(VM_WRITE, 8)},
    };
    struct vm_config c = machine_config("lru", 16);
    machine_set(&c, "scheme", "mips:processes=1");
    machine_set(&c, "layout", "as-is");
    machine_set(&c, "tlb", "l1=8");
    struct vm_counts n = machine_play(&c, &t, 4096).counts;
    assert_int_equal(n.unnamed, 2);
    assert_int_equal(n.tlb_upgrades, 2); /* the page is in, and has no rights */
}

/* A refused touch leaves its invalid entry in the TLB: the next one traps without a refill. */
static void an_invalid_entry_stays_until_it_is_replaced(void **unused)
{
    (void)unused;
    struct machine_trace t = {
        .nrefs = 2,
        .va = {TRACE_BASE, TRACE_BASE},
        .meta = {vm_ref_meta(VM_READ, 8), vm_ref_meta(VM_READ, 8)},
    };
    struct vm_config c = machine_config("lru", 16);
    machine_set(&c, "stray", "faults");
    machine_set(&c, "refill", "software");
    machine_set(&c, "tlb", "l1=8");
    struct vm_counts n = machine_play(&c, &t, 4096).counts;
    assert_int_equal(n.violations, 2);
    assert_int_equal(n.tlb_misses, 1);
    assert_int_equal(n.tlb_upgrades, 1);
    assert_int_equal(n.refills, 1);
    assert_int_equal(n.invalid_traps, 1);
}

/* ---- against others ---- */

static void assert_same_paging(const struct vm_counts *a, const struct vm_counts *b)
{
#define SAME(field) assert_int_equal(a->field, b->field)
    SAME(touches);
    SAME(faults);
    SAME(demand_zero);
    SAME(soft_faults);
    SAME(cow_breaks);
    SAME(swap_ins);
    SAME(file_ins);
    SAME(violations);
    SAME(denials);
    SAME(evictions);
    SAME(writebacks);
#undef SAME
}

static struct vm_config random_config(unsigned i, const char *scheme, const char *policy)
{
    struct vm_config c = machine_config(policy, 10 + i % 5);
    machine_set(&c, "scheme", scheme);
    machine_set(&c, "layout", "as-is");
    machine_set(&c, "tlb", plans[i % NPLANS]);
    machine_set(&c, "tlb-tags", i % 2 ? "flush" : "asid");
    return c;
}

static void who_refills_the_tlb_changes_no_fault(void **unused)
{
    (void)unused;
    static const char *const schemes[] = {"x86-64", "sv39", "linear:bits=24", "mips:processes=4",
                                          "paged-linear:bits=24,processes=4"};
    static const char *const policies[] = {"lru", "clock", "fifo", "lfu"};
    struct machine_trace t;
    for (unsigned i = test_rounds(240); i-- > 0;) {
        struct vm_config c = random_config(i, schemes[i % 5], policies[i / 5 % 4]);
        machine_trace_fill(&t, ALL_EVENTS, 300 + i);
        struct vm_counts hard = machine_play(&c, &t, 4096).counts;
        machine_set(&c, "refill", "software");
        struct vm_counts soft = machine_play(&c, &t, 4096).counts;
        machine_set(&c, "marks", "trap");
        struct vm_counts trap = machine_play(&c, &t, 4096).counts;
        assert_same_paging(&hard, &soft);
        assert_same_paging(&hard, &trap);
        assert_int_equal(soft.refills, soft.tlb_misses + soft.nested_misses);
        assert_int_equal(hard.refills + hard.invalid_traps + hard.modified_traps, 0);
        assert_true(soft.invalid_traps > 0 && soft.modified_traps > 0);
        assert_true(trap.mark_traps >= soft.mark_traps);
        /* What traps as modified: the first writes, and what may not be written. */
        assert_in_range(soft.modified_traps, soft.mark_traps,
                        soft.mark_traps + soft.cow_breaks + soft.denials);
    }
}

/* A walk loads the kernel's word and the page's, or ends at the kernel's. */
static void loads_made_and_saved_are_those_of_two_a_walk(void **unused)
{
    (void)unused;
    struct machine_trace t;
    uint64_t table_faults = 0, nested_hits = 0;
    for (unsigned i = test_rounds(400); i-- > 0;) {
        struct vm_config c = random_config(
            i, i % 3 ? "paged-linear:bits=24,processes=4" : "mips:processes=4", "lru");
        machine_set(&c, "tlb", plans[1 + i % (NPLANS - 1)]);
        machine_set(&c, "tables", "inside");
        machine_set(&c, "refill", i % 2 ? "software" : "hardware");
        c.memory_bytes = PAGE * (i % 3 ? 12 + i % 16 : 26 + i % 16);
        machine_trace_fill(&t, ALL_EVENTS, 700 + i);
        struct vm_counts n = machine_play(&c, &t, 4096).counts;
        uint64_t whole = n.nested_hits + n.nested_misses;
        assert_int_equal(n.walk_skips, n.nested_hits);
        assert_int_equal(n.walk_loads + n.walk_skips, 2 * whole + (n.walks - whole));
        table_faults += n.table_faults;
        nested_hits += n.nested_hits;
    }
    assert_true(table_faults > 0 && nested_hits > 0);
}

static void count_event(void *host, const struct vm_tap_event *event)
{
    *(uint64_t *)host += event->kind == VM_TAP_WALK;
}

/* The same machine with a listener, which takes no short cut between touches. */
static struct machine_outcome play_told(const struct vm_config *c, const struct machine_trace *t)
{
    uint64_t walks = 0;
    struct vm_error e;
    struct vm_batch whole = {t->nrefs, t->nevents, t->va, t->meta, t->event};
    struct vm_engine *m = vm_engine_open(c, VM_STRAY_MAPS, NULL, &e);
    assert_non_null(m);
    vm_engine_listen(m, &(struct vm_tap){&walks, count_event});
    assert_true(vm_engine_run(m, &whole, &e));
    struct machine_outcome out = machine_outcome(m);
    assert_int_equal(walks, out.counts.walks);
    vm_engine_close(m);
    return out;
}

static void a_listener_changes_nothing(void **unused)
{
    (void)unused;
    struct machine_trace t;
    for (unsigned i = test_rounds(160); i-- > 0;) {
        struct vm_config c = random_config(i, "paged-linear:bits=24,processes=4", "lru");
        machine_set(&c, "tlb", i % 2 ? "l1=8/2" : "l1i=4/2 l1d=4/2 l2=8/2");
        c.memory_bytes = PAGE * (i % 3 ? 64 : 16);
        machine_set(&c, "refill", i / 2 % 2 ? "software" : "hardware");
        machine_trace_fill(&t, ALL_EVENTS, 1500 + i);
        struct machine_outcome fast = machine_play(&c, &t, 4096), told = play_told(&c, &t);
        assert_memory_equal(&fast, &told, sizeof fast);
    }
}

static void batches_change_nothing(void **unused)
{
    (void)unused;
    struct machine_trace t;
    for (unsigned i = test_rounds(40); i-- > 0;) {
        struct vm_config c = random_config(i, "paged-linear:bits=24,processes=4", "clock");
        machine_set(&c, "tables", "inside");
        machine_set(&c, "refill", i / 2 % 2 ? "software" : "hardware");
        c.memory_bytes = PAGE * (14 + i % 16);
        machine_trace_fill(&t, ALL_EVENTS, 1200 + i);
        struct machine_outcome whole = machine_play(&c, &t, 4096);
        struct machine_outcome sevens = machine_play(&c, &t, 7);
        assert_memory_equal(&whole, &sevens, sizeof whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mips_by_hand),
        cmocka_unit_test(paged_linear_by_hand),
        cmocka_unit_test(the_kernel_s_page_in_a_tlb_lets_no_program_in),
        cmocka_unit_test(an_invalid_entry_stays_until_it_is_replaced),
        cmocka_unit_test(who_refills_the_tlb_changes_no_fault),
        cmocka_unit_test(loads_made_and_saved_are_those_of_two_a_walk),
        cmocka_unit_test(a_listener_changes_nothing),
        cmocka_unit_test(batches_change_nothing),
    };
    return cmocka_run_group_tests_name("diff_refill", tests, NULL, NULL);
}
