/* policy_w_tinylfu.c - the window, the door and the main part. Of 5 frames the window has one; of
 * the other four two are for the protected segment. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define FIVE "w-tinylfu:window=20,protected=50"

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void w_tinylfu_admits_only_who_was_touched_more_often(void **state)
{
    (void)state;
    leaves(FIVE, 5, "1 2 3 4 5 6", "1 2 3 4 6");
    leaves(FIVE, 5, "1 2 3 4 5 5 6", "2 3 4 5 6");
    leaves(FIVE, 5, "1 1 2 3 4 5 5 6", "1 2 3 4 6");
}

static void w_tinylfu_spares_pages_touched_again(void **state)
{
    (void)state;
    leaves(FIVE, 5, "1 2 3 4 5 1 5 5 6", "1 3 4 5 6");
    /* Of three that were touched again the first goes back, before 4. */
    leaves(FIVE, 5, "1 2 3 4 5 1 2 3 5 5 6", "1 2 3 5 6");
    leaves(FIVE, 5, "1 2 3 4 5 1 2 3 5 5 6 6 6 7", "2 3 5 6 7");
}

static void w_tinylfu_remembers_how_often_pages_that_left_were_touched(void **state)
{
    (void)state;
    leaves(FIVE, 5, "1 2 3 4 5 6 5 7", "2 3 4 5 7");
}

/* After 5 touches, and every 3 more, counts are halved: 1 was touched four times, long ago. */
static void w_tinylfu_forgets_by_halves(void **state)
{
    (void)state;
    leaves(FIVE, 5, "1 1 1 1 2 3 4 5 5 5 6", "1 2 3 4 6");
    leaves(FIVE ",sample=1", 5, "1 1 1 1 2 3 4 5 5 5 6", "2 3 4 5 6");
}

/* A run of touches is counted as its touches one by one, over any number of halvings. */
static void w_tinylfu_counts_runs_as_their_touches(void **state)
{
    (void)state;
    enum { NRUNS = 400 };
    static vm_pageref ref[NRUNS * 80];
    struct policy_world w = {.policy = FIVE ",sample=2", .nframes = 5, .npages = 12, .ref = ref};
    srand(1);
    for (int run = 0; run < NRUNS; run++) {
        vm_pageref page = (vm_pageref)(rand() % 12) * 2;
        for (int times = 1 + rand() % 80; times > 0; times--)
            ref[w.n++] = page;
    }
    assert_true(policy_outcomes_equal(&w, "runs", policy_play(&w, 7), policy_play_runs(&w, 7)));
    w.policy = FIVE ",sample=2,update=all";
    assert_true(policy_outcomes_equal(&w, "runs", policy_play(&w, 7), policy_play_runs(&w, 7)));
}

/* 6 is never more often touched than 1; by chance it is let in at some time. */
static void w_tinylfu_may_admit_by_chance(void **state)
{
    (void)state;
    enum { ROUNDS = 2000 };
    static vm_pageref ref[ROUNDS * 2 + 100];
    struct policy_world w = {.nframes = 2, .npages = 8, .ref = ref};
    for (int i = 0; i < 40; i++)
        ref[w.n++] = 1 * 2;
    for (int i = 0; i < ROUNDS; i++)
        ref[w.n++] = (vm_pageref)(i % 2 ? 6 : 7) * 2;
    w.policy = "w-tinylfu:sample=1M";
    assert_int_equal(policy_play(&w, 64).misses, 1 + ROUNDS);
    w.policy = "w-tinylfu:sample=1M,admit=jitter";
    assert_in_range(policy_play(&w, 64).misses, 20, ROUNDS - 100);
}

static void w_tinylfu_goes_on_without_dropped_pages(void **state)
{
    (void)state;
    leaves(FIVE, 5, "1 2 3 4 5 /5 /2 6 7 8", "1 3 4 6 8");
    leaves(FIVE, 5, "1 2 3 1 2 /1 /2 /3 4 5 6 7 8 9", "4 5 6 7 9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(w_tinylfu_admits_only_who_was_touched_more_often),
        cmocka_unit_test(w_tinylfu_spares_pages_touched_again),
        cmocka_unit_test(w_tinylfu_remembers_how_often_pages_that_left_were_touched),
        cmocka_unit_test(w_tinylfu_forgets_by_halves),
        cmocka_unit_test(w_tinylfu_counts_runs_as_their_touches),
        cmocka_unit_test(w_tinylfu_may_admit_by_chance),
        cmocka_unit_test(w_tinylfu_goes_on_without_dropped_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
