/* source.h - the seam below vm_trace: where batches come from. Private to trace/.
 *
 * A format's reader over bytes, a workload and columns in memory each make a source; trace.c lays
 * skip and limit over it and is the only one to know struct vm_trace.
 */
#ifndef TRACE_SOURCE_H
#define TRACE_SOURCE_H

#include "trace/format.h"

struct vm_source_ops {
    /* As vm_trace_read, over the whole content. */
    bool (*read)(void *state, struct vm_batch *out, struct vm_error *e);
    /* As a format's: pass over up to n references cheaply. */
    bool (*skip)(void *state, uint64_t n, uint64_t *skipped, struct vm_error *e);
    /* Facts it knows; others stay as they are. */
    void (*info)(const void *state, struct vm_trace_info *out);
    void (*close)(void *state);
};

/* A trace over a source whose state it takes over: also closed when this fails. */
struct vm_trace *vm_trace_over(const struct vm_source_ops *ops, void *state, const char *name,
                               const struct vm_trace_options *options, struct vm_error *e);

/* registry.c: the rows of formats.def and workloads.def. */
const struct vm_format_ops *vm_format_at(size_t i); /* NULL past the end */
const struct vm_format_ops *vm_format_find(const char *name, struct vm_error *e);
const struct vm_workload_ops *vm_workload_at(size_t i);
const struct vm_workload_ops *vm_workload_find(const char *name, struct vm_error *e);

#endif
