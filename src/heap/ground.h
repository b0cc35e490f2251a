/* ground.h - the region as every heap sees it: how far it goes, how it grows, what is counted.
 *
 * The end moves up in steps of `grow` bytes, or by what is needed if that is more or if a whole
 * step cannot be had; it moves down when `trim` bytes at the top are free, and leaves half of them,
 * so that a program which takes and gives back at that border does not move it each time.
 */
#ifndef HEAP_GROUND_H
#define HEAP_GROUND_H

#include "base/assert.h"
#include "base/bits.h"

#include <pagoda/heap.h>

struct ground {
    unsigned char *base;
    size_t end, limit;
    size_t grow, trim; /* bytes; trim 0: the end never moves down */
    void *host;
    bool (*move_end)(void *host, size_t end);
    size_t live_bytes, free_bytes;
    uint64_t free_blocks;
    uint64_t takes, gives, failures, searched, splits, merges, grows, shrinks;
};

/* Rows of a heap's parameters for the two. */
#define GROUND_GROW_PARAM                                                                          \
    {                                                                                              \
        "grow", VM_PARAM_BYTES, "64KiB", 4096, 1 << 30, NULL, "by which the end moves up"          \
    }
#define GROUND_TRIM_PARAM                                                                          \
    {                                                                                              \
        "trim", VM_PARAM_BYTES, "128KiB", 0, 1 << 30, NULL,                                        \
            "bytes free at the top that move the end down; 0: never"                               \
    }

static inline void ground_init(struct ground *g, const struct vm_heap_env *env)
{
    g->base = env->base;
    g->limit = env->limit;
    g->host = env->host;
    g->move_end = env->move_end;
    g->grow = vm_params_count(env->params, "grow");
    g->trim = vm_params_count(env->params, "trim");
}

static inline size_t ground_round(size_t bytes, size_t to)
{
    return (bytes + to - 1) & ~(to - 1);
}

static inline bool ground_move_up(struct ground *g, size_t bytes)
{
    if (bytes > g->limit - g->end || !g->move_end(g->host, g->end + bytes))
        return false;
    g->end += bytes;
    g->grows++;
    return true;
}

/* Move the end up by at least `least` bytes. False: they cannot be had. */
static inline bool ground_grow(struct ground *g, size_t least)
{
    if (least > g->limit - g->end)
        return false;
    size_t needed = ground_round(least, VM_HEAP_GRAIN);
    size_t step = ground_round(g->grow, VM_HEAP_GRAIN);
    return (needed < step && ground_move_up(g, step)) || ground_move_up(g, needed);
}

/* Where the end comes to lie if all from `used` up to it is free; the end itself: it stays. */
static inline size_t ground_trimmed(const struct ground *g, size_t used)
{
    if (!g->trim || g->end - used < g->trim)
        return g->end;
    size_t end = ground_round(used + g->trim / 2, VM_HEAP_GRAIN);
    return end < g->end ? end : g->end;
}

static inline void ground_move_down(struct ground *g, size_t end)
{
    VM_ASSERT(end < g->end);
    bool moved = g->move_end(g->host, end);
    VM_ASSERT(moved);
    g->end = end;
    g->shrinks++;
}

/* What was not served. */
static inline void *ground_fail(struct ground *g)
{
    g->failures++;
    return NULL;
}

static inline void ground_usage(const struct ground *g, struct vm_heap_usage *out)
{
    *out = (struct vm_heap_usage){
        .held_bytes = g->end,
        .live_bytes = g->live_bytes,
        .free_bytes = g->free_bytes,
        .overhead_bytes = g->end - g->live_bytes - g->free_bytes,
        .live_blocks = g->takes - g->gives,
        .free_blocks = g->free_blocks,
        .takes = g->takes,
        .gives = g->gives,
        .failures = g->failures,
        .searched = g->searched,
        .splits = g->splits,
        .merges = g->merges,
        .grows = g->grows,
        .shrinks = g->shrinks,
    };
}

#endif
