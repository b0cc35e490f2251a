/* fault_times.h - a page replay whose faults are counted period by period. */
#ifndef ANALYSIS_FAULT_TIMES_H
#define ANALYSIS_FAULT_TIMES_H

#include "engine/pages.h"
#include "engine/replay.h"

#include <pagoda/locality.h>

struct fault_times {
    struct vm_config config;
    struct replay ahead; /* of a policy that must know the future */
    struct vm_pages *pages;
    size_t periods_max;
    struct vm_fault_period *period; /* [periods_max] */
    struct vm_fault_period before;  /* of all periods that are over */
};

/* Reads the trace where the memory's size or the policy asks for it. `r` must outlive it. */
bool fault_times_open(struct fault_times *f, const struct vm_locality_request *r,
                      uint64_t page_bytes, struct vm_error *e);
bool fault_times_runs(struct fault_times *f, const struct vm_page_run *run, size_t n,
                      struct vm_error *e);
/* Period `i` is over: what came since the last one was is its. */
void fault_times_end_period(struct fault_times *f, size_t i);
/* Join periods 0 and 1, 2 and 3, and so on. */
void fault_times_halve(struct fault_times *f);
/* The first n periods. Errors: as of what was looked at ahead, if the trace has changed since. */
bool fault_times_result(struct fault_times *f, size_t n, uint64_t period_refs,
                        struct vm_fault_times *out, struct vm_error *e);
void fault_times_close(struct fault_times *f); /* a zeroed struct is fine */

#endif
