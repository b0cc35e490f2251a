/* registry.c - the CPU schedulers by name: schedulers.def as a table. */
#include <pagoda/sched.h>
#include <string.h>

#define SCHEDULER(name) extern const struct vm_sched_ops vm_sched_##name;
#include "sched/schedulers.def"
#undef SCHEDULER

static const struct vm_sched_ops *const rows[] = {
#define SCHEDULER(name) &vm_sched_##name,
#include "sched/schedulers.def"
#undef SCHEDULER
};

#define REGISTRY      sched
#define REGISTRY_NOUN "scheduler"
#include "base/registry.inc.h"

const struct vm_sched_ops *vm_sched_parse(const char *spec, struct vm_params *params,
                                          struct vm_error *e)
{
    char name[32];
    const char *text = vm_spec_split(spec, name, sizeof name);
    const struct vm_sched_ops *ops = vm_sched_find(name, e);
    return ops && vm_params_parse(params, name, ops->param, ops->nparams, text, e) ? ops : NULL;
}
