/* fifo.c - first in, first out: the task that became ready first runs, until it blocks or ends.
 *
 * The batch systems' rule, also first come, first served. A long task makes all behind it wait: the
 * convoy effect. Arpaci-Dusseau & Arpaci-Dusseau, "Operating Systems: Three Easy Pieces", section
 * 7.3.
 *
 * All keys are 0, so that the line is in the order of its turns (line.h). A task that yields goes
 * to the end; one that its host preempts keeps its place.
 */
#include "sched/line.h"

static size_t size(const struct vm_sched_env *env, struct vm_error *e)
{
    (void)e;
    return vm_line_size(env, sizeof(struct line), 0);
}

static void init(void *state, const struct vm_sched_env *env)
{
    vm_line_init(state, env, sizeof(struct line), 0);
}

static void ready(void *state, vm_task task, enum vm_ready why)
{
    if (why == VM_READY_PREEMPTED)
        vm_line_rejoin(state, task);
    else
        vm_line_join_last(state, task, 0);
}

const struct vm_sched_ops vm_sched_fifo = {
    .name = "fifo",
    .summary = "who became ready first runs, until it blocks or ends",
    .reason = "it became ready first",
    .starves = VM_STARVES_UNDER_LOAD,
    LINE_OPS,
    .size = size,
    .init = init,
    .ready = ready,
    .pick = vm_line_pick_whole,
    .ran = vm_line_ran,
    .preempt = vm_line_preempt_never,
    .move = vm_line_move_last,
    .facts = vm_line_facts,
    .check = vm_line_check,
};
