/* partitions.c - the ways to share memory out by name: partitions.def as a table. */
#include <pagoda/partition.h>
#include <string.h>

#define PARTITION(name) extern const struct vm_partition_ops vm_partition_##name;
#include "alloc/partitions.def"
#undef PARTITION

static const struct vm_partition_ops *const rows[] = {
#define PARTITION(name) &vm_partition_##name,
#include "alloc/partitions.def"
#undef PARTITION
};

#define REGISTRY      partition
#define REGISTRY_NOUN "storage"
#include "base/registry.inc.h"
