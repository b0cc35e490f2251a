/* intervals.c - see intervals.h, and locality.h for what follows from intervals. */
#include "analysis/intervals.h"

#include <stdlib.h>
#include <string.h>

bool intervals_open(struct intervals *v, struct vm_error *e)
{
    *v = (struct intervals){.now = 0};
    return tally_open(&v->between, e);
}

static bool reserve(struct intervals *v, uint32_t page, struct vm_error *e)
{
    if (page < v->cap)
        return true;
    uint32_t cap = v->cap ? 2 * v->cap : 4096;
    uint64_t *grown = realloc(v->last, cap * sizeof *grown);
    if (!grown)
        return vm_fail(e, VM_ESYSTEM, "no memory for the last touches of %u pages", page);
    memset(grown + v->cap, 0, (cap - v->cap) * sizeof *grown);
    v->last = grown;
    v->cap = cap;
    return true;
}

static inline bool add_run(struct intervals *v, struct vm_page_run run, struct vm_error *e)
{
    uint32_t page = run.ref / 2;
    uint64_t first = v->now + 1;
    if (!reserve(v, page, e))
        return false;
    if (!v->last[page])
        v->pages++;
    else if (!tally_add(&v->between, first - v->last[page], 1, e))
        return false;
    v->now += run.count;
    v->last[page] = v->now;
    return tally_add(&v->between, 1, run.count - 1, e);
}

bool intervals_runs(struct intervals *v, const struct vm_page_run *run, size_t n,
                    struct vm_error *e)
{
    for (size_t i = 0; i < n; i++)
        if (!add_run(v, run[i], e))
            return false;
    return true;
}

static bool find_after(const struct intervals *v, struct vm_histogram *out, struct vm_error *e)
{
    struct tally after;
    bool done = tally_open(&after, e);
    for (uint32_t p = 0; done && p < v->cap; p++)
        if (v->last[p])
            done = tally_add(&after, v->now + 1 - v->last[p], 1, e);
    done = done && tally_histogram(&after, out, e);
    tally_close(&after);
    return done;
}

bool intervals_result(const struct intervals *v, struct vm_intervals *out, struct vm_error *e)
{
    *out = (struct vm_intervals){.touches = v->now, .pages = v->pages};
    return tally_histogram(&v->between, &out->between, e) && find_after(v, &out->after, e);
}

void intervals_close(struct intervals *v)
{
    tally_close(&v->between);
    free(v->last);
}

/* ---- what follows ---- */

/* The sum of min(number, x) over all numbers. */
static uint64_t sum_cut(const struct vm_histogram *h, uint64_t x)
{
    struct vm_upto upto = vm_histogram_upto(h, x);
    return upto.sum + (h->count - upto.count) * x;
}

static double mean(uint64_t sum, uint64_t touches)
{
    return touches ? (double)sum / (double)touches : 0;
}

double vm_working_set_mean(const struct vm_intervals *v, uint64_t window)
{
    return mean(sum_cut(&v->between, window) + sum_cut(&v->after, window), v->touches);
}

uint64_t vm_working_set_last(const struct vm_intervals *v, uint64_t window)
{
    return vm_histogram_upto(&v->after, window).count;
}

uint64_t vm_working_set_misses(const struct vm_intervals *v, uint64_t window)
{
    return v->pages + v->between.count - vm_histogram_upto(&v->between, window).count;
}

double vm_vmin_mean(const struct vm_intervals *v, uint64_t window)
{
    struct vm_upto kept = vm_histogram_upto(&v->between, window);
    return mean(kept.sum + v->touches - kept.count, v->touches);
}
