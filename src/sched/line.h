/* line.h - the line that every scheduler of one queue keeps: the tasks that could run, in the order
 * in which they should.
 *
 * A row says what a task's rank is: a key, and among equal keys a turn. The line stays sorted by
 * it; who is first, and may run on the processor that asks, runs. Running tasks keep their place,
 * so that "a waiting task is before a running one" is all that a preemption needs to know. With
 * several processors the line is theirs in common.
 *
 * A sorted list, where Linux has a red-black tree: a place is searched from the end, where most
 * tasks that join belong, and the lists of a simulation are short.
 *
 * Invariants
 *  1. The list from the head, node ntasks, holds the tasks that wait or run, by ascending rank.
 *  2. at[task] is LINE_RUNNING + c iff running[c] is the task, and no list holds it if LINE_OUT.
 *  3. Turns in the line differ, so that no two ranks are equal, and lie between the turns of the
 *     last one put first and the last one put last.
 *
 * A row's struct begins with a struct line; what it knows of each task is own[task], of a size of
 * its own, zeroed when the state is made.
 */
#ifndef SCHED_LINE_H
#define SCHED_LINE_H

#include "base/assert.h"
#include "base/links.h"

#include <pagoda/sched.h>

struct rank {
    uint64_t key; /* lower goes first */
    int64_t turn; /* among equals */
};

enum { LINE_OUT, LINE_WAITING, LINE_RUNNING };

struct line {
    const struct vm_sched_env *env;
    struct vm_links *link; /* [ntasks + 1] */
    struct rank *rank;     /* [ntasks]; what it was last, of tasks that are not in */
    uint64_t *since;       /* [ntasks] when it became ready last, not counting preemptions */
    uint64_t *slice;       /* [ntasks] how much longer it may run, of those that do */
    uint32_t *at;          /* [ntasks] LINE_OUT, LINE_WAITING, LINE_RUNNING + its processor */
    vm_task *running;      /* [ncpus] or VM_NOTASK */
    void *own;             /* [ntasks] the row's */
    uint32_t nin, nrunning;
    int64_t turn_first, turn_last; /* given out */
};

/* The block of a row whose struct has head_bytes, and task_bytes for each task. */
size_t vm_line_size(const struct vm_sched_env *env, size_t head_bytes, size_t task_bytes);
void vm_line_init(struct line *l, const struct vm_sched_env *env, size_t head_bytes,
                  size_t task_bytes);

/* The task waits from now on, after its equals, before them, or where it was; it may have run. */
void vm_line_join_last(struct line *l, vm_task task, uint64_t key);
void vm_line_join_first(struct line *l, vm_task task, uint64_t key);
void vm_line_rejoin(struct line *l, vm_task task);
/* Another key for a task that is in, with the turn that it has. */
void vm_line_rekey(struct line *l, vm_task task, uint64_t key);
/* Likewise, and the last of its equals. */
void vm_line_rekey_last(struct line *l, vm_task task, uint64_t key);
/* The task neither waits nor runs any more. */
void vm_line_drop(struct line *l, vm_task task);
/* The first in line that waits and may run on that processor, or VM_NOTASK. */
vm_task vm_line_find(const struct line *l, uint32_t cpu);
/* The task, which waits, runs on that processor, for that time at most. */
void vm_line_run(struct line *l, vm_task task, uint32_t cpu, uint64_t slice);
/* A processor whose task a waiting one, that may run there, is before; of several the task that is
 * last in line. The waiting one has been ready since `since` or later, and its key counts `margin`
 * more. Or VM_NOCPU. */
uint32_t vm_line_overtaken(const struct line *l, uint64_t margin, uint64_t since);
/* A task of `from` that does not run goes over to `to` with all that is known of it; if it waits,
 * last among the equals of `key`. */
void vm_line_move(struct line *from, struct line *to, vm_task task, uint64_t key,
                  size_t task_bytes);

/* Members of struct vm_sched_ops that most rows have in common. */
void vm_line_leave(void *state, vm_task task);
vm_task vm_line_pick_whole(void *state, uint32_t cpu); /* the first, until it blocks or ends */
uint64_t vm_line_slice(void *state, vm_task task);
void vm_line_ran(void *state, vm_task task, uint64_t time);
uint32_t vm_line_preempt_never(void *state);
uint32_t vm_line_preempt(void *state);
uint64_t vm_line_ticks_never(const void *state);
void vm_line_tick_never(void *state);
size_t vm_line_facts(const void *state, vm_task task, struct vm_sched_fact *out);
void vm_line_check(const void *state);
void vm_line_move_last(void *from, void *to, vm_task task); /* where keys are all 0 */
#define LINE_NO_TICKS .ticks_at = vm_line_ticks_never, .tick = vm_line_tick_never
/* Of rows that remember nothing when a task blocks. */
#define LINE_OPS                                                                                   \
    .kind = VM_SCHED_RULE, .block = vm_line_leave, .leave = vm_line_leave, .slice = vm_line_slice, \
    LINE_NO_TICKS
#define LINE_PARAMS(table) .param = table, .nparams = sizeof table / sizeof table[0]

static inline bool line_waits(const struct line *l, vm_task task)
{
    return l->at[task] == LINE_WAITING;
}

/* The task after `task` in line, the first one of all after the head, VM_NOTASK after the last. */
static inline vm_task line_next(const struct line *l, vm_task task)
{
    vm_task next = l->link[task].next;
    return next == l->env->ntasks ? VM_NOTASK : next;
}
static inline vm_task line_first(const struct line *l)
{
    return line_next(l, l->env->ntasks);
}

/* Whether a waiting task may be picked for that processor. */
static inline bool line_fits(const struct line *l, vm_task task, uint32_t cpu)
{
    return line_waits(l, task) && l->env->may(l->env->host, task, cpu);
}

static inline uint64_t line_now(const struct line *l)
{
    return *l->env->now;
}

#endif
