/* curve.c - what holds for miss-ratio curves on any references: each value is what a replay at that
 * size counts; stack algorithms' curves fall; opt's is the lowest; who works, and in what order,
 * changes nothing; a sample of all pages is no estimate.
 */
#include "oracle/curve_world.h"
#include "oracle/policy_worlds.h"

#include "rounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORLDS 1000
#define NPAGES 41
#define SIZES  "1,2,3,5,8,13,21,34,50"

static const uint32_t sizes[] = {1, 2, 3, 5, 8, 13, 21, 34, 50};

static struct policy_world random_world(vm_pageref *ref, uint32_t *page, uint64_t seed)
{
    struct policy_world w = {
        .npages = 2 + (uint32_t)(seed % (NPAGES - 2)), .seed = seed, .ref = ref, .n = WORLD_REFS};
    policy_world_fill(ref, w.npages, seed);
    for (size_t i = 0; i < WORLD_REFS; i++) {
        ref[i] &= ~UINT32_C(1); /* which the format for pages cannot tell */
        page[i] = ref[i] / 2;
    }
    return w;
}

static void at_every_size_misses_are_a_replays(void **state)
{
    (void)state;
    vm_pageref ref[WORLD_REFS];
    uint32_t page[WORLD_REFS];
    static const char *const policies[] = {"lru", "opt"};
    for (uint64_t seed = 0; seed < test_rounds(WORLDS); seed++) {
        struct policy_world w = random_world(ref, page, seed);
        struct vm_curves s;
        curve_of_pages((struct vm_curve_request){.policies = "lru,opt"}, page, WORLD_REFS, &s);
        for (size_t p = 0; p < 2; p++) {
            const struct vm_curve *c = curve_find(&s, policies[p], VM_CURVE_EXACT, 4096);
            w.policy = policies[p];
            assert_int_equal(vm_curve_misses(c, 0), WORLD_REFS);
            for (w.nframes = 1; w.nframes <= w.npages + 2; w.nframes++)
                assert_int_equal(vm_curve_misses(c, w.nframes), policy_play(&w, 4096).misses);
        }
        vm_curves_free(&s);
    }
}

static void a_sweep_is_single_replays(void **state)
{
    (void)state;
    vm_pageref ref[WORLD_REFS];
    uint32_t page[WORLD_REFS];
    static const char *const policies[] = {"fifo", "clock:load=referenced", "random", "lfu",
                                           "aging:bits=3,tick=1"};
    const char *list = "fifo,clock:load=referenced,random,lfu,aging:bits=3,tick=1";
    for (uint64_t seed = 0; seed < test_rounds(WORLDS / 10); seed++) {
        struct policy_world w = random_world(ref, page, seed);
        struct vm_curves s;
        curve_of_pages((struct vm_curve_request){.policies = list, .frames = SIZES, .seed = seed},
                       page, WORLD_REFS, &s);
        for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
            const struct vm_curve *c = curve_find(&s, policies[p], VM_CURVE_SWEPT, 4096);
            w.policy = policies[p];
            assert_int_equal(c->npoints, 1 + sizeof sizes / sizeof sizes[0]);
            for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
                w.nframes = sizes[i];
                assert_int_equal(vm_curve_misses(c, w.nframes), policy_play(&w, 4096).misses);
            }
        }
        vm_curves_free(&s);
    }
}

static void assert_same(const struct vm_curves *a, const struct vm_curves *b)
{
    assert_int_equal(a->ncurves, b->ncurves);
    assert_int_equal(a->nsizes, b->nsizes);
    assert_memory_equal(a->size, b->size, a->nsizes * sizeof a->size[0]);
    for (size_t i = 0; i < a->ncurves; i++) {
        assert_string_equal(a->curve[i].policy, b->curve[i].policy);
        assert_int_equal(a->curve[i].npoints, b->curve[i].npoints);
        assert_memory_equal(a->curve[i].point, b->curve[i].point,
                            a->curve[i].npoints * sizeof a->curve[i].point[0]);
    }
}

/* Several blocks of runs, and more of them than fit a spool's block. */
static void workers_change_nothing(void **state)
{
    (void)state;
    struct vm_curve_request r = {.policies = "lru,random,opt,clock",
                                 .sizes = NULL,
                                 .npages = 2,
                                 .page_bytes = {4096, 16384},
                                 .workers = 1,
                                 .seed = 3};
    struct vm_curves one, more;
    const char *spec = "@zipf:pages=3000,refs=300k";
    curve_of_trace(r, spec, &one);
    for (r.workers = 2; r.workers <= 5; r.workers += 3) {
        curve_of_trace(r, spec, &more);
        assert_same(&one, &more);
        vm_curves_free(&more);
    }
    vm_curves_free(&one);
}

