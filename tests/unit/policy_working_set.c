/* policy_working_set.c - the pages of the last tau touches. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void the_working_set_is_the_pages_of_the_last_touches(void **state)
{
    (void)state;
    leaves("working-set:tau=2", 4, "1 2 3", "2 3");
    leaves("working-set:tau=2", 4, "1 2 1 3", "1 3");
    leaves("working-set:tau=3", 4, "1 2 3 1 4 1", "1 4");
    leaves("working-set:tau=2", 4, "1 2 1 1", "1");
}

static void a_page_leaves_after_the_touch_that_ends_its_window(void **state)
{
    (void)state;
    struct scene s = policy_scene("working-set:tau=3", 4, "1 2 2 2");
    assert_string_equal(s.resident, "2");
    assert_int_equal(s.outcome.releases, 1);
    assert_int_equal(s.outcome.space_time, 1 + 2 + 2 + 1);
    leaves("working-set:tau=3", 4, "1 2 2", "1 2");
}

static void an_interval_as_long_as_the_window_hits_and_a_longer_one_misses(void **state)
{
    (void)state;
    assert_int_equal(policy_scene("working-set:tau=3", 4, "1 2 3 1").outcome.misses, 3);
    assert_int_equal(policy_scene("working-set:tau=3", 4, "1 2 3 2 1").outcome.misses, 4);
}

static void when_memory_is_full_the_idlest_leaves(void **state)
{
    (void)state;
    struct scene s = policy_scene("working-set:tau=10", 2, "1 2 1 3");
    assert_string_equal(s.resident, "1 3");
    assert_int_equal(s.outcome.releases, 0);
    assert_int_equal(s.outcome.evictions, 1);
}

static void only_the_time_of_its_process_makes_a_page_idle(void **state)
{
    (void)state;
    /* Pages below 32 are one process's, the others another's. */
    struct policy_world w = {.policy = "working-set:tau=2", .nframes = 8, .nprocs = 2};
    assert_string_equal(policy_scene_in(&w, "1 40 41 42 43").resident, "1 42 43");
    assert_string_equal(policy_scene_in(&w, "1 40 41 42 2 3").resident, "2 3 41 42");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_working_set_is_the_pages_of_the_last_touches),
        cmocka_unit_test(a_page_leaves_after_the_touch_that_ends_its_window),
        cmocka_unit_test(an_interval_as_long_as_the_window_hits_and_a_longer_one_misses),
        cmocka_unit_test(when_memory_is_full_the_idlest_leaves),
        cmocka_unit_test(only_the_time_of_its_process_makes_a_page_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
