/* stacks.c - see stacks.h. */
#include "analysis/stacks.h"

#include <math.h>
#include <stdlib.h>

#define AHEAD 24  /* touches: a load from memory takes about as long as so many */
#define SOON  8   /* touches: what was asked for ahead has come */
#define BLOCK 64  /* touches that are counted together */
#define IDS   512 /* that opt is handed at once */

static bool open_hits(struct stack_hits *h, struct vm_error *e)
{
    if (!vm_arena_open(&h->arena, sizeof *h->at * ((size_t)DEPTH_PAGES_MAX + 1), e))
        return false;
    h->at = vm_arena_take(&h->arena, sizeof *h->at * ((size_t)DEPTH_PAGES_MAX + 1));
    return true;
}

bool stacks_open(struct stacks *s, bool lru, bool opt, struct vm_error *e)
{
    *s = (struct stacks){.lru = lru, .opt = opt};
    if (lru && (!recency_depth_open(&s->recency, e) || !open_hits(&s->lru_hits, e)))
        return false;
    if (opt && open_hits(&s->opt_hits, e))
        s->future = opt_depth_open(s->opt_hits.at, e);
    return !opt || s->future;
}

void stacks_close(struct stacks *s)
{
    recency_depth_close(&s->recency);
    opt_depth_close(s->future);
    vm_arena_close(&s->lru_hits.arena);
    vm_arena_close(&s->opt_hits.arena);
    *s = (struct stacks){0};
}

/* Counting waits for a block, that each count is asked for before it is needed. */
static void lru_block(struct stacks *s, const struct vm_page_run *run, size_t n, size_t follow)
{
    uint64_t *hits = s->lru_hits.at, repeats = 0;
    uint32_t depth[BLOCK];
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n + follow) {
            recency_depth_ahead(&s->recency, run[i + AHEAD].ref / 2);
            recency_depth_soon(&s->recency, run[i + SOON].ref / 2);
        }
        depth[i] = recency_depth_touch(&s->recency, run[i].ref / 2);
        __builtin_prefetch(&hits[depth[i]], 1);
        repeats += run[i].count - 1;
    }
    for (size_t i = 0; i < n; i++)
        hits[depth[i]]++;
    hits[1] += repeats;
}

static void lru_runs(struct stacks *s, const struct vm_page_run *run, size_t n)
{
    for (size_t i = 0, some; i < n; i += some) {
        some = n - i < BLOCK ? n - i : BLOCK;
        lru_block(s, run + i, some, n - i - some);
    }
}

static bool opt_runs(struct stacks *s, const struct vm_page_run *run, size_t n, struct vm_error *e)
{
    uint32_t page[IDS];
    for (size_t i = 0; i < n;) {
        size_t some = 0;
        for (; some < IDS && i < n; i++) {
            page[some++] = run[i].ref / 2;
            s->opt_hits.at[1] += run[i].count - 1;
        }
        if (!opt_depth_touches(s->future, page, some, e))
            return false;
    }
    return true;
}

bool stacks_runs(struct stacks *s, const struct vm_page_run *run, size_t n, struct vm_error *e)
{
    for (size_t i = 0; i < n; i++) {
        s->touches += run[i].count;
        if (run[i].ref / 2 >= s->pages)
            s->pages = run[i].ref / 2 + 1;
    }
    if (s->pages > DEPTH_PAGES_MAX)
        return vm_fail(e, VM_ESYSTEM, "no memory for curves over more than %u pages",
                       DEPTH_PAGES_MAX);
    if (s->lru)
        lru_runs(s, run, n);
    return !s->opt || opt_runs(s, run, n, e);
}

bool stacks_end(struct stacks *s, struct vm_error *e)
{
    return !s->opt || opt_depth_end(s->future, e);
}

static bool make_curve(const struct stacks *s, const uint64_t *hits, struct vm_curve *out,
                       struct vm_error *e)
{
    size_t npoints = 1;
    uint64_t misses = s->touches;
    for (uint64_t c = 1; c <= s->pages; c++)
        npoints += hits[c] != 0;
    *out = (struct vm_curve){.way = VM_CURVE_EXACT,
                             .touches = s->touches,
                             .pages = s->pages,
                             .error_mean = NAN,
                             .error_max = NAN,
                             .point = malloc(npoints * sizeof *out->point)};
    if (!out->point)
        return vm_fail(e, VM_ESYSTEM, "no memory for a curve of %zu points", npoints);
    out->point[out->npoints++] = (struct vm_curve_point){0, misses};
    for (uint64_t c = 1; c <= s->pages; c++)
        if (hits[c])
            out->point[out->npoints++] = (struct vm_curve_point){c, misses -= hits[c]};
    VM_ASSERT(misses == s->pages);
    return true;
}

bool stacks_lru_curve(const struct stacks *s, struct vm_curve *out, struct vm_error *e)
{
    return make_curve(s, s->lru_hits.at, out, e);
}

bool stacks_opt_curve(const struct stacks *s, struct vm_curve *out, struct vm_error *e)
{
    return make_curve(s, s->opt_hits.at, out, e);
}
