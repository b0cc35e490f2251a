/* policy_host.h - a page replay's state around one policy, as the engine would hold it; for tests.
 *
 * Three ways to play references through it, which must agree: the policy's stamped loops, over
 * references and over runs, and `policy_host_step`, which calls its functions one by one as a host
 * that knows nothing of its inside. And the naive models of oracle/naive_policies.c, written from
 * the definitions alone.
 */
#ifndef ORACLE_POLICY_HOST_H
#define ORACLE_POLICY_HOST_H

#include "base/arena.h"

#include <pagoda/policy.h>

/* What to play: `policy` is "name" or "name:params". */
struct policy_world {
    const char *policy;
    uint32_t nframes, npages;
    uint64_t seed;
    const vm_pageref *ref;
    size_t n;
    struct vm_allotment allotment; /* its `inner` is the policy's, here unset */
    uint32_t nprocs;               /* processes, each of which has as many pages on end; 0: one */
};

struct policy_host {
    const struct vm_policy_ops *ops;
    struct vm_params params;
    struct vm_replay r;
    struct vm_future future; /* of the world's references, for a policy that reads it */
    struct vm_policy_env env;
    struct vm_policy_clock clock;
    struct vm_policy_host asked;
    struct vm_policy_ops local; /* *ops, where processes have shares */
    struct vm_allotment allotment;
    uint64_t *spent;    /* the clock's */
    uint64_t *pages_of; /* of each process, among the references before nseen */
    bool *seen;
    size_t nseen;
    uint64_t cleanings;
    const struct policy_world *world;
    struct vm_arena arena;
    void *state;
    uint32_t npages;
    uint32_t last_page; /* the page of the reference before, VM_NOFRAME: none */
};

/* Asserts that the world's policy and parameters are known. */
void policy_host_open(struct policy_host *h, const struct policy_world *w);
void policy_host_close(struct policy_host *h);

/* Whose page it is. */
vm_asid policy_world_owner(const struct policy_world *w, uint32_t page);
/* Where it lies: each process's pages far from the others'. */
uint64_t policy_world_place(const struct policy_world *w, uint32_t page);
/* The references to come are of this process. */
void policy_host_switch(struct policy_host *h, vm_asid asid);
/* One reference, by the policy's functions one by one; it may be of another process. */
void policy_host_step(struct policy_host *h, vm_pageref ref);
/* The page leaves memory by the host's will; it is resident. */
void policy_host_drop(struct policy_host *h, uint32_t page);

/* What came out: for comparing. */
struct policy_outcome {
    uint64_t touches, misses, evictions, writebacks;
    uint64_t releases, soft_faults, cleanings;
    uint64_t space_time; /* resident pages, summed over the touches */
    uint64_t resident;   /* a hash of which pages are in which frames, and the dirty ones */
};
struct policy_outcome policy_host_outcome(const struct policy_host *h);
/* Adds to such a hash that `page` is in `frame`; the order of adding does not matter. */
uint64_t policy_outcome_hash(uint64_t hash, uint32_t page, vm_pfn frame, bool dirty);

/* Play the whole world: in batches of `batch` references; as runs, in batches of `batch` runs; step
 * by step with check() after each `check_every` steps; by the naive model. */
struct policy_outcome policy_play(const struct policy_world *w, size_t batch);
struct policy_outcome policy_play_runs(const struct policy_world *w, size_t batch);
struct policy_outcome policy_play_steps(const struct policy_world *w, size_t check_every);
struct policy_outcome policy_play_naive(const struct policy_world *w);

/* Whether they are; if not, both are shown on stderr, with the world that made them. */
bool policy_outcomes_equal(const struct policy_world *w, const char *way,
                           struct policy_outcome expected, struct policy_outcome found);

#endif
