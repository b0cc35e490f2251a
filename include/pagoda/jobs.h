/* jobs.h - abstract jobs under a CPU scheduler, in virtual time.
 *
 * A job arrives, needs the processor for some time, and may start a transfer after each so much of
 * it, for which it blocks; devices serve all at once. Jobs run on processors that share a scheduler
 * (sched.h), through the steps that its contract lists. Time has no unit; nothing takes any but the
 * jobs' own work, switches where they have a cost, and transfers.
 *
 *     turnaround = end - arrival          response = first run - arrival
 *     waiting = time in which it could have run and did not
 *
 * Where processors have caches, work is done `rate` times as fast on one where the job is warm: it
 * has run there for `warmup` and its working set has not been pushed out since by those of jobs
 * that became warm after it.
 *
 * Where a gate stands before the processors, a job that has arrived begins when the gate lets it
 * in: a memory with room for some of the jobs is one (multiprogram.h). Going in and out may take
 * time, and the gate may send a job out again whose slice has ended.
 *
 * At one moment, ends and transfers' starts come before used-up slices' requeueing in the order of
 * processors, then the scheduler's tick, then arrivals, then transfers' ends in the order of their
 * starts: the order of the textbook's simulators.
 *
 * Arpaci-Dusseau & Arpaci-Dusseau, "Operating Systems: Three Easy Pieces", chapters 7 to 10; Jain,
 * Chiu & Hawe, "A quantitative measure of fairness and discrimination for resource allocation in
 * shared computer systems", DEC-TR-301, 1984.
 */
#ifndef PAGODA_JOBS_H
#define PAGODA_JOBS_H

#include <pagoda/sched.h>

#define VM_JOBS_MAX  100000
#define VM_JOB_NAME  16
#define VM_NOJOB     UINT32_MAX
#define VM_TIME_MAX  (UINT64_C(1) << 40) /* of a job's times, and of all that run for it */
#define VM_STEPS_MAX (UINT64_C(1) << 22) /* moments at which something happens, of one run */

struct vm_job {
    char name[VM_JOB_NAME];
    uint64_t arrival;
    uint64_t run;      /* processor time in all, from 1 */
    uint64_t io_every; /* processor time before each transfer; 0: it has none */
    uint64_t io_time;  /* of a transfer, from 1 */
    uint64_t cpus;     /* the set of processors that it may run on: bit c for processor c */
    uint64_t set;      /* what its working set takes of a cache */
    uint64_t memory;   /* bytes that it is, for a gate that gives memory */
    uint32_t tickets;  /* from 1 */
    int8_t nice;
};

/* ---- lists of jobs (job_list.c) ---- */

struct vm_job_list {
    uint32_t n, cap;
    struct vm_job *job;
};
void vm_job_list_free(struct vm_job_list *l); /* a zeroed struct is fine */

/* Add the jobs of "ARRIVAL:RUN[:KEY=VALUE]...", parted by commas; `place` is for messages. Keys: io
 * ("every/time"), tickets, nice, cpus ("0+2"), set, name. Those without a name get A, B ... Z, A1
 * ... Errors: VM_EUSAGE, VM_ESYSTEM. */
bool vm_job_list_parse(struct vm_job_list *l, const char *place, const char *text,
                       struct vm_error *e);
/* Add the jobs of a file's text: a line as above, or blank, or a comment after #. Errors: VM_EINPUT
 * with the line, VM_ESYSTEM. */
bool vm_job_list_lines(struct vm_job_list *l, const char *name, const char *text,
                       struct vm_error *e);

struct vm_job_recipe {
    uint32_t n;
    uint64_t seed;
    uint64_t run_max;                           /* run times are 1 to this, all as likely */
    uint64_t gap_max;                           /* 0 to this between arrivals, likewise */
    uint64_t io_percent, io_every_max, io_time; /* of the jobs, so many have transfers, each after 1
                                                   to io_every_max */
    uint64_t tickets_max;
    uint64_t set_max;
    uint64_t memory_max; /* 1 to this, all as likely; 0: they have none */
};
/* Add jobs by chance. Errors: VM_EUSAGE, VM_ESYSTEM. */
bool vm_job_list_draw(struct vm_job_list *l, const struct vm_job_recipe *r, struct vm_error *e);

/* ---- one run (jobs.c) ---- */

/* What a gate that lets a job in says of it. */
struct vm_job_entry {
    uint64_t ready_at; /* when it can run: now, or later */
    uint64_t
        stall_until; /* until then, if that is after now, no processor does anything for jobs */
};

/* Who may run at all. Times are the run's, and never go back. */
struct vm_job_gate {
    void *host;
    void (*come)(void *host, uint32_t job, uint64_t now); /* the job stands before it */
    /* One of those that do is let in, with *out filled in; VM_NOJOB: none is. Asked again until it
     * says so, whenever a job came or is gone. */
    uint32_t (*enter)(void *host, uint64_t now, struct vm_job_entry *out);
    /* The job's slice has ended and it has more to do: when it will be gone if it has to go out, or
     * VM_TIME_NEVER: it stays. (It comes again when it is gone.) */
    uint64_t (*expel)(void *host, uint32_t job, uint64_t now);
    /* It has ended, or is out. Answers when processors may work on: now, or later. */
    uint64_t (*gone)(void *host, uint32_t job, uint64_t now);
};

