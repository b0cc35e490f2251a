/* convert.h - writing a trace as .pgt, shared by `pagoda convert` and `pagoda record`. */
#ifndef CLI_CONVERT_H
#define CLI_CONVERT_H

#include "cli/cli.h"

/* Write all of `t` to `path`; on failure nothing is left there. `what` labels the progress bar;
 * *refs counts the references written. */
bool convert_trace(struct vm_trace *t, const char *path, const struct vm_pgt_options *options,
                   const char *what, uint64_t *refs, struct vm_error *e);

#endif
