/* socket.c - sockets of the domain AF_UNIX, between the programs of one run.
 *
 *      connect --> pending of who listens --accept--> two that are each other's peer
 *      send    --> messages of the peer   --receive-->
 *
 * What is sent waits in the receiver as messages. A stream is received across their borders, but
 * for one that brings files, which begins a new reception; any other message is received as a
 * whole. The end of one peer is seen by the other when it has received what came before.
 *
 * Invariants
 *  1. a->peer == b if and only if b->peer == a, but for datagrams, where who is sent to need not
 *     know of it.
 *  2. queued is the sum of what its messages have and was not taken.
 *
 * Source: POSIX.1-2017, 2.10; Linux, unix(7).
 * Not here: credentials as ancillary data, bytes out of band; any other domain.
 */
#include "kernel/socket.h"

#include "base/assert.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* ---- messages ---- */

struct message *vm_message_new(uint64_t bytes)
{
    struct message *m = calloc(1, sizeof *m + bytes);
    if (m)
        m->n = bytes;
    return m;
}

void vm_message_free(struct kernel *k, struct message *m)
{
    for (uint32_t i = 0; i < m->nfiles; i++)
        vm_open_file_release(k, m->files[i]);
    free(m->files);
    free(m);
}

static void drop_messages(struct kernel *k, struct socket *s)
{
    struct message *m;
    while ((m = s->first)) {
        s->first = m->next;
        vm_message_free(k, m);
    }
    s->queued = 0;
}

/* ---- beginning and ending ---- */

struct socket *vm_socket_new(struct kernel *k, int type, uint32_t pid)
{
    struct socket *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    *s = (struct socket){.type = type, .pid = pid, .next = k->sockets};
    return k->sockets = s;
}

struct open_file *vm_socket_file(struct kernel *k, struct socket *s, int flags)
{
    struct open_file *f = vm_open_file_new(&vm_file_socket, O_RDWR | (flags & O_NONBLOCK), NULL);
    (void)k;
    if (f) {
        f->own = s;
        s->file = f;
    }
    return f;
}

void vm_socket_stir(struct kernel *k, struct socket *s)
{
    if (s->file)
        s->file->stirs++;
    vm_wake_all(k, s);
    vm_files_changed(k);
}

static void leave_peer(struct kernel *k, struct socket *s)
{
    struct socket *peer = s->peer;
    if (!peer || s->type == SOCK_DGRAM)
        return;
    peer->peer = NULL;
    peer->hears_no = peer->says_no = true;
    if (s->first) /* it will never be received */
        peer->error = ECONNRESET;
    vm_socket_stir(k, peer);
}

/* Datagrams may have been connected to it without its knowing. */
static void forget(struct kernel *k, const struct socket *s)
{
    for (struct socket *other = k->sockets; other; other = other->next)
        if (other->peer == s) {
            other->peer = NULL;
            other->error = ECONNREFUSED;
        }
}

static void unlink_socket(struct kernel *k, const struct socket *s)
{
    struct socket **link = &k->sockets;
    while (*link != s)
        link = &(*link)->next;
    *link = s->next;
}

void vm_socket_end(struct kernel *k, struct socket *s)
{
    leave_peer(k, s);
    unlink_socket(k, s);
    forget(k, s);
    vm_wake_all(k, s); /* senders that wait for room */
    for (struct socket *p; (p = s->pending);) {
        s->pending = p->next_pending;
        vm_socket_end(k, p);
    }
    drop_messages(k, s);
    free(s);
}

void vm_socket_join(struct socket *a, struct socket *b)
{
    a->peer = b;
    b->peer = a;
    a->state = b->state = SOCKET_CONNECTED;
}

struct socket *vm_socket_bound(struct kernel *k, const struct socket_name *name, struct file_id at)
{
    for (struct socket *s = k->sockets; s; s = s->next) {
        bool same = at.number ? s->at.number == at.number && s->at.device == at.device
                              : !s->at.number && s->name.bytes == name->bytes &&
                                    memcmp(s->name.path, name->path, name->bytes) == 0;
        if (s->file && s->name.bytes && s->state != SOCKET_CONNECTED && same)
            return s;
    }
    return NULL;
}

void vm_socket_shutdown(struct kernel *k, struct socket *s, bool hear, bool say)
{
    s->hears_no |= hear;
    s->says_no |= say;
    if (s->peer) {
        s->peer->hears_no |= say;
        s->peer->says_no |= hear;
        vm_socket_stir(k, s->peer);
    }
    vm_socket_stir(k, s);
}

/* ---- sending and receiving ---- */

int64_t vm_socket_may_send(struct socket *from, const struct socket *to, uint64_t n)
{
    if (!to && from->type == SOCK_DGRAM && from->error) { /* whom it was connected to is gone */
        from->error = 0;
        return -ECONNREFUSED;
    }
    if (from->says_no)
        return -EPIPE;
    if (!to)
        return from->state == SOCKET_CONNECTED && from->type != SOCK_DGRAM ? -EPIPE : -ENOTCONN;
    if (to->hears_no && to->type != SOCK_STREAM)
        return -EPIPE;
    uint64_t room = to->queued < SOCKET_QUEUE_MAX ? SOCKET_QUEUE_MAX - to->queued : 0;
    bool fits = to->type == SOCK_STREAM ? room > 0 : room >= n && (n || room);
    return fits ? 0 : -EAGAIN;
}

