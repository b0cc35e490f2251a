/* policy_enhanced_clock.c - the clock that would rather not write. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void enhanced_clock_takes_a_clean_page_before_a_dirty_one(void **state)
{
    (void)state;
    leaves("enhanced-clock", 3, "1w 2 3 4", "1 3 4");
    assert_int_equal(policy_scene("enhanced-clock", 3, "1w 2 3 4").outcome.writebacks, 0);
}

static void enhanced_clock_looking_for_a_clean_page_changes_nothing(void **state)
{
    (void)state;
    /* 1 keeps its bit while 2 is found, so that 3 is found next, and then 4. */
    leaves("enhanced-clock", 3, "1 2 3 1 4 5", "1 4 5");
    leaves("enhanced-clock", 3, "1 2 3 1 4 5 6", "1 5 6");
}

static void enhanced_clock_takes_a_dirty_page_if_none_is_clean(void **state)
{
    (void)state;
    leaves("enhanced-clock", 3, "1w 2w 3w 4", "2 3 4");
    assert_int_equal(policy_scene("enhanced-clock", 3, "1w 2w 3w 4").outcome.writebacks, 1);
}

static void enhanced_clock_looking_for_a_dirty_page_clears_bits(void **state)
{
    (void)state;
    leaves("enhanced-clock", 3, "1w 2w 3w 1 4", "1 3 4");
    /* 1 lost its bit when 2 was found. */
    leaves("enhanced-clock", 3, "1w 2w 3w 1 4w 3 4 5", "3 4 5");
}

static void enhanced_clock_with_all_referenced_goes_round_twice(void **state)
{
    (void)state;
    leaves("enhanced-clock", 3, "1 2 3 1 2 3 4", "2 3 4");
    leaves("enhanced-clock", 3, "1w 2 3 1 2 3 4", "1 3 4");
    leaves("enhanced-clock", 3, "1w 2w 3w 1 2 3 4", "2 3 4");
}

static void enhanced_clock_may_load_with_the_bit_set(void **state)
{
    (void)state;
    leaves("enhanced-clock:load=referenced", 3, "1w 2 3 4", "1 3 4");
}

static void enhanced_clock_forgets_a_dropped_page(void **state)
{
    (void)state;
    leaves("enhanced-clock", 3, "1 2 3 /1 4w 5", "3 4 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enhanced_clock_takes_a_clean_page_before_a_dirty_one),
        cmocka_unit_test(enhanced_clock_looking_for_a_clean_page_changes_nothing),
        cmocka_unit_test(enhanced_clock_takes_a_dirty_page_if_none_is_clean),
        cmocka_unit_test(enhanced_clock_looking_for_a_dirty_page_clears_bits),
        cmocka_unit_test(enhanced_clock_with_all_referenced_goes_round_twice),
        cmocka_unit_test(enhanced_clock_may_load_with_the_bit_set),
        cmocka_unit_test(enhanced_clock_forgets_a_dropped_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
