/* job_flags.h - what commands that run abstract jobs share: flags of the jobs and processors.
 *
 *     static const struct flag flags[] = {JOB_FLAGS, {0}};
 *     ...
 *     struct vm_job_list jobs = {0};
 *     bool found = job_flags_read(a, "pagoda sched --jobs 0:8,2:4", &jobs, e);
 */
#ifndef CLI_JOB_FLAGS_H
#define CLI_JOB_FLAGS_H

#include "cli/cli.h"

#include <pagoda/jobs.h>

#define JOB_FLAGS                                                                                  \
    {"jobs", 0, "LIST", "jobs, ARRIVAL:RUN[:KEY=VALUE]... each, parted by commas", NULL},          \
        {"random", 0, "N", "so many jobs by chance", NULL},                                        \
        {"longest", 0, "N", "of those, the longest run time", "100"},                              \
        {"gap", 0, "N", "the longest time between arrivals", "0"},                                 \
        {"io", 0, "PERCENT", "how many of them have transfers", "0"},                              \
        {"io-every", 0, "N", "the most time before each transfer", "10"},                          \
        {"io-time", 0, "N", "time of a transfer", "5"},                                            \
        {"tickets", 0, "N", "the most tickets of one", "100"},                                     \
        {"set", 0, "N", "the largest working set", "0"},                                           \
        {"largest", 0, "SIZE", "the most memory of one; 0: they have none", "0"},                  \
    {                                                                                              \
        "seed", 0, "N", "of all that is drawn", "1"                                                \
    }

#define PROCESSOR_FLAGS                                                                            \
    {"cpus", 0, "N", "processors", "1"},                                                           \
        {"quantum", 0, "N", "time of a turn, where a scheduler is not given another", "10"},       \
        {"tick", 0, "N", "slices end at multiples of it: interrupts of the timer", "1"},           \
    {                                                                                              \
        "switch-cost", 0, "N", "time that a switch to another job takes", "0"                      \
    }

/* A flag's number; `fallback`, as the user would write it, without it. Errors: VM_EUSAGE. */
bool job_flags_number(const struct args *a, const char *flag, const char *fallback, uint64_t *out,
                      struct vm_error *e);
/* The jobs of files, --jobs and --random; the caller frees them, whatever is answered. Errors:
 * VM_EUSAGE (with `example` as the hint where there are none), VM_EINPUT, VM_ESYSTEM. */
bool job_flags_read(const struct args *a, const char *example, struct vm_job_list *out,
                    struct vm_error *e);

/* What PROCESSOR_FLAGS and the seed say. Errors: VM_EUSAGE. */
bool job_flags_processors(const struct args *a, struct vm_jobs_request *out, struct vm_error *e);

#endif
