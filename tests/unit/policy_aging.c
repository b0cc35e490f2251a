/* policy_aging.c - histories of referenced bits. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void aging_evicts_the_page_with_the_thinnest_history(void **state)
{
    (void)state;
    /* Two ticks: 1 and 2 were referenced before each, 3 before the first. */
    leaves("aging:tick=3", 3, "1 2 3 1 1 2 4", "1 2 4");
}

static void aging_weighs_the_nearest_tick_most(void **state)
{
    (void)state;
    /* 3 in the first two of three intervals, 1 in the last two, 2 in the first and the last. */
    leaves("aging:tick=3", 3, "1 2 3 3 1 3 2 1 2 4", "1 2 4");
}

static void aging_of_equals_evicts_the_lowest_frame(void **state)
{
    (void)state;
    leaves("aging:tick=3", 3, "1 2 3 4", "2 3 4");
}

static void a_newcomer_has_no_history_until_the_next_tick(void **state)
{
    (void)state;
    leaves("aging:tick=3", 3, "1 2 3 1 1 2 4 5", "1 2 5");
    /* After its tick, it has as much as 1, whose frame is lower. */
    leaves("aging:tick=3", 3, "1 2 3 1 2 2 4 2 1 5", "1 2 5");
}

static void aging_remembers_as_many_ticks_as_it_has_bits(void **state)
{
    (void)state;
    leaves("aging:tick=3,bits=8", 3, "1 2 3 1 2 2 1 2 3 4", "1 2 4");
    leaves("aging:tick=3,bits=1", 3, "1 2 3 1 2 2 1 2 3 4", "2 3 4");
}

static void aging_forgets_a_dropped_page(void **state)
{
    (void)state;
    leaves("aging:tick=3", 3, "1 2 3 /2 2 3 1 4", "1 3 4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aging_evicts_the_page_with_the_thinnest_history),
        cmocka_unit_test(aging_weighs_the_nearest_tick_most),
        cmocka_unit_test(aging_of_equals_evicts_the_lowest_frame),
        cmocka_unit_test(a_newcomer_has_no_history_until_the_next_tick),
        cmocka_unit_test(aging_remembers_as_many_ticks_as_it_has_bits),
        cmocka_unit_test(aging_forgets_a_dropped_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
