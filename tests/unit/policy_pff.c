/* policy_pff.c - page-fault frequency. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void pff_a_fault_soon_after_another_only_adds(void **state)
{
    (void)state;
    leaves("pff:interval=2", 4, "1 2 3 3 4", "1 2 3 4");
    leaves("pff:interval=1", 8, "1 2 3 4 5", "1 2 3 4 5");
}

static void pff_a_late_fault_drops_what_was_not_used_since_the_last(void **state)
{
    (void)state;
    struct scene s = policy_scene("pff:interval=2", 4, "1 2 3 3 3 4");
    assert_string_equal(s.resident, "3 4");
    assert_int_equal(s.outcome.releases, 2);
    leaves("pff:interval=2", 4, "1 2 3 1 3 4", "1 3 4");
}

static void pff_use_is_forgotten_at_each_fault(void **state)
{
    (void)state;
    /* 1 is used before the fault of 3, and not between it and that of 4. */
    leaves("pff:interval=2", 8, "1 2 1 3 3 3 4", "3 4");
}

static void pff_when_memory_is_full_the_idlest_leaves(void **state)
{
    (void)state;
    leaves("pff:interval=100", 3, "1 2 3 1 4", "1 3 4");
}

static void pff_counts_the_time_of_the_process_that_faults(void **state)
{
    (void)state;
    struct policy_world w = {.policy = "pff:interval=2", .nframes = 8, .nprocs = 2};
    assert_string_equal(policy_scene_in(&w, "1 2 40 40 40 40 3").resident, "1 2 3 40");
    assert_string_equal(policy_scene_in(&w, "1 2 40 41 2 2 3 42").resident, "2 3 40 41 42");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pff_a_fault_soon_after_another_only_adds),
        cmocka_unit_test(pff_a_late_fault_drops_what_was_not_used_since_the_last),
        cmocka_unit_test(pff_use_is_forgotten_at_each_fault),
        cmocka_unit_test(pff_when_memory_is_full_the_idlest_leaves),
        cmocka_unit_test(pff_counts_the_time_of_the_process_that_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
