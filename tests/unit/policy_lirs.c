/* policy_lirs.c - LIR and HIR pages. With 3 frames and least=1 two are for LIR pages, and the first
 * two pages are LIR. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void lirs_lets_a_scan_pass_through_the_hir_frames(void **state)
{
    (void)state;
    leaves("lirs:least=1", 3, "1 2 3 4", "1 2 4");
    leaves("lirs:least=1", 3, "1 2 3 4 5 6 7", "1 2 7");
}

/* 3 comes back before 1, the LIR page of longest ago, was touched: they change their kinds. */
static void lirs_a_page_that_returns_soon_becomes_lir(void **state)
{
    (void)state;
    leaves("lirs:least=1", 3, "1 2 3 4 3", "1 2 3");
    leaves("lirs:least=1", 3, "1 2 3 4 3 5", "2 3 5");
    leaves("lirs:least=1", 3, "1 2 3 1 3 4", "1 3 4");
}

/* When 1 and 2 were touched, 3 had been away for longer than either. */
static void lirs_forgets_a_ghost_below_the_lowest_lir_page(void **state)
{
    (void)state;
    leaves("lirs:least=1", 3, "1 2 3 4 1 2 3 5", "1 2 5");
}

static void lirs_an_immediate_repeat_is_no_touch(void **state)
{
    (void)state;
    leaves("lirs:least=1", 3, "1 2 3 3 4", "1 2 4");
}

/* 1 has become HIR, and is in Q before 5. */
static void lirs_a_touched_page_goes_to_the_end_of_q(void **state)
{
    (void)state;
    leaves("lirs", 4, "1 2 3 4 3 5 6", "2 3 5 6");
    leaves("lirs", 4, "1 2 3 4 3 5 1 6", "1 2 3 6");
}

static void lirs_remembers_no_more_than_s_may_have(void **state)
{
    (void)state;
    leaves("lirs:least=1,stack=1", 3, "1 2 3 4 3 5", "1 2 5");
    leaves("lirs:least=1,stack=1.34", 3, "1 2 3 4 3 5", "2 3 5");
    leaves("lirs:least=1,stack=1.34", 3, "1 2 3 4 5 3 6", "1 2 6");
}

static void lirs_has_hir_frames_by_percent_and_at_least(void **state)
{
    (void)state;
    leaves("lirs:hir=50,least=1", 4, "1 2 3 4 5", "1 2 4 5");
    leaves("lirs:hir=25,least=1", 4, "1 2 3 4 5", "1 2 3 5");
    leaves("lirs:hir=25,least=3", 4, "1 2 3 4 5", "1 3 4 5");
    leaves("lirs:least=9", 4, "1 2 3 4 5", "1 3 4 5"); /* and one for LIR pages */
}

static void lirs_new_pages_take_the_places_of_dropped_lir_pages(void **state)
{
    (void)state;
    leaves("lirs:least=1", 3, "1 2 3 /1 4 5", "2 4 5");
    leaves("lirs:least=1", 3, "1 2 3 /1 /2 /3 4 5 6 7", "4 5 7");
    leaves("lirs:least=1", 3, "1 2 3 4 /4 3 5", "2 3 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lirs_lets_a_scan_pass_through_the_hir_frames),
        cmocka_unit_test(lirs_a_page_that_returns_soon_becomes_lir),
        cmocka_unit_test(lirs_forgets_a_ghost_below_the_lowest_lir_page),
        cmocka_unit_test(lirs_an_immediate_repeat_is_no_touch),
        cmocka_unit_test(lirs_a_touched_page_goes_to_the_end_of_q),
        cmocka_unit_test(lirs_remembers_no_more_than_s_may_have),
        cmocka_unit_test(lirs_has_hir_frames_by_percent_and_at_least),
        cmocka_unit_test(lirs_new_pages_take_the_places_of_dropped_lir_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
