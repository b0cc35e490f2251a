/* policy_unopt.c - the worst. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void unopt_evicts_the_page_needed_soonest(void **state)
{
    (void)state;
    leaves("unopt", 3, "1 2 3 4 1", "1 2 3");
    assert_int_equal(policy_scene("unopt", 3, "1 2 3 1 2 3 1 2 3").outcome.misses, 3);
}

static void unopt_misses_wherever_some_page_may_leave(void **state)
{
    (void)state;
    assert_int_equal(policy_scene("unopt", 3, "1 2 3 4 3 2 3 2").outcome.misses, 8);
    assert_int_equal(policy_scene("unopt", 3, "1 2 3 4 1 2 3 4").outcome.misses, 8);
}

static void unopt_of_pages_never_needed_again_evicts_the_lowest_frame(void **state)
{
    (void)state;
    leaves("unopt", 3, "1 2 3 4", "2 3 4");
}

static void unopt_takes_no_future_for_immediate_repeats(void **state)
{
    (void)state;
    assert_int_equal(policy_scene("unopt", 2, "1 1 1 2 2 3 3 1 1 2 2").outcome.misses, 5);
}

static void unopt_forgets_a_dropped_page(void **state)
{
    (void)state;
    leaves("unopt", 2, "1 2 /1 3 4 3 2", "2 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unopt_evicts_the_page_needed_soonest),
        cmocka_unit_test(unopt_misses_wherever_some_page_may_leave),
        cmocka_unit_test(unopt_of_pages_never_needed_again_evicts_the_lowest_frame),
        cmocka_unit_test(unopt_takes_no_future_for_immediate_repeats),
        cmocka_unit_test(unopt_forgets_a_dropped_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
