/* policy_mglru.c - generations. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void mglru_the_oldest_generation_leaves_from_its_tail(void **state)
{
    (void)state;
    leaves("mglru:load=clear", 4, "1 2 3 4 5", "2 3 4 5");
    leaves("mglru:load=clear", 4, "1 2 3 4 5 6", "3 4 5 6");
}

static void mglru_a_page_referenced_in_the_youngest_generation_grows_old_with_it(void **state)
{
    (void)state;
    leaves("mglru:load=clear", 4, "1 2 3 4 1 5", "2 3 4 5");
}

static void mglru_a_page_referenced_since_joins_the_youngest(void **state)
{
    (void)state;
    leaves("mglru:load=clear", 4, "1 2 3 4 5 2 6", "2 4 5 6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mglru_the_oldest_generation_leaves_from_its_tail),
        cmocka_unit_test(mglru_a_page_referenced_in_the_youngest_generation_grows_old_with_it),
        cmocka_unit_test(mglru_a_page_referenced_since_joins_the_youngest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
