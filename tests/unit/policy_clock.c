/* policy_clock.c - second chance. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void clock_passes_a_referenced_page_once(void **state)
{
    (void)state;
    leaves("clock", 3, "1 2 3 1 4", "1 3 4");
    leaves("clock", 3, "1 2 3 1 4 5", "1 4 5");
    leaves("clock", 3, "1 2 3 1 4 5 6", "4 5 6");
}

static void clock_loads_with_the_bit_clear(void **state)
{
    (void)state;
    /* 1 is not referenced again: it leaves though 2 and 3 are no better. */
    leaves("clock", 3, "1 2 3 2 3 4", "2 3 4");
}

static void clock_counts_a_repeat_as_a_second_reference(void **state)
{
    (void)state;
    leaves("clock", 2, "1 1 2 3", "1 3");
}

static void clock_may_load_with_the_bit_set(void **state)
{
    (void)state;
    leaves("clock:load=referenced", 3, "1 2 3 4", "2 3 4");
    leaves("clock:load=referenced", 3, "1 2 3 4 2 5", "2 4 5");
}

static void clock_with_all_referenced_is_fifo(void **state)
{
    (void)state;
    leaves("clock", 3, "1 2 3 1 2 3 4", "2 3 4");
}

static void clock_keeps_its_order_when_a_page_is_dropped(void **state)
{
    (void)state;
    leaves("clock", 4, "1 2 3 4 /2 5 6", "3 4 5 6");
    leaves("clock", 4, "1 2 3 4 /1 5 6", "3 4 5 6");
    leaves("clock", 2, "1 2 /1 /2 3 4 5", "4 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_passes_a_referenced_page_once),
        cmocka_unit_test(clock_loads_with_the_bit_clear),
        cmocka_unit_test(clock_counts_a_repeat_as_a_second_reference),
        cmocka_unit_test(clock_may_load_with_the_bit_set),
        cmocka_unit_test(clock_with_all_referenced_is_fifo),
        cmocka_unit_test(clock_keeps_its_order_when_a_page_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
