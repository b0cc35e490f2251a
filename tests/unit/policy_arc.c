/* policy_arc.c - adaptive replacement. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void arc_keeps_what_was_touched_again_from_a_scan(void **state)
{
    (void)state;
    leaves("arc", 4, "1 1 2 2 3 4 5 6 7 8", "1 2 7 8");
}

static void arc_counts_an_immediate_second_touch(void **state)
{
    (void)state;
    leaves("arc", 2, "1 1 2 3", "1 3");
    leaves("arc", 2, "1 2 3", "2 3");
}

static void arc_that_misses_what_came_once_gives_such_pages_more(void **state)
{
    (void)state;
    leaves("arc", 3, "1 1 2 2 3 4 3 5", "3 4 5");
}

static void arc_adapts_to_a_ghost_that_comes_into_a_free_frame(void **state)
{
    (void)state;
    /* 2 returns from B1 and raises the target to 1: T1 keeps 3, and 2 leaves T2. */
    leaves("arc", 2, "1 1 2 3 /1 2 4", "3 4");
}

static void arc_that_misses_what_came_often_gives_such_pages_more(void **state)
{
    (void)state;
    /* 2 returns from B2, and T1 has its target of 0 again: 4 leaves. */
    leaves("arc", 2, "1 1 2 3 /1 2 4 2 5", "2 5");
}

static void arc_forgets_a_dropped_page(void **state)
{
    (void)state;
    leaves("arc", 3, "1 1 2 3 /1 4 5", "3 4 5");
    leaves("arc", 2, "1 2 /1 /2 3 4 5", "4 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arc_keeps_what_was_touched_again_from_a_scan),
        cmocka_unit_test(arc_counts_an_immediate_second_touch),
        cmocka_unit_test(arc_that_misses_what_came_once_gives_such_pages_more),
        cmocka_unit_test(arc_adapts_to_a_ghost_that_comes_into_a_free_frame),
        cmocka_unit_test(arc_that_misses_what_came_often_gives_such_pages_more),
        cmocka_unit_test(arc_forgets_a_dropped_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
