/* policy.c - worked examples of replacement policies, and misses that others found.
 *
 * The reference strings of textbooks: Belady, Nelson & Shedler, CACM 12(6) 1969, for fifo's
 * anomaly; Arpaci-Dusseau, "Operating Systems: Three Easy Pieces", chapter 22, figures 22.1
 * to 22.5; Silberschatz, Galvin & Gagne, "Operating System Concepts", 10th ed., figures of
 * section 10.4 (page replacement). And a trace of 200,000 references (data/README.md) with the
 * misses of programs written from the papers, which those of libCacheSim equal where it follows the
 * papers.
 */
#include "oracle/policy_scene.h"
#include "oracle/policy_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define BELADY     "1 2 3 4 1 2 5 1 2 3 4 5"
#define THREE_EASY "0 1 2 0 1 3 0 3 1 2 1"

static uint64_t misses(const char *policy, uint32_t nframes, const char *text)
{
    return policy_scene(policy, nframes, text).outcome.misses;
}

static void belady_1969_fifo_faults_more_with_more_frames(void **state)
{
    (void)state;
    assert_int_equal(misses("fifo", 3, BELADY), 9);
    assert_int_equal(misses("fifo", 4, BELADY), 10);
}

static void three_easy_pieces_hits_of_opt_fifo_and_lru(void **state)
{
    (void)state;
    assert_int_equal(11 - misses("opt", 3, THREE_EASY), 6);
    assert_int_equal(11 - misses("fifo", 3, THREE_EASY), 4);
    assert_int_equal(11 - misses("lru", 3, THREE_EASY), 6);
}

static void silberschatz_faults_of_fifo_opt_and_lru(void **state)
{
    (void)state;

    const char *text = "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1";
    assert_int_equal(misses("fifo", 3, text), 15);
    assert_int_equal(misses("opt", 3, text), 9);
    assert_int_equal(misses("lru", 3, text), 12);
}

/* reference programs' misses at 50, 250, 500, 1000 and 2500 frames; 0: not comparable, for a reason
 * that docs/validation.md gives */
static const uint32_t frames[] = {50, 250, 500, 1000, 2500};
static const struct {
    const char *policy;
    uint64_t misses[5];
} found[] = {
    {"lru", {166824, 125953, 89729, 64964, 40473}},
    {"fifo", {170767, 129821, 93291, 68989, 45282}},
    {"mru", {196787, 188686, 178336, 157765, 88516}},
    {"clock", {165307, 124870, 88472, 74243, 40147}},
    {"clock:load=referenced", {168279, 126934, 90652, 66267, 42826}},
    {"second-chance", {165307, 124870, 88472, 74243, 40147}},
    {"second-chance:load=referenced", {168279, 126934, 90652, 66267, 42826}},
    {"gclock:bits=1", {165307, 124870, 88472, 74243, 40147}},
    {"gclock:bits=2", {163538, 123798, 89313, 75346, 33646}},
    {"slru:fill=room", {158728, 121722, 110991, 75757, 37975}},
    {"slru:segments=4,fill=room", {0, 0, 110158, 92964, 31604}},
    {"2q", {157097, 122340, 109757, 72769, 38839}},
    {"2q:ghost=before", {157083, 122332, 109761, 72766, 38852}},
    {"arc", {156023, 119517, 93004, 68836, 40073}},
    {"arc:delta=integer", {156503, 120042, 92309, 67656, 40037}},
    {"car", {155525, 119843, 91838, 68658, 39838}},
    {"lfu", {168012, 149544, 136366, 115703, 35449}},
    {"lfu:ties=fifo", {168012, 149544, 136396, 115734, 35444}},
    {"lfu:keep=5000", {165501, 142330, 129511, 87143, 29541}},
    {"opt", {131406, 84129, 61466, 43309, 16067}},
    {"sieve", {158127, 133690, 114803, 92977, 28229}},
    {"s3-fifo", {154609, 122244, 97114, 77767, 31001}},
    {"s3-fifo:look=before", {154599, 122211, 97098, 77764, 31001}},
    {"s3-fifo:look=before,fill=main", {154631, 122172, 97055, 78452, 30847}},
    {"s3-fifo:look=before,fill=main,hits=1", {154503, 121325, 96353, 77732, 31134}},
    {"lirs", {154020, 108278, 91642, 80960, 37399}},
    {"clock-pro", {154970, 121327, 96837, 80641, 34413}},
    {"clock-pro:least=5,most=5", {154916, 121085, 96319, 80474, 34627}},
    {"lrfu:lambda=1", {166824, 125953, 89729, 64964, 40473}},                    /* lru */
    {"lrfu:lambda=0", {168012, 149544, 136366, 115703, 35449}},                  /* lfu */
    {"lecar:weight=1,rate=0", {166824, 125953, 89729, 64964, 40473}},            /* lru */
    {"lecar:weight=0,rate=0,ghosts=0", {168012, 149544, 136366, 115703, 35449}}, /* lfu */
};

static void misses_on_a_real_trace_are_those_of_the_reference_programs(void **state)
{
    (void)state;
    static vm_pageref ref[POLICY_TRACE_REFS];
    policy_trace_read(ref);
    struct policy_world w = {.npages = POLICY_TRACE_PAGES, .ref = ref, .n = POLICY_TRACE_REFS};
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++)
        for (size_t k = 0; k < sizeof frames / sizeof frames[0]; k++) {
            w.policy = found[i].policy;
            w.nframes = frames[k];
            struct policy_outcome out = policy_play(&w, 4096);
            if (found[i].misses[k] && out.misses != found[i].misses[k])
                fail_msg("%s, %u frames: %lu misses, the reference has %lu", w.policy, w.nframes,
                         (unsigned long)out.misses, (unsigned long)found[i].misses[k]);
        }
}

/* What a window that slides over the references touch by touch counts: misses, and the different
 * pages in it summed over the touches. From a few lines of Python, which know no memory. */
static void working_sets_on_a_real_trace_are_those_of_a_sliding_window(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        uint64_t misses, space_time;
    } window[] = {
        {"working-set:tau=10", 189898, 1951075},    {"working-set:tau=100", 157947, 17257291},
        {"working-set:tau=1000", 75489, 114693133}, {"working-set:tau=10000", 36002, 556526336},
        {"working-set:tau=50000", 6576, 877339050},
    };
    static vm_pageref ref[POLICY_TRACE_REFS];
    policy_trace_read(ref);
    struct policy_world w = {.nframes = POLICY_TRACE_PAGES,
                             .npages = POLICY_TRACE_PAGES,
                             .ref = ref,
                             .n = POLICY_TRACE_REFS};
    for (size_t i = 0; i < sizeof window / sizeof window[0]; i++) {
        w.policy = window[i].policy;
        struct policy_outcome out = policy_play(&w, 4096);
        assert_int_equal(out.misses, window[i].misses);
        assert_int_equal(out.space_time, window[i].space_time);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(belady_1969_fifo_faults_more_with_more_frames),
        cmocka_unit_test(three_easy_pieces_hits_of_opt_fifo_and_lru),
        cmocka_unit_test(silberschatz_faults_of_fifo_opt_and_lru),
        cmocka_unit_test(misses_on_a_real_trace_are_those_of_the_reference_programs),
        cmocka_unit_test(working_sets_on_a_real_trace_are_those_of_a_sliding_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
