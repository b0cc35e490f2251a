/* registry.c - the translation schemes by name: schemes.def as a table. */
#include <pagoda/scheme.h>
#include <string.h>

#define SCHEME(name) extern const struct vm_scheme_ops vm_scheme_##name;
#include "scheme/schemes.def"
#undef SCHEME

static const struct vm_scheme_ops *const rows[] = {
#define SCHEME(name) &vm_scheme_##name,
#include "scheme/schemes.def"
#undef SCHEME
};

#define REGISTRY      scheme
#define REGISTRY_NOUN "scheme"
#include "base/registry.inc.h"
