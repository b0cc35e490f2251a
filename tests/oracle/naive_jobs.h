/* naive_jobs.h - jobs on processors, one unit of time after the other, by the rules as textbooks
 * tell them. */
#ifndef ORACLE_NAIVE_JOBS_H
#define ORACLE_NAIVE_JOBS_H

#include <pagoda/jobs.h>

enum { NAIVE_JOBS = 8, NAIVE_CPUS = 4, NAIVE_LEVELS = 4, NAIVE_TIME = 4096 };

struct naive_rule {
    enum {
        NAIVE_FIFO,
        NAIVE_SJF,
        NAIVE_STCF,
        NAIVE_RR,
        NAIVE_MLFQ,
        NAIVE_LOTTERY,
        NAIVE_STRIDE,
        NAIVE_CFS
    } rule;
    enum { NAIVE_ALONE, NAIVE_SQMS, NAIVE_MQMS } arrangement;
    uint64_t quantum;
    bool clock; /* rr: slices end with the clock's quantum */
    uint32_t levels;
    uint64_t quanta[NAIVE_LEVELS], allot[NAIVE_LEVELS];
    uint64_t boost;
    bool stay, first;              /* mlfq: io=stay, woken=first */
    uint64_t latency, min, wakeup; /* cfs */
    bool floor;                    /* stride, cfs: new=floor */
    uint32_t patience;             /* sqms */
    uint64_t peek;                 /* mqms */
    bool longest;
};

struct naive_jobs {
    struct vm_job_result job[NAIVE_JOBS];
    struct vm_cpu_result cpu[NAIVE_CPUS];
    uint64_t end;
    /* What each processor did in each unit of time: a job + 1, 100 more for a warm one, 200 more
     * for a switch to it; 0: nothing. */
    uint16_t did[NAIVE_TIME][NAIVE_CPUS];
};

void naive_jobs_run(const struct vm_jobs_request *r, const struct naive_rule *rule,
                    struct naive_jobs *out);

#endif