struct vm_warmth {
    uint64_t size;   /* of each processor's cache; 0: no job is ever warm */
    uint64_t warmup; /* time on a processor until a job is warm there */
    uint64_t rate;   /* work done in a unit of time when warm, from 1 */
};

struct vm_jobs_request {
    const struct vm_job *job;
    uint32_t njobs;
    const char *scheduler; /* "mlfq:boost=100" */
    uint32_t ncpus;
    uint64_t quantum;     /* of schedulers that are not given another */
    uint64_t timer;       /* slices end at multiples of it: its interrupts; from 1 */
    uint64_t switch_cost; /* time that a processor needs before it runs another job than its last */
    struct vm_warmth warmth;
    const struct vm_job_gate *gate; /* NULL: all who arrive run */
    uint64_t seed;
    const uint64_t *drawn; /* [ndrawn] numbers for the first draws, modulo what is drawn from; then
                              by the seed */
    size_t ndrawn;
    enum vm_jobs_record { VM_RECORD_SPANS, VM_RECORD_EVENTS } record; /* events too */
};

enum vm_job_event_kind {
    VM_JOB_ARRIVES,
    VM_JOB_RUNS,      /* it was picked, with the facts that it turned on */
    VM_JOB_SLICE_END, /* its slice is used up */
    VM_JOB_PREEMPTED,
    VM_JOB_BLOCKS, /* it starts a transfer */
    VM_JOB_WAKES,
    VM_JOB_ENDS,
    VM_JOB_WARM,     /* it is warm on its processor from now on */
    VM_JOB_ENTERS,   /* the gate lets it in */
    VM_JOB_EXPELLED, /* it goes out */
    VM_JOB_GONE,     /* it is out */
    VM_JOB_TICK,     /* the scheduler's: no job */
    VM_JOB_EVENTS    /* how many kinds */
};

struct vm_job_event {
    uint64_t at;
    enum vm_job_event_kind kind;
    uint32_t job, cpu; /* VM_NOJOB, VM_NOCPU where it has none */
    uint32_t nfacts;
    size_t fact; /* the first of its facts */
};

/* A job on a processor for some time, on end; or the switch to it. */
struct vm_job_span {
    uint64_t start, end;
    uint32_t job, cpu;
    enum vm_span_kind { VM_SPAN_RUN, VM_SPAN_WARM, VM_SPAN_SWITCH /* or stalled */ } kind;
};

struct vm_job_result {
    uint64_t first, end; /* when it first ran, when it ended */
    uint64_t ran;        /* time on processors */
    uint64_t warm;       /* of it, warm */
    uint64_t waited, blocked;
    uint64_t outside; /* before the gate, or on the way in or out */
    uint64_t picks, preemptions, migrations;
};

struct vm_cpu_result {
    uint64_t busy;      /* time for jobs */
    uint64_t warm;      /* of it, for warm ones */
    uint64_t switching; /* time for switches, and stalled */
    uint64_t switches;  /* to another job than the last */
};

struct vm_jobs_result {
    char scheduler[128];
    const struct vm_sched_ops *ops;
    struct vm_params params;
    uint32_t njobs, ncpus;
    struct vm_job_result *job; /* [njobs] */
    struct vm_cpu_result cpu[VM_CPUS_MAX];
    uint64_t start, end; /* the first arrival, the last end */
    uint64_t switches, migrations;
    size_t nspans, spans_cap;
    struct vm_job_span *span; /* by start on each processor */
    size_t nevents, events_cap;
    struct vm_job_event *event;
    size_t nfacts, facts_cap;
    struct vm_sched_fact *fact;
    double response, turnaround, waiting; /* means */
    double fairness;    /* Jain's index of slowdowns, (ran + waited) / ran: 1 if all are equal */
    double utilisation; /* time for jobs, of that of all processors from start to end */
};

/* vm_jobs_free what it makes. Errors: VM_EUSAGE: a scheduler's name or parameters, a quantum that
 * is no multiple of the timer, a job that may run nowhere, a run of too many steps; VM_ESYSTEM. */
bool vm_jobs_run(const struct vm_jobs_request *r, struct vm_jobs_result *out, struct vm_error *e);
void vm_jobs_free(struct vm_jobs_result *r); /* a zeroed struct is fine */

/* Of one job: from its arrival on. */
static inline uint64_t vm_job_turnaround(const struct vm_job *j, const struct vm_job_result *r)
{
    return r->end - j->arrival;
}
static inline uint64_t vm_job_response(const struct vm_job *j, const struct vm_job_result *r)
{
    return r->first - j->arrival;
}

#endif
