/* error.h - what went wrong, for a person, and by kind, for an exit status.
 *
 * A fault of the simulated machine is data and never comes here. Bad input is a struct vm_error
 * with the place, what was wrong and what was expected. A broken invariant asserts.
 *
 * Convention: a function that can fail takes `struct vm_error *` last and returns bool (false:
 * failed, the error is filled) or a pointer (NULL: failed). Out parameters are untouched then,
 * unless said otherwise.
 */
#ifndef PAGODA_ERROR_H
#define PAGODA_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* Also the exit statuses of pagoda(1). */
enum vm_code {
    VM_OK = 0,
    VM_EUSAGE = 2,   /* an unknown option, key or name; a value out of range */
    VM_EINPUT = 3,   /* a trace or description that is truncated, corrupt or of the wrong kind */
    VM_ESYSTEM = 4,  /* the host said no: file not found, disk full, out of memory */
    VM_EMACHINE = 5, /* a machine that cannot be built, or that ran out of memory or swap */
};

struct vm_error {
    enum vm_code code;
    char text[320]; /* one line, no newline, starting with the place: "gcc.lackey:12048: bad ..." */
    char hint[160]; /* what to try, or empty */
};

void vm_error_fill(struct vm_error *e, enum vm_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void vm_error_hint(struct vm_error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void vm_error_unknown(struct vm_error *e, const char *noun, const char *name,
                      const char *const *known, size_t n);

/* The three below are false, visibly to the compiler, so that a caller can `return vm_fail(...)`
 * and its callers are known not to go on. */

/* Fill `e`, without a hint. */
#define vm_fail(e, code, ...)                                                                      \
    ({                                                                                             \
        vm_error_fill(e, code, __VA_ARGS__);                                                       \
        false;                                                                                     \
    })

/* Add a hint to a filled error. */
#define vm_hint(e, ...)                                                                            \
    ({                                                                                             \
        vm_error_hint(e, __VA_ARGS__);                                                             \
        false;                                                                                     \
    })

/* Fail with VM_EUSAGE for an unknown `name` of kind `noun` ("policy"); the hint names the nearest
 * of the n known names, or lists them where none is near. */
#define vm_fail_unknown(e, noun, name, known, n)                                                   \
    ({                                                                                             \
        vm_error_unknown(e, noun, name, known, n);                                                 \
        false;                                                                                     \
    })

#endif