/* What waits in a spool until the footprint is known, and what is replayed as it is read. */
static void parts_of_the_footprint_are_sizes(void **state)
{
    (void)state;
    struct vm_curves parts, frames;
    const char *spec = "@uniform:pages=1000,refs=200k";
    curve_of_trace((struct vm_curve_request){.policies = "fifo,lru", .frames = "10%,50%,100%"},
                   spec, &parts);
    curve_of_trace((struct vm_curve_request){.policies = "fifo,lru", .frames = "100,500,1k"}, spec,
                   &frames);
    assert_same(&parts, &frames);
    vm_curves_free(&parts);
    vm_curves_free(&frames);
}

static void curves_fall_and_opts_is_the_lowest(void **state)
{
    (void)state;
    static const char *const specs[] = {"@zipf:pages=2000,refs=100k", "@loop:pages=700,refs=50k",
                                        "@phases:refs=100k", "@matmul:n=40,order=row"};
    for (size_t k = 0; k < sizeof specs / sizeof specs[0]; k++) {
        struct vm_curves s;
        curve_of_trace((struct vm_curve_request){.policies = "lru,opt,clock,fifo"}, specs[k], &s);
        const struct vm_curve *opt = curve_find(&s, "opt", VM_CURVE_EXACT, 4096);
        for (size_t i = 0; i < s.ncurves; i++) {
            const struct vm_curve *c = &s.curve[i];
            for (size_t p = 1; p < c->npoints; p++) {
                assert_true(c->point[p].frames > c->point[p - 1].frames);
                assert_true(c->way == VM_CURVE_SWEPT ||
                            c->point[p].misses < c->point[p - 1].misses);
                assert_true(c->point[p].misses >= vm_curve_misses(opt, c->point[p].frames));
            }
            assert_int_equal(vm_curve_misses(c, c->pages), c->pages);
        }
        vm_curves_free(&s);
    }
}

static void shipped_traces_have_the_misses_of_replays(void **state)
{
    (void)state;
    static const uint64_t pages[] = {4096, 65536};
    char path[4096];
    const char *source = getenv("PAGODA_SOURCE");
    snprintf(path, sizeof path, "%s/traces/ls.pgt", source ? source : ".");
    struct vm_curves s;
    curve_of_trace((struct vm_curve_request){.policies = "lru,opt,clock",
                                             .sizes = "256KiB,10%",
                                             .npages = 2,
                                             .page_bytes = {pages[0], pages[1]}},
                   path, &s);
    for (size_t i = 0; i < s.ncurves; i++)
        for (size_t k = 0; k < s.nsizes; k++) {
            const struct vm_curve *c = &s.curve[i];
            uint64_t frames = vm_curve_frames(&s, c, k);
            struct vm_config config;
            struct vm_result result;
            struct vm_error e;
            if (frames == 0)
                continue;
            vm_config_init(&config);
            config.model = VM_MODEL_PAGES;
            config.page_bytes = c->page_bytes;
            config.memory_bytes = frames * c->page_bytes;
            strcpy(config.policy, c->policy);
            assert_true(vm_replay(&config, path, NULL, NULL, &result, &e));
            assert_int_equal(vm_curve_misses(c, frames), result.counts.faults);
            assert_int_equal(c->touches, result.counts.touches);
        }
    vm_curves_free(&s);
}

static void a_sample_of_all_pages_is_exact(void **state)
{
    (void)state;
    static const char *const specs[] = {"@zipf:pages=900,refs=50k", "@loop:pages=500,refs=20k",
                                        "@matmul:n=40,order=row"};
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        struct vm_curves s;
        curve_of_trace(
            (struct vm_curve_request){.policies = "lru", .sample_rate = 1, .error = true}, specs[i],
            &s);
        const struct vm_curve *c = curve_find(&s, "lru", VM_CURVE_SAMPLED, 4096);
        assert_true(c->error_max == 0);
        vm_curves_free(&s);
        curve_of_trace(
            (struct vm_curve_request){.policies = "lru", .sample_pages = 100000, .error = true},
            specs[i], &s);
        assert_true(curve_find(&s, "lru", VM_CURVE_SAMPLED, 4096)->error_max == 0);
        vm_curves_free(&s);
    }
}

