/* sched.h - CPU schedulers: which of the tasks that could run does, where, and for how long.
 *
 * A scheduler hears of tasks that become ready, block and leave, and of the time that they ran. It
 * answers: which task a processor runs next (pick), for how long at most (slice), and whether a
 * running one has to make way (preempt). It knows no process, no program and no price; what it may
 * know of a task is struct vm_sched_task, which its host keeps.
 *
 *     ---ready NEW--> waiting --pick--> running --leave-->
 *                       ^  ^              | |
 *     ready QUANTUM,    |  +--------------+ | block
 *     YIELDED,PREEMPTED |                   v
 *                       +--ready WOKEN-- blocked
 *
 * A host (abstract jobs, a kernel) goes through these steps when something happens, at one moment:
 *
 *  a. `ran` for each running task, so that all is counted up to now;
 *  b. for each processor whose task ended, blocked, used its slice up or yields: leave, block, or
 *     ready QUANTUM or YIELDED, the first of these that is true;
 *  c. tick, if `ticks_at` has come, and slice anew for each running task;
 *  d. ready NEW and WOKEN, in the order in which it was to happen;
 *  e. for each idle processor: pick, and slice for the task picked;
 *  f. while preempt names a processor: ready PREEMPTED for its task, pick, slice; and e again, for
 *     the task that made way may run on a processor that is idle still.
 *
 * Contract, checked by tests/conform
 *  1. Task numbers are below ntasks. A task is in one state of the picture; every call is one of
 *     its arrows, but leave is possible from every state, and block from waiting too (a task that
 *     is stopped). A number may come again after it left.
 *  2. pick returns a waiting task that may run on that processor (vm_sched_env.may), or VM_NOTASK;
 *     the processor has none when it is asked.
 *  3. A task runs no longer than its slice before step b, but a host whose timer is coarse may be
 *     late. What `ran` counts is taken off the slice; it is asked only after step b.
 *  4. After step f no waiting task should run in a running one's place, and f comes to an end.
 *  5. `left` is lowered before the host calls ran, and set anew before it calls ready; `nice` and
 *     `tickets` may change any time. Where a task may run changes while it is blocked only.
 *  6. Time is in the host's units; parameters of schedulers are in `unit` of them, so that "10" is
 *     10 ms to a host of nanoseconds. now never goes back.
 *  7. State lies in one block of `size` bytes, zeroed, aligned to 64; a scheduler allocates nothing
 *     and fails at nothing after init. Equal calls and draws give equal answers.
 */
#ifndef PAGODA_SCHED_H
#define PAGODA_SCHED_H

#include <pagoda/error.h>
#include <pagoda/params.h>
#include <pagoda/types.h>

typedef uint32_t vm_task; /* a task's number, dense */

#define VM_NOTASK       UINT32_MAX
#define VM_NOCPU        UINT32_MAX
#define VM_NICE_MIN     (-20)
#define VM_NICE_MAX     19
#define VM_LEFT_UNKNOWN UINT64_MAX
#define VM_TIME_NEVER   UINT64_MAX
#define VM_SLICE_ALL    UINT64_MAX /* until it blocks or ends */

/* What a scheduler may know of a task; written by the host. */
struct vm_sched_task {
    uint64_t left;    /* time that it will run before it blocks or ends, or VM_LEFT_UNKNOWN */
    uint32_t tickets; /* from 1: its share, for lottery and stride */
    int8_t nice;      /* VM_NICE_MIN (gets most) to VM_NICE_MAX */
};

/* Why a task is ready to run. */
enum vm_ready {
    VM_READY_NEW,       /* it is there since now */
    VM_READY_WOKEN,     /* what it waited for is done */
    VM_READY_QUANTUM,   /* it ran, and its slice is used up */
    VM_READY_YIELDED,   /* it ran, and gives way of its own accord */
    VM_READY_PREEMPTED, /* it ran, and another has to run at once */
};

