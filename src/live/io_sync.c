/* io_sync.c - transfers by pread and pwrite: a request is done when `start` returns. Where io_uring
 * is refused, by a sysctl or a seccomp filter.
 */
#include "base/assert.h"
#include "live/io.h"
#include "live/lock.h"

#include <stdlib.h>

#define DEPTH 128

struct line {
    size_t ndone;
    struct vm_io_done done[DEPTH];
};

static void *sync_open(const void *how, struct vm_error *e)
{
    (void)how;
    struct line *l = calloc(1, sizeof *l);
    if (!l)
        vm_fail(e, VM_ESYSTEM, "no memory for a store");
    return l;
}

static void sync_start(void *io, const struct vm_io_request *request, size_t n)
{
    struct line *l = io;
    for (size_t i = 0; i < n; i++) {
        VM_ASSERT(l->ndone < DEPTH);
        long call = request[i].kind == VM_IO_READ ? SYS_pread64 : SYS_pwrite64;
        l->done[l->ndone++] = (struct vm_io_done){
            request[i].tag, (int32_t)vm_raw_call(call, request[i].file, (long)request[i].data,
                                                 request[i].bytes, (long)request[i].offset, 0, 0)};
    }
}

static size_t sync_reap(void *io, struct vm_io_done *done, size_t cap)
{
    struct line *l = io;
    size_t n = 0;
    while (n < cap && l->ndone)
        done[n++] = l->done[--l->ndone];
    return n;
}

static void sync_wait(void *io)
{
    (void)io; /* what was started is ready */
}

static bool sync_reopen(void *io)
{
    (void)io;
    return true;
}

const struct vm_io_ops vm_io_sync = {
    .depth = DEPTH,
    .open = sync_open,
    .start = sync_start,
    .reap = sync_reap,
    .wait = sync_wait,
    .reopen = sync_reopen,
    .close = free,
};
