/* bytes.h - a source of bytes: a file, a pipe or memory, with gzip, xz, zstd and zip undone.
 *
 * Compression is found by magic number, nested never. A zip archive reads as its members one after
 * the other in the archive's order. The reader sees a window that it looks into (peek) and
 * consumes (skip); nothing is copied twice for a plain file.
 *
 * Invariants: offset() counts the bytes skipped since the beginning, after decompression; bytes
 * that peek has shown stay valid until the next peek or seek.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <pagoda/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm_bytes;

/* `path`, or "-" for standard input. Errors: VM_ESYSTEM (not found, a directory, unreadable),
 * VM_EINPUT (a damaged compressed stream; also from peek). */
struct vm_bytes *vm_bytes_open(const char *path, struct vm_error *e);
struct vm_bytes *vm_bytes_open_memory(const void *data, size_t bytes, const char *name,
                                      struct vm_error *e);

#define VM_BYTES_PEEK_MAX (1u << 20)

/* Look at the next `want` <= VM_BYTES_PEEK_MAX bytes, or as many as are left: their start, and
 * *got how many there are at least in one piece (it may be more than want). *got < want only at the
 * end. NULL: an error (with *got 0). */
const uint8_t *vm_bytes_peek(struct vm_bytes *b, size_t want, size_t *got, struct vm_error *e);
/* Consume n bytes that peek has shown. */
void vm_bytes_skip(struct vm_bytes *b, size_t n);
uint64_t vm_bytes_offset(const struct vm_bytes *b);
/* Whether seek can work: a plain regular file or memory, not compressed. */
bool vm_bytes_seekable(const struct vm_bytes *b);
bool vm_bytes_seek(struct vm_bytes *b, uint64_t offset, struct vm_error *e);
/* Size of the content if known without reading it (seekable sources), else 0. */
uint64_t vm_bytes_size(const struct vm_bytes *b);
/* For progress: how far in the file as stored, and its size (0 for pipes). */
void vm_bytes_progress(const struct vm_bytes *b, uint64_t *done, uint64_t *all);
/* XXH3-64 of all bytes skipped so far (of a source that was seeked: of what was read). */
uint64_t vm_bytes_hash(const struct vm_bytes *b);
const char *vm_bytes_name(const struct vm_bytes *b); /* for messages */
void vm_bytes_close(struct vm_bytes *b);             /* NULL is fine */

#endif