void vm_socket_deliver(struct kernel *k, struct socket *to, struct message *m)
{
    struct message **end = &to->first;
    while (*end)
        end = &(*end)->next;
    *end = m;
    to->queued += m->n;
    vm_socket_stir(k, to);
}

struct message *vm_socket_first(struct socket *s, int64_t *result)
{
    bool connects = s->type != SOCK_DGRAM;
    *result = 0;
    if (s->first)
        return s->first;
    if (s->error) {
        *result = -s->error;
        s->error = 0;
    } else if (connects && s->state != SOCKET_CONNECTED) {
        *result = s->type == SOCK_STREAM ? -EINVAL : -ENOTCONN;
    } else if (!s->hears_no) {
        *result = -EAGAIN;
    }
    return NULL;
}

void vm_socket_taken(struct kernel *k, struct socket *s, uint64_t n)
{
    struct message *m = s->first;
    VM_ASSERT(m && n <= m->n - m->taken && n <= s->queued);
    m->taken += n;
    s->queued -= n;
    if (s->type == SOCK_STREAM && m->taken < m->n)
        return;
    s->queued -= m->n - m->taken;
    s->first = m->next;
    vm_message_free(k, m);
    vm_wake_all(k, s);
    if (s->peer)
        vm_socket_stir(k, s->peer);
}

/* ---- as an open file ---- */

static int64_t wait_for(struct kernel *k, struct thread *t, const struct open_file *f,
                        const struct socket *s)
{
    return f->flags & O_NONBLOCK ? -EAGAIN : vm_thread_sleep(k, t, s, VM_TIME_NEVER);
}

/* Files that come with what is read this way are lost, as on Linux. */
static int64_t socket_read(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                           uint64_t n)
{
    struct socket *s = f->own;
    uint64_t got = 0;
    int64_t result;
    const struct message *m = vm_socket_first(s, &result);
    if (!m)
        return result == -EAGAIN ? wait_for(k, t, f, s) : result;
    bool brings;
    do {
        brings = m->nfiles;
        uint64_t left = m->n - m->taken, step = left < n - got ? left : n - got;
        memcpy((uint8_t *)out + got, m->bytes + m->taken, step);
        got += step;
        vm_socket_taken(k, s, step);
    } while (s->type == SOCK_STREAM && got < n && !brings && (m = s->first));
    return (int64_t)got;
}

static int64_t socket_write(struct kernel *k, struct thread *t, struct open_file *f,
                            const void *from, uint64_t n)
{
    struct socket *s = f->own;
    int64_t error = s->type != SOCK_STREAM && n > SOCKET_QUEUE_MAX
                        ? -EMSGSIZE
                        : vm_socket_may_send(s, s->peer, n);
    if (error == -EAGAIN)
        return wait_for(k, t, f, s->peer);
    if (error == -EPIPE)
        vm_signal_thread(k, t, SIGPIPE);
    struct message *m = error || (!n && s->type == SOCK_STREAM) ? NULL : vm_message_new(n);
    if (!m)
        return error || !n ? error : -ENOMEM;
    memcpy(m->bytes, from, n);
    m->from = s->name;
    vm_socket_deliver(k, s->peer, m);
    return (int64_t)n;
}

static unsigned socket_ready(struct kernel *k, struct open_file *f)
{
    const struct socket *s = f->own;
    unsigned ready = s->error ? POLLERR : 0;
    (void)k;
    if (s->first || s->pending)
        ready |= POLLIN;
    if (s->hears_no)
        ready |= POLLIN | POLLRDHUP;
    if ((s->hears_no && s->says_no) || (s->type != SOCK_DGRAM && s->state == SOCKET_FRESH))
        ready |= POLLHUP;
    bool room = !s->peer || s->peer->queued < SOCKET_QUEUE_MAX;
    return ready | (room && s->state != SOCKET_LISTENS ? POLLOUT : 0);
}

static int socket_stat(struct kernel *k, struct open_file *f, struct stat *out)
{
    (void)k;
    (void)f;
    *out = (struct stat){.st_mode = S_IFSOCK | 0777, .st_nlink = 1, .st_blksize = 4096};
    return 0;
}

#define REQUEST_INQ 0x541b /* FIONREAD */

static int64_t socket_ioctl(struct kernel *k, struct thread *t, struct open_file *f,
                            uint64_t request, vm_va at)
{
    const struct socket *s = f->own;
    uint32_t n = (uint32_t)(s->type == SOCK_STREAM || !s->first ? s->queued : s->first->n);
    return request == REQUEST_INQ ? vm_user_write(k, t, at, &n, sizeof n) : -ENOTTY;
}

static void socket_close(struct kernel *k, struct open_file *f)
{
    vm_socket_end(k, f->own);
}

const struct file_ops vm_file_socket = {
    .name = "socket",
    .read = socket_read,
    .write = socket_write,
    .ready = socket_ready,
    .stat = socket_stat,
    .ioctl = socket_ioctl,
    .close = socket_close,
};

/* Sockets that are only in messages to each other: a message that goes may end any of them, so that
 * each is looked for anew. */
void vm_sockets_close(struct kernel *k)
{
    for (;;) {
        struct socket *s = k->sockets;
        while (s && !s->first)
            s = s->next;
        if (!s)
            return;
        struct message *m = s->first;
        s->first = m->next;
        vm_message_free(k, m);
    }
}
