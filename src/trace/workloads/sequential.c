/* sequential.c - one word after the other, never back: the worst case of every cache of pages, and
 * the best of read-ahead. Reference i is at base + i * step.
 */
#include "trace/workload.h"

static const struct vm_param param[] = {
    {WORKLOAD_REFS},
    {"step", VM_PARAM_BYTES, "8", 1, 0x1p62, NULL, "bytes from one reference to the next"},
    {WORKLOAD_WRITES},
    {WORKLOAD_BASE},
};

struct pattern {
    uint64_t step, offset;
};

static bool pattern_open(struct pattern *p, struct workload_common *c,
                         const struct vm_params *params, struct vm_error *e)
{
    p->step = vm_params_count(params, "step");
    if (c->refs <= (UINT64_MAX - c->base) / p->step)
        return true;
    return vm_fail(
        e, VM_EUSAGE,
        "sequential: refs times step runs past the highest address: expected less of one");
}

static inline struct workload_ref pattern_next(struct pattern *p, struct workload_common *c)
{
    struct workload_ref ref = workload_touch(c, p->offset);
    p->offset += p->step;
    return ref;
}

#define WORKLOAD_OPS     vm_workload_sequential
#define WORKLOAD_NAME    "sequential"
#define WORKLOAD_SUMMARY "each word once, in order"
#include "trace/workload_template.inc.h"
