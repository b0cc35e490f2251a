/* admissions.c - ways to admit processes by name: admissions.def as a table. */
#include "base/assert.h"

#include <pagoda/thrash.h>
#include <string.h>

#define ADMISSION(name) extern const struct vm_admission_ops vm_admission_##name;
#include "analysis/admissions.def"
#undef ADMISSION

static const struct vm_admission_ops *const rows[] = {
#define ADMISSION(name) &vm_admission_##name,
#include "analysis/admissions.def"
#undef ADMISSION
};

#define REGISTRY      admission
#define REGISTRY_NOUN "admission"
#include "base/registry.inc.h"

bool vm_admission_open(const char *spec, const struct vm_admission_ops **ops, void *state,
                       struct vm_error *e)
{
    char name[VM_CONFIG_TEXT];
    struct vm_params params;
    const char *text = vm_spec_split(spec, name, sizeof name);
    *ops = vm_admission_find(name, e);
    if (!*ops || !vm_params_parse(&params, name, (*ops)->param, (*ops)->nparams, text, e))
        return false;
    VM_ASSERT((*ops)->size() <= VM_ADMISSION_BYTES);
    return (*ops)->init(state, &params, e);
}
