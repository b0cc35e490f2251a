/* uniform.c - every page as likely as any other: no locality, so that every policy but OPT misses
 * alike, in the share of the pages that are not in memory.
 */
#include "trace/workload.h"

static const struct vm_param param[] = {
    {WORKLOAD_REFS},
    {WORKLOAD_PAGES},
    {WORKLOAD_WRITES},
    {WORKLOAD_BASE},
};

struct pattern {
    uint64_t pages;
};

static bool pattern_open(struct pattern *p, struct workload_common *c,
                         const struct vm_params *params, struct vm_error *e)
{
    (void)c;
    (void)e;
    p->pages = vm_params_count(params, "pages");
    return true;
}

static inline struct workload_ref pattern_next(struct pattern *p, struct workload_common *c)
{
    return workload_touch_page(c, vm_random_below(&c->random, p->pages));
}

#define WORKLOAD_OPS     vm_workload_uniform
#define WORKLOAD_NAME    "uniform"
#define WORKLOAD_SUMMARY "pages at random, each as likely as any"
#include "trace/workload_template.inc.h"
