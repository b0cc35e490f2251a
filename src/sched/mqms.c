/* mqms.c - multi-queue multiprocessor scheduling: each processor has a queue of its own.
 *
 * A new task is put in one queue, in turn, and stays there: its cache contents stay useful, and no
 * queue is shared. But queues become unlike: one processor is idle while tasks wait at another.
 * Therefore, each `peek`, a processor in whose queue nobody waits looks into another's, drawn or
 * the longest, and takes the task that has waited longest there, if it may have it.
 * Arpaci-Dusseau & Arpaci-Dusseau, "Operating Systems: Three Easy Pieces", section 10.5.
 *
 * Each queue is a state of the base scheduler for one processor: it is asked to pick for its own
 * only.
 *
 * Invariants
 *  1. A task that waits or runs is in base[home], which is nested.of[task], and in no other.
 *  2. nwaiting[c] tasks with home c wait; `ready` is their number of becoming ready, 0 of others.
 */
#include "sched/nested.h"

struct client {
    uint32_t home;  /* its queue's processor */
    uint64_t ready; /* the number of its becoming ready, while it waits; else 0 */
};

struct mqms {
    struct nested nested;
    const struct vm_sched_env *env;
    void **base;           /* [ncpus] states */
    uint32_t *nwaiting;    /* [ncpus] */
    struct client *client; /* [ntasks] */
    uint64_t nready;       /* numbers given out */
    uint32_t turn;         /* the processor that gets the next new task, if it may */
    uint64_t peek, peek_at;
    enum { FROM_DRAWN, FROM_LONGEST } from;
};

static size_t layout(struct mqms *s, uintptr_t start, const struct vm_sched_env *env, size_t base)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    s->base = block_take(&b, env->ncpus * sizeof *s->base);
    s->nwaiting = block_take(&b, env->ncpus * sizeof *s->nwaiting);
    s->client = block_take(&b, env->ntasks * sizeof *s->client);
    s->nested.of = block_take(&b, env->ntasks * sizeof *s->nested.of);
    for (uint32_t c = 0; c < env->ncpus; c++) {
        void *state = block_take(&b, base);
        if (start)
            s->base[c] = state;
    }
    return b.used;
}

static size_t size(const struct vm_sched_env *env, struct vm_error *e)
{
    struct nested nested;
    if (!vm_nested_parse(&nested, env, e))
        return 0;
    return layout(&(struct mqms){0}, 0, env, nested.bytes);
}

static void init(void *state, const struct vm_sched_env *env)
{
    struct mqms *s = state;
    s->env = env;
    vm_nested_init(&s->nested, env);
    layout(s, (uintptr_t)s, env, s->nested.bytes);
    s->peek = vm_params_count(env->params, "peek") * env->unit;
    s->peek_at = s->peek ? (*env->now / s->peek + 1) * s->peek : VM_TIME_NEVER;
    s->from = vm_params_count(env->params, "from") ? FROM_LONGEST : FROM_DRAWN;
    for (uint32_t c = 0; c < env->ncpus; c++)
        s->nested.ops->init(s->base[c], &s->nested.env);
}

static bool may(const struct mqms *s, vm_task task, uint32_t cpu)
{
    return s->env->may(s->env->host, task, cpu);
}

static void set_home(struct mqms *s, vm_task task, uint32_t cpu)
{
    s->client[task].home = cpu;
    s->nested.of[task] = s->base[cpu];
}

/* The next processor in turn where it may run. */
static uint32_t place(struct mqms *s, vm_task task)
{
    uint32_t n = s->env->ncpus;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t cpu = (s->turn + i) % n;
        if (may(s, task, cpu)) {
            s->turn = (cpu + 1) % n;
            return cpu;
        }
    }
    VM_ASSERT(!"a task may run somewhere");
    return 0;
}

static void rehome(struct mqms *s, vm_task task, uint32_t cpu)
{
    s->nested.ops->move(s->nested.of[task], s->base[cpu], task);
    set_home(s, task, cpu);
}

static void ready(void *state, vm_task task, enum vm_ready why)
{
    struct mqms *s = state;
    struct client *c = &s->client[task];
    if (why == VM_READY_NEW)
        set_home(s, task, place(s, task));
    else if (!may(s, task, c->home))
        rehome(s, task, place(s, task));
    VM_ASSERT(c->ready == 0);
    c->ready = ++s->nready;
    s->nwaiting[c->home]++;
    s->nested.ops->ready(s->nested.of[task], task, why);
}

