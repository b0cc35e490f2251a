/* policy_lfu.c - least frequently used. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void lfu_evicts_the_page_touched_the_fewest_times(void **state)
{
    (void)state;
    leaves("lfu", 3, "1 1 2 2 3 4", "1 2 4");
    leaves("lfu", 3, "1 2 2 3 3 3 4 4 4 4 5", "3 4 5");
}

static void lfu_counts_immediate_repeats(void **state)
{
    (void)state;
    leaves("lfu", 2, "1 2 2 2 1 3", "2 3");
}

static void lfu_forgets_the_count_of_a_page_that_left(void **state)
{
    (void)state;
    /* 1 was touched three times, but in its second stay once. */
    leaves("lfu", 2, "1 1 1 2 2 2 2 3 1 3", "2 3");
}

static void lfu_of_equals_evicts_the_one_touched_longest_ago(void **state)
{
    (void)state;
    leaves("lfu:ties=lru", 2, "1 2 2 1 3", "1 3");
}

static void lfu_of_equals_evicts_the_one_loaded_longest_ago_if_told_so(void **state)
{
    (void)state;
    leaves("lfu:ties=fifo", 2, "1 2 2 1 3", "2 3");
}

static void lfu_orders_pages_however_often_their_ranks_rose(void **state)
{
    (void)state;
    leaves("lfu", 4, "1 1 2 2 3 3 4 4 1 1 1 2 2 3 5", "1 2 3 5");
    leaves("lfu", 3, "1 1 1 2 2 3 3 4 2 2 1 3 3 3 5 5 5 5 5 6", "3 5 6");
}

static void lfu_forgets_a_dropped_page(void **state)
{
    (void)state;
    leaves("lfu", 3, "1 1 2 2 3 3 /2 4 5", "1 3 5");
    leaves("lfu", 3, "1 1 2 2 3 3 4 /2 /4 5 6 6 5 7", "5 6 7");
}

static void lfu_goes_on_from_the_count_of_a_page_that_left_if_told_to_keep_it(void **state)
{
    (void)state;
    leaves("lfu:keep=1", 2, "1 1 1 2 2 2 3 1 3", "1 3");
    leaves("lfu:keep=1", 2, "1 1 2 2 2 3 4 1 3", "2 3"); /* 3 left later: 1's count is forgotten */
    leaves("lfu:keep=2", 2, "1 1 2 2 2 3 4 1 3", "1 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lfu_evicts_the_page_touched_the_fewest_times),
        cmocka_unit_test(lfu_counts_immediate_repeats),
        cmocka_unit_test(lfu_forgets_the_count_of_a_page_that_left),
        cmocka_unit_test(lfu_goes_on_from_the_count_of_a_page_that_left_if_told_to_keep_it),
        cmocka_unit_test(lfu_of_equals_evicts_the_one_touched_longest_ago),
        cmocka_unit_test(lfu_of_equals_evicts_the_one_loaded_longest_ago_if_told_so),
        cmocka_unit_test(lfu_orders_pages_however_often_their_ranks_rose),
        cmocka_unit_test(lfu_forgets_a_dropped_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
