/* fault_times.c - see fault_times.h. */
#include "analysis/fault_times.h"
#include "engine/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The size of memory: a part of the footprint needs a pass over the trace to know it. */
static bool find_memory(struct fault_times *f, const struct vm_locality_request *r,
                        struct vm_error *e)
{
    struct vm_footprint_pages footprint = {0};
    struct vm_trace_info info;
    if (r->memory.percent > 0 &&
        !vm_footprint_count(&r->source, f->config.page_bytes, "memory as a part of the footprint",
                            r->progress, &footprint, &info, e))
        return false;
    f->config.memory_bytes = vm_size_bytes(r->memory, footprint.pages, f->config.page_bytes);
    return vm_pages_check(&f->config, e);
}

static bool look_ahead(struct fault_times *f, const struct vm_locality_request *r,
                       struct vm_error *e)
{
    struct vm_parts parts;
    if (!vm_parts_find(&parts, &f->config, e))
        return false;
    f->ahead = (struct replay){.config = &f->config, .source = &r->source, .progress = r->progress};
    return parts.policy->future != VM_FUTURE_NEEDED || vm_replay_begin(&f->ahead, e);
}

bool fault_times_open(struct fault_times *f, const struct vm_locality_request *r,
                      uint64_t page_bytes, struct vm_error *e)
{
    *f = (struct fault_times){.periods_max = r->periods_max};
    vm_config_init(&f->config);
    f->config.model = VM_MODEL_PAGES;
    f->config.page_bytes = page_bytes;
    f->config.seed = r->seed;
    snprintf(f->config.policy, sizeof f->config.policy, "%s", r->policy);
    f->period = calloc(r->periods_max, sizeof *f->period);
    if (!f->period)
        return vm_fail(e, VM_ESYSTEM, "no memory for faults over time");
    if (!find_memory(f, r, e) || !look_ahead(f, r, e))
        return false;
    f->pages = vm_pages_open(&f->config, f->ahead.touches ? &f->ahead.future.future : NULL, e);
    return f->pages;
}

bool fault_times_runs(struct fault_times *f, const struct vm_page_run *run, size_t n,
                      struct vm_error *e)
{
    return vm_pages_run(f->pages, run, n, e);
}

void fault_times_end_period(struct fault_times *f, size_t i)
{
    struct vm_counts c = {0};
    vm_pages_counts(f->pages, &c);
    f->period[i] =
        (struct vm_fault_period){c.faults - f->before.faults, c.demand_zero - f->before.firsts};
    f->before = (struct vm_fault_period){c.faults, c.demand_zero};
}

void fault_times_halve(struct fault_times *f)
{
    for (size_t i = 0; i < f->periods_max / 2; i++) {
        const struct vm_fault_period *a = &f->period[2 * i], *b = a + 1;
        f->period[i] = (struct vm_fault_period){a->faults + b->faults, a->firsts + b->firsts};
    }
}

bool fault_times_result(struct fault_times *f, size_t n, uint64_t period_refs,
                        struct vm_fault_times *out, struct vm_error *e)
{
    if (!vm_replay_sound(&f->ahead, e))
        return false;
    *out = (struct vm_fault_times){f->config.memory_bytes, period_refs, n, f->period};
    f->period = NULL; /* it is the result's now */
    return true;
}

void fault_times_close(struct fault_times *f)
{
    vm_pages_close(f->pages);
    vm_replay_end(&f->ahead);
    free(f->period);
}
