/* policy_vms.c - queues, and the lists behind them. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void vms_a_page_on_the_free_list_comes_back_by_a_soft_fault(void **state)
{
    (void)state;
    struct scene s = policy_scene("vms:limit=2", 4, "1 2 3 1");
    assert_string_equal(s.resident, "1 2 3");
    assert_int_equal(s.outcome.misses, 3);
    assert_int_equal(s.outcome.soft_faults, 1);
}

static void vms_a_touch_in_the_queue_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(policy_scene("vms:limit=2", 4, "1 2 1 1 3 1").outcome.soft_faults, 1);
}

static void vms_the_head_of_the_free_list_leaves(void **state)
{
    (void)state;
    /* 1 came back, and fell out again behind 2 and 3. */
    leaves("vms:limit=2", 4, "1 2 3 1 4 5", "1 3 4 5");
    leaves("vms:limit=2", 4, "1 2 3 4 5", "2 3 4 5");
}

static void vms_modified_pages_are_written_together(void **state)
{
    (void)state;
    /* Lists of 3 frames: more than 2 modified pages are written until 1 is left. */
    struct scene s = policy_scene("vms:limit=1,lists=75,high=67", 4, "1w 2w 3w");
    assert_int_equal(s.outcome.cleanings, 0);
    s = policy_scene("vms:limit=1,lists=75,high=67", 4, "1w 2w 3w 4");
    assert_int_equal(s.outcome.cleanings, 2);
    s = policy_scene("vms:limit=1,lists=75,high=67", 4, "1w 2w 3w 4 5");
    assert_int_equal(s.outcome.writebacks, 0);
    assert_string_equal(s.resident, "2 3 4 5");
}

static void vms_a_dirty_page_waits_longer_than_a_clean_one(void **state)
{
    (void)state;
    leaves("vms:limit=1,lists=75,high=100", 4, "1w 2 3 4 5", "1 3 4 5");
}

static void vms_with_empty_lists_the_front_of_the_longest_queue_leaves(void **state)
{
    (void)state;
    struct policy_world w = {.policy = "vms:limit=8", .nframes = 4, .nprocs = 2};
    assert_string_equal(policy_scene_in(&w, "1 40 41 42 2").resident, "1 2 41 42");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vms_a_page_on_the_free_list_comes_back_by_a_soft_fault),
        cmocka_unit_test(vms_a_touch_in_the_queue_changes_nothing),
        cmocka_unit_test(vms_the_head_of_the_free_list_leaves),
        cmocka_unit_test(vms_modified_pages_are_written_together),
        cmocka_unit_test(vms_a_dirty_page_waits_longer_than_a_clean_one),
        cmocka_unit_test(vms_with_empty_lists_the_front_of_the_longest_queue_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
