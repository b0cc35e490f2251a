/* policy_slru.c - segmented LRU. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void slru_keeps_what_was_touched_again_from_a_scan(void **state)
{
    (void)state;
    leaves("slru", 4, "1 1 2 2 3 4 5 6 7 8", "1 2 7 8");
}

static void slru_gives_down_the_stalest_of_a_full_segment(void **state)
{
    (void)state;
    /* 1 went down when 3 came up, and was the first to go. */
    leaves("slru", 4, "1 1 2 2 3 3 4 5", "2 3 4 5");
}

static void slru_lifts_one_segment_a_touch(void **state)
{
    (void)state;
    leaves("slru:segments=3", 3, "1 1 2 3 2 4", "1 2 4");
}

static void slru_counts_immediate_repeats(void **state)
{
    (void)state;
    leaves("slru:segments=3", 6, "1 1 1 2 2 3 3 4 4 5 5 6 6 7 8 9", "1 5 6 7 8 9");
}

static void slru_shares_memory_as_told(void **state)
{
    (void)state;
    leaves("slru:protected=75", 4, "1 1 2 2 3 3 4 5 6", "1 2 3 6");
    leaves("slru:protected=25", 4, "1 1 2 2 3 3 4 5 6", "3 4 5 6");
}

static void slru_may_fill_upper_segments_first(void **state)
{
    (void)state;
    leaves("slru", 4, "1 2 3 4 1 5 6 7", "1 5 6 7");
    leaves("slru:fill=room", 4, "1 2 3 4 5 6 7", "3 4 6 7");
}

static void slru_takes_from_above_when_the_lowest_is_empty(void **state)
{
    (void)state;
    leaves("slru:fill=room", 4, "1 1 2 2 3 3 /1 4 5", "2 3 4 5");
    leaves("slru:protected=100", 2, "1 1 2 2 3", "2 3");
}

static void slru_forgets_a_dropped_page(void **state)
{
    (void)state;
    leaves("slru", 4, "1 1 2 2 /1 3 3 4 5 6", "2 3 5 6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slru_keeps_what_was_touched_again_from_a_scan),
        cmocka_unit_test(slru_gives_down_the_stalest_of_a_full_segment),
        cmocka_unit_test(slru_lifts_one_segment_a_touch),
        cmocka_unit_test(slru_counts_immediate_repeats),
        cmocka_unit_test(slru_shares_memory_as_told),
        cmocka_unit_test(slru_may_fill_upper_segments_first),
        cmocka_unit_test(slru_takes_from_above_when_the_lowest_is_empty),
        cmocka_unit_test(slru_forgets_a_dropped_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
