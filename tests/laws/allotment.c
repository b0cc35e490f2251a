/* allotment.c - what holds of policies that decide how many pages a process has: the working set as
 * theory knows it, and local replacement.
 *
 * Denning & Schwartz, "Properties of the working-set model", CACM 15(3) 1972: with memory for all
 * working sets, misses and the mean working set follow from the intervals between the touches of
 * each page. Of local replacement: a process alone notices nothing of it, and with fixed shares
 * nobody notices what others do.
 */
#include "oracle/policy_trace.h"
#include "oracle/policy_worlds.h"

#include "rounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NPAGES 40

/* ---- the working set ---- */

struct intervals {
    uint64_t misses;     /* first touches, and those after more than tau touches of the process */
    uint64_t space_time; /* pages in their windows, summed over the touches; of one process */
};

/* By one pass over the references: a page is in its window for tau touches after each of its own,
 * or until the next. */
static struct intervals intervals_of(const struct policy_world *w, uint64_t tau)
{
    struct intervals out = {0};
    uint64_t *last = calloc(w->npages, sizeof *last); /* its process's touches after the last */
    uint64_t *time = calloc(w->npages + 1, sizeof *time);
    assert_non_null(last);
    assert_non_null(time);
    for (size_t i = 0; i < w->n; i++) {
        uint32_t page = w->ref[i] >> 1;
        uint64_t now = ++time[policy_world_owner(w, page)], gone = now - last[page];
        out.misses += last[page] == 0 || gone > tau;
        if (last[page])
            out.space_time += gone < tau ? gone : tau;
        last[page] = now;
    }
    for (uint32_t page = 0; page < w->npages; page++) {
        uint64_t left = time[policy_world_owner(w, page)] + 1 - last[page];
        if (last[page])
            out.space_time += left < tau ? left : tau;
    }
    free(last);
    free(time);
    return out;
}

static void same_as_intervals(struct policy_world *w, uint64_t tau, size_t batch)
{
    char spec[64];
    snprintf(spec, sizeof spec, "working-set:tau=%llu", (unsigned long long)tau);
    w->policy = spec;
    struct intervals expected = intervals_of(w, tau);
    struct policy_outcome out = policy_play(w, batch);
    assert_int_equal(out.misses, expected.misses);
    assert_int_equal(out.evictions, out.releases);
    if (w->nprocs < 2)
        assert_int_equal(out.space_time, expected.space_time);
}

static void working_sets_are_what_the_intervals_between_touches_say(void **state)
{
    (void)state;
    vm_pageref ref[WORLD_REFS];
    struct policy_world w = {.npages = NPAGES, .nframes = NPAGES, .ref = ref, .n = WORLD_REFS};
    for (w.seed = 0; w.seed < test_rounds(600); w.seed++) {
        policy_world_fill(ref, NPAGES, w.seed);
        w.nprocs = w.seed % 4;
        same_as_intervals(&w, 1 + w.seed % 90, 1 + w.seed % 70);
    }
}

static void working_sets_of_a_real_trace_are_what_its_intervals_say(void **state)
{
    (void)state;
    static const uint64_t tau[] = {1, 10, 100, 1000, 10000, 100000};
    static vm_pageref ref[POLICY_TRACE_REFS];
    policy_trace_read(ref);
    struct policy_world w = {.npages = POLICY_TRACE_PAGES,
                             .nframes = POLICY_TRACE_PAGES,
                             .ref = ref,
                             .n = POLICY_TRACE_REFS};
    for (size_t i = 0; i < sizeof tau / sizeof tau[0]; i++)
        same_as_intervals(&w, tau[i], 4096);
}

/* s(T + 1) - s(T) = m(T): what one touch more in the window adds to the mean working set is the
 * miss rate; but for the pages whose last touches the trace's end cuts off. */
static void a_touch_more_in_the_window_adds_the_miss_rate(void **state)
{
    (void)state;
    vm_pageref ref[WORLD_REFS];
    struct policy_world w = {.npages = NPAGES, .nframes = NPAGES, .ref = ref, .n = WORLD_REFS};
    for (w.seed = 0; w.seed < test_rounds(40); w.seed++) {
        policy_world_fill(ref, NPAGES, w.seed);
        struct intervals before = intervals_of(&w, 1);
        for (uint64_t tau = 1; tau < 60; tau++) {
            char spec[64];
            snprintf(spec, sizeof spec, "working-set:tau=%u", (unsigned)tau + 1);
            w.policy = spec;
            uint64_t next = policy_play(&w, 100).space_time, cut = 0, distinct = 0;
            for (uint32_t page = 0; page < NPAGES; page++) {
                size_t last = w.n;
                while (last > 0 && ref[last - 1] >> 1 != page)
                    last--;
                distinct += last > 0;
                cut += last > 0 && w.n - last + 1 > tau;
            }
            /* A first touch is a miss, but no interval ended with it; the last one's goes on. */
            assert_int_equal(next - before.space_time, before.misses - distinct + cut);
            before = intervals_of(&w, tau + 1);
        }
    }
}

/* ---- local replacement ---- */

