/* job_flags.c - see job_flags.h. */
#include "cli/job_flags.h"

#include <stdlib.h>

bool job_flags_number(const struct args *a, const char *flag, const char *fallback, uint64_t *out,
                      struct vm_error *e)
{
    char what[32];
    const char *text = args_value(a, flag);
    snprintf(what, sizeof what, "--%s", flag);
    return vm_parse_count(text ? text : fallback, what, out, e);
}

static bool parse_largest(const struct args *a, uint64_t *out, struct vm_error *e)
{
    const char *text = args_value(a, "largest");
    return !text || vm_parse_bytes(text, "--largest", out, e);
}

static bool draw_jobs(const struct args *a, struct vm_job_list *jobs, struct vm_error *e)
{
    struct vm_job_recipe r = {0};
    uint64_t n;
    if (!args_has(a, "random"))
        return true;
    if (!job_flags_number(a, "random", "0", &n, e) ||
        !job_flags_number(a, "seed", "1", &r.seed, e) ||
        !job_flags_number(a, "longest", "100", &r.run_max, e) ||
        !job_flags_number(a, "gap", "0", &r.gap_max, e) ||
        !job_flags_number(a, "io", "0", &r.io_percent, e) ||
        !job_flags_number(a, "io-every", "10", &r.io_every_max, e) ||
        !job_flags_number(a, "io-time", "5", &r.io_time, e) ||
        !job_flags_number(a, "tickets", "100", &r.tickets_max, e) ||
        !job_flags_number(a, "set", "0", &r.set_max, e) || !parse_largest(a, &r.memory_max, e))
        return false;
    r.n = n > VM_JOBS_MAX ? VM_JOBS_MAX + 1 : (uint32_t)n;
    return vm_job_list_draw(jobs, &r, e);
}

static bool read_files(const struct args *a, struct vm_job_list *jobs, struct vm_error *e)
{
    for (size_t i = 0; i < a->noperands; i++) {
        char *text = args_read_text(a->operand[i], "list of jobs", e);
        bool good = text && vm_job_list_lines(jobs, a->operand[i], text, e);
        free(text);
        if (!good)
            return false;
    }
    return true;
}

bool job_flags_read(const struct args *a, const char *example, struct vm_job_list *jobs,
                    struct vm_error *e)
{
    const char *list = args_value(a, "jobs");
    if (!read_files(a, jobs, e) || (list && !vm_job_list_parse(jobs, "--jobs", list, e)) ||
        !draw_jobs(a, jobs, e))
        return false;
    if (jobs->n == 0) {
        vm_fail(e, VM_EUSAGE, "no jobs: expected --jobs, --random or a file");
        return vm_hint(e, "%s", example);
    }
    return true;
}

bool job_flags_processors(const struct args *a, struct vm_jobs_request *out, struct vm_error *e)
{
    uint64_t cpus;
    if (!job_flags_number(a, "cpus", "1", &cpus, e) ||
        !job_flags_number(a, "quantum", "10", &out->quantum, e) ||
        !job_flags_number(a, "tick", "1", &out->timer, e) ||
        !job_flags_number(a, "switch-cost", "0", &out->switch_cost, e) ||
        !job_flags_number(a, "seed", "1", &out->seed, e))
        return false;
    out->ncpus = cpus > VM_CPUS_MAX ? VM_CPUS_MAX + 1 : (uint32_t)cpus;
    return true;
}