struct vm_sched_env {
    uint32_t ntasks;  /* task numbers are below */
    uint32_t ncpus;   /* 1 to VM_CPUS_MAX */
    uint64_t unit;    /* of parameters that are times: in the host's units of time; from 1 */
    uint64_t quantum; /* for schedulers whose own parameter is not given: in the host's units; from
                         1 */
    const uint64_t *now;              /* the time, kept by the host */
    const struct vm_sched_task *task; /* [ntasks] */
    const struct vm_params *params;   /* parsed against the scheduler's table; only during init */
    void *host;
    /* Whether the task may run on that processor; each may on one at least. */
    bool (*may)(void *host, vm_task task, uint32_t cpu);
    /* A number in [0, n), n >= 1, each as likely: all randomness comes from here. */
    uint64_t (*draw)(void *host, uint64_t n);
};

/* Something that the choice of a task turned on, for explanations: "tickets" 30. */
struct vm_sched_fact {
    const char *name;
    uint64_t value;
};
#define VM_SCHED_FACTS_MAX 6

struct vm_sched_ops {
    const char *name;
    const char *summary; /* one line: who runs */
    const char *reason;  /* what a choice turns on: "it came first" */
    /* Whether every waiting task runs some day, whatever the others do; or not, where new ones keep
     * coming or one runs for ever. */
    enum vm_sched_starves { VM_STARVES_NEVER, VM_STARVES_UNDER_LOAD } starves;
    /* Whether it runs tasks by a rule of its own, or arranges queues of other schedulers. */
    enum vm_sched_kind { VM_SCHED_RULE, VM_SCHED_ARRANGEMENT } kind;
    const struct vm_param *param;
    size_t nparams;

    /* Bytes of state. 0: env->params contradict each other; VM_EUSAGE in `e`. */
    size_t (*size)(const struct vm_sched_env *env, struct vm_error *e);
    /* env and what it points to stay where they are as long as the state is used, but params. */
    void (*init)(void *state, const struct vm_sched_env *env);
    void (*ready)(void *state, vm_task task, enum vm_ready why);
    void (*block)(void *state, vm_task task);
    void (*leave)(void *state, vm_task task);
    vm_task (*pick)(void *state, uint32_t cpu);
    /* How much longer a running task may run before step b, or VM_SLICE_ALL; 0 only of one whose
     * slice was used up before, where the host is late. */
    uint64_t (*slice)(void *state, vm_task task);
    /* A running task ran for `time` more, which ends now; 0 is possible. */
    void (*ran)(void *state, vm_task task, uint64_t time);
    /* A processor whose task has to make way for a waiting one, or VM_NOCPU. */
    uint32_t (*preempt)(void *state);
    uint64_t (*ticks_at)(const void *state); /* when tick wants to be called; VM_TIME_NEVER */
    void (*tick)(void *state);               /* that time has come, or is past */
    /* A task that waits or is blocked in `from` does so in `to` from now on, another state of the
     * same row; what is known of it goes with it. Never asked of an arrangement. */
    void (*move)(void *from, void *to, vm_task task);
    /* What the last pick, which returned `task`, turned on: how many. */
    size_t (*facts)(const void *state, vm_task task, struct vm_sched_fact out[VM_SCHED_FACTS_MAX]);
    void (*check)(const void *state); /* asserts the whole structure's invariants */
};

/* The row of schedulers.def with that name. Errors: VM_EUSAGE with the nearest name. */
const struct vm_sched_ops *vm_sched_find(const char *name, struct vm_error *e);
/* Row i; NULL past the end. */
const struct vm_sched_ops *vm_sched_at(size_t i);
bool vm_sched_list(size_t i, struct vm_listed *out);

/* What "name:parameters" means. Errors: VM_EUSAGE. */
const struct vm_sched_ops *vm_sched_parse(const char *spec, struct vm_params *params,
                                          struct vm_error *e);

#endif
