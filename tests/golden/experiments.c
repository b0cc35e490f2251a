/* The textbooks' figures, as `pagoda experiment` runs them: values that are printed or follow by
 * arithmetic, and recorded ones of the seed 1 where chance decides.
 *
 * Arpaci-Dusseau, Operating Systems: Three Easy Pieces, chapters 19 and 22. Of references that do
 * not depend on those before (the no-locality and the 80-20 workload) theory knows the hit ratios:
 * fifo's and random's are equal (Gelenbe, "A unified approach to the evaluation of a class of
 * replacement algorithms", IEEE Trans. Computers C-22(6), 1973), and lru's is Che's approximation
 * (Che, Tung, Wang, "Hierarchical web caching systems", IEEE JSAC 20(7), 2002).
 */
#include "unit/test.h"

#include <math.h>
#include <pagoda/experiment.h>
#include <string.h>

static struct vm_figures run_on(const char *name, const char *text, const char *trace,
                                const struct vm_config *c)
{
    struct vm_error e = {0};
    struct vm_params params;
    struct vm_figures f = {0};
    const struct vm_experiment_ops *x = vm_experiment_find(name, &e);
    struct vm_experiment_request r = {.config = c, .params = &params, .trace = trace};
    if (!x || !vm_params_parse(&params, name, x->param, x->nparams, text, &e) ||
        !vm_experiment_run(x, &r, &f, &e))
        fail_msg("%s %s: %s", name, text, e.text);
    return f;
}

static struct vm_figures run(const char *name, const char *text)
{
    struct vm_config c;
    vm_config_init(&c);
    return run_on(name, text, NULL, &c);
}

static const struct vm_series *series(const struct vm_figures *f, size_t chart, const char *name)
{
    const struct vm_chart *c = &f->chart[chart];
    for (size_t i = 0; i < c->nseries; i++)
        if (!strcmp(c->series[i].name, name))
            return &c->series[i];
    fail_msg("%s has no series %s", c->name, name);
    return NULL;
}

static double at(const struct vm_figures *f, size_t chart, const char *name, double x)
{
    const struct vm_series *s = series(f, chart, name);
    for (size_t i = 0; i < s->n; i++)
        if (s->x[i] == x)
            return s->y[i];
    fail_msg("series %s has no point at %g", name, x);
    return NAN;
}

static void assert_near(double got, double want, double slack)
{
    if (!(fabs(got - want) <= slack))
        fail_msg("%.9g is not within %g of %.9g", got, slack, want);
}

static void assert_same_ratio(double got, uint64_t hits, uint64_t refs)
{
    assert_near(got, (double)hits / (double)refs, 1e-12);
}

/* ---- looping ---- */

static void a_loop_that_is_one_page_too_long_never_hits(void **unused)
{
    (void)unused;
    static const char *const same[] = {"lru", "fifo", "clock"};
    struct vm_figures f = run("looping", "");
    for (size_t i = 0; i < 3; i++) {
        for (unsigned frames = 1; frames < 50; frames++)
            assert_same_ratio(at(&f, 0, same[i], frames), 0, 10000);
        for (unsigned frames = 50; frames <= 100; frames++)
            assert_same_ratio(at(&f, 0, same[i], frames), 9950, 10000);
    }
    vm_figures_free(&f);
}

/* Of a loop over n pages opt keeps c - 1 from one turn to the next, so that of n - 1 references in
 * a row c - 1 hit: Three Easy Pieces' curve is the line between 0 and 1. */
static void opt_keeps_what_it_can_of_a_loop(void **unused)
{
    (void)unused;
    struct vm_figures f = run("looping", "refs=49050");
    for (unsigned frames = 1; frames <= 50; frames++)
        assert_near(at(&f, 0, "opt", frames), 49000.0 / 49050 * (frames - 1) / 49, 1e-3);
    vm_figures_free(&f);
}

/* random keeps a page until its turn comes with chance (1 - 1/c) to the power of the misses in a
 * turn: h = (1 - 1/c)^(n (1 - h)). */
