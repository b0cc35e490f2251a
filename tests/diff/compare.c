/* Comparisons: their numbers are those of replays, and machines part where their resident sets,
 * looked at after each reference, first differ. */
#include "analysis/divergence.h"
#include "analysis/watch.h"
#include "base/random.h"
#include "oracle/machine_trace.h"
#include "oracle/policy_worlds.h"
#include "rounds.h"
#include "space/memory.h"
#include "unit/folder.h"

#include "unit/test.h"

#include <pagoda/compare.h>
#include <stdlib.h>
#include <string.h>

enum { PAGES_MAX = 64 };

/* ---- the numbers ---- */

static void cells_are(const struct vm_comparison *c, const struct vm_compare_request *r)
{
    for (size_t m = 0; m < c->nmemories; m++)
        for (size_t p = 0; p < c->npolicies; p++) {
            const struct vm_compare_cell *cell = vm_compare_at(c, m, p);
            struct vm_config config = *r->config;
            struct vm_result result;
            struct vm_error e;
            config.memory_bytes = c->memory[m].bytes;
            strcpy(config.policy, c->policy[p].spec);
            bool done = vm_replay(&config, r->source.spec, r->source.options, NULL, &result, &e);
            assert_int_equal(cell->done, done);
            if (!done) {
                assert_string_equal(cell->why, e.text);
                continue;
            }
            assert_memory_equal(&cell->counts, &result.counts, sizeof result.counts);
            assert_true(cell->prices.total_ns == result.prices.total_ns);
            assert_int_equal(vm_compare_misses(&cell->counts), result.counts.demand_zero +
                                                                   result.counts.swap_ins +
                                                                   result.counts.file_ins);
        }
}

static void numbers_are_those_of_replays(void **unused)
{
    (void)unused;
    static struct machine_trace trace;
    for (unsigned i = 0; i < test_rounds(8); i++) {
        struct folder folder = folder_new();
        struct vm_config config = machine_config("lru", 1);
        struct vm_comparison c;
        struct vm_error e;
        char path[256];
        folder_path(&folder, "trace.pgt", path);
        machine_trace_fill(&trace, i % 4 ? TRACE_MAPS | TRACE_FORKS : TRACE_SWITCHES, i);
        machine_trace_write(&trace, path);
        machine_set(&config, "model", i % 2 ? "pages" : "machine");
        config.page_bytes = i % 8 == 1 ? 8192 : 4096;
        struct vm_compare_request r = {.config = &config,
                                       .policies = i < 2 ? "all" : "lru,clock:load=referenced,nru",
                                       .memories = "16KiB,20%,100%",
                                       .source = {.spec = path}};
        if (!vm_compare(&r, &c, &e))
            fail_msg("%s", e.text);
        cells_are(&c, &r);
        vm_comparison_free(&c);
        folder_remove(&folder);
    }
}

/* ---- the first divergence, of the pages model ---- */

/* The world's references as a trace of text, pages numbered as they first come. */
static void write_world(const char *path, vm_pageref *ref)
{
    uint32_t number[PAGES_MAX], n = 0;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    memset(number, 0xff, sizeof number);
    for (size_t i = 0; i < WORLD_REFS; i++) {
        uint32_t page = ref[i] / 2;
        if (number[page] == UINT32_MAX)
            number[page] = n++;
        ref[i] = number[page] * 2 + ref[i] % 2;
        fprintf(f, "%c %x000\n", ref[i] % 2 ? 'W' : 'R', ref[i] / 2 + 1);
    }
    assert_int_equal(fclose(f), 0);
}

/* Whether page is in one and not in the other: 1: in b alone, -1: in a alone. */
static int differs(const struct policy_host *a, const struct policy_host *b, uint32_t page)
{
    return (b->r.frame_of[page] != 0) - (a->r.frame_of[page] != 0);
}

static struct vm_divergence naive(const struct policy_world *reference,
                                  const struct policy_world *rival)
{
    struct vm_divergence d = {
        .outcome = VM_DIVERGENCE_NEVER, .kept = VM_NOPAGE, .lacked = VM_NOPAGE};
    struct policy_host a, b;
    policy_host_open(&a, reference);
    policy_host_open(&b, rival);
    for (size_t i = 0; i < WORLD_REFS && d.outcome == VM_DIVERGENCE_NEVER; i++) {
        policy_host_step(&a, reference->ref[i]);
        policy_host_step(&b, rival->ref[i]);
        for (uint32_t page = PAGES_MAX; page-- > 0;) {
            uint64_t key = vm_page_key((page + 1) * UINT64_C(4096), 12, 0);
            int more = page < reference->npages ? differs(&a, &b, page) : 0;
            if (more)
                d.outcome = VM_DIVERGENCE_FOUND;
            if (more > 0)
                d.kept = key;
            if (more < 0)
                d.lacked = key;
        }
        d.ref = i + 1;
    }
    policy_host_close(&a);
    policy_host_close(&b);
    return d;
}

