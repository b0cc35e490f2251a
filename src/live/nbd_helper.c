/* nbd_helper.c - the process that speaks to a server of network block devices for one that must
 * not: libnbd allocates and takes locks, and a fault may have interrupted just that.
 *
 * One loop: it waits for the asker and for the server, starts what is asked, and says what is done.
 * A server that is gone is looked for again ten times a second; what was under way is asked again,
 * until a request is older than the timeout. Writing a block twice does no harm.
 *
 * Source: libnbd(3), "Using the asynchronous API".
 */
#include "live/lock.h"
#include "live/nbd_desk.h"

#include <libnbd.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define RETRY_MS 100
static const char magic[16] = "pagoda store 1\n";

struct helper {
    const struct vm_nbd_job *job;
    struct nbd_handle *nbd; /* NULL: the server is gone */
    uint64_t retry_ms;      /* when it is looked for again */
    bool is_over;
};

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- what is asked ---- */

static void wake(struct vm_nbd_desk *desk, _Atomic uint32_t *word)
{
    (void)desk;
    vm_raw_call(SYS_futex, (long)word, FUTEX_WAKE, INT32_MAX, 0, 0, 0);
}

static void asked_done(struct vm_nbd_desk *desk, struct vm_nbd_asked *a, int32_t result)
{
    a->result = result;
    atomic_store(&a->state, VM_NBD_DONE);
    atomic_fetch_add(&desk->ndone, 1);
    wake(desk, &desk->ndone);
}

/* libnbd's word on a request. Where the server went away it is asked again. */
static int on_done(void *asked, int *error)
{
    struct vm_nbd_asked *a = asked;
    if (*error == ENOTCONN || *error == ESHUTDOWN)
        atomic_store(&a->state, VM_NBD_ASKED);
    else
        asked_done(a->desk, a, *error ? -*error : (int32_t)a->bytes);
    return 1;
}

static bool asked_start(struct helper *h, struct vm_nbd_asked *a)
{
    uint8_t *data = h->job->buffers + a->data;
    nbd_completion_callback done = {.callback = on_done, .user_data = a};
    atomic_store(&a->state, VM_NBD_TAKEN);
    int64_t cookie = a->kind == VM_IO_READ
                         ? nbd_aio_pread(h->nbd, data, a->bytes, a->offset, done, 0)
                         : nbd_aio_pwrite(h->nbd, data, a->bytes, a->offset, done, 0);
    if (cookie < 0 && atomic_load(&a->state) == VM_NBD_TAKEN)
        atomic_store(&a->state, VM_NBD_ASKED);
    return cookie >= 0;
}

static void asked_look(struct helper *h)
{
    bool is_ready = h->nbd && nbd_aio_is_ready(h->nbd) == 1;
    for (struct vm_nbd_asked *a = h->job->desk->asked; a < h->job->desk->asked + VM_NBD_DEPTH;
         a++) {
        if (atomic_load(&a->state) != VM_NBD_ASKED)
            continue;
        if (!a->begun_ms)
            a->begun_ms = now_ms();
        if (is_ready)
            is_ready = asked_start(h, a);
    }
}

/* ---- the server ---- */

static void server_leave(struct helper *h)
{
    struct vm_nbd_desk *desk = h->job->desk;
    nbd_close(h->nbd);
    h->nbd = NULL;
    h->retry_ms = now_ms() + RETRY_MS;
    for (struct vm_nbd_asked *a = desk->asked; a < desk->asked + VM_NBD_DEPTH; a++)
        if (atomic_load(&a->state) == VM_NBD_TAKEN)
            atomic_store(&a->state, VM_NBD_ASKED);
}

static void server_look(struct helper *h)
{
    if (h->nbd && (nbd_aio_is_dead(h->nbd) == 1 || nbd_aio_is_closed(h->nbd) == 1))
        server_leave(h);
    if (h->nbd || now_ms() < h->retry_ms)
        return;
    h->nbd = nbd_create();
    if (h->nbd && nbd_aio_connect_uri(h->nbd, h->job->uri) < 0)
        server_leave(h);
}

/* Requests that have waited too long fail; a server that took one and says nothing counts as
 * gone. */
static void timeouts_look(struct helper *h)
{
    struct vm_nbd_desk *desk = h->job->desk;
    uint64_t now = now_ms();
    for (struct vm_nbd_asked *a = desk->asked; a < desk->asked + VM_NBD_DEPTH; a++) {
        uint32_t state = atomic_load(&a->state);
        bool waits = state == VM_NBD_ASKED || state == VM_NBD_TAKEN;
        if (!waits || !a->begun_ms || now < a->begun_ms + h->job->timeout_ms)
            continue;
        if (state == VM_NBD_TAKEN)
            server_leave(h);
        asked_done(desk, a, -EIO);
    }
}

