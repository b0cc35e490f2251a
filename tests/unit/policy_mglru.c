/* policy_mglru.c - generations; regions and their filters; tiers and their controller. */
#include "oracle/policy_scene.h"
#include "policy/regions.h"
#include "policy/tiers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void mglru_the_oldest_generation_leaves_from_its_tail(void **state)
{
    (void)state;
    leaves("mglru:load=clear", 4, "1 2 3 4 5", "2 3 4 5");
    leaves("mglru:load=clear", 4, "1 2 3 4 5 6", "3 4 5 6");
}

static void mglru_a_page_referenced_in_the_youngest_generation_grows_old_with_it(void **state)
{
    (void)state;
    leaves("mglru:load=clear", 4, "1 2 3 4 1 5", "2 3 4 5");
}

static void mglru_a_page_referenced_since_joins_the_youngest(void **state)
{
    (void)state;
    leaves("mglru:load=clear", 4, "1 2 3 4 5 2 6", "2 4 5 6");
}

/* ---- regions ---- */

enum { NFRAMES = 100 };

/* Regions of 16 pages, windows of 4, a filter of 2^10 bits. */
static struct regions regions_open(struct vm_arena *a)
{
    struct regions r = {.region_log2 = 4, .window_log2 = 2, .filter_log2 = 10};
    struct block b = {0};
    struct vm_error e;
    regions_layout(&r, &b, NFRAMES);
    assert_true(vm_arena_open(a, b.used, &e));
    b = (struct block){.start = (uintptr_t)vm_arena_take(a, b.used)};
    regions_layout(&r, &b, NFRAMES);
    regions_init(&r);
    return r;
}

static void regions_are_all_known_before_the_first_walk(void **state)
{
    (void)state;
    struct vm_arena a;
    struct regions r = regions_open(&a);
    for (uint64_t region = 0; region < 1000; region++)
        assert_true(regions_known(&r, 3, region));
    vm_arena_close(&a);
}

static void regions_found_are_known_to_the_next_walk_and_hardly_others(void **state)
{
    (void)state;
    struct vm_arena a;
    struct regions r = regions_open(&a);
    unsigned others = 0;
    regions_walk(&r, 4);
    for (uint64_t region = 0; region < 1000; region += 20)
        regions_found(&r, 4, region);
    for (uint64_t region = 0; region < 1000; region++) {
        if (region % 20 == 0)
            assert_true(regions_known(&r, 4, region));
        else
            others += regions_known(&r, 4, region);
        assert_true(regions_known(&r, 5, region)); /* the other filter is as it was */
    }
    /* 50 regions set 100 of 1,024 bits at most: two by chance in (100 / 1024)^2, of 950 regions. */
    assert_in_range(others, 0, 30);
    regions_walk(&r, 6);
    assert_false(regions_known(&r, 6, 20) && regions_known(&r, 6, 40));
    vm_arena_close(&a);
}

static void regions_are_counted_anew_in_each_walk(void **state)
{
    (void)state;
    struct vm_arena a;
    struct regions r = regions_open(&a);
    for (uint32_t walk = 1; walk < 4; walk++) {
        regions_walk(&r, walk);
        for (uint32_t times = 1; times < 5; times++)
            for (uint64_t region = 0; region < NFRAMES; region++)
                assert_int_equal(regions_count(&r, region), times);
    }
    vm_arena_close(&a);
}

static void regions_windows_have_their_page_and_stay_inside(void **state)
{
    (void)state;
    struct vm_arena a;
    struct regions r = regions_open(&a);
    static const uint64_t first[16] = {0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 12};
    for (uint64_t page = 0; page < 16; page++) {
        r.place[7] = 160 + page;
        struct window w = regions_window(&r, 7);
        assert_int_equal(w.n, 4);
        assert_int_equal(w.first, 160 + first[page]);
    }
    r.window_log2 = 6;
    struct window w = regions_window(&r, 7);
    assert_int_equal(w.first, 160);
    assert_int_equal(w.n, 16);
    vm_arena_close(&a);
}

static void regions_are_dense_with_one_of_eight_referenced(void **state)
{
    (void)state;
    assert_int_equal(regions_dense(512), 64);
    assert_int_equal(regions_dense(64), 8);
    assert_int_equal(regions_dense(1), 1);
}

/* ---- tiers ---- */

static void tiers_are_the_logarithm_of_uses(void **state)
{
    (void)state;
    static const uint8_t uses[] = {0, 1, 2, 3, 4, 5, 255}, tier[] = {0, 0, 1, 2, 2, 3, 3};
    struct tiers four = {.n = 4}, two = {.n = 2};
    for (size_t i = 0; i < sizeof uses; i++) {
        assert_int_equal(tiers_of(&four, uses[i]), tier[i]);
        assert_int_equal(tiers_of(&two, uses[i]), tier[i] > 0);
    }
}