static void same_divergence(const struct vm_divergence *got, const struct vm_divergence *want,
                            const char *a, const char *b, unsigned seed)
{
    if (got->outcome == want->outcome &&
        (want->outcome == VM_DIVERGENCE_NEVER ||
         (got->ref == want->ref && got->kept == want->kept && got->lacked == want->lacked)))
        return;
    fail_msg("%s and %s, world %u: outcome %d at %llu, wanted %d at %llu", a, b, seed, got->outcome,
             (unsigned long long)got->ref, want->outcome, (unsigned long long)want->ref);
}

static void policies_part_where_their_resident_sets_first_differ(void **unused)
{
    (void)unused;
    size_t specs = 0, found = 0, never = 0;
    while (policy_spec_at(specs))
        specs++;
    for (unsigned i = 0; i < test_rounds(4000); i++) {
        struct folder folder = folder_new();
        struct vm_random random;
        vm_pageref ref[WORLD_REFS];
        char path[256];
        vm_random_seed(&random, i);
        folder_path(&folder, "trace.rwi", path);
        uint32_t npages = 4 + (uint32_t)vm_random_below(&random, 36);
        policy_world_fill(ref, npages, i);
        write_world(path, ref);
        struct policy_world w[2];
        struct vm_config config[2];
        for (int k = 0; k < 2; k++) {
            w[k] = (struct policy_world){.policy = policy_spec_at(vm_random_below(&random, specs)),
                                         .nframes = 1 + i % 12,
                                         .npages = npages,
                                         .seed = i,
                                         .ref = ref,
                                         .n = WORLD_REFS};
            vm_config_init(&config[k]);
            config[k].model = VM_MODEL_PAGES;
            config[k].seed = i;
            config[k].memory_bytes = w[k].nframes * UINT64_C(4096);
            strcpy(config[k].policy, w[k].policy);
        }
        struct vm_divergence got = {0}, want = naive(&w[0], &w[1]);
        struct rival rival = {&config[1], &got};
        struct vm_source source = {.spec = path};
        struct vm_error e;
        if (!find_divergences(&config[0], &rival, 1, &source, NULL, &e))
            fail_msg("%s", e.text);
        same_divergence(&got, &want, w[0].policy, w[1].policy, i);
        found += want.outcome == VM_DIVERGENCE_FOUND;
        never += want.outcome == VM_DIVERGENCE_NEVER;
        folder_remove(&folder);
    }
    assert_true(found > 0 && never > 0);
}

/* ---- what a watch tells ---- */

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The pages that own a frame, sorted. A frame that was never used has owner 0, where no trace has a
 * page. */
static size_t owners(const struct vm_memory *m, uint64_t *key)
{
    size_t n = 0;
    for (uint32_t f = 0; f < m->c.nframes; f++)
        if (m->frame[f].owner && m->frame[f].owner < VM_FRAME_NO_PAGE)
            key[n++] = m->frame[f].owner;
    qsort(key, n, sizeof *key, by_key);
    return n;
}

/* Carry out the changes of a watch on a set of pages. */
static size_t carry_out(uint64_t *key, size_t n, const struct change *change, size_t nchanges)
{
    for (size_t i = 0; i < nchanges; i++) {
        size_t k = 0;
        while (k < n && key[k] != change[i].key)
            k++;
        assert_true((k < n) == (change[i].came < 0)); /* it came once, and left once */
        if (change[i].came > 0)
            key[n++] = change[i].key;
        else
            key[k] = key[--n];
    }
    qsort(key, n, sizeof *key, by_key);
    return n;
}

