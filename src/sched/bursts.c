/* bursts.c - tasks by the length of their next burst, known or guessed. */
#include "sched/bursts.h"

size_t vm_bursts_size(const struct vm_sched_env *env, struct vm_error *e)
{
    (void)e;
    return vm_line_size(env, sizeof(struct bursts), sizeof(struct burst));
}

void vm_bursts_init(void *state, const struct vm_sched_env *env)
{
    struct bursts *s = state;
    vm_line_init(&s->line, env, sizeof *s, sizeof(struct burst));
    s->alpha = vm_params_real(env->params, "alpha");
    s->quantum = env->quantum;
}

static struct burst *burst_of(const struct bursts *s, vm_task task)
{
    return (struct burst *)s->line.own + task;
}

uint64_t vm_bursts_left(const struct bursts *s, vm_task task)
{
    const struct burst *b = burst_of(s, task);
    uint64_t known = s->line.env->task[task].left;
    if (known != VM_LEFT_UNKNOWN)
        return known;
    return b->guess > b->ran ? b->guess - b->ran : 0;
}

void vm_bursts_ready(void *state, vm_task task, enum vm_ready why)
{
    struct bursts *s = state;
    if (why == VM_READY_NEW)
        *burst_of(s, task) = (struct burst){.guess = s->quantum};
    if (why == VM_READY_PREEMPTED)
        vm_line_rejoin(&s->line, task);
    else
        vm_line_join_last(&s->line, task, vm_bursts_left(s, task));
}

void vm_bursts_block(void *state, vm_task task)
{
    struct bursts *s = state;
    struct burst *b = burst_of(s, task);
    vm_line_drop(&s->line, task);
    b->guess = (uint64_t)(s->alpha * (double)b->ran + (1 - s->alpha) * (double)b->guess);
    b->ran = 0;
}

void vm_bursts_ran(void *state, vm_task task, uint64_t time)
{
    struct bursts *s = state;
    vm_line_ran(&s->line, task, time);
    burst_of(s, task)->ran += time;
}

void vm_bursts_move(void *from, void *to, vm_task task)
{
    vm_line_move(from, to, task, vm_bursts_left(from, task), sizeof(struct burst));
}

size_t vm_bursts_facts(const void *state, vm_task task, struct vm_sched_fact *out)
{
    size_t n = vm_line_facts(state, task, out);
    out[n++] = (struct vm_sched_fact){"left", vm_bursts_left(state, task)};
    return n;
}