static void random_has_no_worst_case(void **unused)
{
    (void)unused;
    struct vm_figures f = run("looping", "refs=200k");
    for (unsigned frames = 10; frames < 50; frames += 10) {
        double h = 0;
        for (int i = 0; i < 2000; i++)
            h = pow(1 - 1.0 / frames, 50 * (1 - h));
        assert_near(at(&f, 0, "random", frames), h, 0.02);
    }
    vm_figures_free(&f);
}

/* ---- references that do not depend on those before ---- */

/* A page's share of the references: the first fifth are hot. */
static double share(unsigned page, double hot_refs)
{
    return page < 20 ? hot_refs / 20 : (1 - hot_refs) / 80;
}

/* Che: a page stays for t references; hit ratio and expected pages in memory for that t. */
static double che_in(double q, double t)
{
    return 1 - exp(-q * t);
}

/* Gelenbe: fifo and random, as a page stays for t misses. */
static double gelenbe_in(double q, double t)
{
    return q * t / (1 + q * t);
}

static double theory(double (*in)(double, double), double hot_refs, unsigned frames)
{
    double low = 0, high = 1e7;
    for (int i = 0; i < 200; i++) {
        double t = (low + high) / 2, held = 0;
        for (unsigned p = 0; p < 100; p++)
            held += in(share(p, hot_refs), t);
        *(held < frames ? &low : &high) = t;
    }
    double hits = 0;
    for (unsigned p = 0; p < 100; p++)
        hits += share(p, hot_refs) * in(share(p, hot_refs), low);
    return hits;
}

static void assert_theory(const char *name, double hot_refs)
{
    struct vm_figures f = run(name, "refs=200k");
    for (unsigned frames = 5; frames < 100; frames += 5) {
        assert_near(at(&f, 0, "lru", frames), theory(che_in, hot_refs, frames), 0.008);
        assert_near(at(&f, 0, "fifo", frames), theory(gelenbe_in, hot_refs, frames), 0.008);
        assert_near(at(&f, 0, "random", frames), theory(gelenbe_in, hot_refs, frames), 0.008);
        assert_true(at(&f, 0, "clock", frames) > at(&f, 0, "fifo", frames) - 0.008);
    }
    vm_figures_free(&f);
}

static void without_locality_every_policy_hits_as_theory_says(void **unused)
{
    (void)unused;
    assert_theory("locality-none", 0.2);
}

static void eighty_twenty_is_as_theory_says(void **unused)
{
    (void)unused;
    assert_theory("eighty-twenty", 0.8);
}

/* The textbook's figures have no numbers in print; these are of its sizes and the seed 1. */
static void the_textbooks_sizes_give_what_was_recorded(void **unused)
{
    (void)unused;
    static const struct {
        const char *experiment, *policy;
        uint64_t hits[4]; /* with 20, 40, 60, 80 frames, of 10,000 references */
    } recorded[] = {
        {"locality-none", "opt", {5181, 7198, 8469, 9340}},
        {"locality-none", "lru", {2013, 4028, 5990, 7994}},
        {"locality-none", "fifo", {2000, 4079, 5994, 7984}},
        {"locality-none", "random", {2009, 4023, 6014, 7998}},
        {"locality-none", "clock", {2007, 4023, 6014, 7975}},
        {"eighty-twenty", "opt", {7998, 9097, 9512, 9768}},
        {"eighty-twenty", "lru", {5734, 8387, 8963, 9441}},
        {"eighty-twenty", "fifo", {5198, 7475, 8542, 9296}},
        {"eighty-twenty", "random", {5184, 7493, 8561, 9287}},
        {"eighty-twenty", "clock", {5989, 8411, 8946, 9443}},
        {"looping", "opt", {3860, 7920, 9950, 9950}},
        {"looping", "lru", {0, 0, 9950, 9950}},
        {"looping", "fifo", {0, 0, 9950, 9950}},
        {"looping", "random", {1011, 6239, 9950, 9950}},
        {"looping", "clock", {0, 0, 9950, 9950}},
    };
    for (size_t i = 0; i < sizeof recorded / sizeof recorded[0]; i++) {
        struct vm_figures f = run(recorded[i].experiment, "");
        for (unsigned k = 0; k < 4; k++)
            assert_same_ratio(at(&f, 0, recorded[i].policy, 20.0 * (k + 1)), recorded[i].hits[k],
                              10000);
        vm_figures_free(&f);
    }
}

