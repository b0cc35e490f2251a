/* sched_words.h - what the reports of runs of jobs share. */
#ifndef REPORT_SCHED_WORDS_H
#define REPORT_SCHED_WORDS_H

#include <pagoda/report.h>

extern const char *const vm_job_event_names[VM_JOB_EVENTS];
extern const char *const vm_span_names[]; /* by enum vm_span_kind */

/* How much of each of n columns, from `start` on, each `width` wide, a span fills: calls `each` for
 * those that it reaches. */
void vm_span_columns(const struct vm_job_span *span, uint64_t start, uint64_t width, size_t n,
                     void (*each)(void *data, const struct vm_job_span *span, size_t column,
                                  uint64_t time),
                     void *data);
/* The least width at which so many columns cover a run, from 1. */
uint64_t vm_column_width(const struct vm_jobs_result *r, size_t columns);
/* A letter for a job, as its name is unless it was given another. */
char vm_job_mark(uint32_t job);

#endif
