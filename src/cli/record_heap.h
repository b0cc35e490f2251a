/* record_heap.h - `pagoda record --heap`: what a program asks of its heap, by a library that is
 * loaded into it. */
#ifndef CLI_RECORD_HEAP_H
#define CLI_RECORD_HEAP_H

#include "cli/cli.h"

/* Run `program` and write what it asks to `path`; *requests counts it, *status is as waitpid gives
 * it. Errors: VM_ESYSTEM (no library, no memory, nothing was told). */
bool record_heap(char **program, const char *path, const char *origin, uint64_t *requests,
                 int *status, struct vm_error *e);

#endif
