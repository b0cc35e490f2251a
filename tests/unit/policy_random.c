/* policy_random.c - any page, by chance. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

#define SEEDS 200

/* How often each page of a full memory of `nframes` leaves for another, over many seeds. */
static void count_victims(const char *policy, const vm_pageref *ref, size_t n, uint32_t nframes,
                          unsigned victims[])
{
    struct policy_world w = {.policy = policy, .nframes = nframes, .npages = SCENE_PAGES};
    w.ref = ref;
    w.n = n;
    for (w.seed = 0; w.seed < SEEDS; w.seed++) {
        struct policy_host h;
        policy_host_open(&h, &w);
        for (size_t i = 0; i < n; i++)
            policy_host_step(&h, ref[i]);
        for (uint32_t page = 0; page < nframes; page++)
            victims[page] += h.r.frame_of[page] == 0;
        policy_host_close(&h);
    }
}

static void random_evicts_each_page_about_as_often(void **state)
{
    (void)state;
    const vm_pageref ref[] = {0, 2, 4, 6, 8};
    unsigned victims[4] = {0};
    count_victims("random", ref, 5, 4, victims);
    for (unsigned page = 0; page < 4; page++) /* 50 each, give or take four deviations of 6 */
        assert_in_range(victims[page], 25, 75);
}

static void random_forgets_a_dropped_page(void **state)
{
    (void)state;
    leaves("random", 2, "1 2 /1 /2 3 4", "3 4");
    assert_int_equal(policy_scene("random", 3, "1 2 3 /2 4").outcome.evictions, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_evicts_each_page_about_as_often),
        cmocka_unit_test(random_forgets_a_dropped_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
