/* hit_ratios.h - hit ratio against memory, a curve a policy: what three experiments share. */
#ifndef ANALYSIS_HIT_RATIOS_H
#define ANALYSIS_HIT_RATIOS_H

#include <pagoda/experiment.h>

/* What differs between them. */
struct hit_ratios {
    const char *workload; /* "uniform": takes refs and pages */
    unsigned room;        /* the largest memory, in the workload's pages */
    const char *title, *about;
};

/* Rows of their tables of parameters. */
#define HIT_RATIOS_REFS "refs", VM_PARAM_COUNT, "10k", 1, 1e7, NULL, "references in all"
#define HIT_RATIOS_POLICIES                                                                        \
    "policies", VM_PARAM_TEXT, "opt lru fifo random clock", 0, 0, NULL,                            \
        "the policies to compare, blanks between them"

/* Run `what` with the parameters refs, pages and policies. */
bool hit_ratios_run(const struct hit_ratios *what, const struct vm_experiment_request *r,
                    struct vm_figures *out, struct vm_error *e);

#endif
