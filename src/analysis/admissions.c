/* admissions.c - ways to admit processes by name: admissions.def as a table. */
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
