/* Whole machines on small random traces: against a naive one, and against each other where they
 * must agree. */
#include "base/random.h"
#include "oracle/naive_machine.h"
#include "rounds.h"
#include "unit/folder.h"

#include <pagoda/policy.h>
#include <string.h>

#define PAGE UINT64_C(4096)

enum { ALL_EVENTS = TRACE_PROTECTS | TRACE_MAPS | TRACE_FORKS };

static const char *const plans[] = {
    "none",
    "l1=1",
    "l1=4/2:fifo",
    "l1i=4 l1d=4/2 l2=16/4",
    "l1i=2/1 l1d=8:plru l2=16/4:fifo",
    "l1=4:plru l2i=8/2 l2d=8/2:plru l3=32/4:lru",
    "l1i=4 l1l=8/2:xor l1s=2 l2=16/2:xor:fifo",
    "l1i=2 l1d=4/1:xor l2=8:pair:fifo",
    "l1i=8/2:pair l1l=4:pair:plru l1s=5:wired=2",
};
enum { NPLANS = sizeof plans / sizeof plans[0] };

static const char *const caches[] = {
    "none",
    "l1=2KiB/4:line=32",
    "l1i=1KiB/2 l1d=16KiB/2:vipt:plru l2=32KiB/8:random",
    "l1i=8KiB/1:vivt:flush l1d=16KiB/4:vivt:fifo l2=32KiB/8 l3=64KiB/4",
};
enum { NCACHES = sizeof caches / sizeof caches[0] };

/* The counts that do not depend on how pages are translated. */
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
    SAME(clean_drops);
    SAME(page_copies);
    SAME(slots_peak);
#undef SAME
}

/* Policies that need no future: row i, or NULL past the end. */
static const char *policy_at(size_t i)
{
    for (size_t row = 0; vm_policy_at(row); row++)
        if (vm_policy_at(row)->future == VM_FUTURE_UNUSED && i-- == 0)
            return vm_policy_at(row)->name;
    return NULL;
}

static void counts_do_not_depend_on_the_batch_size(void **unused)
{
    (void)unused;
    struct machine_trace t;
    for (size_t row = 0; policy_at(row); row++)
        for (unsigned i = test_rounds(16); i-- > 0;) {
            struct vm_config c = machine_config(policy_at(row), 12);
            machine_set(&c, "tlb", plans[i % NPLANS]);
            machine_set(&c, "cache", caches[i % NCACHES]);
            machine_trace_fill(&t, i % 2 ? ALL_EVENTS : TRACE_PROTECTS, i);
            struct machine_outcome whole = machine_play(&c, &t, 4096);
            struct machine_outcome ones = machine_play(&c, &t, 1);
            struct machine_outcome sevens = machine_play(&c, &t, 7);
            assert_memory_equal(&whole, &ones, sizeof whole);
            assert_memory_equal(&whole, &sevens, sizeof whole);
        }
}

static void tlbs_change_no_fault(void **unused)
{
    (void)unused;
    struct machine_trace t;
    for (size_t row = 0; policy_at(row); row++)
        for (unsigned i = test_rounds(8); i-- > 0;) {
            struct vm_config c = machine_config(policy_at(row), 10 + i % 5);
            machine_trace_fill(&t, ALL_EVENTS, 100 + i);
            machine_set(&c, "tlb", "none");
            struct machine_outcome without = machine_play(&c, &t, 4096);
            assert_int_equal(without.counts.tlb_misses, without.counts.touches);
            for (size_t k = 1; k < 2 * NPLANS; k++) {
                machine_set(&c, "tlb", plans[k % NPLANS]);
                machine_set(&c, "tlb-tags", k < NPLANS ? "asid" : "flush");
                struct machine_outcome with = machine_play(&c, &t, 4096);
                assert_same_paging(&without.counts, &with.counts);
            }
        }
}

