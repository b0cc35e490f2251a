/* io.h - transfers to a medium, several under way at once: what depot.c needs of a file, or of a
 * server. Private to live/.
 *
 * `start` and `reap` are called under the lock of their owner; `wait`, which may last, without it,
 * and by one thread at a time, during which nobody else reaps.
 *
 * All of it but open and close may run where a fault happened.
 */
#ifndef LIVE_IO_H
#define LIVE_IO_H

#include <pagoda/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vm_io_kind { VM_IO_READ, VM_IO_WRITE };

struct vm_io_request {
    enum vm_io_kind kind;
    int file;        /* a descriptor; of a server: ignored */
    uint64_t offset; /* bytes, as `bytes` a multiple of 4096 */
    void *data;      /* aligned to 4096; its memory is the owner's until it is reaped */
    uint32_t bytes;
    uint64_t tag; /* comes back with the result */
};

struct vm_io_done {
    uint64_t tag;
    int32_t result; /* bytes, or -errno */
};

struct vm_io_ops {
    uint32_t depth; /* requests under way at most: the owner does not start more */
    bool is_ahead;  /* requests go on while the thread does: reading ahead pays */
    /* NULL with the error (VM_ESYSTEM): not to be had here. */
    void *(*open)(const void *how, struct vm_error *e);
    void (*start)(void *io, const struct vm_io_request *request, size_t n);
    size_t (*reap)(void *io, struct vm_io_done *done, size_t cap); /* what is ready */
    void (*wait)(void *io);                                        /* until something is */
    /* In a child of fork, where nothing was under way: begin anew. False: it cannot. */
    bool (*reopen)(void *io);
    void (*close)(void *io);
};

/* Through io_uring; by pread and pwrite, one after the other. `how` is NULL. */
extern const struct vm_io_ops vm_io_uring, vm_io_sync;

#endif
