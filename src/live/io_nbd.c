/* io_nbd.c - see io_nbd.h: the asker's side of the desk.
 *
 * The helper is nobody's child but init's, so that the program never waits for it unawares. It ends
 * when the last end of the socket on this side is closed.
 */
#include "live/io_nbd.h"

#include "base/assert.h"
#include "live/lock.h"
#include "live/nbd_desk.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define LOOK_MS 200 /* whether the helper lives */

struct asker {
    struct vm_nbd_desk *desk;
    uint8_t *buffers;
    size_t shared_bytes;
    int socket;
    _Atomic bool is_gone; /* the helper */
};

static size_t desk_room(void)
{
    return (sizeof(struct vm_nbd_desk) + 4095) & ~(size_t)4095;
}

/* In the helper: nothing of the program's is kept open. */
__attribute__((noreturn)) static void helper_live(const struct vm_nbd_job *job)
{
    struct vm_nbd_job own = *job;
    own.socket = dup2(job->socket, 3);
    vm_raw_call(SYS_close_range, 4, UINT32_MAX, 0, 0, 0, 0);
    setsid();
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NAME, "pagoda-nbd");
    vm_nbd_help(&own);
    for (;;)
        vm_raw_call(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

/* False: the host cannot make another process. */
static bool helper_start(const struct vm_nbd_job *job)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        pid_t helper = fork();
        if (helper == 0)
            helper_live(job);
        for (;;)
            vm_raw_call(SYS_exit_group, helper < 0, 0, 0, 0, 0, 0);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return child > 0 && status == 0;
}

static void look_for_helper(struct asker *a)
{
    struct pollfd p = {.fd = a->socket};
    const struct timespec now = {0};
    if (vm_raw_call(SYS_ppoll, (long)&p, 1, (long)&now, 0, 0, 0) > 0 &&
        p.revents & (POLLHUP | POLLERR))
        atomic_store(&a->is_gone, true);
}

/* Until the word is not `value`, or for a while; then says whether the helper is there. */
static void wait_for(struct asker *a, _Atomic uint32_t *word, uint32_t value)
{
    const struct timespec most = {.tv_nsec = LOOK_MS * 1000000L};
    long said = vm_raw_call(SYS_futex, (long)word, FUTEX_WAIT, value, (long)&most, 0, 0);
    if (said == -ETIMEDOUT)
        look_for_helper(a);
}

static bool helper_opened(struct asker *a, struct vm_error *e)
{
    while (!atomic_load(&a->desk->opened) && !atomic_load(&a->is_gone))
        wait_for(a, &a->desk->opened, 0);
    uint32_t opened = atomic_load(&a->desk->opened);
    if (opened == 1)
        return true;
    return vm_fail(e, opened ? (enum vm_code)(opened - 1) : VM_ESYSTEM, "nbd: %s",
                   opened ? a->desk->message : "the process that asks the server ended");
}

static bool asker_begin(struct asker *a, const struct vm_io_nbd_config *config, struct vm_error *e)
{
    int end[2];
    a->shared_bytes = desk_room() + config->buffer_bytes;
    void *shared = mmap(NULL, a->shared_bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (shared == MAP_FAILED)
        return vm_fail(e, VM_ESYSTEM, "nbd: no memory for its buffers");
    a->desk = shared;
    a->buffers = (uint8_t *)shared + desk_room();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, end) < 0)
        return vm_fail(e, VM_ESYSTEM, "nbd: no socket: %s", strerror(errno));
    a->socket = end[0];
    bool is_started = helper_start(&(struct vm_nbd_job){.desk = a->desk,
                                                        .buffers = a->buffers,
                                                        .socket = end[1],
                                                        .uri = config->uri,
                                                        .timeout_ms = config->timeout_ms,
                                                        .header_bytes = config->page_bytes});
    close(end[1]);
    return is_started ? helper_opened(a, e) : vm_fail(e, VM_ESYSTEM, "nbd: cannot fork");
}

static void nbd_close_io(void *io)
{
    struct asker *a = io;
    if (a->socket >= 0)
        close(a->socket);
    if (a->desk)
        munmap(a->desk, a->shared_bytes);
    free(a);
}

static void *nbd_open_io(const void *how, struct vm_error *e)
{
    struct asker *a = calloc(1, sizeof *a);
    if (!a) {
        vm_fail(e, VM_ESYSTEM, "no memory for a store");
        return NULL;
    }
    a->socket = -1;
    if (asker_begin(a, how, e))
        return a;
    nbd_close_io(a);
    return NULL;
}

void *vm_io_nbd_buffers(void *io)
{
    struct asker *a = io;
    return a->buffers;
}

uint64_t vm_io_nbd_bytes(const void *io)
{
    const struct asker *a = io;
    return a->desk->server_bytes;
}

/* ---- transfers ---- */

static struct vm_nbd_asked *asked_free(struct asker *a)
{
    for (size_t i = 0; i < VM_NBD_DEPTH; i++)
        if (atomic_load(&a->desk->asked[i].state) == VM_NBD_FREE)
            return &a->desk->asked[i];
    return NULL;
}

static void nbd_start(void *io, const struct vm_io_request *request, size_t n)
{
    struct asker *a = io;
    for (size_t i = 0; i < n; i++) {
        struct vm_nbd_asked *asked = asked_free(a);
        VM_ASSERT(asked); /* the owner keeps to the depth */
        asked->kind = request[i].kind;
        asked->offset = request[i].offset;
        asked->data = (uint64_t)((uint8_t *)request[i].data - a->buffers);
        asked->bytes = request[i].bytes;
        asked->tag = request[i].tag;
        asked->begun_ms = 0;
        atomic_store(&asked->state, VM_NBD_ASKED);
    }
    /* Full, the socket has bytes enough to be heard. */
    long said = vm_raw_call(SYS_sendto, a->socket, (long)"", 1, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
    if (said == -EPIPE || said == -ECONNRESET)
        atomic_store(&a->is_gone, true);
}

/* A helper that is gone will do nothing more of what it was asked. */
static bool is_ready(const struct asker *a, const struct vm_nbd_asked *asked)
{
    uint32_t state = atomic_load(&asked->state);
    return state == VM_NBD_DONE || (state != VM_NBD_FREE && atomic_load(&a->is_gone));
}

static size_t nbd_reap(void *io, struct vm_io_done *done, size_t cap)
{
    struct asker *a = io;
    size_t n = 0;
    for (size_t i = 0; i < VM_NBD_DEPTH && n < cap; i++) {
        struct vm_nbd_asked *asked = &a->desk->asked[i];
        if (!is_ready(a, asked))
            continue;
        bool is_done = atomic_load(&asked->state) == VM_NBD_DONE;
        done[n++] = (struct vm_io_done){asked->tag, is_done ? asked->result : -EIO};
        atomic_store(&asked->state, VM_NBD_FREE);
    }
    return n;
}

static void nbd_wait(void *io)
{
    struct asker *a = io;
    for (;;) {
        uint32_t seen = atomic_load(&a->desk->ndone);
        for (size_t i = 0; i < VM_NBD_DEPTH; i++)
            if (is_ready(a, &a->desk->asked[i]))
                return;
        wait_for(a, &a->desk->ndone, seen);
    }
}

static bool nbd_reopen(void *io)
{
    (void)io;
    return false;
}

const struct vm_io_ops vm_io_nbd = {
    .depth = VM_NBD_DEPTH,
    .is_ahead = true,
    .open = nbd_open_io,
    .start = nbd_start,
    .reap = nbd_reap,
    .wait = nbd_wait,
    .reopen = nbd_reopen,
    .close = nbd_close_io,
};
