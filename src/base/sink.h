/* sink.h - an output file that appears whole or not at all.
 *
 * Bytes go to an unnamed file in the target's directory (O_TMPFILE), which gets its name only in
 * vm_sink_commit; a crash, a full disk or a signal leaves nothing behind. Where the file system has
 * no unnamed files a named "*.part" stands in and is removed on abort. A target that exists and is
 * not a regular file (a pipe, /dev/null, "-") is written directly.
 */
#ifndef BASE_SINK_H
#define BASE_SINK_H

#include <pagoda/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm_sink;

struct vm_sink *vm_sink_open(const char *path, struct vm_error *e);
bool vm_sink_write(struct vm_sink *s, const void *data, size_t bytes, struct vm_error *e);
uint64_t vm_sink_offset(const struct vm_sink *s);           /* bytes written so far */
bool vm_sink_commit(struct vm_sink *s, struct vm_error *e); /* frees s either way */
void vm_sink_abort(struct vm_sink *s);                      /* NULL is fine */

#endif
