/* phases.c - a working set that moves: the locality of real programs, made sharp.
 *
 * For `phase` references each page of the working set is as likely as any other; then the set
 * moves on, keeping the share `keep` of its pages, and after `sets` moves it is where it began.
 *
 *      phase 0   |-- pages --|
 *      phase 1         |-- pages --|           keep = 0.5
 *      phase 2               |-- pages --|
 *
 * Source: P. J. Denning, "Working Sets Past and Present", IEEE Transactions on Software Engineering
 * SE-6(1), 1980 (phases and transitions).
 */
#include "trace/workload.h"

static const struct vm_param param[] = {
    {WORKLOAD_REFS},
    {WORKLOAD_PAGES},
    {"phase", VM_PARAM_COUNT, "100k", 1, 1e15, NULL, "references before the set moves"},
    {"keep", VM_PARAM_REAL, "0", 0, 1, NULL, "share of the set that it keeps when it moves"},
    {"sets", VM_PARAM_COUNT, "8", 1, 1 << 20, NULL, "places that the set has"},
    {WORKLOAD_WRITES},
    {WORKLOAD_BASE},
};

struct pattern {
    uint64_t pages, moved; /* moved: pages by which a set is further than the one before */
    uint64_t sets, set;
    uint64_t phase, left; /* left: references of this phase */
};

static bool pattern_open(struct pattern *p, struct workload_common *c,
                         const struct vm_params *params, struct vm_error *e)
{
    (void)c;
    (void)e;
    p->pages = vm_params_count(params, "pages");
    p->moved = p->pages - (uint64_t)(vm_params_real(params, "keep") * (double)p->pages + 0.5);
    p->sets = vm_params_count(params, "sets");
    p->phase = vm_params_count(params, "phase");
    p->left = p->phase;
    return true;
}

static inline struct workload_ref pattern_next(struct pattern *p, struct workload_common *c)
{
    if (p->left == 0) {
        p->left = p->phase;
        p->set = p->set + 1 < p->sets ? p->set + 1 : 0;
    }
    p->left--;
    return workload_touch_page(c, p->set * p->moved + vm_random_below(&c->random, p->pages));
}

#define WORKLOAD_OPS     vm_workload_phases
#define WORKLOAD_NAME    "phases"
#define WORKLOAD_SUMMARY "a working set that moves from time to time"
#include "trace/workload_template.inc.h"
