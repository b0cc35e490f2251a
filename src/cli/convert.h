/* convert.h - writing a trace as .pgt, shared by `pagoda convert` and `pagoda record`. */
#ifndef CLI_CONVERT_H
#define CLI_CONVERT_H

#include "cli/cli.h"

/* What was written. */
struct converted {
    uint64_t refs, requests;
};
/* "12 references, 3 requests to the heap": what there is of either. */
const char *converted_text(const struct converted *n, char *out, size_t cap);

/* Write all of `t` to `path`; on failure nothing is left there. `what` labels the progress bar;
 * *n counts what was written. */
bool convert_trace(struct vm_trace *t, const char *path, const struct vm_pgt_options *options,
                   const char *what, struct converted *n, struct vm_error *e);

/* Write the requests to a heap of `t` to `path` as comma-separated values; *requests counts them.
 * Errors: VM_EINPUT (it has none), VM_ESYSTEM. */
bool convert_requests(struct vm_trace *t, const char *path, uint64_t *requests, struct vm_error *e);

#endif
