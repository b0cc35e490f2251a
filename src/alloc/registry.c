/* registry.c - the range allocators by name: allocators.def as a table. */
#include <pagoda/alloc.h>
#include <string.h>

#define ALLOCATOR(name) extern const struct vm_alloc_ops vm_alloc_##name;
#include "alloc/allocators.def"
#undef ALLOCATOR

static const struct vm_alloc_ops *const rows[] = {
#define ALLOCATOR(name) &vm_alloc_##name,
#include "alloc/allocators.def"
#undef ALLOCATOR
};

#define REGISTRY      alloc
#define REGISTRY_NOUN "allocator"
#include "base/registry.inc.h"
