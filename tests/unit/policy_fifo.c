/* policy_fifo.c - first in, first out. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void fifo_evicts_the_page_loaded_longest_ago_however_touched(void **state)
{
    (void)state;
    leaves("fifo", 3, "1 2 3 1 1 4", "2 3 4");
}

static void fifo_goes_round_in_the_order_of_loading(void **state)
{
    (void)state;
    leaves("fifo", 3, "1 2 3 4 5 6 7", "5 6 7");
}

static void fifo_keeps_its_order_when_a_page_is_dropped(void **state)
{
    (void)state;
    leaves("fifo", 3, "1 2 3 /2 4 5", "3 4 5");
    leaves("fifo", 3, "1 2 3 /1 4 5", "3 4 5");
}

static void a_page_written_is_written_back_once_when_it_leaves(void **state)
{
    (void)state;
    assert_int_equal(policy_scene("fifo", 2, "1w 2 1w 3 4").outcome.writebacks, 1);
    assert_int_equal(policy_scene("fifo", 2, "1 2 1w 3 1 2 3").outcome.writebacks, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifo_evicts_the_page_loaded_longest_ago_however_touched),
        cmocka_unit_test(fifo_goes_round_in_the_order_of_loading),
        cmocka_unit_test(fifo_keeps_its_order_when_a_page_is_dropped),
        cmocka_unit_test(a_page_written_is_written_back_once_when_it_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
