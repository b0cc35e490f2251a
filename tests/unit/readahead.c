/* The ways to read ahead, one fault after another. */
#include "unit/test.h"

#include <pagoda/readahead.h>
#include <stdio.h>
#include <string.h>

struct reader {
    const struct vm_readahead_ops *ops;
    struct vm_params params;
    _Alignas(64) uint8_t state[2048];
    char wish[512]; /* the last one: "5 6 7" */
};

static struct reader reader(const char *spec)
{
    struct reader r = {0};
    struct vm_error e = {0};
    char name[32];
    const char *text = vm_spec_split(spec, name, sizeof name);
    r.ops = vm_readahead_find(name, &e);
    assert_non_null(r.ops);
    assert_true(vm_params_parse(&r.params, name, r.ops->param, r.ops->nparams, text, &e));
    assert_in_range(r.ops->size(), 0, sizeof r.state);
    return r;
}

static const char *ask(struct reader *r, struct vm_readahead_fault f)
{
    struct vm_readahead_wish w = {0};
    size_t at = 0;
    r->ops->ask(r->state, &r->params, &f, &w);
    r->wish[0] = 0;
    for (uint32_t i = 0; i < w.n; i++)
        at += (size_t)snprintf(r->wish + at, sizeof r->wish - at, "%s%llu", i ? " " : "",
                               (unsigned long long)w.number[i]);
    return r->wish;
}

/* A fault at `page` of a mapping of a thousand pages, after `hits`. */
static const char *fault(struct reader *r, uint64_t page, uint32_t hits)
{
    return ask(r, (struct vm_readahead_fault){page, 0, 1000, page, hits});
}

static void cluster_reads_the_aligned_run(void **unused)
{
    (void)unused;
    struct reader r = reader("cluster");
    assert_string_equal(fault(&r, 13, 0), "8 9 10 11 12 14 15"); /* as if after four hits */
    assert_string_equal(fault(&r, 101, 0), "100 102 103");       /* none: half of the last window */
    assert_string_equal(fault(&r, 203, 0), "202");
    assert_string_equal(fault(&r, 309, 0), "");            /* alone */
    assert_string_equal(fault(&r, 310, 0), "311");         /* beside the last one: two */
    assert_string_equal(fault(&r, 401, 1), "400 402 403"); /* hits + 2, a power of two */
    assert_string_equal(fault(&r, 501, 3), "496 497 498 499 500 502 503");
    assert_string_equal(fault(&r, 601, 60), "600 602 603 604 605 606 607"); /* the most */
}

static void vma_reads_the_way_that_faults_go(void **unused)
{
    (void)unused;
    struct reader r = reader("vma:window=4");
    assert_string_equal(fault(&r, 100, 0), "99 101 102"); /* about it */
    assert_string_equal(fault(&r, 101, 2), "102 103 104");
    assert_string_equal(fault(&r, 100, 2), "97 98 99");
    assert_string_equal(fault(&r, 200, 2), "199 201 202");
}

static void vma_stays_in_the_mapping_and_in_the_table(void **unused)
{
    (void)unused;
    struct reader r = reader("vma:window=8");
    assert_string_equal(ask(&r, (struct vm_readahead_fault){20, 20, 23, 0, 9}), "21 22");
    r = reader("vma:window=8");
    assert_string_equal(fault(&r, 511, 9), "508 509 510");
    r = reader("vma:window=8");
    assert_string_equal(fault(&r, 512, 9), "513 514 515 516");
}

static void vma_knows_its_mappings_apart(void **unused)
{
    (void)unused;
    struct reader r = reader("vma:window=2");
    ask(&r, (struct vm_readahead_fault){100, 0, 500, 0, 0});
    ask(&r, (struct vm_readahead_fault){700, 600, 800, 0, 0});
    assert_string_equal(ask(&r, (struct vm_readahead_fault){101, 0, 500, 0, 1}), "102");
    assert_string_equal(ask(&r, (struct vm_readahead_fault){699, 600, 800, 0, 1}), "698");
}