static void caches_change_no_fault_and_no_tlb_count(void **unused)
{
    (void)unused;
    struct machine_trace t;
    for (size_t row = 0; policy_at(row); row++)
        for (unsigned i = test_rounds(8); i-- > 0;) {
            struct vm_config c = machine_config(policy_at(row), 10 + i % 5);
            machine_trace_fill(&t, ALL_EVENTS, 150 + i);
            struct machine_outcome without = machine_play(&c, &t, 4096);
            assert_int_equal(without.counts.lines, 0);
            for (size_t k = 1; k < NCACHES; k++) {
                machine_set(&c, "cache", caches[k]);
                struct machine_outcome with = machine_play(&c, &t, 4096);
                assert_same_paging(&without.counts, &with.counts);
                assert_int_equal(without.counts.walk_loads, with.counts.walk_loads);
                assert_memory_equal(without.tlb, with.tlb, sizeof with.tlb);
                assert_true(with.counts.lines > with.counts.touches / 2);
            }
        }
}

static void schemes_with_tables_apart_change_no_fault_and_no_tlb_count(void **unused)
{
    (void)unused;
    static const char *const schemes[] = {"sv32",
                                          "sv39",
                                          "sv48",
                                          "sv57",
                                          "x86-64-la57",
                                          "arm64",
                                          "two-level:dir=7,table=13,entry=8",
                                          "linear:bits=24",
                                          "inverted",
                                          "clustered",
                                          "ech",
                                          NULL};
    struct machine_trace t;
    for (unsigned i = test_rounds(40); i-- > 0;) {
        struct vm_config c = machine_config(i % 2 ? "clock" : "lru", 10 + i % 5);
        machine_trace_fill(&t, ALL_EVENTS, 200 + i);
        struct machine_outcome x86 = machine_play(&c, &t, 4096);
        for (size_t k = 0; schemes[k]; k++) {
            machine_set(&c, "scheme", schemes[k]);
            machine_set(&c, "layout", "as-is");
            struct machine_outcome other = machine_play(&c, &t, 4096);
            assert_same_paging(&x86.counts, &other.counts);
            assert_memory_equal(x86.tlb, other.tlb, sizeof x86.tlb);
            assert_int_equal(x86.counts.shootdowns, other.counts.shootdowns);
            assert_int_equal(x86.counts.tlb_upgrades, other.counts.tlb_upgrades);
        }
    }
}

/* A global entry stays when those of its space go; a fork takes its right to write all the same. */
static void a_write_after_a_fork_breaks_the_sharing_of_a_global_page(void **unused)
{
    (void)unused;
    static const uint8_t prots[] = {VM_PROT_ALL, VM_PROT_ALL | VM_PROT_GLOBAL};
    for (unsigned i = 0; i < 4; i++) {
        struct machine_trace t = {
            .nrefs = 2,
            .nevents = 2,
            .va = {TRACE_BASE, TRACE_BASE},
            .meta = {vm_ref_meta(VM_WRITE, 8), vm_ref_meta(VM_WRITE, 8)},
            .event = {{.kind = VM_EVENT_MAP,
                       .va = TRACE_BASE,
                       .bytes = PAGE,
                       .prot = prots[i / 2],
                       .detail = VM_BACKING_ANON},
                      {.at = 1, .kind = VM_EVENT_FORK, .child = 1}},
        };
        struct vm_config c = machine_config("lru", 8);
        machine_set(&c, "tlb-tags", i % 2 ? "flush" : "asid");
        assert_int_equal(machine_play(&c, &t, 4096).counts.cow_breaks, 1);
    }
}

/* ---- the naive machine ---- */

/* What a machine without tables, frames and slots cannot count. */
static void forget_uncounted(struct vm_counts *c)
{
    c->walk_loads = c->walk_stores = c->walk_steps = c->walk_waits = 0;
    c->frames_peak = c->table_frames_peak = 0;
    c->slots_peak = c->slots_taken = c->slots_freed = c->slots_used = 0;
    c->direct_reclaims = 0;
}

static void assert_same(const struct machine_outcome *naive, struct machine_outcome *fast)
{
    forget_uncounted(&fast->counts);
#define SAME(field, what) assert_int_equal(naive->counts.field, fast->counts.field);
    VM_COUNTS(SAME)
#undef SAME
    assert_int_equal(naive->ntlbs, fast->ntlbs);
    for (size_t i = 0; i < naive->ntlbs; i++) {
        assert_int_equal(naive->tlb[i].lookups, fast->tlb[i].lookups);
        assert_int_equal(naive->tlb[i].misses, fast->tlb[i].misses);
        assert_int_equal(naive->tlb[i].fills, fast->tlb[i].fills);
        assert_int_equal(naive->tlb[i].evictions, fast->tlb[i].evictions);
        assert_int_equal(naive->tlb[i].invalidations, fast->tlb[i].invalidations);
    }
}

