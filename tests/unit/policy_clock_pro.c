/* policy_clock_pro.c - hot pages, cold pages and their tests. Of 4 frames two are for cold pages at
 * first, and the first two pages are hot. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void clock_pro_lets_a_scan_pass_through_the_cold_pages(void **state)
{
    (void)state;
    leaves("clock-pro", 4, "1 2 3 4 5", "1 2 4 5");
    leaves("clock-pro", 4, "1 2 3 4 5 6 7 8", "1 2 7 8");
}

/* 1 becomes cold for it, and has no test: it is the next to leave. */
static void clock_pro_a_page_touched_in_its_test_becomes_hot(void **state)
{
    (void)state;
    leaves("clock-pro", 4, "1 2 3 4 3 5", "1 2 3 5");
    leaves("clock-pro", 4, "1 2 3 4 3 5 6", "2 3 5 6");
}

static void clock_pro_a_touched_hot_page_stays_hot(void **state)
{
    (void)state;
    leaves("clock-pro", 4, "1 2 3 4 1 3 5 6", "1 3 5 6");
}

static void clock_pro_a_ghosts_page_becomes_hot(void **state)
{
    (void)state;
    leaves("clock-pro", 4, "1 2 3 4 5 3", "1 2 3 5");
    leaves("clock-pro", 4, "1 2 3 4 5 3 6 7", "2 3 6 7");
    leaves("clock-pro", 4, "1 2 3 4 5 8 6 7", "1 2 6 7");
}

static void clock_pro_an_immediate_repeat_is_no_touch(void **state)
{
    (void)state;
    leaves("clock-pro", 4, "1 2 3 3 4 5", "1 2 4 5");
}

/* 5 returns and wants more cold pages: 7, which passes its test next, stays cold for that, though a
 * hot page becomes cold; where their number is fixed, 7 becomes hot. */
static void clock_pro_a_ghost_that_returns_makes_cold_pages_more(void **state)
{
    (void)state;
    const char *text = "1 2 3 4 5 6 7 5 7 8 9 10";
    leaves("clock-pro", 6, text, "3 4 5 8 9 10");
    leaves("clock-pro:least=5,most=5", 6, text, "3 4 5 7 9 10");
}

static void clock_pro_goes_on_without_the_pages_that_the_host_drops(void **state)
{
    (void)state;
    leaves("clock-pro", 4, "1 2 3 4 /1 /2 5 6 7", "4 5 6 7");
    leaves("clock-pro", 4, "1 2 3 4 /1 /2 5 6 7 3", "3 5 6 7");
    leaves("clock-pro", 4, "1 2 3 4 5 /4 /5 /1 /2 6 7 8 9 3", "3 7 8 9");
}

/* 1 and 2 were hot: until two others are, nobody is demoted for a page that becomes hot. 3 is, for
 * 7, and so leaves before 9. */
static void clock_pro_new_hot_pages_take_the_places_of_dropped_ones(void **state)
{
    (void)state;
    leaves("clock-pro:least=5,most=5", 6, "1 2 3 4 5 6 /1 /2 7 8 5 6 7 9 10", "4 5 6 7 9 10");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_pro_lets_a_scan_pass_through_the_cold_pages),
        cmocka_unit_test(clock_pro_a_page_touched_in_its_test_becomes_hot),
        cmocka_unit_test(clock_pro_a_touched_hot_page_stays_hot),
        cmocka_unit_test(clock_pro_a_ghosts_page_becomes_hot),
        cmocka_unit_test(clock_pro_an_immediate_repeat_is_no_touch),
        cmocka_unit_test(clock_pro_a_ghost_that_returns_makes_cold_pages_more),
        cmocka_unit_test(clock_pro_goes_on_without_the_pages_that_the_host_drops),
        cmocka_unit_test(clock_pro_new_hot_pages_take_the_places_of_dropped_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
