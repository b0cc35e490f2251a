/* sqms.c - single-queue multiprocessor scheduling: all processors share one queue.
 *
 * Any scheduler does so by itself when it has several processors: the load is always balanced, but
 * tasks go from processor to processor and leave their cache contents behind. sqms adds a
 * preference: a processor takes, of those that wait, the ones that ran there last, or nowhere yet.
 * A task that was passed over `patience` times for another that became ready after it goes where it
 * can, so that nobody waits for ever for its own processor. Arpaci-Dusseau & Arpaci-Dusseau,
 * "Operating Systems: Three Easy Pieces", section 10.4.
 *
 * The base scheduler is asked to pick twice: first it may choose only among the preferred, then
 * among all; also if it would have the preferred one make way at once. The answer to its question
 * whether a task may run stands between it and the host.
 *
 * Invariants: passed <= patience; a task waits in the base iff `ready` is not 0, and the numbers of
 * those that wait differ.
 */
#include "sched/nested.h"

struct client {
    uint32_t last;   /* the processor where it ran last, or VM_NOCPU */
    uint32_t passed; /* how often another was preferred, since it ran */
    uint64_t ready;  /* the number of its becoming ready, while it waits; else 0 */
};

struct sqms {
    struct nested nested;
    const struct vm_sched_env *env; /* the host's */
    void *base;
    struct client *client; /* [ntasks] */
    uint64_t nready;       /* numbers given out */
    uint32_t patience;
    enum { AMONG_ALL, AMONG_PREFERRED } among;
};

static size_t layout(struct sqms *s, uintptr_t start, const struct vm_sched_env *env, size_t base)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    s->client = block_take(&b, env->ntasks * sizeof *s->client);
    s->nested.of = block_take(&b, env->ntasks * sizeof *s->nested.of);
    s->base = block_take(&b, base);
    return b.used;
}

static size_t size(const struct vm_sched_env *env, struct vm_error *e)
{
    struct nested nested;
    if (!vm_nested_parse(&nested, env, e))
        return 0;
    return layout(&(struct sqms){0}, 0, env, nested.bytes);
}

static bool may(void *host, vm_task task, uint32_t cpu)
{
    const struct sqms *s = host;
    const struct client *c = &s->client[task];
    if (!s->env->may(s->env->host, task, cpu))
        return false;
    return s->among == AMONG_ALL || c->last == cpu || c->last == VM_NOCPU ||
           c->passed == s->patience;
}

static uint64_t draw(void *host, uint64_t n)
{
    const struct sqms *s = host;
    return s->env->draw(s->env->host, n);
}

static void init(void *state, const struct vm_sched_env *env)
{
    struct sqms *s = state;
    s->env = env;
    vm_nested_init(&s->nested, env);
    layout(s, (uintptr_t)s, env, s->nested.bytes);
    s->patience = (uint32_t)vm_params_count(env->params, "patience");
    s->nested.env.host = s;
    s->nested.env.may = may;
    s->nested.env.draw = draw;
    for (vm_task t = 0; t < env->ntasks; t++)
        s->nested.of[t] = s->base;
    s->nested.ops->init(s->base, &s->nested.env);
}

static void ready(void *state, vm_task task, enum vm_ready why)
{
    struct sqms *s = state;
    if (why == VM_READY_NEW)
        s->client[task] = (struct client){.last = VM_NOCPU};
    s->client[task].ready = ++s->nready;
    s->nested.ops->ready(s->base, task, why);
}

static void block(void *state, vm_task task)
{
    struct sqms *s = state;
    s->client[task].ready = 0;
    s->nested.ops->block(s->base, task);
}

static void leave(void *state, vm_task task)
{
    struct sqms *s = state;
    s->client[task].ready = 0;
    s->nested.ops->leave(s->base, task);
}

/* Those that have waited longer than the preferred one, and could have run there, know it. */
static void pass_over(struct sqms *s, vm_task preferred, uint32_t cpu)
{
    for (vm_task t = 0; t < s->env->ntasks; t++) {
        struct client *c = &s->client[t];
        bool waits = c->ready && c->ready < s->client[preferred].ready;
        if (waits && c->passed < s->patience && s->env->may(s->env->host, t, cpu))
            c->passed++;
    }
}

static vm_task pick_preferred(struct sqms *s, uint32_t cpu)
{
    s->among = AMONG_PREFERRED;
    vm_task task = s->nested.ops->pick(s->base, cpu);
    s->among = AMONG_ALL;
    if (task == VM_NOTASK)
        return VM_NOTASK;
    if (s->nested.ops->preempt(s->base) == cpu) {
        s->nested.ops->ready(s->base, task, VM_READY_PREEMPTED);
        return VM_NOTASK;
    }
    pass_over(s, task, cpu);
    return task;
}

static vm_task pick(void *state, uint32_t cpu)
{
    struct sqms *s = state;
    vm_task task = s->patience ? pick_preferred(s, cpu) : VM_NOTASK;
    if (task == VM_NOTASK)
        task = s->nested.ops->pick(s->base, cpu);
    if (task != VM_NOTASK)
        s->client[task] = (struct client){.last = cpu};
    return task;
}

static uint32_t preempt(void *state)
{
    const struct sqms *s = state;
    return s->nested.ops->preempt(s->base);
}

static uint64_t ticks_at(const void *state)
{
    const struct sqms *s = state;
    return s->nested.ops->ticks_at(s->base);
}

static void tick(void *state)
{
    const struct sqms *s = state;
    s->nested.ops->tick(s->base);
}

static void check(const void *state)
{
    const struct sqms *s = state;
    s->nested.ops->check(s->base);
    for (vm_task t = 0; t < s->env->ntasks; t++)
        VM_ASSERT(s->client[t].passed <= s->patience && s->client[t].ready <= s->nready);
}

static const struct vm_param param[] = {
    NESTED_PARAM,
    {"patience", VM_PARAM_COUNT, "2", 0, 1000, NULL,
     "how often a task lets others run on their own processor before it goes to another"},
};

const struct vm_sched_ops vm_sched_sqms = {
    .name = "sqms",
    .summary = "one queue for all processors, on which tasks tend to stay where they ran",
    .reason = "it goes first in the queue, or ran here last",
    NESTED_OPS(param),
};
