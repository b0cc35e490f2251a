/* heap_phases.c - requests in phases: many blocks of one size come, nearly all of them go, and the
 * next phase asks for larger ones.
 *
 * What stays of a phase lies between what went, so that the next phase's blocks do not fit there:
 * the program that fragments a heap most. After `phases` sizes, each twice the one before, all of
 * it goes and the first size comes again.
 *
 * Source: Robson, "Bounds for some functions concerning dynamic storage allocation", JACM 21(3),
 * 1974: the program that makes first fit need most has this shape; Wilson and others, "Dynamic
 * storage allocation: a survey and critical review", IWMM 1995, section 2.3: real programs have
 * phases.
 */
#include "trace/requests_workload.h"

static const struct vm_param param[] = {
    {REQUESTS_COUNT},
    {REQUESTS_LIVE},
    {REQUESTS_MIN},
    {"phases", VM_PARAM_COUNT, "8", 1, 16, NULL, "sizes, each twice the one before"},
    {"stay", VM_PARAM_REAL, "0.1", 0, 1, NULL, "share of a phase's blocks that stay"},
};

struct pattern {
    uint64_t live, min, phases, stay; /* blocks of a phase, and how many of them stay */
    uint64_t phase;
    bool draining;
};

static uint32_t pattern_open(struct pattern *p, const struct vm_params *params, struct vm_error *e)
{
    uint64_t live = vm_params_count(params, "live"), phases = vm_params_count(params, "phases");
    *p = (struct pattern){.live = live,
                          .min = vm_params_count(params, "min"),
                          .phases = phases,
                          .stay = (uint64_t)(vm_params_real(params, "stay") * (double)live)};
    if (p->min << (phases - 1) > REQUEST_APART) {
        vm_fail(e, VM_EUSAGE, "heap-phases:phases: blocks of over 16 MiB: expected fewer");
        return 0;
    }
    if (live * phases <= REQUEST_SLOTS_MAX)
        return (uint32_t)(live * phases);
    vm_fail(e, VM_EUSAGE, "heap-phases:live: times phases is over 4 Mi: expected fewer");
    return 0;
}

/* Blocks that earlier phases left. */
static uint64_t left_before(const struct pattern *p)
{
    return p->phase * p->stay;
}

static inline struct vm_event pattern_next(struct pattern *p, struct request_pool *pool)
{
    bool last = p->phase + 1 == p->phases;
    uint64_t until = last ? 0 : left_before(p) + p->stay;
    if (!p->draining && pool->live == left_before(p) + p->live)
        p->draining = true;
    if (p->draining && pool->live == until) {
        p->draining = false;
        p->phase = last ? 0 : p->phase + 1;
    }
    if (!p->draining)
        return request_take(pool, p->min << p->phase);
    /* Of this phase's blocks; in the end of any. */
    uint64_t first = last ? 0 : left_before(p);
    return request_give(pool,
                        (uint32_t)(first + vm_random_below(&pool->random, pool->live - first)));
}

#define WORKLOAD_OPS     vm_workload_heap_phases
#define WORKLOAD_NAME    "heap-phases"
#define WORKLOAD_SUMMARY "requests to a heap: sizes double from phase to phase, a share stays"
#include "trace/requests_template.inc.h"
