/* looping.c - the looping workload: the same pages one after the other, again and again.
 *
 * Source: Arpaci-Dusseau, Operating Systems: Three Easy Pieces, chapter 22, figure "The Looping
 * Workload": 50 pages, 10,000 references, memories of up to 100 frames.
 */
#include "analysis/hit_ratios.h"

static bool run(const struct vm_experiment_request *r, struct vm_figures *out, struct vm_error *e)
{
    static const struct hit_ratios what = {
        .workload = "loop",
        .room = 2,
        .title = "Looping: the same pages in the same order",
        .about = "The worst case of lru and fifo: the page that they evict is the one that comes "
                 "next. With one frame less than the loop has pages they never hit; with one more "
                 "they never miss again. random has no such corner: it keeps some pages until "
                 "they come round. opt keeps as many as it can and gives up the rest."};
    return hit_ratios_run(&what, r, out, e);
}

static const struct vm_param param[] = {
    {HIT_RATIOS_REFS},
    {"pages", VM_PARAM_COUNT, "50", 1, 1e6, NULL, "pages of the loop"},
    {HIT_RATIOS_POLICIES},
};

const struct vm_experiment_ops vm_experiment_looping = {
    .name = "looping",
    .summary = "hit ratio against memory where the same pages come in the same order",
    .source = "Arpaci-Dusseau, Three Easy Pieces, ch. 22: the looping workload",
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .machine = VM_EXPERIMENT_SEED_ONLY,
    .trace = VM_EXPERIMENT_OWN_REFERENCES,
    .run = run,
};
