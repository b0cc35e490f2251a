/* parts.h - the parts that a configuration names, found, with their parameters. */
#ifndef ENGINE_PARTS_H
#define ENGINE_PARTS_H

#include <pagoda/engine.h>

struct vm_parts {
    const struct vm_scheme_ops *scheme;
    const struct vm_policy_ops *policy;
    const struct vm_device_ops *device[VM_SWAP_LEVELS]; /* the slow one: NULL if there is none */
    const struct vm_alloc_ops *fit;
    const struct vm_readahead_ops *readahead;
    struct vm_params scheme_params, policy_params, fit_params, readahead_params;
    struct vm_params device_params[VM_SWAP_LEVELS];
};

/* Errors: VM_EUSAGE (an unknown name or parameter, a value out of range). */
bool vm_parts_find(struct vm_parts *out, const struct vm_config *c, struct vm_error *e);
/* Where memory has shares, `policy` is made local: by the table *ops, which stays with the caller,
 * for *allotment; else that has no `inner`. */
void vm_parts_allot(struct vm_parts *p, const struct vm_config *c, struct vm_policy_ops *ops,
                    struct vm_allotment *allotment);

#endif
