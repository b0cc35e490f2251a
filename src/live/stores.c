/* stores.c - the stores by name: stores.def as a table. */
#include "live/store.h"

#include <pagoda/live.h>
#include <string.h>

#define STORE(name) extern const struct vm_store_ops vm_store_##name;
#include "live/stores.def"
#undef STORE

static const struct vm_store_ops *const rows[] = {
#define STORE(name) &vm_store_##name,
#include "live/stores.def"
#undef STORE
};

#define REGISTRY      store
#define REGISTRY_NOUN "store"
#include "base/registry.inc.h"
