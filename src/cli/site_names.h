/* site_names.h - addresses of code in another program, as people read them: the file that lies
 * there, and the function, by the file's symbols. */
#ifndef CLI_SITE_NAMES_H
#define CLI_SITE_NAMES_H

#include "base/request_ring.h"

#include <pagoda/error.h>

#define SITE_NAME 1024

struct site_names;

/* Over module[n], which stays where it is. Errors: VM_ESYSTEM. */
struct site_names *site_names_open(const struct request_module *module, uint32_t n,
                                   struct vm_error *e);
void site_names_close(struct site_names *s); /* NULL is fine */
/* "libc.so.6+0x81d5 (fopen+0x4b)", or the address. A call returns to `pc`: the call is before it,
 * and so is the function if it ends there. Returns out. */
const char *site_name(struct site_names *s, uint32_t image, uint64_t pc, char out[SITE_NAME]);
/* The same of an address that is nobody's return: of the instruction at `pc`. */
const char *site_name_at(struct site_names *s, uint32_t image, uint64_t pc, char out[SITE_NAME]);

#endif
