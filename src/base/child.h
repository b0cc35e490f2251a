/* child.h - another program as a filter: text goes in, what it prints comes back.
 *
 * There is no shell. Input, output and complaints are unnamed files, so that neither side waits for
 * the other and nothing stays behind.
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stddef.h>
#include <stdio.h>

#define VM_CHILD_COMPLAINT 160

enum vm_child_end {
    VM_CHILD_DONE,
    VM_CHILD_ABSENT, /* there is no such program on PATH */
    VM_CHILD_FAILED, /* it, or the host, said no: `complaint` has why */
};

/* Run argv[0], found on PATH, with the arguments up to NULL and text[bytes] as its standard input.
 * When it ends with status 0 its standard output goes to `out`, else nothing does. `complaint` gets
 * the last line of its standard error, or what the host said. */
enum vm_child_end vm_child_filter(const char *const *argv, const char *text, size_t bytes,
                                  FILE *out, char complaint[VM_CHILD_COMPLAINT]);

#endif
