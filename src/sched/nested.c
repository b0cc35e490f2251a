/* nested.c - the base scheduler that an arrangement's parameters name. */
#include "sched/nested.h"

#include <stdio.h>
#include <string.h>

/* "mlfq/queues=4/boost=100" as "mlfq:queues=4,boost=100". */
static void spec_of(const char *text, char *spec, size_t cap)
{
    snprintf(spec, cap, "%s", text);
    char *slash = strchr(spec, '/');
    if (slash)
        *slash = ':';
    while (slash && (slash = strchr(slash, '/')))
        *slash = ',';
}

bool vm_nested_parse(struct nested *out, const struct vm_sched_env *env, struct vm_error *e)
{
    char spec[80];
    spec_of(vm_params_text(env->params, "base"), spec, sizeof spec);
    *out = (struct nested){.env = *env};
    out->ops = vm_sched_parse(spec, &out->params, e);
    if (!out->ops)
        return false;
    if (out->ops->kind != VM_SCHED_RULE)
        return vm_fail(e, VM_EUSAGE, "base=%s: it arranges queues itself: expected a rule for one",
                       out->ops->name);
    out->env.params = &out->params;
    out->bytes = out->ops->size(&out->env, e);
    return out->bytes;
}

void vm_nested_init(struct nested *out, const struct vm_sched_env *env)
{
    struct vm_error e;
    bool good = vm_nested_parse(out, env, &e);
    VM_ASSERT(good);
}

void vm_nested_move_never(void *from, void *to, vm_task task)
{
    (void)from, (void)to, (void)task;
    VM_ASSERT(!"an arrangement is no base");
}

uint64_t vm_nested_slice(void *state, vm_task task)
{
    const struct nested *n = state;
    return n->ops->slice(n->of[task], task);
}

void vm_nested_ran(void *state, vm_task task, uint64_t time)
{
    const struct nested *n = state;
    n->ops->ran(n->of[task], task, time);
}

size_t vm_nested_facts(const void *state, vm_task task, struct vm_sched_fact *out)
{
    const struct nested *n = state;
    return n->ops->facts(n->of[task], task, out);
}