static void nothing_hits_more_than_opt(void **unused)
{
    (void)unused;
    static const char *const names[] = {"locality-none", "eighty-twenty", "looping"};
    for (size_t i = 0; i < 3; i++) {
        struct vm_figures f = run(names[i], "");
        const struct vm_series *opt = series(&f, 0, "opt");
        assert_int_equal(f.chart[0].nseries, 5);
        for (size_t s = 0; s < 5; s++)
            for (size_t k = 0; k < opt->n; k++)
                assert_true(f.chart[0].series[s].y[k] <= opt->y[k]);
        vm_figures_free(&f);
    }
}

/* ---- belady ---- */

static void fifo_faults_9_times_with_3_frames_and_10_with_4(void **unused)
{
    (void)unused;
    static const double fifo[] = {12, 12, 9, 10, 5, 5}, opt[] = {12, 9, 7, 6, 5, 5},
                        lru[] = {12, 12, 10, 8, 5, 5};
    struct vm_figures f = run("belady", "strings=1");
    assert_int_equal(series(&f, 0, "fifo")->n, 6);
    for (unsigned i = 0; i < 6; i++) {
        assert_near(at(&f, 0, "fifo", i + 1), fifo[i], 0);
        assert_near(at(&f, 0, "lru", i + 1), lru[i], 0);
        assert_near(at(&f, 0, "opt", i + 1), opt[i], 0);
    }
    vm_figures_free(&f);
}

static void each_member_of_the_family_has_the_anomaly(void **unused)
{
    (void)unused;
    struct vm_figures f = run("belady", "members=60,strings=1");
    for (unsigned m = 3; m < 63; m++) {
        assert_near(at(&f, 1, "fifo, m frames", m), 2 * m + 3, 0);
        assert_near(at(&f, 1, "fifo, m + 1 frames", m), 2 * m + 4, 0);
        assert_true(at(&f, 1, "lru, m + 1 frames", m) <= at(&f, 1, "lru, m frames", m));
        assert_true(at(&f, 1, "opt, m + 1 frames", m) <= at(&f, 1, "opt, m frames", m));
    }
    vm_figures_free(&f);
}

/* Random strings, drawn again here and replayed by a fifo of five lines. */
static unsigned plain_fifo(const unsigned *page, unsigned n, unsigned frames)
{
    unsigned queue[64], head = 0, misses = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned k = 0, held = misses < frames ? misses : frames;
        while (k < held && queue[k] != page[i])
            k++;
        if (k < held)
            continue;
        queue[head] = page[i];
        head = (head + 1) % frames;
        misses++;
    }
    return misses;
}

static void the_share_of_random_strings_is_counted_right(void **unused)
{
    (void)unused;
    static const unsigned anomaly[] = {1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5};
    assert_int_equal(plain_fifo(anomaly, 12, 3), 9);
    assert_int_equal(plain_fifo(anomaly, 12, 4), 10);
    struct vm_figures f = run("belady", "strings=4000");
    const struct vm_series *s = series(&f, 2, "fifo");
    assert_int_equal(s->n, 7);
    for (size_t i = 0; i < s->n; i++) { /* whole strings, and few of them */
        assert_near(s->y[i] * 4000, round(s->y[i] * 4000), 1e-6);
        assert_true(s->y[i] < 0.02);
    }
    assert_true(s->y[4] > 0.001);
    assert_near(s->y[6], 0, 0); /* 8 pages in 8 frames: nothing comes back */
    vm_figures_free(&f);
}

/* ---- tlb-staircase ---- */

