/* policy_wsclock.c - the working set by a clock. */
#include "base/random.h"
#include "oracle/policy_scene.h"

#include "rounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void wsclock_a_referenced_page_is_passed_and_its_time_is_now(void **state)
{
    (void)state;
    /* All are referenced at the first victim: the first clean one leaves. At time 7 the others
     * were last seen to be used at time 3. */
    leaves("wsclock:tau=2", 3, "1 2 3 4", "2 3 4");
    leaves("wsclock:tau=2", 3, "1 2 3 4 4 4 4 5", "3 4 5");
}

static void wsclock_writes_an_idle_dirty_page_and_takes_the_next(void **state)
{
    (void)state;
    struct scene s = policy_scene("wsclock:tau=2", 3, "1 2w 3 4 4 4 4 5");
    assert_string_equal(s.resident, "2 4 5");
    assert_int_equal(s.outcome.cleanings, 1);
    assert_int_equal(s.outcome.writebacks, 0);
    s = policy_scene("wsclock:tau=2,writes=0", 3, "1 2w 3 4 4 4 4 5");
    assert_string_equal(s.resident, "2 4 5");
    assert_int_equal(s.outcome.cleanings, 0);
}

static void wsclock_takes_the_page_that_it_wrote_if_there_is_no_other(void **state)
{
    (void)state;
    /* At time 6 pages 2 and 3 are idle and dirty, 4 is neither: one write a turn, and 2 is clean.
     * */
    struct scene s = policy_scene("wsclock:tau=2,writes=1", 3, "1 2w 3w 4w 4 4 5");
    assert_string_equal(s.resident, "3 4 5");
    assert_int_equal(s.outcome.cleanings, 1);
    assert_int_equal(s.outcome.writebacks, 0);
}

static void wsclock_with_all_dirty_and_in_use_takes_the_one_under_the_hand(void **state)
{
    (void)state;
    struct scene s = policy_scene("wsclock:tau=100", 3, "1w 2w 3w 4w 5w");
    assert_string_equal(s.resident, "3 4 5");
    assert_int_equal(s.outcome.writebacks, 2);
}

static void wsclock_in_use_a_clean_page_leaves_before_a_dirty_one(void **state)
{
    (void)state;
    leaves("wsclock:tau=100", 3, "1w 2 3w 4", "1 3 4");
}

/* Pages from a part of them that moves on, for a while those of one process, and now and then any
 * page of all. */
static void fill(struct policy_world *w, vm_pageref *ref, uint64_t seed)
{
    struct vm_random random;
    vm_random_seed(&random, seed);
    uint32_t part = w->nframes / 2 + 1, base = 0;
    for (size_t i = 0; i < w->n; i++) {
        uint64_t chance = vm_random_below(&random, 1000);
        if (chance == 0)
            base = (uint32_t)vm_random_below(&random, w->npages);
        uint32_t page = (base + (uint32_t)vm_random_below(&random, part)) % w->npages;
        if (chance > 990)
            page = (uint32_t)vm_random_below(&random, w->npages);
        ref[i] = page * 2 + (chance % 5 == 0);
    }
}

/* The hand passes 64 frames, or 4096, at once where it may: never one who is idle. */
static void wsclock_in_a_large_memory_is_as_if_each_frame_was_looked_at(void **state)
{
    (void)state;
    static const uint32_t nframes[] = {63, 64, 65, 130, 700, 4095, 4096, 4161, 8400};
    static const char *const policy[] = {"wsclock", "wsclock:tau=40", "wsclock:tau=900,writes=1",
                                         "wsclock:tau=5000,writes=0", "wsclock:tau=40000"};
    static vm_pageref ref[30000];
    for (uint64_t seed = 0; seed < test_rounds(90); seed++) {
        struct policy_world w = {.policy = policy[seed % 5],
                                 .nframes = nframes[seed % 9],
                                 .npages = nframes[seed % 9] * 3 / 2,
                                 .nprocs = (uint32_t)(seed % 4),
                                 .ref = ref};
        w.n = 3 * w.nframes + 4000;
        fill(&w, ref, seed);
        struct policy_outcome expected = policy_play_naive(&w);
        assert_true(policy_outcomes_equal(&w, "replay", expected, policy_play(&w, 256)));
        assert_true(policy_outcomes_equal(&w, "steps", expected, policy_play_steps(&w, 500)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wsclock_a_referenced_page_is_passed_and_its_time_is_now),
        cmocka_unit_test(wsclock_writes_an_idle_dirty_page_and_takes_the_next),
        cmocka_unit_test(wsclock_takes_the_page_that_it_wrote_if_there_is_no_other),
        cmocka_unit_test(wsclock_with_all_dirty_and_in_use_takes_the_one_under_the_hand),
        cmocka_unit_test(wsclock_in_use_a_clean_page_leaves_before_a_dirty_one),
        cmocka_unit_test(wsclock_in_a_large_memory_is_as_if_each_frame_was_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
