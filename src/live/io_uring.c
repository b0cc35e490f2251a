/* io_uring.c - transfers by io_uring, through liburing, whose functions are plain stores to rings
 * and one system call: no memory is asked for but when the ring is made.
 *
 * A ring belongs to the process that made it: a child of fork unmaps it and makes its own.
 */
#include "base/assert.h"
#include "live/io.h"
#include "live/lock.h"

#include <liburing.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 128

struct ring {
    struct io_uring uring;
};

static bool ring_make(struct ring *r, struct vm_error *e)
{
    int error = io_uring_queue_init(DEPTH, &r->uring, 0);
    return !error || vm_fail(e, VM_ESYSTEM, "io_uring is refused: %s", strerror(-error));
}

static void *uring_open(const void *how, struct vm_error *e)
{
    (void)how;
    struct ring *r = calloc(1, sizeof *r);
    if (!r)
        vm_fail(e, VM_ESYSTEM, "no memory for a ring");
    if (r && ring_make(r, e))
        return r;
    free(r);
    return NULL;
}

static void uring_start(void *io, const struct vm_io_request *request, size_t n)
{
    struct ring *r = io;
    for (size_t i = 0; i < n; i++) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&r->uring);
        VM_ASSERT(sqe); /* the owner keeps to the depth */
        if (request[i].kind == VM_IO_READ)
            io_uring_prep_read(sqe, request[i].file, request[i].data, request[i].bytes,
                               request[i].offset);
        else
            io_uring_prep_write(sqe, request[i].file, request[i].data, request[i].bytes,
                                request[i].offset);
        sqe->user_data = request[i].tag;
    }
    while (io_uring_sq_ready(&r->uring) && io_uring_submit(&r->uring) == -EINTR)
        ;
}

static size_t uring_reap(void *io, struct vm_io_done *done, size_t cap)
{
    struct ring *r = io;
    struct io_uring_cqe *cqe;
    size_t n = 0;
    /* What the kernel had no memory to take, it is given again. */
    if (io_uring_sq_ready(&r->uring))
        io_uring_submit(&r->uring);
    while (n < cap && !io_uring_peek_cqe(&r->uring, &cqe)) {
        done[n++] = (struct vm_io_done){cqe->user_data, cqe->res};
        io_uring_cqe_seen(&r->uring, cqe);
    }
    return n;
}

/* Not by io_uring_wait_cqe: what it sees beside the completions belongs to who has the lock. */
static void uring_wait(void *io)
{
    struct ring *r = io;
    vm_raw_call(SYS_io_uring_enter, r->uring.ring_fd, 0, 1, IORING_ENTER_GETEVENTS, 0, 8);
}

static bool uring_reopen(void *io)
{
    struct vm_error e;
    struct ring *r = io;
    io_uring_queue_exit(&r->uring);
    return ring_make(r, &e);
}

static void uring_close(void *io)
{
    struct ring *r = io;
    io_uring_queue_exit(&r->uring);
    free(r);
}

const struct vm_io_ops vm_io_uring = {
    .depth = DEPTH,
    .is_ahead = true,
    .open = uring_open,
    .start = uring_start,
    .reap = uring_reap,
    .wait = uring_wait,
    .reopen = uring_reopen,
    .close = uring_close,
};