static void a_watch_tells_of_each_page_that_comes_and_goes(void **unused)
{
    (void)unused;
    static struct machine_trace trace;
    static const char *const readaheads[] = {"none", "cluster", "vma", "stride", "leap"};
    size_t policies = 0, ahead = 0;
    while (vm_policy_at(policies))
        policies++;
    for (unsigned i = 0; i < test_rounds(150); i++) {
        struct folder folder = folder_new();
        char path[256];
        struct vm_config c = machine_config(vm_policy_at(i % policies)->name, 4 + i % 20);
        struct vm_source source = {.spec = path};
        struct vm_error e;
        uint64_t told[256], held[256];
        size_t n = 0, nchanges;
        if (vm_policy_at(i % policies)->future != VM_FUTURE_NEEDED)
            machine_set(&c, "readahead", readaheads[i % 5]);
        folder_path(&folder, "trace.pgt", path);
        machine_trace_fill(&trace, i % 2 ? TRACE_MAPS : TRACE_SWITCHES, i);
        machine_trace_write(&trace, path);
        struct watch *w = watch_open(&c, &source, NULL, &e);
        struct vm_run *run = vm_run_open(&c, &source, NULL, &e);
        assert_true(w && run);
        for (uint64_t refs = 1; refs < TRACE_REFS; refs += 1 + refs % 3) {
            assert_true(watch_to(w, refs, &e));
            assert_true(vm_run_to(run, refs, &e));
            assert_int_equal(watch_refs(w), refs);
            const struct change *change = watch_changes(w, &nchanges);
            n = carry_out(told, n, change, nchanges);
            assert_int_equal(n, owners(vm_engine_memory(vm_run_engine(run)), held));
            assert_memory_equal(told, held, n * sizeof *told);
        }
        struct vm_counts counts;
        vm_engine_counts(vm_run_engine(run), &counts);
        ahead += counts.readaheads;
        watch_close(w);
        vm_run_close(run);
        folder_remove(&folder);
    }
    assert_true(ahead > 100);
}

/* A huge page of four base pages, unmapped as one: the pages that leave are those that would have
 * left if it had been none. */
static void a_huge_page_leaves_as_its_pages(void **unused)
{
    (void)unused;
    static struct machine_trace trace = {
        .nrefs = 5,
        .va = {0x10000, 0x11000, 0x12000, 0x13000, 0x20000},
        .nevents = 1,
        .event = {{.at = 4, .kind = VM_EVENT_UNMAP, .va = 0x10000, .bytes = 0x4000}}};
    struct folder folder = folder_new();
    char path[256];
    struct vm_config c = machine_config("fifo", 16);
    struct vm_source source = {.spec = path};
    struct vm_error e;
    size_t n, left = 0;
    for (size_t i = 0; i < trace.nrefs; i++)
        trace.meta[i] = vm_ref_meta(VM_READ, 1);
    folder_path(&folder, "trace.pgt", path);
    machine_trace_write(&trace, path);
    machine_set(&c, "huge", "fault");
    machine_set(&c, "huge-size", "16KiB");
    machine_set(&c, "scheme", "two-level:dir=10,table=2");
    machine_set(&c, "layout", "as-is");
    struct watch *w = watch_open(&c, &source, NULL, &e);
    if (!w)
        fail_msg("%s", e.text);
    assert_true(watch_to(w, trace.nrefs, &e));
    const struct change *change = watch_changes(w, &n);
    for (size_t i = 0; i < n; i++)
        if (change[i].came < 0)
            assert_int_equal(change[i].key, vm_page_key(0x10000 + left++ * 4096, 12, 0));
    assert_int_equal(left, 4);
    watch_close(w);
    folder_remove(&folder);
}

/* With tables apart and no events, the machine and the pages model hold the same pages. */
static void both_models_part_at_the_same_reference(void **unused)
{
    (void)unused;
    static struct machine_trace trace;
    static const char *const pairs[][2] = {
        {"lru", "fifo"}, {"clock", "lru"}, {"lru", "opt"}, {"aging", "nru"}, {"lfu", "mru"}};
    for (unsigned i = 0; i < test_rounds(40); i++) {
        struct folder folder = folder_new();
        char path[256];
        struct vm_divergence d[2] = {0};
        struct vm_source source = {.spec = path};
        struct vm_error e;
        folder_path(&folder, "trace.pgt", path);
        machine_trace_fill(&trace, TRACE_SWITCHES, i);
        machine_trace_write(&trace, path);
        for (int model = 0; model < 2; model++) {
            struct vm_config a = machine_config(pairs[i % 5][0], 6 + i), b = a;
            a.model = b.model = model ? VM_MODEL_PAGES : VM_MODEL_MACHINE;
            strcpy(b.policy, pairs[i % 5][1]);
            struct rival rival = {&b, &d[model]};
            if (!find_divergences(&a, &rival, 1, &source, NULL, &e))
                fail_msg("%s", e.text);
        }
        same_divergence(&d[0], &d[1], pairs[i % 5][0], pairs[i % 5][1], i);
        assert_int_equal(d[0].outcome, VM_DIVERGENCE_FOUND);
        folder_remove(&folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_replays),
        cmocka_unit_test(policies_part_where_their_resident_sets_first_differ),
        cmocka_unit_test(a_watch_tells_of_each_page_that_comes_and_goes),
        cmocka_unit_test(a_huge_page_leaves_as_its_pages),
        cmocka_unit_test(both_models_part_at_the_same_reference),
    };
    return cmocka_run_group_tests_name("diff_compare", tests, NULL, NULL);
}