static void stride_reads_multiples_of_a_distance_that_came_twice(void **unused)
{
    (void)unused;
    struct reader r = reader("stride:window=4");
    assert_string_equal(fault(&r, 10, 0), "");
    assert_string_equal(fault(&r, 17, 0), "");
    assert_string_equal(fault(&r, 24, 0), "31 38 45");
    assert_string_equal(fault(&r, 52, 3), "59 66 73"); /* four on: what was read did not fault */
    assert_string_equal(fault(&r, 50, 0), "");
    assert_string_equal(fault(&r, 48, 0), "46 44 42");
    assert_string_equal(fault(&r, 42, 0), "40 38 36");
    assert_string_equal(fault(&r, 3, 0), "");
    assert_string_equal(fault(&r, 990, 0), "");
}

static void stride_stays_in_the_mapping(void **unused)
{
    (void)unused;
    struct reader r = reader("stride:window=8");
    fault(&r, 980, 0);
    fault(&r, 985, 0);
    assert_string_equal(fault(&r, 990, 0), "995");
    r = reader("stride:window=8");
    fault(&r, 14, 0);
    fault(&r, 9, 0);
    assert_string_equal(fault(&r, 4, 0), "");
}

static void leap_follows_the_majority_past_faults_out_of_line(void **unused)
{
    (void)unused;
    struct reader r = reader("leap:history=8");
    for (uint64_t page = 10; page <= 25; page += 3)
        fault(&r, page, 0);
    fault(&r, 500, 0);                         /* out of line */
    assert_string_equal(fault(&r, 31, 0), ""); /* does not follow, no hits */
    assert_string_equal(fault(&r, 34, 0), "37");
    assert_string_equal(fault(&r, 40, 2), "43 46 49 52");
}

/* Distances of -3, +72 and so on, as figure 5 of the paper has a trend of -3 give way to +2. */
static void leap_finds_a_new_trend_in_the_newest_half(void **unused)
{
    (void)unused;
    struct reader r = reader("leap:history=8,split=2");
    static const uint64_t pages[] = {0x48, 0x45, 0x42, 0x3f, 0x3c, 0x02, 0x04, 0x06, 0x08};
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        fault(&r, pages[i], 0);
    assert_string_equal(fault(&r, 0x0a, 1), "12 14");
}

static void leap_reads_nothing_without_a_trend(void **unused)
{
    (void)unused;
    struct reader r = reader("leap");
    static const uint64_t pages[] = {7, 300, 41, 900, 2, 555};
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        assert_string_equal(fault(&r, pages[i], 0), "");
}

static void leap_shrinks_its_window_by_halves(void **unused)
{
    (void)unused;
    struct reader r = reader("leap:history=4");
    fault(&r, 1, 0);
    fault(&r, 2, 0);
    assert_string_equal(fault(&r, 3, 7), "4 5 6 7 8 9 10 11");
    assert_string_equal(fault(&r, 500, 0), "501 502 503 504");
    assert_string_equal(fault(&r, 700, 0), "701 702");
    assert_string_equal(fault(&r, 100, 0), "101");
    assert_string_equal(fault(&r, 600, 0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cluster_reads_the_aligned_run),
        cmocka_unit_test(vma_reads_the_way_that_faults_go),
        cmocka_unit_test(vma_stays_in_the_mapping_and_in_the_table),
        cmocka_unit_test(vma_knows_its_mappings_apart),
        cmocka_unit_test(stride_reads_multiples_of_a_distance_that_came_twice),
        cmocka_unit_test(stride_stays_in_the_mapping),
        cmocka_unit_test(leap_follows_the_majority_past_faults_out_of_line),
        cmocka_unit_test(leap_finds_a_new_trend_in_the_newest_half),
        cmocka_unit_test(leap_reads_nothing_without_a_trend),
        cmocka_unit_test(leap_shrinks_its_window_by_halves),
    };
    return cmocka_run_group_tests_name("readahead", tests, NULL, NULL);
}
