/* A program's locality against naive models, on small random traces of several spaces with
 * references that cross pages; and the laws of working sets. */
#include "base/random.h"
#include "oracle/naive_locality.h"
#include "rounds.h"
#include "unit/folder.h"

#include "unit/test.h"

#include <pagoda/locality.h>
#include <stdlib.h>
#include <string.h>

enum { REFS = 90 }; /* of traces for models that take cubic time */

static const unsigned shifts[] = {12, 13, 14};
enum { NSHIFTS = sizeof shifts / sizeof shifts[0] };

struct world {
    struct folder folder;
    struct machine_trace trace;
    struct vm_trace_options options;
    char path[256];
    struct vm_locality_request request;
};

static void world_open(struct world *w, uint64_t refs, uint64_t seed)
{
    machine_trace_fill(&w->trace, TRACE_SWITCHES, seed);
    w->folder = folder_new();
    folder_path(&w->folder, "trace.pgt", w->path);
    machine_trace_write(&w->trace, w->path);
    w->options = (struct vm_trace_options){.limit = refs};
    w->request = (struct vm_locality_request){.parts = VM_LOCALITY_ALL,
                                              .nsizes = NSHIFTS,
                                              .policy = "lru",
                                              .memory = {.bytes = 8 << 14},
                                              .periods_max = 2 + seed % 8 * 2,
                                              .heat_rows_max = 6 + seed % 20,
                                              .seed = seed,
                                              .source = {w->path, &w->options, NULL, 0}};
    for (size_t i = 0; i < NSHIFTS; i++)
        w->request.page_bytes[i] = UINT64_C(1) << shifts[i];
}

static struct vm_locality measure(struct world *w)
{
    struct vm_locality l;
    struct vm_error e;
    if (!vm_locality_measure(&w->request, &l, &e))
        fail_msg("%s", e.text);
    return l;
}

static void mean_is(double mean, uint64_t sum, size_t n)
{
    assert_true(mean == (double)sum / (double)n);
}

static void every_window_is_as_if_slid_over_the_trace(void **unused)
{
    (void)unused;
    static struct naive_touches t;
    for (unsigned i = 0; i < test_rounds(100); i++) {
        struct world w;
        world_open(&w, REFS, i);
        struct vm_locality l = measure(&w);
        assert_int_equal(l.refs, REFS);
        for (size_t k = 0; k < NSHIFTS; k++) {
            const struct vm_intervals *v = &l.size[k].intervals;
            naive_touches_of(&t, &w.trace, REFS, shifts[k]);
            assert_int_equal(v->touches, t.n);
            assert_int_equal(v->pages, naive_pages(&t));
            for (uint64_t window = 1; window < t.n + 3; window += 1 + window / 16) {
                mean_is(vm_working_set_mean(v, window), naive_working_sets(&t, window), t.n);
                assert_int_equal(vm_working_set_last(v, window),
                                 naive_working_set_last(&t, window));
                assert_int_equal(vm_working_set_misses(v, window),
                                 naive_working_set_misses(&t, window));
                mean_is(vm_vmin_mean(v, window), naive_vmin_sets(&t, window), t.n);
                assert_int_equal(vm_working_set_misses(v, window), naive_vmin_misses(&t, window));
            }
        }
        vm_locality_free(&l);
        folder_remove(&w.folder);
    }
}