static struct policy_world random_world(vm_pageref *ref, uint64_t seed)
{
    policy_world_fill(ref, NPAGES, seed);
    return (struct policy_world){.npages = NPAGES,
                                 .nframes = 1 + (uint32_t)(seed % 17),
                                 .seed = seed,
                                 .ref = ref,
                                 .n = WORLD_REFS};
}

static void a_process_alone_replaces_locally_as_globally(void **state)
{
    (void)state;
    vm_pageref ref[WORLD_REFS];
    for (uint64_t seed = 0; seed < test_rounds(60); seed++) {
        struct policy_world w = random_world(ref, seed);
        for (size_t i = 0; (w.policy = policy_spec_at(i)); i++) {
            w.allotment.kind = VM_ALLOT_GLOBAL;
            struct policy_outcome global = policy_play(&w, 50);
            w.allotment.kind = seed % 2 ? VM_ALLOT_FIXED : VM_ALLOT_PROPORTIONAL;
            assert_true(policy_outcomes_equal(&w, "local", global, policy_play(&w, 50)));
            assert_true(policy_outcomes_equal(&w, "local runs", global, policy_play_runs(&w, 9)));
            assert_true(policy_outcomes_equal(&w, "local steps", global, policy_play_steps(&w, 7)));
        }
    }
}

static void local_loops_and_functions_do_the_same(void **state)
{
    (void)state;
    vm_pageref ref[WORLD_REFS];
    for (uint64_t seed = 0; seed < test_rounds(60); seed++) {
        struct policy_world w = random_world(ref, seed);
        w.nprocs = 2 + (uint32_t)(seed % 3);
        w.allotment.kind = seed / 3 % 2 ? VM_ALLOT_FIXED : VM_ALLOT_PROPORTIONAL;
        w.allotment.frames = seed % 5;
        for (size_t i = 0; (w.policy = policy_spec_at(i)); i++) {
            struct policy_outcome steps = policy_play_steps(&w, 1);
            assert_true(policy_outcomes_equal(&w, "replay", steps, policy_play(&w, 30)));
            assert_true(policy_outcomes_equal(&w, "runs", steps, policy_play_runs(&w, 30)));
        }
    }
}

/* The references of one process. */
static size_t of_process(const struct policy_world *w, vm_asid owner, vm_pageref *out)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        if (policy_world_owner(w, w->ref[i] >> 1) == owner)
            out[n++] = w->ref[i];
    return n;
}

/* Misses of each process; none ever has more than its share. */
static void play_together(const struct policy_world *w, uint64_t *misses)
{
    struct policy_host h;
    policy_host_open(&h, w);
    for (size_t i = 0; i < w->n; i++) {
        vm_asid owner = policy_world_owner(w, w->ref[i] >> 1);
        uint64_t before = h.r.misses;
        uint32_t resident = 0;
        policy_host_step(&h, w->ref[i]);
        misses[owner] += h.r.misses - before;
        for (uint32_t page = 0; page < w->npages; page++)
            resident += h.r.frame_of[page] && policy_world_owner(w, page) == owner;
        assert_true(resident <= w->allotment.frames);
    }
    h.ops->check(h.state);
    policy_host_close(&h);
}

/* With the same misses for each as if it were alone in a memory as large as its share. */
static void with_fixed_shares_no_process_notices_another(void **state)
{
    (void)state;
    vm_pageref ref[WORLD_REFS], own[WORLD_REFS];
    for (uint64_t seed = 0; seed < test_rounds(80); seed++) {
        struct policy_world w = random_world(ref, seed);
        w.nprocs = 2 + (uint32_t)(seed % 2);
        w.allotment =
            (struct vm_allotment){.kind = VM_ALLOT_FIXED, .frames = 1 + (uint32_t)(seed / 2 % 9)};
        w.nframes = w.nprocs * w.allotment.frames + (uint32_t)(seed / 5 % 3);
        for (size_t i = 0; (w.policy = policy_spec_at(i)); i++) {
            uint64_t misses[4] = {0};
            if (!strncmp(w.policy, "nru", 3) && !strstr(w.policy, "pick=first"))
                continue; /* it draws from the frames of all */
            if (strstr(w.policy, "filter=4"))
                continue; /* so small a filter confuses regions, by places that are others alone */
            play_together(&w, misses);
            for (uint32_t owner = 0; owner < w.nprocs; owner++) {
                struct policy_world alone = w;
                alone.ref = own;
                alone.n = of_process(&w, (vm_asid)owner, own);
                alone.nframes = w.allotment.frames;
                alone.nprocs = 0;
                alone.allotment.kind = VM_ALLOT_GLOBAL;
                uint64_t expected = alone.n ? policy_play(&alone, 64).misses : 0;
                if (misses[owner] != expected)
                    fail_msg("%s, seed %lu, process %u of %u: %lu misses, alone %lu", w.policy,
                             (unsigned long)seed, owner, w.nprocs, (unsigned long)misses[owner],
                             (unsigned long)expected);
            }
        }
    }
}

/* ---- shares, by a naive model of local lru ---- */

