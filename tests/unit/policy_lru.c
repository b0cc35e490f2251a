/* policy_lru.c - least recently used. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void lru_evicts_the_page_touched_longest_ago(void **state)
{
    (void)state;
    leaves("lru", 3, "1 2 3 1 4", "1 3 4");
    leaves("lru", 3, "1 2 3 1 2 4", "1 2 4");
}

static void lru_keeps_order_through_many_touches(void **state)
{
    (void)state;
    /* More touches than the log holds, several times over. */
    leaves("lru", 3, "1 2 3 2 1 3 3 2 1 2 3 1 2 1 3 1 3 2 1 3 2 3 1 2 1 2 3 2 1 2 4", "1 2 4");
    leaves("lru", 2, "1 2 1 2 1 2 1 2 1 2 1 2 1 2 1 2 2 1 2 2 1 3", "1 3");
}

static void lru_forgets_a_dropped_page(void **state)
{
    (void)state;
    leaves("lru", 3, "1 2 3 /1 4 5", "3 4 5");
    leaves("lru", 3, "1 2 3 /3 3 4 5", "3 4 5");
}

static void lru_misses_all_of_a_loop_longer_than_memory(void **state)
{
    (void)state;
    assert_int_equal(policy_scene("lru", 3, "1 2 3 4 1 2 3 4 1 2 3 4").outcome.misses, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lru_evicts_the_page_touched_longest_ago),
        cmocka_unit_test(lru_keeps_order_through_many_touches),
        cmocka_unit_test(lru_forgets_a_dropped_page),
        cmocka_unit_test(lru_misses_all_of_a_loop_longer_than_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
