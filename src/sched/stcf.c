/* stcf.c - shortest time to completion first: of all tasks the one that has the least left of its
 * burst runs, and makes way for a new one that has less. Also preemptive sjf, shortest remaining
 * time first.
 *
 * It has the least mean turnaround of all. Each burst counts as a job of its own, so that tasks
 * that use devices go before those that only compute, and the two overlap. Arpaci-Dusseau &
 * Arpaci-Dusseau, "Operating Systems: Three Easy Pieces", sections 7.5 and 7.8.
 */
#include "sched/bursts.h"

static void ran(void *state, vm_task task, uint64_t time)
{
    struct bursts *s = state;
    vm_bursts_ran(s, task, time);
    vm_line_rekey(&s->line, task, vm_bursts_left(s, task));
}

static const struct vm_param param[] = {BURSTS_PARAM};

const struct vm_sched_ops vm_sched_stcf = {
    .name = "stcf",
    .summary =
        "shortest time to completion first: who has least left runs, even in another's place",
    .reason = "it has the least left",
    .ran = ran,
    .preempt = vm_line_preempt,
    BURSTS_OPS,
};
