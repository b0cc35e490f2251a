/* job_cache.c - see job_cache.h. */
#include "analysis/job_cache.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define UNKNOWN UINT64_MAX

bool job_cache_open(struct job_cache *c, const struct vm_jobs_request *r, struct vm_error *e)
{
    *c = (struct job_cache){.job = r->job, .warmth = r->warmth};
    if (c->warmth.size == 0)
        return true;
    c->list = calloc(r->njobs, sizeof *c->list);
    c->counter = malloc(r->njobs * sizeof *c->counter);
    if (!c->list || !c->counter)
        return vm_fail(e, VM_ESYSTEM, "no memory for the warmth of %u jobs", r->njobs);
    memset(c->counter, 0xff, r->njobs * sizeof *c->counter);
    return true;
}

void job_cache_close(struct job_cache *c)
{
    free(c->list);
    free(c->counter);
}

/* Push sets out at the back until all fit; they warm up anew, for a time from 1. */
static void push_out(struct job_cache *c)
{
    uint32_t n = 0;
    for (; c->used > c->warmth.size; n++) {
        VM_ASSERT(n < c->nlist);
        c->used -= c->job[c->list[n]].set;
        c->counter[c->list[n]] = c->warmth.warmup ? c->warmth.warmup : 1;
    }
    c->nlist -= n;
    memmove(c->list, c->list + n, c->nlist * sizeof *c->list);
}

static void bring_in(struct job_cache *c, uint32_t job)
{
    c->counter[job] = 0;
    c->list[c->nlist++] = job;
    c->used += c->job[job].set;
    push_out(c);
}

void job_cache_start(struct job_cache *c, uint32_t job)
{
    if (c->warmth.size == 0 || c->counter[job] != UNKNOWN)
        return;
    c->counter[job] = c->warmth.warmup;
    if (c->warmth.warmup == 0)
        bring_in(c, job);
}

bool job_cache_warm(const struct job_cache *c, uint32_t job)
{
    return c->warmth.size && c->counter[job] == 0;
}

uint64_t job_cache_warms_in(const struct job_cache *c, uint32_t job)
{
    return c->warmth.size && c->counter[job] ? c->counter[job] : VM_TIME_NEVER;
}

bool job_cache_ran(struct job_cache *c, uint32_t job, uint64_t time)
{
    uint64_t left = job_cache_warms_in(c, job);
    if (left == VM_TIME_NEVER || time == 0)
        return false;
    VM_ASSERT(time <= left);
    c->counter[job] -= time;
    if (c->counter[job] == 0)
        bring_in(c, job);
    return c->counter[job] == 0;
}
