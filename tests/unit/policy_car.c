/* policy_car.c - clock with adaptive replacement. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void car_keeps_what_was_referenced_again_from_a_scan(void **state)
{
    (void)state;
    leaves("car", 2, "1 2 1 3", "1 3");
    leaves("car", 2, "1 2 1 3 4 5", "1 5");
}

static void car_passes_a_referenced_page_of_t2_once(void **state)
{
    (void)state;
    leaves("car", 3, "1 1 2 2 3 4", "1 2 4");
    leaves("car:delta=integer", 3, "1 1 2 2 3 3 4", "2 3 4");
}

static void car_loads_with_the_bit_clear(void **state)
{
    (void)state;
    leaves("car", 2, "1 2 3 4", "3 4");
}

static void car_that_misses_what_came_once_gives_such_pages_more(void **state)
{
    (void)state;
    /* 5 and 6 return from B1: 7 stays in T1, and 5 leaves T2. */
    leaves("car", 3, "1 1 2 2 3 4 3 5 6 5 6 7 8", "6 7 8");
}

static void car_forgets_a_dropped_page(void **state)
{
    (void)state;
    leaves("car", 3, "1 1 2 3 /1 4 5", "3 4 5");
    leaves("car", 2, "1 2 /1 /2 3 4 5", "4 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(car_keeps_what_was_referenced_again_from_a_scan),
        cmocka_unit_test(car_passes_a_referenced_page_of_t2_once),
        cmocka_unit_test(car_loads_with_the_bit_clear),
        cmocka_unit_test(car_that_misses_what_came_once_gives_such_pages_more),
        cmocka_unit_test(car_forgets_a_dropped_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
