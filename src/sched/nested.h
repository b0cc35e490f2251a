/* nested.h - schedulers inside an arrangement of queues: "mqms:base=mlfq/queues=4/boost=100".
 *
 * The parameters of the base are parted by slashes, since commas part those of the arrangement. Its
 * state begins with a struct nested, and is asked of a task what the base state that has it answers.
 * Private to sched/. */
#ifndef SCHED_NESTED_H
#define SCHED_NESTED_H

#include "base/assert.h"
#include "base/block.h"

#include <pagoda/sched.h>

#define NESTED_PARAM                                                                               \
    {                                                                                              \
        "base", VM_PARAM_TEXT, "rr", 0, 0, NULL,                                                   \
            "who goes first in a queue, its parameters parted by slashes: mlfq/queues=4/boost=100" \
    }

struct nested {
    const struct vm_sched_ops *ops;
    struct vm_params params;
    struct vm_sched_env env; /* the arrangement's, with those params */
    size_t bytes;            /* of one state */
    void **of;               /* [ntasks] the state that has the task, once it was ready */
};

/* What the parameter `base` of `env` names, and the size of its state. Errors: VM_EUSAGE. */
bool vm_nested_parse(struct nested *out, const struct vm_sched_env *env, struct vm_error *e);
/* Again, where it is to stay, with params that will not be needed after its inits. */
void vm_nested_init(struct nested *out, const struct vm_sched_env *env);
/* An arrangement is never part of another. */
void vm_nested_move_never(void *from, void *to, vm_task task);

uint64_t vm_nested_slice(void *state, vm_task task);
void vm_nested_ran(void *state, vm_task task, uint64_t time);
size_t vm_nested_facts(const void *state, vm_task task, struct vm_sched_fact *out);

/* The members of struct vm_sched_ops that arrangements have in common; the others are functions of
 * these names. */
#define NESTED_OPS(table)                                                                          \
    .kind = VM_SCHED_ARRANGEMENT, .starves = VM_STARVES_UNDER_LOAD, .param = table,                \
    .nparams = sizeof table / sizeof table[0], .size = size, .init = init, .ready = ready,         \
    .block = block, .leave = leave, .pick = pick, .slice = vm_nested_slice, .ran = vm_nested_ran,  \
    .preempt = preempt, .ticks_at = ticks_at, .tick = tick, .move = vm_nested_move_never,          \
    .facts = vm_nested_facts, .check = check

#endif
