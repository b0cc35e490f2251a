/* policy_gclock.c - the clock with counters. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void gclock_passes_a_page_as_often_as_it_was_touched(void **state)
{
    (void)state;
    /* 1 has a count of 2: it outlives two turns, and leaves in the third. */
    leaves("gclock", 2, "1 1 1 2 3 4", "1 4");
    leaves("gclock", 2, "1 1 1 2 3 4 5", "4 5");
}

static void gclock_counts_no_further_than_its_bits(void **state)
{
    (void)state;
    leaves("gclock:bits=1", 2, "1 1 1 2 3 4", "3 4");
    leaves("gclock:bits=3", 2, "1 1 1 1 1 1 1 1 1 1 1 1 2 3 4 5 6 7 8 9", "1 9");
    leaves("gclock:bits=3", 2, "1 1 1 1 1 1 1 1 1 1 1 1 2 3 4 5 6 7 8 9 10", "9 10");
}

static void gclock_begins_a_newcomer_at_0_or_at_1(void **state)
{
    (void)state;
    leaves("gclock", 2, "1 2 2 3 4", "2 4");
    leaves("gclock:load=referenced", 2, "1 2 2 3 4", "3 4");
}

static void gclock_forgets_the_count_of_a_page_that_left(void **state)
{
    (void)state;
    leaves("gclock", 2, "1 1 1 2 /1 1 2 3", "2 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gclock_passes_a_page_as_often_as_it_was_touched),
        cmocka_unit_test(gclock_counts_no_further_than_its_bits),
        cmocka_unit_test(gclock_begins_a_newcomer_at_0_or_at_1),
        cmocka_unit_test(gclock_forgets_the_count_of_a_page_that_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
