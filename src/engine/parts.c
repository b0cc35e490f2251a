/* parts.c - see parts.h. */
#include "engine/parts.h"
#include "policy/local.h"

static bool find_scheme(struct vm_parts *p, const char *spec, struct vm_error *e)
{
    char name[VM_CONFIG_TEXT];
    const char *params = vm_spec_split(spec, name, sizeof name);
    p->scheme = vm_scheme_find(name, e);
    return p->scheme && vm_params_parse(&p->scheme_params, name, p->scheme->param,
                                        p->scheme->nparams, params, e);
}

static bool find_policy(struct vm_parts *p, const char *spec, struct vm_error *e)
{
    char name[VM_CONFIG_TEXT];
    const char *params = vm_spec_split(spec, name, sizeof name);
    p->policy = vm_policy_find(name, e);
    return p->policy && vm_params_parse(&p->policy_params, name, p->policy->param,
                                        p->policy->nparams, params, e);
}

static bool find_device(struct vm_parts *p, enum vm_swap_level level, const char *spec,
                        struct vm_error *e)
{
    char name[VM_CONFIG_TEXT];
    const char *params = vm_spec_split(spec, name, sizeof name);
    const struct vm_device_ops *device = p->device[level] = vm_device_find(name, e);
    return device && vm_params_parse(&p->device_params[level], name, device->param, device->nparams,
                                     params, e);
}

static bool find_devices(struct vm_parts *p, const struct vm_config *c, struct vm_error *e)
{
    if (!find_device(p, VM_SWAP_FAST, c->swap, e) || !find_device(p, VM_SWAP_SLOW, c->swap_slow, e))
        return false;
    if (!vm_config_has_slow(c))
        p->device[VM_SWAP_SLOW] = NULL;
    return true;
}

static bool find_fit(struct vm_parts *p, const char *spec, struct vm_error *e)
{
    char name[VM_CONFIG_TEXT];
    const char *params = vm_spec_split(spec, name, sizeof name);
    p->fit = vm_alloc_find(name, e);
    return p->fit &&
           vm_params_parse(&p->fit_params, name, p->fit->param, p->fit->nparams, params, e);
}

/* Who reads the future knows nothing of pages that come before they are touched. */
static bool find_readahead(struct vm_parts *p, const struct vm_config *c, struct vm_error *e)
{
    char name[VM_CONFIG_TEXT];
    const char *params = vm_spec_split(c->readahead, name, sizeof name);
    p->readahead = vm_readahead_find(name, e);
    if (!p->readahead || !vm_params_parse(&p->readahead_params, name, p->readahead->param,
                                          p->readahead->nparams, params, e))
        return false;
    if (p->readahead->size() == 0 || c->model == VM_MODEL_PAGES)
        return true;
    if (p->policy->future == VM_FUTURE_NEEDED)
        return vm_fail(
            e, VM_EUSAGE,
            "policy %s with readahead %s: it looks ahead at touches, and cannot at pages "
            "that come before them: expected another policy, or --readahead none",
            p->policy->name, name);
    return p->scheme->unit != VM_UNIT_SEGMENT ||
           vm_fail(e, VM_EUSAGE,
                   "scheme %s with readahead %s: expected a scheme of pages, or --readahead none",
                   p->scheme->name, name);
}

bool vm_parts_find(struct vm_parts *out, const struct vm_config *c, struct vm_error *e)
{
    struct vm_parts p;
    if (!find_scheme(&p, c->scheme, e) || !find_policy(&p, c->policy, e) ||
        !find_devices(&p, c, e) || !find_fit(&p, c->fit, e) || !find_readahead(&p, c, e))
        return false;
    *out = p;
    return true;
}

void vm_parts_allot(struct vm_parts *p, const struct vm_config *c, struct vm_policy_ops *ops,
                    struct vm_allotment *allotment)
{
    uint64_t frames = c->allot_frames;
    if (c->allot == VM_ALLOT_GLOBAL)
        return;
    *allotment = (struct vm_allotment){
        .inner = p->policy,
        .kind = (enum vm_allot)c->allot,
        .frames = frames < VM_NOFRAME ? (uint32_t)frames : VM_NOFRAME,
    };
    vm_policy_local(ops, p->policy);
    p->policy = ops;
}