/* Of the first tier 10 of 1,000 came back. Another is protected if more than twice as large a part
 * of it did: of 500 (1000 + 64) r > (10 + 1) * 500 * 2 makes r > 10.3, but 64 are the least. */
static void tiers_that_refault_twice_as_often_are_protected(void **state)
{
    (void)state;
    struct tiers t = {.n = 4, .batch = 64};
    t.tier[0] = (struct tier){.refaulted = 10, .total = 900, .total_before = 100};
    t.tier[1] = (struct tier){.refaulted = 63, .total = 500};
    assert_false(tiers_protect(&t, 2));
    t.tier[1].refaulted_before = 1;
    assert_true(tiers_protect(&t, 2));
    assert_true(tiers_protect(&t, 9)); /* the tiers above go with it */
    assert_false(tiers_protect(&t, 1));
    t.tier[1].total = 64 * (1000 + 64) / (11 * 2);
    assert_true(tiers_protect(&t, 2));
    t.tier[1].total++;
    assert_false(tiers_protect(&t, 2));
}

static void tiers_of_generations_past_weigh_half_of_the_next(void **state)
{
    (void)state;
    struct tiers t = {.n = 1};
    t.tier[0] = (struct tier){.refaulted = 8, .total = 100};
    tiers_carry_over(&t);
    assert_int_equal(t.tier[0].refaulted_before, 4);
    t.tier[0].total = 50;
    tiers_carry_over(&t);
    assert_int_equal(t.tier[0].refaulted_before, 2);
    assert_int_equal(t.tier[0].total_before, 50);
    assert_int_equal(t.tier[0].total, 0);
}

static struct tiers tiers_open(struct vm_arena *a, uint64_t batch)
{
    struct vm_error e;
    struct tiers t = {.n = 4};
    struct block b = {0};
    const struct vm_policy_env env = {.nframes = NFRAMES};
    tiers_layout(&t, &b, &env);
    assert_true(vm_arena_open(a, b.used, &e));
    b = (struct block){.start = (uintptr_t)vm_arena_take(a, b.used)};
    tiers_layout(&t, &b, &env);
    tiers_init(&t, batch);
    return t;
}

static void tiers_count_who_comes_back_while_the_generation_lasts(void **state)
{
    (void)state;
    struct vm_arena a;
    struct tiers t = tiers_open(&a, 1);
    tiers_came(&t, 4, 77, 5);
    tiers_came(&t, 9, 78, 5);
    tiers_evicted(&t, 4, 3, 5);
    tiers_evicted(&t, 9, 3, 5);
    assert_int_equal(t.tier[2].total, 2);
    tiers_came(&t, 4, 77, 5);
    tiers_came(&t, 9, 77, 5); /* it is no ghost any more */
    assert_int_equal(t.tier[2].refaulted, 1);
    tiers_came(&t, 9, 78, 6);
    assert_int_equal(t.tier[2].refaulted, 1);
    vm_arena_close(&a);
}

/* As many as there are frames; then the oldest ghost is none any more. */
static void tiers_remember_the_last_evictions(void **state)
{
    (void)state;
    struct vm_arena a;
    struct tiers t = tiers_open(&a, 1);
    for (uint64_t page = 0; page <= NFRAMES; page++) {
        tiers_came(&t, 4, page, 5);
        tiers_evicted(&t, 4, 1, 5);
    }
    tiers_came(&t, 4, 0, 5);
    assert_int_equal(t.tier[0].refaulted, 0);
    tiers_came(&t, 4, 1, 5);
    assert_int_equal(t.tier[0].refaulted, 1);
    vm_arena_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mglru_the_oldest_generation_leaves_from_its_tail),
        cmocka_unit_test(mglru_a_page_referenced_in_the_youngest_generation_grows_old_with_it),
        cmocka_unit_test(mglru_a_page_referenced_since_joins_the_youngest),
        cmocka_unit_test(regions_are_all_known_before_the_first_walk),
        cmocka_unit_test(regions_found_are_known_to_the_next_walk_and_hardly_others),
        cmocka_unit_test(regions_are_counted_anew_in_each_walk),
        cmocka_unit_test(regions_windows_have_their_page_and_stay_inside),
        cmocka_unit_test(regions_are_dense_with_one_of_eight_referenced),
        cmocka_unit_test(tiers_are_the_logarithm_of_uses),
        cmocka_unit_test(tiers_that_refault_twice_as_often_are_protected),
        cmocka_unit_test(tiers_of_generations_past_weigh_half_of_the_next),
        cmocka_unit_test(tiers_count_who_comes_back_while_the_generation_lasts),
        cmocka_unit_test(tiers_remember_the_last_evictions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
