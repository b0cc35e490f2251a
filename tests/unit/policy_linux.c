/* policy_linux.c - two lists and refaults. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void linux_a_page_not_referenced_leaves_at_the_inactive_tail(void **state)
{
    (void)state;
    leaves("linux:load=clear", 3, "1 2 3 4", "2 3 4");
    leaves("linux", 3, "1 2 3 4", "2 3 4");
}

static void linux_a_referenced_page_goes_round_once(void **state)
{
    (void)state;
    leaves("linux:load=clear", 3, "1 2 3 1 4", "1 3 4");
    leaves("linux:load=clear", 3, "1 2 3 1 4 5 6 7 8", "6 7 8");
}

static void linux_a_page_found_referenced_twice_is_active(void **state)
{
    (void)state;
    leaves("linux:load=clear", 3, "1 2 3 1 4 1 5 6 7 8", "1 7 8");
}

static void linux_the_active_list_is_no_longer_than_the_inactive_one(void **state)
{
    (void)state;
    /* 1 and 2 are made active, and with 4 frames both stay; a third one would not. */
    leaves("linux:load=clear", 4, "1 2 3 4 1 2 5 1 2 6 7 8 9", "1 2 8 9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linux_a_page_not_referenced_leaves_at_the_inactive_tail),
        cmocka_unit_test(linux_a_referenced_page_goes_round_once),
        cmocka_unit_test(linux_a_page_found_referenced_twice_is_active),
        cmocka_unit_test(linux_the_active_list_is_no_longer_than_the_inactive_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
