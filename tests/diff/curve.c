/* curve.c - the fast stacks against those of the definition, touch by touch or count by count, on
 * thousands of small random worlds, in chunks and logs of every size. */
#include "oracle/naive_curve.h"
#include "oracle/policy_worlds.h"

#include "analysis/opt_depth.h"
#include "analysis/recency_depth.h"
#include "base/random.h"
#include "rounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORLDS 3000
#define NPAGES 41

/* Pages in the order of their first touch, as a page stream numbers them; returns how many. */
static uint32_t number_pages(const vm_pageref *ref, size_t n, uint32_t *page)
{
    uint32_t number[NPAGES] = {0}, npages = 0;
    for (size_t i = 0; i < n; i++) {
        if (!number[ref[i] / 2])
            number[ref[i] / 2] = ++npages;
        page[i] = number[ref[i] / 2] - 1;
    }
    return npages;
}

static uint32_t random_world(uint64_t seed, uint32_t *page)
{
    vm_pageref ref[WORLD_REFS];
    policy_world_fill(ref, 2 + (uint32_t)(seed % (NPAGES - 2)), seed);
    return number_pages(ref, WORLD_REFS, page);
}

static void depth_in_lrus_stack_is_that_of_the_definition(void **state)
{
    (void)state;
    uint32_t page[WORLD_REFS], expected[WORLD_REFS];
    for (uint64_t seed = 0; seed < test_rounds(WORLDS); seed++) {
        struct recency_depth d;
        struct vm_error e;
        uint32_t npages = random_world(seed, page);
        naive_lru_depths(page, WORLD_REFS, npages, expected);
        assert_true(recency_depth_open(&d, &e));
        if (seed % 2)
            d.room = 64 * (1 + (uint32_t)(seed % 3)); /* squeezed at once */
        for (size_t i = 0; i < WORLD_REFS; i++)
            assert_int_equal(recency_depth_touch(&d, page[i]), expected[i]);
        recency_depth_check(&d);
        recency_depth_close(&d);
    }
}

/* Several levels of counts, squeezes, and pages that are forgotten: the depth of a page is one more
 * than the pages that were touched later, and are not forgotten. */
static void depth_in_lrus_stack_counts_later_pages(void **state)
{
    (void)state;
    enum { PAGES = 3000, TOUCHES = 40000 };
    static uint32_t when[PAGES];
    struct recency_depth d;
    struct vm_error e;
    struct vm_random random;
    assert_true(recency_depth_open(&d, &e));
    memset(when, 0, sizeof when);
    vm_random_seed(&random, 7);
    for (uint32_t t = 1; t <= TOUCHES; t++) {
        uint32_t below = 1 + (uint32_t)vm_random_below(&random, PAGES),
                 page = (uint32_t)vm_random_below(&random, below), later = 0;
        for (uint32_t p = 0; p < PAGES; p++)
            later += when[p] > when[page];
        assert_int_equal(recency_depth_touch(&d, page), when[page] ? later + 1 : 0);
        when[page] = t;
        if (t % 5 == 0) {
            uint32_t gone = (uint32_t)vm_random_below(&random, below);
            if (when[gone])
                recency_depth_forget(&d, gone);
            when[gone] = 0;
        }
        if (t % 4000 == 0)
            recency_depth_check(&d);
    }
    assert_true(d.nlevels >= 2);
    recency_depth_close(&d);
}

static void opt_hits(const uint32_t *page, size_t n, uint32_t chunk, size_t batch, uint64_t *hits)
{
    struct vm_error e;
    struct opt_depth *o = opt_depth_open(hits, &e);
    assert_non_null(o);
    opt_depth_set_chunk(o, chunk);
    for (size_t i = 0; i < n; i += batch)
        assert_true(opt_depth_touches(o, page + i, n - i < batch ? n - i : batch, &e));
    assert_true(opt_depth_end(o, &e));
    opt_depth_close(o);
}

static void hits_of_opt_are_those_of_mattsons_stack(void **state)
{
    (void)state;
    uint32_t page[WORLD_REFS], depth[WORLD_REFS];
    for (uint64_t seed = 0; seed < test_rounds(WORLDS); seed++) {
        uint64_t hits[NPAGES + 1] = {0}, expected[NPAGES + 1] = {0};
        uint32_t npages = random_world(seed, page), chunk = (uint32_t)(seed % 4 ? seed % 90 : 9999);
        naive_opt_depths(page, WORLD_REFS, npages, depth);
        for (size_t i = 0; i < WORLD_REFS; i++)
            expected[depth[i]] += depth[i] != 0;
        opt_hits(page, WORLD_REFS, chunk, 1 + seed % 37, hits);
        for (uint32_t c = 0; c <= npages; c++)
            if (hits[c] != expected[c])
                fail_msg("world %lu, %u frames: %lu hits, expected %lu", (unsigned long)seed, c,
                         (unsigned long)hits[c], (unsigned long)expected[c]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depth_in_lrus_stack_is_that_of_the_definition),
        cmocka_unit_test(depth_in_lrus_stack_counts_later_pages),
        cmocka_unit_test(hits_of_opt_are_those_of_mattsons_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