/* ---- the loop ---- */

static short server_events(struct helper *h)
{
    unsigned direction = nbd_aio_get_direction(h->nbd);
    return (short)((direction & LIBNBD_AIO_DIRECTION_READ ? POLLIN : 0) |
                   (direction & LIBNBD_AIO_DIRECTION_WRITE ? POLLOUT : 0));
}

static void asker_hear(struct helper *h)
{
    char bytes[256];
    ssize_t n = recv(h->job->socket, bytes, sizeof bytes, MSG_DONTWAIT);
    h->is_over = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static bool something_waits(const struct helper *h)
{
    for (size_t i = 0; i < VM_NBD_DEPTH; i++) {
        uint32_t state = atomic_load(&h->job->desk->asked[i].state);
        if (state == VM_NBD_ASKED || state == VM_NBD_TAKEN)
            return true;
    }
    return false;
}

static void turn(struct helper *h)
{
    struct pollfd p[2] = {{.fd = h->job->socket, .events = POLLIN}, {.fd = -1}};
    if (h->nbd && (p[1].fd = nbd_aio_get_fd(h->nbd)) >= 0)
        p[1].events = server_events(h);
    int most = !h->nbd || something_waits(h) ? RETRY_MS / 2 : -1;
    if (poll(p, 2, most) < 0)
        return;
    if (p[0].revents)
        asker_hear(h);
    if (p[1].fd >= 0 && p[1].revents & (POLLIN | POLLHUP | POLLERR))
        nbd_aio_notify_read(h->nbd);
    else if (p[1].fd >= 0 && p[1].revents & POLLOUT)
        nbd_aio_notify_write(h->nbd);
    server_look(h);
    asked_look(h);
    timeouts_look(h);
}

/* ---- opening ---- */

static bool say(const struct vm_nbd_job *job, enum vm_code code, const char *what, const char *why)
{
    snprintf(job->desk->message, VM_NBD_MESSAGE, "%s: %s%s%s", job->uri, what, why ? ": " : "",
             why ? why : "");
    atomic_store(&job->desk->opened, (uint32_t)code + 1);
    wake(job->desk, &job->desk->opened);
    return false;
}

/* What is there is ours, or nothing. */
static bool header_begin(struct nbd_handle *nbd, const struct vm_nbd_job *job)
{
    static const char zeros[4096];
    char header[4096];
    if (nbd_pread(nbd, header, sizeof header, 0, 0) < 0)
        return say(job, VM_ESYSTEM, "cannot be read", nbd_get_error());
    if (memcmp(header, zeros, sizeof header) != 0 && memcmp(header, magic, sizeof magic) != 0)
        return say(job, VM_EUSAGE, "what is there is no store: it was left as it is", NULL);
    memset(header, 0, sizeof header);
    memcpy(header, magic, sizeof magic);
    if (nbd_pwrite(nbd, header, sizeof header, 0, 0) < 0)
        return say(job, VM_ESYSTEM, "cannot be written", nbd_get_error());
    return true;
}

static bool server_open(struct helper *h)
{
    const struct vm_nbd_job *job = h->job;
    h->nbd = nbd_create();
    if (!h->nbd || nbd_connect_uri(h->nbd, job->uri) < 0)
        return say(job, VM_ESYSTEM, "no server", nbd_get_error());
    int64_t bytes = nbd_get_size(h->nbd);
    if (nbd_is_read_only(h->nbd) != 0)
        return say(job, VM_EUSAGE, "it cannot be written", NULL);
    if (bytes < 2 * (int64_t)job->header_bytes)
        return say(job, VM_EUSAGE, "it has no room for a page", NULL);
    if (!header_begin(h->nbd, job))
        return false;
    job->desk->server_bytes = (uint64_t)bytes;
    say(job, VM_OK, "open", NULL);
    return true;
}

void vm_nbd_help(const struct vm_nbd_job *job)
{
    struct helper h = {.job = job};
    for (size_t i = 0; i < VM_NBD_DEPTH; i++)
        job->desk->asked[i].desk = job->desk;
    if (server_open(&h))
        while (!h.is_over)
            turn(&h);
    if (h.nbd)
        nbd_close(h.nbd);
}
