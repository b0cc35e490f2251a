/* policy_mru.c - most recently used. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void mru_evicts_the_page_touched_last(void **state)
{
    (void)state;
    leaves("mru", 3, "1 2 3 4", "1 2 4");
    leaves("mru", 3, "1 2 3 1 4", "2 3 4");
}

static void mru_goes_back_in_the_order_of_touches(void **state)
{
    (void)state;
    leaves("mru", 3, "1 2 3 2 /2 4 /4 5 6", "1 3 6");
}

static void mru_hits_half_of_a_loop_one_page_longer_than_memory(void **state)
{
    (void)state;
    assert_int_equal(policy_scene("mru", 3, "1 2 3 4 1 2 3 4 1 2 3 4").outcome.misses, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mru_evicts_the_page_touched_last),
        cmocka_unit_test(mru_goes_back_in_the_order_of_touches),
        cmocka_unit_test(mru_hits_half_of_a_loop_one_page_longer_than_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
