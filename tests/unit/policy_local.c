/* policy_local.c - shares of memory, and each process replaces its own pages. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* Pages below 32 are one process's, the others another's; frames are left over. */
static const struct policy_world fixed = {
    .policy = "lru",
    .nframes = 8,
    .nprocs = 2,
    .allotment = {.kind = VM_ALLOT_FIXED, .frames = 2},
};

static void a_process_at_its_share_gives_up_its_own_page_though_frames_are_free(void **state)
{
    (void)state;
    struct scene s = policy_scene_in(&fixed, "1 2 3 40 41 42");
    assert_string_equal(s.resident, "2 3 41 42");
    assert_int_equal(s.outcome.releases, 2);
    assert_int_equal(s.outcome.evictions, 2);
}

static void another_process_takes_no_page_of_one_within_its_share(void **state)
{
    (void)state;
    assert_string_equal(policy_scene_in(&fixed, "1 2 40 41 42 43 44").resident, "1 2 43 44");
}

static void equal_shares_become_smaller_as_processes_come(void **state)
{
    (void)state;
    struct policy_world w = {
        .policy = "lru", .nframes = 4, .nprocs = 2, .allotment = {.kind = VM_ALLOT_FIXED}};
    assert_string_equal(policy_scene_in(&w, "1 2 3 4").resident, "1 2 3 4");
    assert_string_equal(policy_scene_in(&w, "1 2 3 4 40").resident, "2 3 4 40");
    assert_string_equal(policy_scene_in(&w, "1 2 3 4 40 41 42").resident, "3 4 41 42");
}

static void proportional_shares_are_as_the_processes_are_large(void **state)
{
    (void)state;
    /* 9 pages and 3: 3 frames of 4, and 1. */
    struct policy_world w = {
        .policy = "lru", .nframes = 4, .nprocs = 2, .allotment = {.kind = VM_ALLOT_PROPORTIONAL}};
    assert_string_equal(policy_scene_in(&w, "40 41 42 1 2 3 4 5 6 7 8 9").resident, "7 8 9 42");
    assert_string_equal(policy_scene_in(&w, "40 41 42 1 2 3 4 5 6 7 8 9 40").resident, "7 8 9 40");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_at_its_share_gives_up_its_own_page_though_frames_are_free),
        cmocka_unit_test(another_process_takes_no_page_of_one_within_its_share),
        cmocka_unit_test(equal_shares_become_smaller_as_processes_come),
        cmocka_unit_test(proportional_shares_are_as_the_processes_are_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
