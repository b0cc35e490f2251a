/* heapcheck_guest.h - `pagoda heapcheck` of a RISC-V program: run by Pagoda's kernel, which sees
 * each instruction. */
#ifndef CLI_HEAPCHECK_GUEST_H
#define CLI_HEAPCHECK_GUEST_H

#include "base/heap_findings.h"
#include "cli/cli.h"

/* The program of the command line is one: an ELF file for RISC-V, or whatever --root has. */
bool heapcheck_is_guest(const struct args *a);
/* Run it. *status is as wait4 gives it. Errors: those of vm_kernel_run. */
bool heapcheck_run_guest(const struct args *a, struct heap_findings *f, int *status,
                         struct vm_error *e);

#endif