static void set(struct vm_config *c, const char *flag, const char *value)
{
    struct vm_error e;
    const struct vm_option *o;
    for (size_t i = 0; (o = vm_option_at(i)); i++)
        if (!strcmp(o->flag, flag))
            assert_true(vm_config_set(c, o, value, &e));
}

/* lru over one set, touched in turn: all hits up to the reach, all misses beyond it. Sv39 walks
 * three tables; an access is 100 ns, a hit of the second level 5 ns. */
static void each_reach_is_a_step_and_each_step_a_price(void **unused)
{
    (void)unused;
    struct vm_config c;
    vm_config_init(&c);
    set(&c, "scheme", "sv39");
    set(&c, "tlb", "l1=16:lru l2=64:lru@5");
    set(&c, "memory-ns", "100");
    struct vm_figures f = run_on("tlb-staircase", "pages=256", NULL, &c);
    const struct vm_series *s = series(&f, 0, "access");
    assert_true(s->n > 20);
    for (size_t i = 0; i < s->n; i++) {
        double want = s->x[i] <= 16 ? 100 : s->x[i] <= 64 ? 105 : 400;
        assert_near(s->y[i], want, 1e-6);
        assert_near(at(&f, 0, "of it translation", s->x[i]), want - 100, 1e-6);
    }
    assert_near(at(&f, 0, "access", 16), 100, 1e-6);
    assert_near(at(&f, 0, "access", 20), 105, 1e-6);
    vm_figures_free(&f);
}

/* A stride of two pages uses half of a TLB's sets. */
static void a_stride_halves_the_reach_of_sets(void **unused)
{
    (void)unused;
    struct vm_config c;
    vm_config_init(&c);
    set(&c, "tlb", "l1=32/4:lru");
    struct vm_figures f = run_on("tlb-staircase", "pages=64,stride=8KiB", NULL, &c);
    assert_near(at(&f, 0, "of it translation", 16), 0, 1e-6);
    assert_true(at(&f, 0, "of it translation", 20) > 0);
    vm_figures_free(&f);
    f = run_on("tlb-staircase", "pages=64", NULL, &c);
    assert_near(at(&f, 0, "of it translation", 32), 0, 1e-6);
    assert_true(at(&f, 0, "of it translation", 40) > 0);
    vm_figures_free(&f);
}

/* ---- page-size ---- */

/* 64 words, one every 4 KiB from 256 MiB on: 64 blocks of 64 bytes are used. A bounded table has an
 * entry of 8 bytes for each page up to the last one, in whole frames, of which it doubles the
 * number when it grows. */
static void what_pages_hold_unused_and_what_tables_take(void **unused)
{
    (void)unused;
    struct vm_config c;
    vm_config_init(&c);
    struct vm_figures f =
        run_on("page-size", "", "@stride:refs=64,pages=64,stride=4096,base=256MiB", &c);
    const struct vm_series *s = series(&f, 0, "unused in pages");
    assert_int_equal(s->n, 17); /* 64 bytes to 4 MiB */
    for (size_t i = 0; i < s->n; i++) {
        double page = s->x[i], pages = page < 4096 ? 64 : ceil(64 * 4096 / page);
        double entries = floor(((256 << 20) + 63 * 4096) / page) + 1;
        double table = exp2(ceil(log2(ceil(entries * 8 / page)))) * page;
        assert_near(s->y[i], pages * page - 64 * 64, 0);
        assert_near(at(&f, 0, "page table", page), table, 0);
        assert_near(at(&f, 0, "both", page), pages * page - 64 * 64 + table, 0);
    }
    vm_figures_free(&f);
}

static void a_size_that_the_scheme_lacks_is_a_gap(void **unused)
{
    (void)unused;
    struct vm_config c;
    vm_config_init(&c);
    struct vm_figures f =
        run_on("page-size", "table=x86-64,from=1KiB,to=16KiB", "@loop:pages=10,refs=10", &c);
    assert_true(isnan(at(&f, 0, "both", 1024)));
    assert_true(isnan(at(&f, 0, "both", 8192)));
    assert_near(at(&f, 0, "unused in pages", 4096), 0, 0);
    assert_near(at(&f, 0, "page table", 4096), 4 * 4096, 0);
    vm_figures_free(&f);
}

