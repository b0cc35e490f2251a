/* format.h - the seam of trace formats and workloads: what a row of formats.def or workloads.def
 * must be. Private to trace/.
 */
#ifndef TRACE_FORMAT_H
#define TRACE_FORMAT_H

#include "base/bytes.h"

#include <pagoda/trace.h>

/* Columns that a reader fills; it belongs to the trace, which hands it out as a batch. */
struct vm_batch_builder {
    uint32_t nrefs, nevents;
    vm_va va[VM_BATCH_REFS];
    uint16_t meta[VM_BATCH_REFS];
    struct vm_event event[VM_BATCH_EVENTS];
};

static inline bool vm_builder_full(const struct vm_batch_builder *b)
{
    /* Room for what one record may add at most: a ChampSim instruction makes 7 references, a
     * CloudSuite one 9 and a switch. */
    return b->nrefs > VM_BATCH_REFS - 16 || b->nevents > VM_BATCH_EVENTS - 4;
}

/* Append a reference. Sizes are clamped into [1, VM_SIZE_MAX], and so that the address does not
 * wrap; 0 means that the format does not say and counts as 1. */
static inline void vm_builder_ref(struct vm_batch_builder *b, enum vm_access access, vm_va va,
                                  uint64_t bytes)
{
    bytes = bytes == 0 ? 1 : bytes > VM_SIZE_MAX ? VM_SIZE_MAX : bytes;
    if (va + (bytes - 1) < va)
        bytes = 0 - va;
    b->va[b->nrefs] = va;
    b->meta[b->nrefs++] = vm_ref_meta(access, (unsigned)bytes);
}

/* Append an event that happens before the next reference; its `at` is filled in. */
static inline void vm_builder_event(struct vm_batch_builder *b, struct vm_event event)
{
    event.at = b->nrefs;
    b->event[b->nevents++] = event;
}

struct vm_format_ops {
    const char *name;
    const char *summary;
    const struct vm_param *param;
    size_t nparams;
    /* Do these first bytes look like this format? `whole`: they are the entire content. Must look
     * at every record in them that is complete; an empty content belongs to no format. False with
     * *e of VM_ESYSTEM: it could not look. */
    bool (*probe)(const uint8_t *head, size_t n, bool whole, struct vm_error *e);
    /* A reader's state over `bytes`, which the trace owns. NULL: error. */
    void *(*open)(struct vm_bytes *bytes, const struct vm_params *params,
                  const struct vm_trace_options *options, struct vm_error *e);
    /* Fill the empty builder until vm_builder_full, or leave it empty: the end. */
    bool (*read)(void *state, struct vm_batch_builder *out, struct vm_error *e);
    /* Whole-trace facts it knows; others stay as they are. */
    void (*info)(const void *state, struct vm_trace_info *out);
    /* Pass over up to n references cheaply (an index); *skipped says how many it did. A reader
     * without one sets *skipped = 0, and the trace reads and drops. */
    bool (*skip)(void *state, uint64_t n, uint64_t *skipped, struct vm_error *e);
    void (*close)(void *state);
};

struct vm_workload_ops {
    const char *name;
    const char *summary;
    const struct vm_param *param; /* every workload has refs=N */
    size_t nparams;
    void *(*open)(const struct vm_params *params, uint64_t seed, struct vm_error *e);
    void (*read)(void *state, struct vm_batch_builder *out); /* as a format's; never fails */
    uint64_t (*refs)(const void *state);                     /* references in all */
    void (*close)(void *state);
};

#endif
