/* alloc_world.h - a range allocator and a host that knows every run it has taken, and holds the
 * allocator to the contract of include/pagoda/alloc.h at each call.
 *
 * The host of an allocator that gives back whole blocks does not know what a block holds beyond
 * what was asked for: its flags say what was asked for.
 */
#ifndef ORACLE_ALLOC_WORLD_H
#define ORACLE_ALLOC_WORLD_H

#include "base/random.h"
#include "oracle/naive_alloc.h"

struct alloc_run {
    uint64_t start, n;
};

struct alloc_world {
    const struct vm_alloc_ops *ops;
    void *state;
    struct vm_random random;
    struct naive_alloc naive;
    struct alloc_run run[NAIVE_UNITS]; /* what is taken */
    size_t nruns;
    uint64_t takes, failures;
    const char *wrong; /* what the first breach of the contract was, or NULL */
};

/* With the allocator's parameters as they fall back; units at most NAIVE_UNITS. */
void alloc_world_open(struct alloc_world *w, const struct vm_alloc_ops *ops, uint64_t units,
                      uint64_t seed);
void alloc_world_close(struct alloc_world *w);

/* Where the run begins, or VM_ALLOC_NONE. */
uint64_t alloc_world_take(struct alloc_world *w, uint64_t n, uint64_t align);
/* Give [start, start + n) back, which lies in run `i`; what remains of the run are runs. */
void alloc_world_give(struct alloc_world *w, size_t i, uint64_t start, uint64_t n);
bool alloc_world_extend(struct alloc_world *w, size_t i, uint64_t more);
void alloc_world_give_all(struct alloc_world *w);
/* A take, give or extension as the world's random numbers have it. */
void alloc_world_step(struct alloc_world *w);
/* The allocator's usage and its free blocks are what the flags say. */
void alloc_world_inspect(struct alloc_world *w);

/* The smallest order of which a block holds n units, aligned. */
unsigned alloc_world_order(uint64_t n, uint64_t align);

#endif
