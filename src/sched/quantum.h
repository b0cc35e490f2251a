/* quantum.h - how long a turn is: a parameter, or what the host gives all schedulers. Private to
 * sched/. */
#ifndef SCHED_QUANTUM_H
#define SCHED_QUANTUM_H

#include <pagoda/sched.h>

#define QUANTUM_PARAM                                                                              \
    {                                                                                              \
        "quantum", VM_PARAM_COUNT, "0", 0, 0, NULL, "time of a turn; 0: the host's quantum"        \
    }

/* A parameter that is a time, in the host's units. */
static inline uint64_t time_param(const struct vm_sched_env *env, const char *name)
{
    return vm_params_count(env->params, name) * env->unit;
}

static inline uint64_t quantum_param(const struct vm_sched_env *env)
{
    uint64_t quantum = time_param(env, "quantum");
    return quantum ? quantum : env->quantum;
}

#endif
