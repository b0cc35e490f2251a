/* policy_lecar.c - two experts and their weights. With rate=0 the weights stay. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void lecar_asks_only_the_expert_that_has_all_the_weight(void **state)
{
    (void)state;
    leaves("lecar:weight=1,rate=0", 3, "1 1 2 3 4", "2 3 4");
    leaves("lecar:weight=0,rate=0", 3, "1 1 2 3 4", "1 3 4");
}

/* 3 came back with two touches, as many as 1 and 2 have, and later: 1 leaves. What both experts
 * name is not remembered: 2, the least of both kinds, has one touch when it comes back. */
static void lecar_a_page_that_comes_back_goes_on_with_its_count(void **state)
{
    (void)state;
    leaves("lecar:weight=0,rate=0", 3, "1 1 2 2 3 4 3 5", "2 3 5");
    leaves("lecar:weight=0,rate=0,ghosts=0", 3, "1 1 2 2 3 4 3 5", "1 2 5");
    leaves("lecar:weight=0,rate=0", 3, "2 1 1 3 3 4 2 5", "1 3 5");
}

/* Ten pages are touched twice a round, and 15 pass through in between: lru would have the ten
 * leave, lfu keeps them once it has come to know them. */
static void lecar_learns_to_ask_the_expert_that_errs_less(void **state)
{
    (void)state;
    enum { ROUNDS = 1000, OFTEN = 10, PASSING = 15, OTHERS = 100 };
    static vm_pageref ref[ROUNDS * (2 * OFTEN + PASSING)];
    struct policy_world w = {.nframes = 20, .npages = OFTEN + OTHERS, .ref = ref};
    for (uint32_t i = 0; i < ROUNDS; i++) {
        for (uint32_t k = 0; k < 2 * OFTEN; k++)
            ref[w.n++] = k / 2 * 2;
        for (uint32_t k = 0; k < PASSING; k++)
            ref[w.n++] = (OFTEN + (i * PASSING + k) % OTHERS) * 2;
    }
    w.policy = "lecar";
    uint64_t learnt = policy_play(&w, 64).misses;
    w.policy = "lecar:rate=0";
    uint64_t untaught = policy_play(&w, 64).misses;
    /* Each that passes through misses; the ten soon do no more. */
    assert_in_range(learnt, ROUNDS * PASSING, ROUNDS * (PASSING + 1));
    assert_in_range(untaught, ROUNDS * (PASSING + 3), ROUNDS * (PASSING + OFTEN));
}

static void lecar_goes_on_without_dropped_pages(void **state)
{
    (void)state;
    leaves("lecar:weight=0,rate=0", 3, "1 1 2 2 3 3 /1 4 5", "2 3 5");
    leaves("lecar", 2, "1 2 /1 /2 3 4 5", "4 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lecar_asks_only_the_expert_that_has_all_the_weight),
        cmocka_unit_test(lecar_a_page_that_comes_back_goes_on_with_its_count),
        cmocka_unit_test(lecar_learns_to_ask_the_expert_that_errs_less),
        cmocka_unit_test(lecar_goes_on_without_dropped_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