static void the_machine_counts_as_a_naive_one_does(void **unused)
{
    (void)unused;
    static const char *const policies[] = {"lru", "fifo", "clock:load=referenced",
                                           "clock:load=clear"};
    struct machine_trace t;
    for (unsigned i = test_rounds(800); i-- > 0;) {
        struct vm_config c = machine_config(policies[i % 4], 1 + i / 4 % 30);
        machine_set(&c, "tlb", plans[i / 4 % NPLANS]);
        machine_set(&c, "tlb-tags", i / 36 % 2 ? "flush" : "asid");
        machine_set(&c, "stray", "faults");
        machine_trace_fill(&t, TRACE_PROTECTS, 1000 + i);
        struct machine_outcome naive = naive_machine_play(&c, &t);
        struct machine_outcome fast = machine_play(&c, &t, 4096);
        assert_same(&naive, &fast);
    }
}

/* ---- replays ---- */

static struct vm_result replay(const struct vm_config *c, const char *path)
{
    struct vm_result r;
    struct vm_error e = {0};
    if (!vm_replay(c, path, NULL, NULL, &r, &e))
        fail_msg("%s", e.text);
    return r;
}

static void the_machine_pages_as_the_pages_model_does(void **unused)
{
    (void)unused;
    struct folder f = folder_new();
    struct machine_trace t;
    char path[256];
    folder_path(&f, "trace.pgt", path);
    for (unsigned i = test_rounds(12); i-- > 0;) {
        machine_trace_fill(&t, TRACE_SWITCHES, 2000 + i);
        machine_trace_write(&t, path);
        for (size_t row = 0; vm_policy_at(row); row++) {
            struct vm_config c = machine_config(vm_policy_at(row)->name, 4 + 3 * (i % 7));
            machine_set(&c, "allot", i % 2 ? "fixed" : "global");
            machine_set(&c, "allot-frames", i % 4 == 1 ? "3" : "0");
            struct vm_result machine = replay(&c, path);
            machine_set(&c, "model", "pages");
            struct vm_result pages = replay(&c, path);
            assert_int_equal(machine.counts.touches, pages.counts.touches);
            /* Pages have other numbers in the two models: one's sketch hashes these, the other
             * looks at those beside them. */
            if (!strcmp(vm_policy_at(row)->name, "w-tinylfu") ||
                !strcmp(vm_policy_at(row)->name, "mglru"))
                continue;
            assert_int_equal(machine.counts.faults, pages.counts.faults);
            assert_int_equal(machine.counts.releases, pages.counts.releases);
            assert_int_equal(machine.counts.soft_faults, pages.counts.soft_faults);
            assert_int_equal(machine.counts.cleanings, pages.counts.cleanings);
            assert_int_equal(machine.counts.evictions, pages.counts.evictions);
            assert_int_equal(machine.counts.writebacks, pages.counts.writebacks);
        }
    }
    folder_remove(&f);
}

/* Belady's rule by looking through the whole future at each fault. */
static unsigned belady_faults(const uint32_t *page, size_t n, uint32_t nframes)
{
    uint32_t frame[64];
    unsigned used = 0, faults = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned at = 0, farthest = 0;
        size_t distance = 0;
        while (at < used && frame[at] != page[i])
            at++;
        if (at < used)
            continue;
        faults++;
        if (used < nframes) {
            frame[used++] = page[i];
            continue;
        }
        for (at = 0; at < used; at++) {
            size_t next = i + 1;
            while (next < n && page[next] != frame[at])
                next++;
            if (next - i > distance) {
                distance = next - i;
                farthest = at;
            }
        }
        frame[farthest] = page[i];
    }
    return faults;
}

