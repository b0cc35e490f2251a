/* beside.h - files that come with the program: where it was built, or where it is installed. */
#ifndef CLI_BESIDE_H
#define CLI_BESIDE_H

#include <pagoda/error.h>

#define BESIDE_PATH 4096

/* The path of the file of preload/ that is called `name`. Errors: VM_ESYSTEM. */
bool beside_find(const char *name, char out[BESIDE_PATH], struct vm_error *e);

#endif
