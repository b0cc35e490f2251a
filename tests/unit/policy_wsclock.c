/* policy_wsclock.c - the working set by a clock. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void wsclock_a_referenced_page_is_passed_and_its_time_is_now(void **state)
{
    (void)state;
    /* All are referenced at the first victim: the first clean one leaves. At time 7 the others
     * were last seen to be used at time 3. */
    leaves("wsclock:tau=2", 3, "1 2 3 4", "2 3 4");
    leaves("wsclock:tau=2", 3, "1 2 3 4 4 4 4 5", "3 4 5");
}

static void wsclock_writes_an_idle_dirty_page_and_takes_the_next(void **state)
{
    (void)state;
    struct scene s = policy_scene("wsclock:tau=2", 3, "1 2w 3 4 4 4 4 5");
    assert_string_equal(s.resident, "2 4 5");
    assert_int_equal(s.outcome.cleanings, 1);
    assert_int_equal(s.outcome.writebacks, 0);
    s = policy_scene("wsclock:tau=2,writes=0", 3, "1 2w 3 4 4 4 4 5");
    assert_string_equal(s.resident, "2 4 5");
    assert_int_equal(s.outcome.cleanings, 0);
}

static void wsclock_takes_the_page_that_it_wrote_if_there_is_no_other(void **state)
{
    (void)state;
    /* At time 6 pages 2 and 3 are idle and dirty, 4 is neither: one write a turn, and 2 is clean.
     * */
    struct scene s = policy_scene("wsclock:tau=2,writes=1", 3, "1 2w 3w 4w 4 4 5");
    assert_string_equal(s.resident, "3 4 5");
    assert_int_equal(s.outcome.cleanings, 1);
    assert_int_equal(s.outcome.writebacks, 0);
}

static void wsclock_with_all_dirty_and_in_use_takes_the_one_under_the_hand(void **state)
{
    (void)state;
    struct scene s = policy_scene("wsclock:tau=100", 3, "1w 2w 3w 4w 5w");
    assert_string_equal(s.resident, "3 4 5");
    assert_int_equal(s.outcome.writebacks, 2);
}

static void wsclock_in_use_a_clean_page_leaves_before_a_dirty_one(void **state)
{
    (void)state;
    leaves("wsclock:tau=100", 3, "1w 2 3w 4", "1 3 4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wsclock_a_referenced_page_is_passed_and_its_time_is_now),
        cmocka_unit_test(wsclock_writes_an_idle_dirty_page_and_takes_the_next),
        cmocka_unit_test(wsclock_takes_the_page_that_it_wrote_if_there_is_no_other),
        cmocka_unit_test(wsclock_with_all_dirty_and_in_use_takes_the_one_under_the_hand),
        cmocka_unit_test(wsclock_in_use_a_clean_page_leaves_before_a_dirty_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
