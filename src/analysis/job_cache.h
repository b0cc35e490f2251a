/* job_cache.h - which jobs are warm on one processor: the textbook's model of cache affinity.
 *
 * A job that begins to run on a processor, and is not known there, warms up: a counter goes down as
 * it runs. At 0 its working set is in the cache, in front of the others; those at the back are
 * pushed out while all of them together are too large, and warm up anew when they run again. A job
 * whose set is larger than the cache pushes all out, itself too. Arpaci-Dusseau & Arpaci-Dusseau,
 * "Operating Systems: Three Easy Pieces", chapter 10, homework.
 *
 * Invariants: the sets of the jobs in the list fit; counter[job] is 0 of them, and at least 1 of
 * those that warm up.
 */
#ifndef ANALYSIS_JOB_CACHE_H
#define ANALYSIS_JOB_CACHE_H

#include <pagoda/jobs.h>

struct job_cache {
    const struct vm_job *job;
    struct vm_warmth warmth;
    uint64_t used;
    uint32_t *list; /* [njobs] warm jobs, the one in front last */
    uint32_t nlist;
    uint64_t *counter; /* [njobs] time left to warm up; UINT64_MAX: it is not known here */
};

/* Errors: VM_ESYSTEM. */
bool job_cache_open(struct job_cache *c, const struct vm_jobs_request *r, struct vm_error *e);
void job_cache_close(struct job_cache *c); /* a zeroed struct is fine */

/* The job begins to run. */
void job_cache_start(struct job_cache *c, uint32_t job);
bool job_cache_warm(const struct job_cache *c, uint32_t job);
/* How long it has to run until it is warm; VM_TIME_NEVER: it is, or there is no cache. */
uint64_t job_cache_warms_in(const struct job_cache *c, uint32_t job);
/* The job ran for `time`, at most so long. Whether it became warm by it. */
bool job_cache_ran(struct job_cache *c, uint32_t job, uint64_t time);

#endif
