/* policy_opt.c - the optimum. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void opt_evicts_the_page_needed_farthest_in_the_future(void **state)
{
    (void)state;
    leaves("opt", 3, "1 2 3 4 1 2", "1 2 4");
    assert_int_equal(policy_scene("opt", 3, "1 2 3 4 3 2 4 1").outcome.misses, 5);
}

static void opt_of_pages_never_needed_again_evicts_the_lowest_frame(void **state)
{
    (void)state;
    leaves("opt", 3, "1 2 3 4", "2 3 4");
}

static void opt_must_load_a_page_even_if_it_is_needed_last(void **state)
{
    (void)state;
    /* Not loading 3 would miss three times. */
    assert_int_equal(policy_scene("opt", 2, "1 2 1 2 3 1 2").outcome.misses, 4);
    leaves("opt", 2, "1 2 1 2 3 1 2", "2 3");
}

static void opt_takes_no_future_for_immediate_repeats(void **state)
{
    (void)state;
    assert_int_equal(policy_scene("opt", 2, "1 1 1 2 2 3 3 1 1 2 2").outcome.misses, 4);
}

static void opt_forgets_a_dropped_page(void **state)
{
    (void)state;
    leaves("opt", 2, "1 2 /1 3 2 1 2", "1 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opt_evicts_the_page_needed_farthest_in_the_future),
        cmocka_unit_test(opt_of_pages_never_needed_again_evicts_the_lowest_frame),
        cmocka_unit_test(opt_must_load_a_page_even_if_it_is_needed_last),
        cmocka_unit_test(opt_takes_no_future_for_immediate_repeats),
        cmocka_unit_test(opt_forgets_a_dropped_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
