/* nested.h - schedulers inside an arrangement of queues: "mqms:base=mlfq/queues=4/boost=100".
 *
 * The parameters of the base are parted by slashes, since commas part those of the arrangement.
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
};

/* What the parameter `base` of `env` names, and the size of its state. Errors: VM_EUSAGE. */
bool vm_nested_parse(struct nested *out, const struct vm_sched_env *env, struct vm_error *e);
/* Again, where it is to stay, with params that will not be needed after its inits. */
void vm_nested_init(struct nested *out, const struct vm_sched_env *env);
/* An arrangement is never part of another. */
void vm_nested_move_never(void *from, void *to, vm_task task);

#endif
