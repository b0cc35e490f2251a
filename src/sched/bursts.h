/* bursts.h - how long a task will run before it blocks or ends: its burst. Private to sched/, for
 * sjf and stcf.
 *
 * Where the host knows, it says (vm_sched_task.left). Where it does not, the next burst is guessed
 * from those before: guess = alpha * last burst + (1 - alpha) * last guess, the first one being the
 * quantum. Silberschatz, Galvin & Gagne, "Operating System Concepts", 10th ed., section 5.3.2.
 */
#ifndef SCHED_BURSTS_H
#define SCHED_BURSTS_H

#include "sched/line.h"

struct burst {
    uint64_t guess; /* of the whole burst */
    uint64_t ran;   /* of it */
};

struct bursts {
    struct line line;
    double alpha;
    uint64_t quantum;
};

#define BURSTS_PARAM                                                                               \
    {                                                                                              \
        "alpha", VM_PARAM_REAL, "0.5", 0, 1, NULL,                                                 \
            "weight of the last burst in the guess of the next, where it is not known"             \
    }

size_t vm_bursts_size(const struct vm_sched_env *env, struct vm_error *e);
void vm_bursts_init(void *state, const struct vm_sched_env *env);
/* What is left of the burst, known or guessed. */
uint64_t vm_bursts_left(const struct bursts *s, vm_task task);

void vm_bursts_ready(void *state, vm_task task, enum vm_ready why);
void vm_bursts_block(void *state, vm_task task);
void vm_bursts_ran(void *state, vm_task task, uint64_t time);
void vm_bursts_move(void *from, void *to, vm_task task);
size_t vm_bursts_facts(const void *state, vm_task task, struct vm_sched_fact *out);

/* The members of struct vm_sched_ops that both rows have in common. */
#define BURSTS_OPS                                                                                 \
    .kind = VM_SCHED_RULE, .starves = VM_STARVES_UNDER_LOAD, LINE_PARAMS(param),                   \
    .size = vm_bursts_size, .init = vm_bursts_init, .ready = vm_bursts_ready,                      \
    .block = vm_bursts_block, .leave = vm_line_leave, .pick = vm_line_pick_whole,                  \
    .slice = vm_line_slice, LINE_NO_TICKS, .move = vm_bursts_move, .facts = vm_bursts_facts,       \
    .check = vm_line_check

#endif
