/* policy.c - what theory says of replacement policies on any references.
 *
 * Stack algorithms (lru, opt, and lfu is none here: its counts restart): with one frame more,
 * memory holds all it held, and so misses never rise; Mattson et al., IBM Systems Journal 9(2)
 * 1970. No policy has fewer misses than opt; Belady, 5(2) 1966. fifo is no stack algorithm. None
 * that evicts a page only for another to come in has more than unopt: src/policy/unopt.c.
 */
#include "oracle/policy_worlds.h"

#include "rounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NPAGES 40
#define FRAMES 20

static struct policy_world random_world(vm_pageref *ref, uint64_t seed)
{
    policy_world_fill(ref, NPAGES, seed);
    return (struct policy_world){.npages = NPAGES, .seed = seed, .ref = ref, .n = WORLD_REFS};
}

/* After every reference: each page in the smaller memory is in the larger. */
static void included(struct policy_world w, uint32_t nframes)
{
    struct policy_host small, large;
    w.nframes = nframes;
    policy_host_open(&small, &w);
    w.nframes = nframes + 1;
    policy_host_open(&large, &w);
    for (size_t i = 0; i < w.n; i++) {
        policy_host_step(&small, w.ref[i]);
        policy_host_step(&large, w.ref[i]);
        for (uint32_t page = 0; page < w.npages; page++)
            assert_true(small.r.frame_of[page] == 0 || large.r.frame_of[page] != 0);
    }
    assert_true(large.r.misses <= small.r.misses);
    policy_host_close(&small);
    policy_host_close(&large);
}

static void lru_with_a_frame_more_holds_all_it_held(void **state)
{
    (void)state;
    vm_pageref ref[WORLD_REFS];
    for (uint64_t seed = 0; seed < test_rounds(60); seed++) {
        struct policy_world w = random_world(ref, seed);
        w.policy = "lru";
        for (uint32_t n = 1; n < FRAMES; n++)
            included(w, n);
    }
}

/* Of pages that are never needed again opt keeps any: only its misses are determined. */
static void opt_with_a_frame_more_never_misses_more(void **state)
{
    (void)state;
    vm_pageref ref[WORLD_REFS];
    for (uint64_t seed = 0; seed < test_rounds(300); seed++) {
        struct policy_world w = random_world(ref, seed);
        uint64_t before = UINT64_MAX;
        w.policy = "opt";
        for (w.nframes = 1; w.nframes <= FRAMES; w.nframes++) {
            uint64_t misses = policy_play(&w, WORLD_REFS).misses;
            assert_true(misses <= before);
            before = misses;
        }
    }
}

/* Inclusion of opt, for the pages that are needed again. */
static void opt_with_a_frame_more_holds_all_it_held_that_is_needed_again(void **state)
{
    (void)state;
    vm_pageref ref[WORLD_REFS];
    for (uint64_t seed = 0; seed < test_rounds(40); seed++) {
        struct policy_world w = random_world(ref, seed);
        struct policy_host host[FRAMES];
        w.policy = "opt";
        for (uint32_t k = 0; k < FRAMES; k++) {
            w.nframes = k + 1;
            policy_host_open(&host[k], &w);
        }
        uint32_t left[NPAGES] = {0};
        for (size_t i = 0; i < w.n; i++)
            left[ref[i] >> 1]++;
        for (size_t i = 0; i < w.n; i++) {
            left[ref[i] >> 1]--;
            for (uint32_t k = 0; k < FRAMES; k++)
                policy_host_step(&host[k], ref[i]);
            for (uint32_t page = 0; page < NPAGES; page++)
                for (uint32_t k = 0; k + 1 < FRAMES; k++)
                    assert_true(left[page] == 0 || host[k].r.frame_of[page] == 0 ||
                                host[k + 1].r.frame_of[page] != 0);
        }
        for (uint32_t k = 0; k < FRAMES; k++)
            policy_host_close(&host[k]);
    }
}

static void no_policy_misses_less_than_opt(void **state)
{
    (void)state;
    vm_pageref ref[WORLD_REFS];
    for (uint64_t seed = 0; seed < test_rounds(300); seed++) {
        struct policy_world w = random_world(ref, seed);
        w.nframes = 1 + (uint32_t)(seed % FRAMES);
        w.policy = "opt";
        uint64_t least = policy_play(&w, WORLD_REFS).misses;
        for (size_t i = 0; (w.policy = policy_spec_at(i)); i++)
            assert_true(policy_play(&w, WORLD_REFS).misses >= least);
    }
}

/* unopt bounds all that give up no frame unasked: who does may hold fewer pages, and miss more. */
static void no_policy_that_evicts_only_when_it_must_misses_more_than_unopt(void **state)
{
    (void)state;
    vm_pageref ref[WORLD_REFS];
    for (uint64_t seed = 0; seed < test_rounds(300); seed++) {
        struct policy_world w = random_world(ref, seed);
        w.nframes = 1 + (uint32_t)(seed % FRAMES);
        w.policy = "unopt";
        uint64_t most = policy_play(&w, WORLD_REFS).misses;
        for (size_t i = 0; (w.policy = policy_spec_at(i)); i++) {
            struct policy_outcome out = policy_play(&w, WORLD_REFS);
            assert_true(out.misses <= most || out.releases > 0);
        }
    }
}

/* ---- every choice ---- */

#define CHOICE_REFS  14
#define CHOICE_PAGES 5

/* The fewest and the most misses of w->ref[i..n) from memory `resident` (a set of pages), whichever
 * page leaves at each miss. */
