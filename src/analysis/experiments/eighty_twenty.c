/* eighty_twenty.c - the 80-20 workload: 80 % of the references are to 20 % of the pages.
 *
 * Source: Arpaci-Dusseau, Operating Systems: Three Easy Pieces, chapter 22, figures "The 80-20
 * Workload" and "The 80-20 Workload With Clock": 100 pages, 10,000 references.
 */
#include "analysis/hit_ratios.h"

static bool run(const struct vm_experiment_request *r, struct vm_figures *out, struct vm_error *e)
{
    static const struct hit_ratios what = {
        .workload = "80-20",
        .room = 1,
        .title = "80-20: most references to few pages",
        .about = "Four fifths of the references are to a fifth of the pages. lru tends to keep "
                 "these, as they were touched lately, and hits more often than fifo and random, "
                 "which push them out as readily as others. clock, which has one bit a page in "
                 "place of lru's order, comes close to it. How far opt is above says how much a "
                 "better rule could still gain."};
    return hit_ratios_run(&what, r, out, e);
}

static const struct vm_param param[] = {
    {HIT_RATIOS_REFS},
    {"pages", VM_PARAM_COUNT, "100", 1, 1e6, NULL, "pages, of which a fifth are hot"},
    {HIT_RATIOS_POLICIES},
};

const struct vm_experiment_ops vm_experiment_eighty_twenty = {
    .name = "eighty-twenty",
    .summary = "hit ratio against memory where a fifth of the pages has most references",
    .source = "Arpaci-Dusseau, Three Easy Pieces, ch. 22: the 80-20 workload, with clock",
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .machine = VM_EXPERIMENT_SEED_ONLY,
    .trace = VM_EXPERIMENT_OWN_REFERENCES,
    .run = run,
};
