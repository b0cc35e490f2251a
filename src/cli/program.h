/* program.h - programs of the host that a command is to start. */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include <pagoda/error.h>
#include <stddef.h>

#define PROGRAM_PATH 4096

/* Where execvp would find `name`; false: nowhere. */
bool program_find(const char *name, char out[PROGRAM_PATH]);
/* Whether a library can be loaded into the program at `path` (LD_PRELOAD): it is of this host's
 * processor, linked dynamically, and runs with the caller's rights. A script's interpreter is
 * looked at instead. Errors: VM_EUSAGE, VM_ESYSTEM. */
bool program_takes_library(const char *path, struct vm_error *e);
/* Zeroed memory that a program to be started finds by the descriptor *fd, which closes when it
 * begins unless it is told otherwise; munmap and close it. NULL with the error: VM_ESYSTEM. */
void *program_share(const char *name, size_t bytes, int *fd, struct vm_error *e);

#endif