/* The task waits no more, if it did. */
static void end_waiting(struct mqms *s, vm_task task)
{
    struct client *c = &s->client[task];
    s->nwaiting[c->home] -= c->ready > 0;
    c->ready = 0;
}

static void block(void *state, vm_task task)
{
    struct mqms *s = state;
    end_waiting(s, task);
    s->nested.ops->block(s->nested.of[task], task);
}

static void leave(void *state, vm_task task)
{
    struct mqms *s = state;
    end_waiting(s, task);
    s->nested.ops->leave(s->nested.of[task], task);
}

static vm_task pick(void *state, uint32_t cpu)
{
    struct mqms *s = state;
    vm_task task = s->nested.ops->pick(s->base[cpu], cpu);
    if (task != VM_NOTASK)
        end_waiting(s, task);
    return task;
}

static uint32_t preempt(void *state)
{
    const struct mqms *s = state;
    for (uint32_t c = 0; c < s->env->ncpus; c++)
        if (s->nested.ops->preempt(s->base[c]) != VM_NOCPU)
            return c;
    return VM_NOCPU;
}

/* ---- stealing ---- */

/* The queue that an idle processor looks into, of several processors. */
static uint32_t choose_victim(const struct mqms *s, uint32_t thief)
{
    if (s->from == FROM_DRAWN) {
        uint32_t other = (uint32_t)s->env->draw(s->env->host, s->env->ncpus - 1);
        return other + (other >= thief);
    }
    uint32_t longest = thief;
    for (uint32_t c = 0; c < s->env->ncpus; c++)
        if (s->nwaiting[c] > s->nwaiting[longest])
            longest = c;
    return longest;
}

/* Of those that wait at `victim` and may run at `thief`, the one that has waited longest. */
static vm_task find_loot(const struct mqms *s, uint32_t victim, uint32_t thief)
{
    vm_task found = VM_NOTASK;
    for (vm_task t = 0; t < s->env->ntasks; t++) {
        const struct client *c = &s->client[t];
        if (!c->ready || c->home != victim || !may(s, t, thief))
            continue;
        if (found == VM_NOTASK || c->ready < s->client[found].ready)
            found = t;
    }
    return found;
}

static void steal(struct mqms *s, uint32_t thief)
{
    uint32_t victim = choose_victim(s, thief);
    vm_task task = victim == thief ? VM_NOTASK : find_loot(s, victim, thief);
    if (task == VM_NOTASK)
        return;
    rehome(s, task, thief);
    s->nwaiting[victim]--;
    s->nwaiting[thief]++;
}

static void peek(struct mqms *s)
{
    for (uint32_t c = 0; c < s->env->ncpus; c++)
        if (s->nwaiting[c] == 0 && s->env->ncpus > 1)
            steal(s, c);
    s->peek_at = (*s->env->now / s->peek + 1) * s->peek;
}

static uint64_t ticks_at(const void *state)
{
    const struct mqms *s = state;
    uint64_t at = s->peek_at;
    for (uint32_t c = 0; c < s->env->ncpus; c++) {
        uint64_t base = s->nested.ops->ticks_at(s->base[c]);
        at = base < at ? base : at;
    }
    return at;
}

static void tick(void *state)
{
    struct mqms *s = state;
    for (uint32_t c = 0; c < s->env->ncpus; c++)
        if (s->nested.ops->ticks_at(s->base[c]) <= *s->env->now)
            s->nested.ops->tick(s->base[c]);
    if (s->peek_at <= *s->env->now)
        peek(s);
}

static void check(const void *state)
{
    const struct mqms *s = state;
    for (uint32_t c = 0; c < s->env->ncpus; c++) {
        uint32_t n = 0;
        for (vm_task t = 0; t < s->env->ntasks; t++) {
            n += s->client[t].ready && s->client[t].home == c;
            VM_ASSERT(!s->client[t].ready || s->nested.of[t] == s->base[s->client[t].home]);
        }
        VM_ASSERT(n == s->nwaiting[c]);
        s->nested.ops->check(s->base[c]);
    }
}

static const struct vm_param param[] = {
    NESTED_PARAM,
    {"peek", VM_PARAM_COUNT, "30", 0, 0, NULL,
     "time after which processors with an empty queue steal; 0: they never do"},
    {"from", VM_PARAM_WORD, "drawn", 0, 0, "drawn|longest", "whose queue they look into"},
};

const struct vm_sched_ops vm_sched_mqms = {
    .name = "mqms",
    .summary = "a queue for each processor, and tasks stolen by those that have none",
    .reason = "it goes first in the queue of its processor",
    NESTED_OPS(param),
};
