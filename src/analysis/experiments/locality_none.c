/* locality_none.c - the workload without locality: every page is as likely as any other.
 *
 * Source: Arpaci-Dusseau, Operating Systems: Three Easy Pieces, chapter 22, figure "The No-Locality
 * Workload": 100 pages, 10,000 references, opt, lru, fifo and random.
 */
#include "analysis/hit_ratios.h"

static bool run(const struct vm_experiment_request *r, struct vm_figures *out, struct vm_error *e)
{
    static const struct hit_ratios what = {
        .workload = "uniform",
        .room = 1,
        .title = "No locality: each page as likely as any other",
        .about =
            "Without locality the past says nothing of the future: lru, fifo, clock and random "
            "hit equally often, on a straight line from nothing to everything, for the part "
            "of the pages that is in memory is the chance that the next one is there. Only "
            "the size of memory counts. opt is far above, as it knows what comes; and once "
            "all pages fit, no policy is asked."};
    return hit_ratios_run(&what, r, out, e);
}

static const struct vm_param param[] = {
    {HIT_RATIOS_REFS},
    {"pages", VM_PARAM_COUNT, "100", 1, 1e6, NULL, "pages, each as likely as any other"},
    {HIT_RATIOS_POLICIES},
};

const struct vm_experiment_ops vm_experiment_locality_none = {
    .name = "locality-none",
    .summary = "hit ratio against memory where each page is as likely as any other",
    .source = "Arpaci-Dusseau, Three Easy Pieces, ch. 22: the no-locality workload",
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .machine = VM_EXPERIMENT_SEED_ONLY,
    .trace = VM_EXPERIMENT_OWN_REFERENCES,
    .run = run,
};
