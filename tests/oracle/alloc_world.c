/* alloc_world.c - see alloc_world.h. */
#include "oracle/alloc_world.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define NONE VM_ALLOC_NONE

static void law(struct alloc_world *w, bool held, const char *otherwise)
{
    if (!held && !w->wrong)
        w->wrong = otherwise;
}

void alloc_world_open(struct alloc_world *w, const struct vm_alloc_ops *ops, uint64_t units,
                      uint64_t seed)
{
    struct vm_error e;
    struct vm_params params;
    VM_ASSERT(units <= NAIVE_UNITS);
    bool good = vm_params_parse(&params, ops->name, ops->param, ops->nparams, NULL, &e);
    struct vm_alloc_env env = {.units = units, .seed = seed, .params = &params};
    size_t bytes = (ops->size(&env) + 63) / 64 * 64;
    *w = (struct alloc_world){.ops = ops, .naive = {.units = units}};
    w->state = aligned_alloc(64, bytes);
    VM_ASSERT(good && w->state);
    memset(w->state, 0, bytes);
    ops->init(w->state, &env);
    vm_random_seed(&w->random, seed);
}

void alloc_world_close(struct alloc_world *w)
{
    free(w->state);
}

unsigned alloc_world_order(uint64_t n, uint64_t align)
{
    unsigned order = 0;
    while (UINT64_C(1) << order < n || UINT64_C(1) << order < align)
        order++;
    return order;
}

/* Whether a free block, as the allocator names them, could have served. */
static bool could_serve(const struct alloc_world *w, uint64_t n, uint64_t align)
{
    uint64_t units, least = n > align ? n : align;
    for (uint64_t at = 0; (at = w->ops->next_free(w->state, at, &units)) != NONE; at++)
        if (w->ops->give_kind == VM_GIVE_WHOLE && units >= least)
            return true;
    return w->ops->give_kind == VM_GIVE_PARTS && naive_alloc_first(&w->naive, n, align) != NONE;
}

uint64_t alloc_world_take(struct alloc_world *w, uint64_t n, uint64_t align)
{
    bool could = could_serve(w, n, align);
    uint64_t start = w->ops->take(w->state, n, align);
    law(w, could == (start != NONE), "a take fails only where no free block is long enough");
    if (start == NONE) {
        w->failures++;
        return start;
    }
    w->takes++;
    law(w, start % align == 0, "a run that was taken is aligned");
    law(w, naive_alloc_hold(&w->naive, start, n), "what is taken was free and inside");
    w->run[w->nruns++] = (struct alloc_run){start, n};
    return start;
}

void alloc_world_give(struct alloc_world *w, size_t i, uint64_t start, uint64_t n)
{
    struct alloc_run run = w->run[i];
    w->ops->give(w->state, start, n);
    VM_ASSERT(naive_alloc_release(&w->naive, start, n));
    w->run[i] = w->run[--w->nruns];
    if (run.start < start)
        w->run[w->nruns++] = (struct alloc_run){run.start, start - run.start};
    if (start + n < run.start + run.n)
        w->run[w->nruns++] = (struct alloc_run){start + n, run.start + run.n - (start + n)};
}

bool alloc_world_extend(struct alloc_world *w, size_t i, uint64_t more)
{
    struct alloc_run *run = &w->run[i];
    bool done = w->ops->extend(w->state, run->start, run->n, more);
    bool room = naive_alloc_hold(&w->naive, run->start + run->n, more);
    law(w, room || !done, "a run grows into free units");
    law(w, done || !room || w->ops->give_kind == VM_GIVE_WHOLE, "a run grows where there is room");
    if (room && !done)
        naive_alloc_release(&w->naive, run->start + run->n, more);
    if (done)
        run->n += more;
    return done;
}

void alloc_world_give_all(struct alloc_world *w)
{
    while (w->nruns)
        alloc_world_give(w, w->nruns - 1, w->run[w->nruns - 1].start, w->run[w->nruns - 1].n);
}

static uint64_t below(struct alloc_world *w, uint64_t n)
{
    return vm_random_below(&w->random, n);
}

/* The whole of a run, or any part of it where the allocator takes parts. */
static void give_some(struct alloc_world *w, size_t i)
{
    uint64_t start = w->run[i].start, n = w->run[i].n, skip = 0;
    if (w->ops->give_kind == VM_GIVE_PARTS && below(w, 3) == 0) {
        skip = below(w, n);
        n = 1 + below(w, n - skip);
    }
    alloc_world_give(w, i, start + skip, n);
}

void alloc_world_step(struct alloc_world *w)
{
    uint64_t most = below(w, 8) ? 12 : w->naive.units + 1;
    switch (w->nruns ? below(w, 5) : 0) {
    case 0:
    case 1:
        alloc_world_take(w, 1 + below(w, most), UINT64_C(1) << below(w, below(w, 4) ? 1 : 6));
        break;
    case 2:
        alloc_world_extend(w, below(w, w->nruns), 1 + below(w, most));
        break;
    default:
        give_some(w, below(w, w->nruns));
    }
}

void alloc_world_inspect(struct alloc_world *w)
{
    struct vm_alloc_usage u;
    struct naive_alloc seen = w->naive;
    uint64_t n, end = 0, nblocks = 0, units = 0, longest = 0;
    bool parts = w->ops->give_kind == VM_GIVE_PARTS;
    w->ops->check(w->state);
    for (uint64_t at = 0; (at = w->ops->next_free(w->state, at, &n)) != NONE; at = end) {
        law(w, naive_alloc_hold(&seen, at, n), "a free block is free and inside, and no other's");
        law(w, !parts || nblocks == 0 || at > end, "no free block is beside another");
        law(w, at >= end, "free blocks come in the order of their addresses");
        nblocks++;
        units += n;
        end = at + n;
        longest = n > longest ? n : longest;
    }
    w->ops->usage(w->state, &u);
    law(w, u.free_blocks == nblocks && u.free_units == units && u.free_max == longest,
        "usage says what the free blocks are");
    law(w, u.free_units + u.internal_units == naive_alloc_free(&w->naive),
        "free and internal units are those that nobody asked for");
    law(w, !parts || u.internal_units == 0, "what can be given in parts holds nothing in vain");
    law(w, u.takes == w->takes && u.failures == w->failures, "takes and failures are counted");
    law(w, u.searched >= u.takes, "a take looks at a block");
}
