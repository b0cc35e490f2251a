/* joint_progress.h - the progress of jobs that several threads do, told as one. */
#ifndef ANALYSIS_JOINT_PROGRESS_H
#define ANALYSIS_JOINT_PROGRESS_H

#include <pagoda/engine.h>
#include <stdatomic.h>

struct joint_progress {
    const struct vm_progress *told; /* NULL: nobody */
    const char *what;
    uint64_t refs_all; /* of all passes of all jobs */
    _Atomic uint64_t refs;
    atomic_flag telling; /* by one thread at a time; others do not wait for it */
};

/* One job's part: its `progress` is what the job reports to. */
struct joint_part {
    struct vm_progress progress;
    struct joint_progress *all;
    uint64_t refs; /* of the pass that is on */
};
void joint_part_open(struct joint_part *p, struct joint_progress *all);

#endif