/* An inverted table is shared by all address spaces: 16 bytes a frame and an anchor of 4, or so. */
static void a_shared_table_counts_too(void **unused)
{
    (void)unused;
    struct vm_config c;
    vm_config_init(&c);
    struct vm_figures f =
        run_on("page-size", "table=inverted,from=4KiB,to=4KiB", "@loop:pages=10,refs=10", &c);
    double frames = 1 << 20;
    assert_true(at(&f, 0, "page table", 4096) >= 16 * frames);
    assert_true(at(&f, 0, "page table", 4096) <= 32 * frames);
    vm_figures_free(&f);
}

/* ---- thrashing ---- */

/* Alone, process 1 of the experiment's is a replay; the mix adds nothing but its waits. */
static void one_process_alone_is_a_replay(void **unused)
{
    (void)unused;
    struct vm_config c;
    struct vm_result result;
    struct vm_error e = {0};
    vm_config_init(&c);
    set(&c, "tables", "apart");
    set(&c, "policy", "lru");
    set(&c, "memory", "800KiB");
    assert_true(vm_replay(&c, "@80-20:pages=400,refs=50000,hot_pages=0.05,hot_refs=0.98",
                          &(struct vm_trace_options){.seed = 1}, NULL, &result, &e));
    struct vm_figures f = run("thrashing", "processes=1,admission=none");
    assert_int_equal(f.chart[1].nseries, 1);
    assert_near(at(&f, 1, "all at once", 1),
                (double)(result.counts.swap_ins + result.counts.file_ins) / 50, 1e-9);
    vm_figures_free(&f);
}

/* The curve climbs, and collapses when twenty hot pages each no longer fit in 200 frames. */
static void more_processes_do_more_and_then_less(void **unused)
{
    (void)unused;
    struct vm_figures f = run("thrashing", "");
    const struct vm_series *s = series(&f, 0, "all at once");
    size_t best = 0;
    assert_int_equal(s->n, 16);
    for (size_t i = 0; i < s->n; i++)
        best = s->y[i] > s->y[best] ? i : best;
    assert_in_range(s->x[best], 4, 8);
    assert_true(s->y[best] > 1.7 * s->y[0]);
    assert_true(s->y[15] < 0.5 * s->y[best]);
    assert_true(at(&f, 1, "all at once", 16) > 2 * at(&f, 1, "all at once", s->x[best]));
    for (unsigned n = 12; n <= 16; n++) /* those that fit go on as if they were alone */
        assert_true(at(&f, 0, "working-set:window=1k", n) > 0.85 * s->y[best]);
    vm_figures_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_that_is_one_page_too_long_never_hits),
        cmocka_unit_test(opt_keeps_what_it_can_of_a_loop),
        cmocka_unit_test(random_has_no_worst_case),
        cmocka_unit_test(without_locality_every_policy_hits_as_theory_says),
        cmocka_unit_test(eighty_twenty_is_as_theory_says),
        cmocka_unit_test(the_textbooks_sizes_give_what_was_recorded),
        cmocka_unit_test(nothing_hits_more_than_opt),
        cmocka_unit_test(fifo_faults_9_times_with_3_frames_and_10_with_4),
        cmocka_unit_test(each_member_of_the_family_has_the_anomaly),
        cmocka_unit_test(the_share_of_random_strings_is_counted_right),
        cmocka_unit_test(each_reach_is_a_step_and_each_step_a_price),
        cmocka_unit_test(a_stride_halves_the_reach_of_sets),
        cmocka_unit_test(what_pages_hold_unused_and_what_tables_take),
        cmocka_unit_test(a_size_that_the_scheme_lacks_is_a_gap),
        cmocka_unit_test(a_shared_table_counts_too),
        cmocka_unit_test(one_process_alone_is_a_replay),
        cmocka_unit_test(more_processes_do_more_and_then_less),
    };
    return cmocka_run_group_tests_name("golden_experiments", tests, NULL, NULL);
}