/* A loop's touches are all of one depth: its pages. */
static void a_sample_knows_large_depths_to_half_a_bin(void **state)
{
    (void)state;
    static const uint64_t pages[] = {4095, 4097, 8191, 8192, 10001, 65537, 131008, 131071, 200000};
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        char spec[64];
        struct vm_curves s;
        unsigned long long n = pages[i], half = n < 4096 ? 0 : n / 4096 + 1;
        snprintf(spec, sizeof spec, "@loop:pages=%llu,refs=%llu", n, 3 * n);
        struct vm_curve_request r = {.policies = "lru", .sample_rate = 1, .error = true};
        curve_of_trace(r, spec, &s);
        const struct vm_curve *c = curve_find(&s, "lru", VM_CURVE_SAMPLED, 4096);
        assert_int_equal(vm_curve_misses(c, n - half - 1), 3 * n);
        assert_int_equal(vm_curve_misses(c, n + half), n);
        vm_curves_free(&s);
    }
}

/* SHARDS has errors of 0.1 and more there: the cliff moves with the number of
 * pages that happen to be in the sample. */
static void a_sample_knows_where_a_loops_cliff_is(void **state)
{
    (void)state;
    static const char *const loops[] = {"@loop:pages=3000,refs=300k", "@loop:pages=10k,refs=1M",
                                        "@loop:pages=77777,refs=1M"};
    for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++) {
        struct vm_curves s;
        struct vm_curve_request r = {.policies = "lru", .sample_rate = 0.01, .error = true};
        curve_of_trace(r, loops[i], &s);
        const struct vm_curve *c = curve_find(&s, "lru", VM_CURVE_SAMPLED, 4096);
        assert_true(c->pages_sampled < c->pages / 50);
        assert_true(c->error_mean < 0.003); /* as the number of pages is known */
        assert_in_range(c->point[c->npoints - 1].misses, c->pages - 1, c->pages + 1);
        vm_curves_free(&s);
    }
}

static void samples_of_zipf_are_near(void **state)
{
    (void)state;
    struct vm_curves s;
    const char *spec = "@zipf:pages=200k,refs=2M";
    struct vm_curve_request fixed = {.policies = "lru", .sample_rate = 0.05, .error = true};
    curve_of_trace(fixed, spec, &s);
    assert_true(curve_find(&s, "lru", VM_CURVE_SAMPLED, 4096)->error_mean < 0.005);
    vm_curves_free(&s);
    struct vm_curve_request bounded = {.policies = "lru", .sample_pages = 8000, .error = true};
    curve_of_trace(bounded, spec, &s);
    const struct vm_curve *c = curve_find(&s, "lru", VM_CURVE_SAMPLED, 4096);
    assert_true(c->pages_sampled <= 8000 && c->rate < 1);
    assert_true(c->error_mean < 0.01);
    vm_curves_free(&s);
}

static void a_bounded_sample_is_never_larger_nor_an_eighth_smaller(void **state)
{
    (void)state;
    static const uint64_t bounds[] = {16, 17, 23, 24, 100, 8000};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        struct vm_curves s;
        struct vm_curve_request r = {.policies = "lru", .sample_pages = bounds[i]};
        curve_of_trace(r, "@zipf:pages=20k,refs=100k", &s);
        const struct vm_curve *c = curve_find(&s, "lru", VM_CURVE_SAMPLED, 4096);
        assert_in_range(c->pages_sampled, bounds[i] - bounds[i] / 8, bounds[i]);
        vm_curves_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_every_size_misses_are_a_replays),
        cmocka_unit_test(a_sweep_is_single_replays),
        cmocka_unit_test(workers_change_nothing),
        cmocka_unit_test(parts_of_the_footprint_are_sizes),
        cmocka_unit_test(curves_fall_and_opts_is_the_lowest),
        cmocka_unit_test(shipped_traces_have_the_misses_of_replays),
        cmocka_unit_test(a_sample_of_all_pages_is_exact),
        cmocka_unit_test(a_sample_knows_large_depths_to_half_a_bin),
        cmocka_unit_test(a_sample_knows_where_a_loops_cliff_is),
        cmocka_unit_test(samples_of_zipf_are_near),
        cmocka_unit_test(a_bounded_sample_is_never_larger_nor_an_eighth_smaller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
