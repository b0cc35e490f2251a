/* policy_lrfu.c - between least recently and least frequently used. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void lrfu_is_lru_at_one_end_and_lfu_at_the_other(void **state)
{
    (void)state;
    leaves("lrfu:lambda=1", 3, "1 1 1 2 3 4", "2 3 4");
    leaves("lrfu:lambda=0", 3, "1 1 2 2 3 4 5", "1 2 5");
    leaves("lrfu:lambda=0", 3, "1 2 3 1 2 3 4", "2 3 4");
}

/* With F(x) = 2^(-x/2), when 4 comes: in the first line 1 has 0.604 of two touches, 2 has 0.5 of
 * one; in the second 1 has 0.427, 2 has 0.707 and 3, of two touches, 0.854. */
static void lrfu_weighs_touches_by_their_age(void **state)
{
    (void)state;
    leaves("lrfu:lambda=0.5", 3, "1 1 2 3 4", "1 3 4");
    leaves("lrfu:lambda=0.5", 3, "1 1 3 3 2 4", "2 3 4");
    leaves("lrfu:lambda=0.01", 3, "1 1 3 3 2 4", "1 3 4");
}

static void lrfu_forgets_what_a_page_had_when_it_left(void **state)
{
    (void)state;
    leaves("lrfu:lambda=0", 2, "1 1 1 2 2 2 2 3 1 4", "2 4");
}

/* A run of touches is worth its touches one by one, however long. */
static void lrfu_values_runs_as_their_touches(void **state)
{
    (void)state;
    enum { NRUNS = 300, LONGEST = 300 };
    static const char *const policy[] = {"lrfu", "lrfu:lambda=0", "lrfu:lambda=0.3"};
    static vm_pageref ref[NRUNS * LONGEST];
    struct policy_world w = {.nframes = 5, .npages = 12, .ref = ref};
    srand(1);
    for (int run = 0; run < NRUNS; run++) {
        vm_pageref page = (vm_pageref)(rand() % 12) * 2;
        for (int times = 1 + rand() % (rand() % 8 ? 4 : LONGEST); times > 0; times--)
            ref[w.n++] = page;
    }
    for (size_t i = 0; i < sizeof policy / sizeof policy[0]; i++) {
        w.policy = policy[i];
        assert_true(policy_outcomes_equal(&w, "runs", policy_play(&w, 7), policy_play_runs(&w, 7)));
    }
}

static void lrfu_goes_on_without_dropped_pages(void **state)
{
    (void)state;
    leaves("lrfu", 3, "1 1 2 2 3 3 /1 4 5", "2 3 5");
    leaves("lrfu", 2, "1 2 /1 /2 3 4 5", "4 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lrfu_is_lru_at_one_end_and_lfu_at_the_other),
        cmocka_unit_test(lrfu_weighs_touches_by_their_age),
        cmocka_unit_test(lrfu_forgets_what_a_page_had_when_it_left),
        cmocka_unit_test(lrfu_values_runs_as_their_touches),
        cmocka_unit_test(lrfu_goes_on_without_dropped_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
