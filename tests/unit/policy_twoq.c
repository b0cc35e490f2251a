/* policy_twoq.c - 2Q, the full version. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void twoq_lets_a_newcomer_go_however_often_it_was_touched(void **state)
{
    (void)state;
    leaves("2q", 4, "1 2 3 4 1 1 2 1 5", "2 3 4 5");
}

static void twoq_keeps_a_page_that_comes_back_while_it_is_remembered(void **state)
{
    (void)state;
    /* 1 is a ghost when it comes back: from then on it is in Am. */
    leaves("2q", 4, "1 2 3 4 5 1 6 7 8 9", "1 7 8 9");
}

static void twoq_forgets_the_oldest_ghost(void **state)
{
    (void)state;
    leaves("2q", 4, "1 2 3 4 5 6 1 7 8 9 10", "1 8 9 10");
    leaves("2q:out=25", 4, "1 2 3 4 5 6 1 7 8 9 10", "7 8 9 10");
}

static void twoq_evicts_the_stalest_of_am_when_a1in_has_no_more_than_its_share(void **state)
{
    (void)state;
    leaves("2q:in=75", 4, "1 2 3 4 5 1 6", "3 4 5 6");
}

static void twoq_forgets_who_leaves_am(void **state)
{
    (void)state;
    /* Remembered, 1 would come into Am again, and leave for 7. */
    leaves("2q:in=75", 4, "1 2 3 4 5 1 6 1 7", "1 5 6 7");
}

static void twoq_ghost_makes_room_after_or_before(void **state)
{
    (void)state;
    /* The ghosts of 2 and 1 fill A1out when 2 returns and 3 leaves for it. */
    leaves("2q", 4, "1 2 3 4 5 6 2 1 7 8 9 10", "2 8 9 10");
    leaves("2q:ghost=before", 4, "1 2 3 4 5 6 2 1 7 8 9 10", "1 2 9 10");
}

static void twoq_forgets_a_dropped_page(void **state)
{
    (void)state;
    leaves("2q", 4, "1 2 3 4 /2 /4 5 6 7", "3 5 6 7");
}

static void twoq_with_one_frame_has_a_place_for_a_newcomer(void **state)
{
    (void)state;
    leaves("2q", 1, "1 2 1 2 2 3", "3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twoq_lets_a_newcomer_go_however_often_it_was_touched),
        cmocka_unit_test(twoq_keeps_a_page_that_comes_back_while_it_is_remembered),
        cmocka_unit_test(twoq_forgets_the_oldest_ghost),
        cmocka_unit_test(twoq_evicts_the_stalest_of_am_when_a1in_has_no_more_than_its_share),
        cmocka_unit_test(twoq_forgets_who_leaves_am),
        cmocka_unit_test(twoq_ghost_makes_room_after_or_before),
        cmocka_unit_test(twoq_forgets_a_dropped_page),
        cmocka_unit_test(twoq_with_one_frame_has_a_place_for_a_newcomer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