static void sizes_never_fall_misses_never_rise_and_vmin_is_no_larger(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < test_rounds(120); i++) {
        struct world w;
        world_open(&w, 0, i + 1000);
        struct vm_locality l = measure(&w);
        const struct vm_intervals *v = &l.size[i % NSHIFTS].intervals;
        assert_true(vm_working_set_mean(v, 1) == 1);
        assert_true(vm_vmin_mean(v, 1) == 1);
        for (uint64_t window = 1; window <= v->touches; window++) {
            double grown = vm_working_set_mean(v, window + 1) - vm_working_set_mean(v, window);
            double misses = (double)vm_working_set_misses(v, window);
            double last = (double)vm_working_set_last(v, window);
            assert_true(grown >= 0);
            assert_true(vm_working_set_misses(v, window + 1) <= misses);
            assert_true(vm_vmin_mean(v, window) <= vm_working_set_mean(v, window));
            /* Denning and Schwartz 1972, for a trace that ends. */
            double all = (double)v->touches;
            assert_true(grown * all - (misses - last) < 1e-6 * all);
            assert_true(grown * all - (misses - last) > -1e-6 * all);
        }
        assert_int_equal(vm_working_set_misses(v, v->touches), v->pages);
        vm_locality_free(&l);
        folder_remove(&w.folder);
    }
}

/* Whichever pages are kept until their next touch: with a fault as dear as keeping a page for
 * `window` - 1 touches, nothing is cheaper than VMIN. */
static void no_other_choice_is_cheaper_than_vmin(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < test_rounds(120); i++) {
        struct world w;
        world_open(&w, 0, i + 2000);
        struct vm_locality l = measure(&w);
        const struct vm_intervals *v = &l.size[0].intervals;
        struct vm_random random;
        vm_random_seed(&random, i);
        for (uint64_t window = 1; window <= 64; window *= 2) {
            double fault = (double)(window - 1), cost = 0, touches = (double)v->touches;
            double vmin = fault * (double)vm_working_set_misses(v, window) +
                          touches * vm_vmin_mean(v, window);
            for (size_t b = 0; b < v->between.n; b++)
                for (uint64_t n = 0; n < v->between.bin[b].count; n++)
                    cost +=
                        vm_random_below(&random, 2) ? (double)v->between.bin[b].value : 1 + fault;
            cost += (double)v->pages * (1 + fault); /* first touches; last ones stay for 1 */
            assert_true(vmin <= cost + 1e-6 * touches);
        }
        vm_locality_free(&l);
        folder_remove(&w.folder);
    }
}

/* ---- over time ---- */

static void each_cell_has_its_touches(void **unused)
{
    (void)unused;
    static struct naive_touches t;
    for (unsigned i = 0; i < test_rounds(200); i++) {
        struct world w;
        world_open(&w, i % 2 ? 0 : i * 7, i + 3000);
        struct vm_locality l = measure(&w);
        const struct vm_heat_map *h = &l.heat;
        uint64_t all = 0;
        naive_touches_of(&t, &w.trace, w.options.limit ? w.options.limit : UINT64_MAX, shifts[0]);
        assert_true(h->columns <= w.request.periods_max);
        assert_true(h->columns * h->period_refs >= t.nrefs);
        for (size_t r = 0; r < h->rows; r++)
            for (size_t c = 0; c < h->columns; c++) {
                uint64_t touches = 0;
                for (size_t k = 0; k < t.n; k++)
                    touches += vm_key_asid(t.touch[k].page) == h->row[r].asid &&
                               t.touch[k].va - h->row[r].start < h->row_bytes &&
                               t.touch[k].ref / h->period_refs == c;
                assert_int_equal(h->touches[r * h->columns + c], touches);
                all += touches;
            }
        assert_int_equal(all, t.n); /* no touch is in two rows, none in no row */
        vm_locality_free(&l);
        folder_remove(&w.folder);
    }
}

/* lru as its definition has it. */
static void naive_faults(const struct naive_touches *t, size_t frames, uint64_t period_refs,
                         struct vm_fault_period *out)
{
    for (size_t i = 0; i < t->n; i++) {
        size_t others = 0, k = i;
        while (k-- > 0 && t->touch[k].page != t->touch[i].page) {
            bool again = false;
            for (size_t m = k + 1; m < i; m++)
                again |= t->touch[m].page == t->touch[k].page;
            others += !again;
        }
        bool first = k == SIZE_MAX;
        out[t->touch[i].ref / period_refs].firsts += first;
        out[t->touch[i].ref / period_refs].faults += first || others >= frames;
    }
}

