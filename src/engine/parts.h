/* parts.h - the parts that a configuration names, found, with their parameters. */
#ifndef ENGINE_PARTS_H
#define ENGINE_PARTS_H

#include <pagoda/engine.h>

struct vm_parts {
    const struct vm_scheme_ops *scheme;
    const struct vm_policy_ops *policy;
    const struct vm_device_ops *device;
    const struct vm_alloc_ops *fit;
    struct vm_params scheme_params, policy_params, device_params, fit_params;
};

/* Errors: VM_EUSAGE (an unknown name or parameter, a value out of range). */
bool vm_parts_find(struct vm_parts *out, const struct vm_config *c, struct vm_error *e);

#endif