struct naive_local {
    const struct policy_world *w;
    uint64_t last[NPAGES]; /* number of the last touch, from 1; 0: not resident */
    bool seen[NPAGES];
    vm_asid known[NPAGES];
    uint32_t nknown;
    struct policy_outcome out;
};

static uint32_t count(const struct naive_local *m, vm_asid owner)
{
    uint32_t n = 0;
    for (uint32_t page = 0; page < NPAGES; page++)
        n += m->last[page] && policy_world_owner(m->w, page) == owner;
    return n;
}

static uint32_t resident(const struct naive_local *m)
{
    uint32_t n = 0;
    for (uint32_t page = 0; page < NPAGES; page++)
        n += m->last[page] != 0;
    return n;
}

static uint32_t distinct(const struct naive_local *m, vm_asid owner)
{
    uint32_t n = 0;
    for (uint32_t page = 0; page < NPAGES; page++)
        n += m->seen[page] && policy_world_owner(m->w, page) == owner;
    return n;
}

/* The process is known, or about to be. */
static uint32_t share(const struct naive_local *m, vm_asid owner)
{
    uint32_t sharers = m->nknown, all = 0;
    bool known = false;
    for (uint32_t i = 0; i < m->nknown; i++) {
        known |= m->known[i] == owner;
        all += distinct(m, m->known[i]);
    }
    if (!known) {
        sharers++;
        all += distinct(m, owner);
    }
    uint32_t frames = m->w->allotment.kind == VM_ALLOT_PROPORTIONAL
                          ? m->w->nframes * distinct(m, owner) / all
                      : m->w->allotment.frames ? m->w->allotment.frames
                                               : m->w->nframes / sharers;
    frames = frames < m->w->nframes ? frames : m->w->nframes;
    return frames ? frames : 1;
}

static void oldest_leaves(struct naive_local *m, vm_asid owner)
{
    uint32_t oldest = NPAGES;
    for (uint32_t page = 0; page < NPAGES; page++)
        if (m->last[page] && policy_world_owner(m->w, page) == owner &&
            (oldest == NPAGES || m->last[page] < m->last[oldest]))
            oldest = page;
    assert_true(oldest < NPAGES);
    m->last[oldest] = 0;
    m->out.evictions++;
}

static vm_asid most_beyond(const struct naive_local *m)
{
    vm_asid found = NPAGES;
    int most = 0;
    for (uint32_t i = 0; i < m->nknown; i++) {
        int beyond = (int)count(m, m->known[i]) - (int)share(m, m->known[i]);
        if (count(m, m->known[i]) && (found == NPAGES || beyond > most)) {
            found = m->known[i];
            most = beyond;
        }
    }
    return found;
}

static void bring_in(struct naive_local *m, vm_asid owner)
{
    m->out.misses++;
    while (resident(m) < m->w->nframes && count(m, owner) && count(m, owner) >= share(m, owner)) {
        oldest_leaves(m, owner);
        m->out.releases++;
    }
    if (resident(m) < m->w->nframes)
        return;
    bool own = count(m, owner) && count(m, owner) >= share(m, owner);
    oldest_leaves(m, own ? owner : most_beyond(m));
}

static void serve(struct naive_local *m, uint64_t now, uint32_t page)
{
    vm_asid owner = policy_world_owner(m->w, page);
    bool known = false;
    m->seen[page] = true;
    if (!m->last[page])
        bring_in(m, owner);
    m->last[page] = now + 1;
    for (uint32_t i = 0; i < m->nknown; i++)
        known |= m->known[i] == owner;
    if (!known)
        m->known[m->nknown++] = owner;
    m->out.touches++;
    m->out.space_time += resident(m);
}

static void shares_are_kept_as_the_definition_says(void **state)
{
    (void)state;
    vm_pageref ref[WORLD_REFS];
    for (uint64_t seed = 0; seed < test_rounds(600); seed++) {
        struct policy_world w = random_world(ref, seed);
        struct naive_local m = {.w = &w};
        w.policy = "lru";
        w.nprocs = 1 + (uint32_t)(seed % 5);
        w.allotment.kind = seed / 5 % 2 ? VM_ALLOT_FIXED : VM_ALLOT_PROPORTIONAL;
        w.allotment.frames = seed / 10 % 4;
        for (size_t i = 0; i < w.n; i++)
            serve(&m, i, ref[i] >> 1);
        struct policy_outcome out = policy_play(&w, 20);
        m.out.writebacks = out.writebacks; /* which pages leave says who is written */
        m.out.resident = out.resident;
        assert_true(policy_outcomes_equal(&w, "local", m.out, out));
        assert_int_equal(w.n, m.out.touches);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(working_sets_are_what_the_intervals_between_touches_say),
        cmocka_unit_test(working_sets_of_a_real_trace_are_what_its_intervals_say),
        cmocka_unit_test(a_touch_more_in_the_window_adds_the_miss_rate),
        cmocka_unit_test(a_process_alone_replaces_locally_as_globally),
        cmocka_unit_test(local_loops_and_functions_do_the_same),
        cmocka_unit_test(with_fixed_shares_no_process_notices_another),
        cmocka_unit_test(shares_are_kept_as_the_definition_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
