/* hotcold.c - most references to few pages: 80 % of them to 20 % of the pages by default.
 *
 * The hot pages are the first ones; within the hot and within the cold ones each page is as likely
 * as any other.
 *
 * Source: Arpaci-Dusseau, Operating Systems: Three Easy Pieces, version 1.00, chapter 22 ("Beyond
 * Physical Memory: Policies"), section "Workload Examples": the 80-20 workload.
 */
#include "trace/workload.h"

static const struct vm_param param[] = {
    {WORKLOAD_REFS},
    {WORKLOAD_PAGES},
    {"hot_pages", VM_PARAM_REAL, "0.2", 0, 1, NULL, "share of the pages that are hot"},
    {"hot_refs", VM_PARAM_REAL, "0.8", 0, 1, NULL, "share of the references to hot pages"},
    {WORKLOAD_WRITES},
    {WORKLOAD_BASE},
};

struct pattern {
    uint64_t hot, cold; /* pages; not both 0 */
    double hot_refs;
};

static bool pattern_open(struct pattern *p, struct workload_common *c,
                         const struct vm_params *params, struct vm_error *e)
{
    (void)c;
    (void)e;
    uint64_t pages = vm_params_count(params, "pages");
    p->hot = (uint64_t)(vm_params_real(params, "hot_pages") * (double)pages + 0.5);
    p->cold = pages - p->hot;
    p->hot_refs = p->hot == 0 ? 0 : p->cold == 0 ? 1 : vm_params_real(params, "hot_refs");
    return true;
}

static inline struct workload_ref pattern_next(struct pattern *p, struct workload_common *c)
{
    if (vm_random_real(&c->random) < p->hot_refs)
        return workload_touch_page(c, vm_random_below(&c->random, p->hot));
    return workload_touch_page(c, p->hot + vm_random_below(&c->random, p->cold));
}

#define WORKLOAD_OPS     vm_workload_hotcold
#define WORKLOAD_NAME    "80-20"
#define WORKLOAD_SUMMARY "most references to few pages"
#include "trace/workload_template.inc.h"
