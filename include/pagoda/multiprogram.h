/* multiprogram.h - several whole jobs in one memory: who gets in, where, and how long each waits.
 *
 *     arrival --> queue --room?--> memory: ready, running, blocked (jobs.h) --end--> gone
 *                   ^                             |
 *                   +------ swapped out <---------+ its slice has ended, and others wait
 *
 * A job is in memory whole (partition.h), or not at all. Those that have no room wait; `queue` says
 * who may go in when some is free. A memory that is too small for all at once can be shared in time
 * too, by swapping jobs whole: one whose slice ended, and that has been in for `residence`, goes
 * out while others wait, and queues again; transfers use one device, one after another. Compaction
 * takes the processors' time: they move the bytes.
 *
 * Corbató, Merwin-Daggett & Daley, "An experimental time-sharing system", AFIPS Spring Joint
 * Computer Conference 21, 1962 (swapping whole jobs); Madnick & Donovan, "Operating Systems",
 * McGraw-Hill 1974, chapter 3; Silberschatz, Peterson & Galvin, "Operating System Concepts", 3rd
 * ed. 1991, section 8.4 (the worked example of long-term scheduling with variable partitions).
 */
#ifndef PAGODA_MULTIPROGRAM_H
#define PAGODA_MULTIPROGRAM_H

#include <pagoda/jobs.h>
#include <pagoda/partition.h>

/* Who, of those that wait for memory, may go in. */
enum vm_memory_queue {
    VM_QUEUE_FIFO,     /* the one that came first: nobody passes it */
    VM_QUEUE_FITTING,  /* the first, by the time of coming, that there is room for */
    VM_QUEUE_SMALLEST, /* the smallest; among equals the first */
};

struct vm_multiprogram_request {
    struct vm_jobs_request jobs; /* every job has memory; but the gate, which is the run's own */
    uint64_t memory;             /* bytes */
    const char *storage;         /* "variable:fit=best-fit" */
    enum vm_memory_queue queue;
    uint64_t move_rate; /* bytes that compaction moves in a unit of time; 0: in no time */
    uint64_t swap_rate; /* bytes that a swap transfers in a unit of time; 0: there is no swapping */
    uint64_t swap_access; /* time of a transfer, beside its bytes' */
    uint64_t residence;   /* time that a job is in memory at least, before it is swapped out */
};

/* Something that changed in memory. */
struct vm_memory_change {
    uint64_t at;
    enum vm_change_kind { VM_CHANGE_PUT, VM_CHANGE_MOVED, VM_CHANGE_LEFT } kind;
    struct vm_area area; /* put: where; moved: its new place; left: where it was */
};

struct vm_tenant_result {
    uint64_t put_at, start, bytes; /* the first time, and where that was */
    uint64_t swaps;                /* times that it was swapped out */
};

struct vm_multiprogram_result {
    struct vm_jobs_result jobs;
    char storage[128];
    const struct vm_partition_ops *ops;
    struct vm_tenant_result *tenant; /* [njobs] */
    size_t nchanges, changes_cap;
    struct vm_memory_change *change; /* in order */
    struct vm_partition_usage usage;
    uint64_t swaps;
    uint64_t stalled;          /* time that compaction took the processors */
    uint64_t blocked_by_holes; /* jobs whose turn it was and that did not fit, though free memory
                                  would have held them in one piece */
    uint32_t most_jobs;        /* in memory at once */
    /* Means over the time from the first arrival to the last end, in bytes. */
    double used, internal, free;
    double outside; /* mean time that a job was not in memory */
};

/* vm_multiprogram_free what it makes. Errors: as vm_jobs_run; VM_EUSAGE: a storage's name or
 * parameters, a job that can never be in memory. */
bool vm_multiprogram_run(const struct vm_multiprogram_request *r,
                         struct vm_multiprogram_result *out, struct vm_error *e);
void vm_multiprogram_free(struct vm_multiprogram_result *r); /* a zeroed struct is fine */

/* The areas of memory at time `at`, after all that happened then, by rising start: to `each`.
 * Errors: VM_ESYSTEM. */
bool vm_multiprogram_areas(const struct vm_multiprogram_request *r,
                           const struct vm_multiprogram_result *m, uint64_t at, void *host,
                           void (*each)(void *host, const struct vm_area *), struct vm_error *e);

#endif
