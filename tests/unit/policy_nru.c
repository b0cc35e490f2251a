/* policy_nru.c - not recently used. */
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

static void nru_takes_a_page_not_referenced_since_the_tick(void **state)
{
    (void)state;
    leaves("nru:pick=first,tick=4", 3, "1 2 3 1 1 4", "1 3 4");
    leaves("nru:pick=random,tick=4", 2, "1 2 1 2 1 3", "1 3");
}

static void nru_takes_a_clean_page_before_a_dirty_one(void **state)
{
    (void)state;
    leaves("nru:pick=first,tick=3", 3, "1w 2 3 4", "1 3 4");
    leaves("nru:pick=first,tick=100", 3, "1w 2w 3 4", "1 2 4");
}

static void nru_takes_a_dirty_page_before_a_referenced_one(void **state)
{
    (void)state;
    leaves("nru:pick=first,tick=3", 3, "1w 2w 3 3 1 4", "1 3 4");
}

static void nru_takes_the_lowest_frame_if_told_so(void **state)
{
    (void)state;
    leaves("nru:pick=first,tick=3", 3, "1 2 3 4", "2 3 4");
    leaves("nru:pick=first,tick=100", 3, "1w 2w 3w 4 5", "2 3 5");
}

static void nru_takes_any_frame_of_the_class_by_chance(void **state)
{
    (void)state;
    /* 0 and 3 are dirty; a tick falls after the fourth. */
    const vm_pageref ref[] = {0 | 1, 2, 4, 6 | 1, 8};
    unsigned victims[4] = {0};
    count_victims("nru:tick=4", ref, 5, 4, victims);
    assert_int_equal(victims[0] + victims[3], 0);
    assert_in_range(victims[1], 70, 130); /* 100, give or take four deviations of 7 */
    assert_int_equal(victims[1] + victims[2], SEEDS);
}

static void nru_forgets_a_dropped_page(void **state)
{
    (void)state;
    leaves("nru:pick=first,tick=100", 3, "1 2 3 /1 4 5", "2 3 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nru_takes_a_page_not_referenced_since_the_tick),
        cmocka_unit_test(nru_takes_a_clean_page_before_a_dirty_one),
        cmocka_unit_test(nru_takes_a_dirty_page_before_a_referenced_one),
        cmocka_unit_test(nru_takes_the_lowest_frame_if_told_so),
        cmocka_unit_test(nru_takes_any_frame_of_the_class_by_chance),
        cmocka_unit_test(nru_forgets_a_dropped_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