static unsigned belady_of_trace(const struct machine_trace *t, uint32_t nframes)
{
    static uint32_t page[4 * TRACE_REFS];
    size_t n = 0;
    uint32_t asid = 0, k = 0;
    for (uint32_t i = 0; i < t->nrefs; i++) {
        for (; k < t->nevents && t->event[k].at == i; k++)
            asid = t->event[k].asid;
        vm_va last = (t->va[i] + vm_ref_bytes(t->meta[i]) - 1) / PAGE;
        for (vm_va p = t->va[i] / PAGE; p <= last; p++)
            page[n++] = (uint32_t)p * TRACE_SPACES + asid;
    }
    return belady_faults(page, n, nframes);
}

static void opt_on_the_machine_is_beladys(void **unused)
{
    (void)unused;
    struct folder f = folder_new();
    struct machine_trace t;
    char path[256];
    folder_path(&f, "trace.pgt", path);
    for (unsigned i = test_rounds(60); i-- > 0;) {
        struct vm_config c = machine_config("opt", 1 + i % 40);
        machine_set(&c, "tlb", plans[i % NPLANS]);
        machine_trace_fill(&t, TRACE_SWITCHES, 3000 + i);
        machine_trace_write(&t, path);
        assert_int_equal(replay(&c, path).counts.faults, belady_of_trace(&t, 1 + i % 40));
    }
    folder_remove(&f);
}

/* Pages that had to be brought in: what a policy can save. */
static uint64_t brought_in(const struct vm_result *r)
{
    return r->counts.demand_zero + r->counts.swap_ins + r->counts.file_ins;
}

struct contest {
    unsigned worse;           /* traces on which opt brings in more than some other policy */
    uint64_t opt, best_other; /* brought in, on all traces */
};

static struct contest contest_on(unsigned events, uint64_t seed, unsigned rounds)
{
    struct contest out = {0};
    uint64_t other[32] = {0};
    size_t n = 0;
    struct folder f = folder_new();
    struct machine_trace t;
    char path[256];
    folder_path(&f, "trace.pgt", path);
    for (unsigned i = test_rounds(rounds); i-- > 0;) {
        struct vm_config c = machine_config("opt", 3 + i % 20);
        machine_trace_fill(&t, events, seed + i);
        machine_trace_write(&t, path);
        struct vm_result opt = replay(&c, path);
        bool worse = false;
        out.opt += brought_in(&opt);
        for (n = 0; policy_at(n); n++) {
            machine_set(&c, "policy", policy_at(n));
            struct vm_result r = replay(&c, path);
            other[n] += brought_in(&r);
            worse |= brought_in(&opt) > brought_in(&r);
        }
        out.worse += worse;
    }
    folder_remove(&f);
    out.best_other = UINT64_MAX;
    while (n-- > 0)
        out.best_other = other[n] < out.best_other ? other[n] : out.best_other;
    return out;
}

static void no_policy_beats_opt(void **unused)
{
    (void)unused;
    assert_int_equal(contest_on(TRACE_PROTECTS, 4000, 12).worse, 0);
}

static void no_policy_beats_opt_where_pages_are_unmapped(void **unused)
{
    (void)unused;
    assert_int_equal(contest_on(TRACE_PROTECTS | TRACE_MAPS, 5000, 12).worse, 0);
}

/* Not on each trace: what a fork shares may part without opt's knowing (engine/replay.c). */
static void no_policy_beats_opt_in_all_where_pages_are_shared(void **unused)
{
    (void)unused;
    struct contest c = contest_on(ALL_EVENTS, 6000, 24);
    assert_true(c.opt < c.best_other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_do_not_depend_on_the_batch_size),
        cmocka_unit_test(tlbs_change_no_fault),
        cmocka_unit_test(caches_change_no_fault_and_no_tlb_count),
        cmocka_unit_test(schemes_with_tables_apart_change_no_fault_and_no_tlb_count),
        cmocka_unit_test(a_write_after_a_fork_breaks_the_sharing_of_a_global_page),
        cmocka_unit_test(the_machine_counts_as_a_naive_one_does),
        cmocka_unit_test(the_machine_pages_as_the_pages_model_does),
        cmocka_unit_test(opt_on_the_machine_is_beladys),
        cmocka_unit_test(no_policy_beats_opt),
        cmocka_unit_test(no_policy_beats_opt_where_pages_are_unmapped),
        cmocka_unit_test(no_policy_beats_opt_in_all_where_pages_are_shared),
    };
    return cmocka_run_group_tests_name("diff_machine", tests, NULL, NULL);
}