/* Mattson et al. 1970: of the reuse distances, those that are too long for the frames miss. */
static void distances_are_lrus_misses_with_any_memory(void **unused)
{
    (void)unused;
    static struct naive_touches t;
    for (unsigned i = 0; i < test_rounds(60); i++) {
        struct world w;
        world_open(&w, REFS + i, i + 6000);
        struct vm_locality l = measure(&w);
        for (size_t k = 0; k < NSHIFTS; k++) {
            const struct vm_histogram *h = &l.size[k].distances;
            naive_touches_of(&t, &w.trace, REFS + i, shifts[k]);
            assert_int_equal(h->count + l.size[k].pages, t.n);
            for (size_t frames = 1; frames <= l.size[k].pages + 1; frames++) {
                struct vm_fault_period all = {0};
                naive_faults(&t, frames, UINT64_MAX, &all);
                assert_int_equal(all.faults, t.n - vm_histogram_upto(h, frames - 1).count);
            }
        }
        vm_locality_free(&l);
        folder_remove(&w.folder);
    }
}

static void each_period_has_its_faults(void **unused)
{
    (void)unused;
    static struct naive_touches t;
    for (unsigned i = 0; i < test_rounds(100); i++) {
        struct world w;
        world_open(&w, REFS + i, i + 4000);
        struct vm_locality l = measure(&w);
        for (size_t k = 0; k < NSHIFTS; k++) {
            const struct vm_fault_times *f = &l.size[k].faults;
            struct vm_fault_period want[64] = {0};
            naive_touches_of(&t, &w.trace, REFS + i, shifts[k]);
            naive_faults(&t, w.request.memory.bytes >> shifts[k], f->period_refs, want);
            assert_int_equal(f->memory_bytes, w.request.memory.bytes);
            assert_int_equal(f->n, (t.nrefs + f->period_refs - 1) / f->period_refs);
            assert_memory_equal(f->period, want, f->n * sizeof want[0]);
        }
        vm_locality_free(&l);
        folder_remove(&w.folder);
    }
}

static void all_periods_together_have_the_faults_of_a_replay(void **unused)
{
    (void)unused;
    for (unsigned i = 0; vm_policy_at(i); i++) {
        struct world w;
        struct vm_result result;
        struct vm_error e;
        uint64_t faults = 0;
        world_open(&w, 0, i + 5000);
        w.request.policy = vm_policy_at(i)->name;
        w.request.memory = (struct vm_size){.percent = 25};
        struct vm_locality l = measure(&w);
        struct vm_config c;
        vm_config_init(&c);
        c.model = VM_MODEL_PAGES;
        c.page_bytes = l.size[1].page_bytes;
        c.memory_bytes = l.size[1].faults.memory_bytes;
        c.seed = w.request.seed;
        strcpy(c.policy, w.request.policy);
        assert_int_equal(c.memory_bytes / c.page_bytes, (l.size[1].intervals.pages + 2) / 4);
        assert_true(vm_replay(&c, w.path, &w.options, NULL, &result, &e));
        for (size_t k = 0; k < l.size[1].faults.n; k++)
            faults += l.size[1].faults.period[k].faults;
        assert_int_equal(faults, result.counts.faults);
        vm_locality_free(&l);
        folder_remove(&w.folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_window_is_as_if_slid_over_the_trace),
        cmocka_unit_test(sizes_never_fall_misses_never_rise_and_vmin_is_no_larger),
        cmocka_unit_test(no_other_choice_is_cheaper_than_vmin),
        cmocka_unit_test(each_cell_has_its_touches),
        cmocka_unit_test(distances_are_lrus_misses_with_any_memory),
        cmocka_unit_test(each_period_has_its_faults),
        cmocka_unit_test(all_periods_together_have_the_faults_of_a_replay),
    };
    return cmocka_run_group_tests_name("diff_locality", tests, NULL, NULL);
}
