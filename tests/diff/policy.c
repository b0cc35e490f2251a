/* policy.c - the stamped loops, a host that calls the functions one by one, and the naive models
 * agree on thousands of small random worlds: counts, and which page is where at the end. */
#include "oracle/policy_worlds.h"

#include "rounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WORLDS 6000
#define TURNS  15

/* Every way against the naive one, over WORLDS worlds. Of the policies' specs, of which there are
 * more each time, TURNS play a world, in turn: each plays worlds of every size. */
static void agree(struct policy_outcome (*way)(const struct policy_world *, size_t batch),
                  const char *name)
{
    vm_pageref ref[WORLD_REFS];
    struct policy_world w = {.ref = ref, .n = WORLD_REFS};
    size_t specs = 0;
    while (policy_spec_at(specs))
        specs++;
    size_t turns = (specs + TURNS - 1) / TURNS;
    for (uint64_t seed = 0; seed < test_rounds(WORLDS); seed++) {
        w.seed = seed;
        w.npages = 2 + seed % 39;
        w.nprocs = seed % 4;
        w.nframes = 1 + seed % 12;
        policy_world_fill(ref, w.npages, seed);
        for (size_t i = seed / 12 % turns; (w.policy = policy_spec_at(i)); i += turns)
            assert_true(
                policy_outcomes_equal(&w, name, policy_play_naive(&w), way(&w, 1 + seed % 97)));
    }
}

static void replay_does_as_the_definition(void **state)
{
    (void)state;
    agree(policy_play, "replay");
}

static void replay_of_runs_does_as_the_definition(void **state)
{
    (void)state;
    agree(policy_play_runs, "runs");
}

static struct policy_outcome steps(const struct policy_world *w, size_t batch)
{
    (void)batch;
    return policy_play_steps(w, 1);
}

static void calling_function_by_function_does_as_the_definition(void **state)
{
    (void)state;
    agree(steps, "steps");
}

/* Larger worlds, with memory for several levels of every structure; the naive models would take
 * too long, and so would a tick, which looks at every frame, every few references. */
static void loops_and_functions_agree_on_large_memories(void **state)
{
    (void)state;
    enum { NFRAMES = 5000, NPAGES = 20000, NREFS = 60000 };
    static vm_pageref ref[NREFS];
    for (uint64_t seed = 1; seed <= 2; seed++) {
        for (size_t i = 0; i + WORLD_REFS <= NREFS; i += WORLD_REFS)
            policy_world_fill(ref + i, NPAGES, seed * NREFS + i);
        struct policy_world w = {
            .nframes = NFRAMES, .npages = NPAGES, .seed = seed, .ref = ref, .n = NREFS};
        for (size_t i = 0; (w.policy = policy_spec_at(i)); i++) {
            if (strstr(w.policy, "tick="))
                continue;
            struct policy_outcome steps_out = policy_play_steps(&w, NREFS / 4);
            assert_true(policy_outcomes_equal(&w, "replay", steps_out, policy_play(&w, 4096)));
            assert_true(policy_outcomes_equal(&w, "runs", steps_out, policy_play_runs(&w, 512)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replay_does_as_the_definition),
        cmocka_unit_test(replay_of_runs_does_as_the_definition),
        cmocka_unit_test(calling_function_by_function_does_as_the_definition),
        cmocka_unit_test(loops_and_functions_agree_on_large_memories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
