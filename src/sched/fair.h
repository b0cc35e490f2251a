/* fair.h - shares by virtual time: each task has a clock that goes the slower, the greater its
 * share, and who is furthest behind runs. Private to sched/, for stride and cfs.
 *
 *     clock += time that it ran * rate / weight
 *
 * is counted without rounding errors: the remainder of each division is kept. The clock is the key
 * in line. The *floor* is how far the clocks of all that are in have come; a task that is new, or
 * was away, goes on from there at the least: else it would have a right to all the time that it
 * missed. A new one begins a turn behind the floor, as if it had just had one: else a stream of new
 * ones would keep all others waiting, and the floor where it is. (new=floor: it does not, as in
 * textbooks' examples.)
 *
 * Invariant: the floor never goes back, and is at most the key of the first in line.
 */
#ifndef SCHED_FAIR_H
#define SCHED_FAIR_H

#include "sched/line.h"

struct fair_client {
    uint64_t clock, rest;
};

struct fair {
    struct line line;
    uint64_t floor;
    enum { NEW_TURN, NEW_FLOOR } new;
};

#define FAIR_PARAM                                                                                 \
    {                                                                                              \
        "new", VM_PARAM_WORD, "turn", 0, 0, "turn|floor",                                          \
            "whether a new task begins a turn behind the others, or with the first of them"        \
    }

static inline struct fair_client *fair_client(const struct fair *s, vm_task task)
{
    return (struct fair_client *)s->line.own + task;
}

/* Row structs begin with a struct fair. */
size_t vm_fair_size(const struct vm_sched_env *env, size_t head_bytes);
void vm_fair_init(struct fair *s, const struct vm_sched_env *env, size_t head_bytes);
/* The task, which is in line, ran for a time that moves its clock by scaled / weight; or is charged
 * for a turn before its first. */
void vm_fair_charge(struct fair *s, vm_task task, unsigned __int128 scaled, uint64_t weight);
/* The clocks are all right at this moment: the floor follows. */
void vm_fair_raise_floor(struct fair *s);
void vm_fair_ready(void *state, vm_task task, enum vm_ready why);
void vm_fair_move(void *from, void *to, vm_task task);
void vm_fair_check(const void *state);

#endif