static void try_every_choice(const struct policy_world *w, size_t i, uint32_t resident,
                             uint32_t *least, uint32_t *most)
{
    *least = *most = 0;
    while (i < w->n && resident >> (w->ref[i] >> 1) & 1)
        i++;
    if (i == w->n)
        return;
    uint32_t page = UINT32_C(1) << (w->ref[i] >> 1), fewest = UINT32_MAX, greatest = 0;
    bool full = (uint32_t)__builtin_popcount(resident) == w->nframes;
    for (uint32_t left = full ? resident : 1; left; left &= left - 1) {
        uint32_t leaver = full ? left & -left : 0, low, high;
        try_every_choice(w, i + 1, (resident & ~leaver) | page, &low, &high);
        fewest = low < fewest ? low : fewest;
        greatest = high > greatest ? high : greatest;
    }
    *least = 1 + fewest;
    *most = 1 + greatest;
}

static void opt_and_unopt_are_the_least_and_the_most_of_all_choices(void **state)
{
    (void)state;
    vm_pageref ref[WORLD_REFS];
    for (uint64_t seed = 0; seed < test_rounds(1000); seed++) {
        struct policy_world w = {.npages = CHOICE_PAGES, .ref = ref, .n = CHOICE_REFS};
        uint32_t least, most;
        policy_world_fill(ref, CHOICE_PAGES, seed);
        w.nframes = 1 + (uint32_t)(seed % 4);
        try_every_choice(&w, 0, 0, &least, &most);
        w.policy = "opt";
        assert_int_equal(policy_play(&w, CHOICE_REFS).misses, least);
        w.policy = "unopt";
        assert_int_equal(policy_play(&w, CHOICE_REFS).misses, most);
    }
}

/* ---- one policy under two names ---- */

static void alike(const char *one, const char *other)
{
    vm_pageref ref[WORLD_REFS];
    for (uint64_t seed = 0; seed < test_rounds(300); seed++) {
        struct policy_world w = random_world(ref, seed);
        w.nframes = 1 + (uint32_t)(seed % FRAMES);
        w.policy = one;
        struct policy_outcome out = policy_play(&w, WORLD_REFS);
        w.policy = other;
        assert_true(policy_outcomes_equal(&w, one, out, policy_play(&w, WORLD_REFS)));
    }
}

static void second_chance_and_clock_are_one_policy(void **state)
{
    (void)state;
    alike("clock", "second-chance");
    alike("clock:load=referenced", "second-chance:load=referenced");
}

static void lru_1_is_lru(void **state)
{
    (void)state;
    alike("lru", "lru-k:k=1");
}

static void a_clock_with_counters_of_one_bit_is_clock(void **state)
{
    (void)state;
    alike("clock", "gclock:bits=1");
    alike("clock:load=referenced", "gclock:bits=1,load=referenced");
}

static void with_one_frame_every_change_of_page_misses(void **state)
{
    (void)state;
    vm_pageref ref[WORLD_REFS];
    for (uint64_t seed = 0; seed < test_rounds(100); seed++) {
        struct policy_world w = random_world(ref, seed);
        uint64_t changes = 1;
        for (size_t i = 1; i < w.n; i++)
            changes += ref[i] >> 1 != ref[i - 1] >> 1;
        w.nframes = 1;
        for (size_t i = 0; (w.policy = policy_spec_at(i)); i++)
            assert_int_equal(policy_play(&w, WORLD_REFS).misses, changes);
    }
}

static void with_a_frame_for_each_page_only_first_references_miss(void **state)
{
    (void)state;
    vm_pageref ref[WORLD_REFS];
    for (uint64_t seed = 0; seed < test_rounds(100); seed++) {
        struct policy_world w = random_world(ref, seed);
        uint8_t seen[NPAGES] = {0};
        uint64_t distinct = 0;
        for (size_t i = 0; i < w.n; i++) {
            distinct += !seen[ref[i] >> 1];
            seen[ref[i] >> 1] = 1;
        }
        w.nframes = NPAGES;
        for (size_t i = 0; (w.policy = policy_spec_at(i)); i++) {
            struct policy_outcome out = policy_play(&w, WORLD_REFS);
            if (!out.releases)
                assert_int_equal(out.misses, distinct);
            assert_int_equal(out.evictions, out.releases);
        }
    }
}

static void counts_are_conserved(void **state)
{
    (void)state;
    vm_pageref ref[WORLD_REFS];
    for (uint64_t seed = 0; seed < test_rounds(100); seed++) {
        struct policy_world w = random_world(ref, seed);
        w.nframes = 1 + (uint32_t)(seed % FRAMES);
        for (size_t i = 0; (w.policy = policy_spec_at(i)); i++) {
            struct policy_outcome out = policy_play(&w, WORLD_REFS);
            assert_int_equal(out.touches, w.n);
            assert_true(out.misses >= out.evictions && out.misses - out.evictions <= w.nframes);
            assert_true(out.writebacks <= out.evictions && out.releases <= out.evictions);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lru_with_a_frame_more_holds_all_it_held),
        cmocka_unit_test(opt_with_a_frame_more_never_misses_more),
        cmocka_unit_test(opt_with_a_frame_more_holds_all_it_held_that_is_needed_again),
        cmocka_unit_test(no_policy_misses_less_than_opt),
        cmocka_unit_test(no_policy_that_evicts_only_when_it_must_misses_more_than_unopt),
        cmocka_unit_test(opt_and_unopt_are_the_least_and_the_most_of_all_choices),
        cmocka_unit_test(second_chance_and_clock_are_one_policy),
        cmocka_unit_test(lru_1_is_lru),
        cmocka_unit_test(a_clock_with_counters_of_one_bit_is_clock),
        cmocka_unit_test(with_one_frame_every_change_of_page_misses),
        cmocka_unit_test(with_a_frame_for_each_page_only_first_references_miss),
        cmocka_unit_test(counts_are_conserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
