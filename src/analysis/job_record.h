/* job_record.h - what a run of jobs leaves behind: spans and events, in arrays that grow.
 *
 * Memory may run out at any of them: that sticks (`failed`), and is told once at the end, so that
 * the run's loop need not look at every step.
 *
 * Invariant: spans of a processor do not overlap, and neighbours of one job and kind are one.
 */
#ifndef ANALYSIS_JOB_RECORD_H
#define ANALYSIS_JOB_RECORD_H

#include <pagoda/jobs.h>

struct job_record {
    struct vm_jobs_result *out;
    enum vm_jobs_record what;
    size_t last[VM_CPUS_MAX]; /* each processor's last span + 1; 0: none */
    bool failed;
};

/* The job was on the processor from `start` to now. Nothing if that is no time. */
void job_record_span(struct job_record *r, struct vm_job_span span);
void job_record_event(struct job_record *r, struct vm_job_event event,
                      const struct vm_sched_fact *fact);

#endif
