/* policy_unopt.c - the worst. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void unopt_evicts_the_page_needed_soonest(void **state)
{
    (void)state;
    leaves("unopt", 3, "1 2 3 4 1", "1 2 3");
    assert_int_equal(policy_scene("unopt", 3, "1 2 3 1 2 3 1 2 3").outcome.misses, 3);
}

static void unopt_misses_wherever_some_page_may_leave(void **state)
{
    (void)state;
    assert_int_equal(policy_scene("unopt", 3, "1 2 3 4 3 2 3 2").outcome.misses, 8);
    assert_int_equal(policy_scene("unopt", 3, "1 2 3 4 1 2 3 4").outcome.misses, 8);
}

static void unopt_of_pages_never_needed_again_evicts_the_lowest_frame(void **state)
{
    (void)state;
    leaves("unopt", 3, "1 2 3 4", "2 3 4");
}

static void unopt_takes_no_future_for_immediate_repeats(void **state)
{
    (void)state;
    assert_int_equal(policy_scene("unopt", 2, "1 1 1 2 2 3 3 1 1 2 2").outcome.misses, 5);
}

static void unopt_forgets_a_dropped_page(void **state)
{
    (void)state;
    leaves("unopt", 2, "1 2 /1 3 4 3 2", "2 3");
}

/* A machine after a fork: the touch that was foretold to frame 0 went to another frame. */
static void unopt_takes_a_page_whose_foretold_touch_has_passed_for_never_needed(void **state)
{
    (void)state;
    static const uint32_t next[] = {2, 5, 6};
    static _Alignas(64) uint8_t block[4096];
    struct vm_future future = {.next = next, .n = 3};
    struct vm_policy_env env = {.nframes = 2, .capacity = 2, .future = &future};
    const struct vm_policy_ops *ops = vm_policy_find("unopt", &(struct vm_error){0});
    vm_pfn touched = 1;
    assert_true(ops->size(&env) <= sizeof block);
    ops->init(block, &env);
    ops->insert(block, 0, 7);
    ops->insert(block, 1, 8);
    ops->touch(block, &touched, 1);
    assert_int_equal(ops->victim(block, VM_NOPAGE), 1);
    ops->check(block);
    assert_int_equal(ops->victim(block, VM_NOPAGE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unopt_evicts_the_page_needed_soonest),
        cmocka_unit_test(unopt_misses_wherever_some_page_may_leave),
        cmocka_unit_test(unopt_of_pages_never_needed_again_evicts_the_lowest_frame),
        cmocka_unit_test(unopt_takes_no_future_for_immediate_repeats),
        cmocka_unit_test(unopt_takes_a_page_whose_foretold_touch_has_passed_for_never_needed),
        cmocka_unit_test(unopt_forgets_a_dropped_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
