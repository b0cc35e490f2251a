/* policy_second_chance.c - second chance as a queue. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void second_chance_sends_a_referenced_page_to_the_end(void **state)
{
    (void)state;
    leaves("second-chance", 3, "1 2 3 1 4", "1 3 4");
    leaves("second-chance", 3, "1 2 3 1 4 5", "1 4 5");
    leaves("second-chance", 3, "1 2 3 1 4 5 6", "4 5 6");
}

static void second_chance_gives_one_chance_for_any_number_of_references(void **state)
{
    (void)state;
    leaves("second-chance", 2, "1 1 1 1 2 3 4", "3 4");
}

static void second_chance_with_all_referenced_is_fifo(void **state)
{
    (void)state;
    leaves("second-chance", 3, "1 2 3 1 2 3 4", "2 3 4");
}

static void second_chance_may_load_with_the_bit_set(void **state)
{
    (void)state;
    leaves("second-chance:load=referenced", 3, "1 2 3 4 2 5", "2 4 5");
}

static void second_chance_keeps_its_order_when_a_page_is_dropped(void **state)
{
    (void)state;
    leaves("second-chance", 4, "1 2 3 4 /2 5 6", "3 4 5 6");
    leaves("second-chance", 2, "1 2 /1 /2 3 4 5", "4 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_chance_sends_a_referenced_page_to_the_end),
        cmocka_unit_test(second_chance_gives_one_chance_for_any_number_of_references),
        cmocka_unit_test(second_chance_with_all_referenced_is_fifo),
        cmocka_unit_test(second_chance_may_load_with_the_bit_set),
        cmocka_unit_test(second_chance_keeps_its_order_when_a_page_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
