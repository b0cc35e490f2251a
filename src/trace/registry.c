/* registry.c - the trace formats and the workloads by name: formats.def and workloads.def as
 * tables. */
#include "trace/reader.h"
#include "trace/source.h"

#include <string.h>

#define WORKLOAD(name) extern const struct vm_workload_ops vm_workload_##name;
#include "trace/workloads.def"
#undef WORKLOAD

static const struct vm_format_ops *const formats[] = {
#define FORMAT(name) &vm_format_##name,
#include "trace/formats.def"
#undef FORMAT
};

static const struct vm_workload_ops *const workloads[] = {
#define WORKLOAD(name) &vm_workload_##name,
#include "trace/workloads.def"
#undef WORKLOAD
};

#define rows          formats
#define REGISTRY      format
#define REGISTRY_NOUN "trace format"
#include "base/registry.inc.h"
#undef rows
#undef REGISTRY
#undef REGISTRY_NOUN

#define rows          workloads
#define REGISTRY      workload
#define REGISTRY_NOUN "workload"
#include "base/registry.inc.h"
