/* call_socket.c - system calls on sockets. What sockets do is socket.c's.
 *
 * A socket is bound to a node of the host's tree below the root, which is made for it, or to an
 * abstract name, which is of the run alone. Any domain but AF_UNIX is refused with EAFNOSUPPORT:
 * there is no network.
 *
 * Source: POSIX.1-2017, bind, connect, sendmsg, recvmsg; Linux, unix(7), cmsg(3).
 */
#include "base/assert.h"
#include "kernel/pieces.h"
#include "kernel/socket.h"

#include <fcntl.h>
#include <linux/un.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- descriptors ---- */

static struct socket *socket_at(const struct thread *t, uint64_t fd, int64_t *error)
{
    const struct open_file *f = vm_fd_file(t, fd);
    struct socket *s = f ? vm_socket_of(f) : NULL;
    *error = !f ? -EBADF : !s ? -ENOTSOCK : 0;
    return s;
}

static bool waits_not(const struct socket *s, uint64_t flags)
{
    return (s->file->flags & O_NONBLOCK) || (flags & MSG_DONTWAIT);
}

static int64_t check_kind(const uint64_t *a)
{
    uint64_t type = a[1] & 0xf;
    if (a[1] & ~(uint64_t)(0xf | SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    if ((int32_t)a[0] != AF_UNIX)
        return -EAFNOSUPPORT;
    if (a[2] != 0 && a[2] != AF_UNIX)
        return -EPROTONOSUPPORT;
    return type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET ? -ESOCKTNOSUPPORT
                                                                               : 0;
}

/* A socket and its file, which has no user yet. */
static struct socket *open_socket(struct kernel *k, struct thread *t, uint64_t type)
{
    struct socket *s = vm_socket_new(k, (int)type & 0xf, t->process->pid);
    if (s && !vm_socket_file(k, s, (int)type)) {
        vm_socket_end(k, s);
        return NULL;
    }
    return s;
}

int64_t vm_call_socket(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error = check_kind(a);
    struct socket *s = error ? NULL : open_socket(k, t, a[1]);
    if (!s)
        return error ? error : -ENOMEM;
    return vm_fd_give(k, t, s->file, a[1] & SOCK_CLOEXEC);
}

int64_t vm_call_socketpair(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error = check_kind(a);
    if (error)
        return error;
    struct socket *one = open_socket(k, t, a[1]), *two = one ? open_socket(k, t, a[1]) : NULL;
    if (two)
        vm_socket_join(one, two);
    int64_t first = one ? vm_fd_give(k, t, one->file, a[1] & SOCK_CLOEXEC) : -ENOMEM;
    int64_t second = two ? vm_fd_give(k, t, two->file, a[1] & SOCK_CLOEXEC) : -ENOMEM;
    int32_t fd[2] = {(int32_t)first, (int32_t)second};
    error = first < 0 ? first : second < 0 ? second : vm_user_write(k, t, a[3], fd, sizeof fd);
    if (error && first >= 0)
        vm_fd_close(k, t, (uint64_t)first);
    if (error && second >= 0)
        vm_fd_close(k, t, (uint64_t)second);
    return error;
}

/* ---- names ---- */

struct address {
    uint16_t domain;
    char path[SOCKET_PATH_BYTES];
};

static int64_t read_name(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes,
                         struct socket_name *name)
{
    struct address address = {0};
    uint64_t head = offsetof(struct address, path);
    *name = (struct socket_name){0};
    if (bytes < sizeof address.domain || bytes > sizeof address)
        return -EINVAL;
    if (vm_user_read(k, t, &address, va, bytes))
        return -EFAULT;
    if (address.domain != AF_UNIX)
        return -EINVAL;
    memcpy(name->path, address.path, sizeof name->path);
    name->bytes = (uint32_t)(bytes - head);
    if (name->bytes && name->path[0])
        name->bytes = (uint32_t)strnlen(name->path, name->bytes) + 1;
    return name->bytes > SOCKET_PATH_BYTES ? -EINVAL : 0;
}

/* `bytes_at` has the room there is, and then what the whole name takes. */
static int64_t give_name(struct kernel *k, struct thread *t, const struct socket_name *name,
                         vm_va va, vm_va bytes_at)
{
    struct address address = {.domain = AF_UNIX};
    uint32_t room, bytes = (uint32_t)offsetof(struct address, path) + name->bytes;
    memcpy(address.path, name->path, name->bytes);
    if (vm_user_read(k, t, &room, bytes_at, sizeof room))
        return -EFAULT;
    if ((int32_t)room < 0)
        return -EINVAL;
    if (vm_user_write(k, t, va, &address, room < bytes ? room : bytes))
        return -EFAULT;
    return vm_user_write(k, t, bytes_at, &bytes, sizeof bytes);
}

static int64_t absolute(struct kernel *k, struct thread *t, const struct socket_name *name,
                        char out[PATH_BYTES])
{
    char path[SOCKET_PATH_BYTES + 1] = "";
    memcpy(path, name->path, name->bytes);
    return vm_path_absolute(k, t, AT_FDCWD, path, out);
}

/* The host's node that has the name; an abstract name has none. */
static int64_t node_of(struct kernel *k, struct thread *t, const struct socket_name *name,
                       struct file_id *at)
{
    char path[PATH_BYTES];
    struct stat s;
    *at = (struct file_id){0};
    if (!name->path[0])
        return 0;
    int64_t error = absolute(k, t, name, path);
    int fd = error ? (int)error : vm_path_host(k, path, O_PATH, 0);
    if (fd < 0)
        return fd;
    error = fstat(fd, &s) == 0 ? 0 : -errno;
    close(fd);
    *at = (struct file_id){s.st_dev, s.st_ino};
    return error ? error : S_ISSOCK(s.st_mode) ? 0 : -ECONNREFUSED;
}

static int64_t make_node(struct kernel *k, struct thread *t, const struct socket_name *name)
{
    char path[PATH_BYTES];
    const char *last;
    int64_t error = absolute(k, t, name, path);
    if (error)
        return error;
    int fd = k->c->writable ? vm_path_parent(k, path, &last) : -EROFS;
    if (fd < 0)
        return fd;
    error = vm_path_is_kept(k, path, fd)                                               ? -EROFS
            : mknodat(fd, last, S_IFSOCK | (0777 & ~t->process->where->umask), 0) == 0 ? 0
                                                                                       : -errno;
    close(fd);
    return error == -EEXIST ? -EADDRINUSE : error;
}

int64_t vm_call_bind(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct socket_name name;
    struct file_id at;
    int64_t error;
    struct socket *s = socket_at(t, a[0], &error);
    if (!error)
        error = read_name(k, t, a[1], (uint32_t)a[2], &name);
    if (error)
        return error;
    if (!name.bytes)
        return -EINVAL;
    if (s->name.bytes)
        return name.path[0] && node_of(k, t, &name, &at) == 0 ? -EADDRINUSE : -EINVAL;
    if (name.path[0])
        error = make_node(k, t, &name);
    else if (vm_socket_bound(k, &name, (struct file_id){0}))
        error = -EADDRINUSE;
    if (!error)
        error = node_of(k, t, &name, &s->at);
    if (!error)
        s->name = name;
    return error;
}

/* The socket that has the name, of the type: NULL: *error. */
static struct socket *find_named(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes,
                                 int type, int64_t *error)
{
    struct socket_name name;
    struct file_id at;
    *error = read_name(k, t, va, bytes, &name);
    if (!*error && !name.bytes)
        *error = -EINVAL;
    if (!*error)
        *error = node_of(k, t, &name, &at);
    struct socket *s = *error ? NULL : vm_socket_bound(k, &name, at);
    if (!*error)
        *error = !s ? -ECONNREFUSED : s->type != type ? -EPROTOTYPE : 0;
    return *error ? NULL : s;
}

/* ---- connections ---- */

int64_t vm_call_listen(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error;
    struct socket *s = socket_at(t, a[0], &error);
    (void)k;
    if (error)
        return error;
    if (s->type == SOCK_DGRAM)
        return -EOPNOTSUPP;
    if (!s->name.bytes || s->state == SOCKET_CONNECTED)
        return -EINVAL;
    s->state = SOCKET_LISTENS;
    s->pid = t->process->pid;
    s->backlog = a[1] < SOMAXCONN ? (uint32_t)a[1] : SOMAXCONN;
    return 0;
}

/* The other half of the connection waits to be accepted. */
static int64_t connect_to(struct kernel *k, struct thread *t, struct socket *s,
                          struct socket *listener)
{
    if (listener->state != SOCKET_LISTENS)
        return -ECONNREFUSED;
    if (listener->npending > listener->backlog)
        return waits_not(s, 0) ? -EAGAIN : vm_thread_sleep(k, t, listener, VM_TIME_NEVER);
    struct socket *half = vm_socket_new(k, s->type, listener->pid);
    if (!half)
        return -ENOMEM;
    half->name = listener->name;
    half->at = listener->at;
    vm_socket_join(s, half);
    s->pid = t->process->pid;
    struct socket **end = &listener->pending;
    while (*end)
        end = &(*end)->next_pending;
    *end = half;
    listener->npending++;
    vm_socket_stir(k, listener);
    vm_socket_stir(k, s);
    return 0;
}

/* A datagram's peer is whom it sends to; one without a domain ends that. */
static int64_t connect_datagram(struct kernel *k, struct thread *t, struct socket *s,
                                const uint64_t *a)
{
    uint16_t domain;
    int64_t error;
    if (vm_user_read(k, t, &domain, a[1], sizeof domain))
        return -EFAULT;
    s->peer =
        domain == AF_UNSPEC ? NULL : find_named(k, t, a[1], (uint32_t)a[2], SOCK_DGRAM, &error);
    if (domain == AF_UNSPEC)
        error = 0;
    return error;
}

int64_t vm_call_connect(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error;
    struct socket *s = socket_at(t, a[0], &error);
    if (error)
        return error;
    if (s->type == SOCK_DGRAM)
        return connect_datagram(k, t, s, a);
    struct socket *listener = find_named(k, t, a[1], (uint32_t)a[2], s->type, &error);
    if (error)
        return error;
    if (s->state != SOCKET_FRESH)
        return s->state == SOCKET_CONNECTED ? -EISCONN : -EINVAL;
    return connect_to(k, t, s, listener);
}

static int64_t accept_one(struct kernel *k, struct thread *t, const uint64_t *a, uint64_t flags)
{
    int64_t error;
    struct socket *s = socket_at(t, a[0], &error);
    if (error || (flags & ~(uint64_t)(SOCK_NONBLOCK | SOCK_CLOEXEC)))
        return error ? error : -EINVAL;
    if (s->type == SOCK_DGRAM)
        return -EOPNOTSUPP;
    if (s->state != SOCKET_LISTENS)
        return -EINVAL;
    struct socket *half = s->pending;
    if (!half)
        return waits_not(s, 0) ? -EAGAIN : vm_thread_sleep(k, t, s, VM_TIME_NEVER);
    const struct socket_name none = {0}, *of = half->peer ? &half->peer->name : &none;
    error = a[1] ? give_name(k, t, of, a[1], a[2]) : 0;
    if (error)
        return error;
    if (!vm_socket_file(k, half, (int)flags))
        return -ENOMEM;
    s->pending = half->next_pending;
    s->npending--;
    vm_wake_all(k, s); /* who waits to be let in */
    return vm_fd_give(k, t, half->file, flags & SOCK_CLOEXEC);
}

int64_t vm_call_accept(struct kernel *k, struct thread *t, const uint64_t *a)
{
    return accept_one(k, t, a, 0);
}

int64_t vm_call_accept4(struct kernel *k, struct thread *t, const uint64_t *a)
{
    return accept_one(k, t, a, a[3]);
}

int64_t vm_call_shutdown(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error;
    struct socket *s = socket_at(t, a[0], &error);
    if (error || a[1] > SHUT_RDWR)
        return error ? error : -EINVAL;
    vm_socket_shutdown(k, s, a[1] != SHUT_WR, a[1] != SHUT_RD);
    return 0;
}

int64_t vm_call_getsockname(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error;
    const struct socket *s = socket_at(t, a[0], &error);
    return error ? error : give_name(k, t, &s->name, a[1], a[2]);
}

int64_t vm_call_getpeername(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error;
    const struct socket *s = socket_at(t, a[0], &error);
    if (error || !s->peer)
        return error ? error : -ENOTCONN;
    return give_name(k, t, &s->peer->name, a[1], a[2]);
}

/* ---- options ---- */

/* Those that make no difference here are taken, and forgotten. */
int64_t vm_call_setsockopt(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error;
    uint32_t value;
    if (!socket_at(t, a[0], &error))
        return error;
    if (a[1] != SOL_SOCKET)
        return -ENOPROTOOPT;
    if ((uint32_t)a[4] < sizeof value)
        return -EINVAL;
    if (vm_user_read(k, t, &value, a[3], sizeof value))
        return -EFAULT;
    switch (a[2]) {
    case SO_REUSEADDR:
    case SO_KEEPALIVE:
    case SO_SNDBUF:
    case SO_RCVBUF:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

/* False: there is no such option. */
static bool option_of(struct socket *s, uint64_t option, uint32_t *value)
{
    switch (option) {
    case SO_TYPE:
        *value = (uint32_t)s->type;
        return true;
    case SO_DOMAIN:
        *value = AF_UNIX;
        return true;
    case SO_ACCEPTCONN:
        *value = s->state == SOCKET_LISTENS;
        return true;
    case SO_SNDBUF:
    case SO_RCVBUF:
        *value = SOCKET_QUEUE_MAX;
        return true;
    case SO_ERROR:
        *value = (uint32_t)s->error;
        s->error = 0;
        return true;
    case SO_PROTOCOL:
    case SO_REUSEADDR:
    case SO_KEEPALIVE:
        *value = 0;
        return true;
    default:
        return false;
    }
}

int64_t vm_call_getsockopt(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error;
    struct socket *s = socket_at(t, a[0], &error);
    uint32_t room, value[3] = {0}, bytes = sizeof value[0];
    if (error)
        return error;
    if (vm_user_read(k, t, &room, a[4], sizeof room))
        return -EFAULT;
    if (a[1] != SOL_SOCKET)
        return -EOPNOTSUPP;
    if (a[2] == SO_PEERCRED) {
        value[0] = s->peer ? s->peer->pid : 0; /* and user and group 0 */
        bytes = sizeof value;
    } else if (!option_of(s, a[2], value)) {
        return -ENOPROTOOPT;
    }
    bytes = room < bytes ? room : bytes;
    if (vm_user_write(k, t, a[3], value, bytes))
        return -EFAULT;
    return vm_user_write(k, t, a[4], &bytes, sizeof bytes);
}

/* ---- files that go with a message ---- */

/* A struct cmsghdr of a program. */
struct ancillary {
    uint64_t bytes;
    int32_t level, kind;
};
#define FILES_MAX 253 /* SCM_MAX_FD */

static int64_t take_files(struct kernel *k, struct thread *t, vm_va at, uint64_t n,
                          struct message *m)
{
    struct open_file **grown = realloc(m->files, (m->nfiles + n) * sizeof(struct open_file *));
    if (!grown)
        return -ENOMEM;
    m->files = grown;
    for (uint64_t i = 0; i < n; i++) {
        int32_t fd;
        if (vm_user_read(k, t, &fd, at + i * sizeof fd, sizeof fd))
            return -EFAULT;
        struct open_file *f = fd < 0 ? NULL : vm_fd_file(t, (uint64_t)fd);
        if (!f)
            return -EBADF;
        vm_open_file_hold(f);
        m->files[m->nfiles++] = f;
    }
    return 0;
}

static int64_t take_ancillary(struct kernel *k, struct thread *t, vm_va at, uint64_t bytes,
                              struct message *m)
{
    struct ancillary head;
    for (uint64_t done = 0; bytes - done >= sizeof head && bytes >= done;) {
        if (vm_user_read(k, t, &head, at + done, sizeof head))
            return -EFAULT;
        if (head.bytes < sizeof head || head.bytes > bytes - done)
            return -EINVAL;
        uint64_t n = (head.bytes - sizeof head) / sizeof(int32_t);
        if (head.level == SOL_SOCKET && (head.kind != SCM_RIGHTS || m->nfiles + n > FILES_MAX))
            return -EINVAL;
        int64_t error =
            head.level == SOL_SOCKET && n ? take_files(k, t, at + done + sizeof head, n, m) : 0;
        if (error)
            return error;
        done += (head.bytes + 7) & ~UINT64_C(7);
    }
    return 0;
}

/* ---- sending ---- */

/* A struct msghdr of a program. */
struct header {
    uint64_t name;
    uint32_t name_bytes, pad;
    uint64_t pieces, npieces, ancillary, ancillary_bytes;
    uint32_t flags, pad2;
};

/* A message's header, for a call on the socket: NULL: *error. */
static struct socket *read_header(struct kernel *k, struct thread *t, const uint64_t *a,
                                  struct header *h, int64_t *error)
{
    struct socket *s = socket_at(t, a[0], error);
    if (!s)
        return NULL;
    *error = vm_user_read(k, t, h, a[1], sizeof *h);
    return *error ? NULL : s;
}

struct sending {
    struct pieces all;
    uint64_t bytes, flags;
    vm_va name, ancillary; /* 0: none */
    uint64_t name_bytes, ancillary_bytes;
};

static struct message *fill(struct kernel *k, struct thread *t, const struct socket *s,
                            const struct sending *x, uint64_t n, int64_t *error)
{
    struct message *m = vm_message_new(n);
    *error = m ? vm_pieces_read(k, t, &x->all, t->progress, m->bytes, n) : -ENOMEM;
    if (!*error && x->ancillary && !t->progress)
        *error = take_ancillary(k, t, x->ancillary, x->ancillary_bytes, m);
    if (m)
        m->from = s->name;
    if (*error && m)
        vm_message_free(k, m);
    return *error ? NULL : m;
}

/* One message, or what fits of a stream. */
static int64_t send_some(struct kernel *k, struct thread *t, struct socket *s, struct socket *to,
                         const struct sending *x)
{
    uint64_t n = x->bytes - t->progress;
    int64_t error = vm_socket_may_send(s, to, n);
    if (error == -EAGAIN)
        return waits_not(s, x->flags) ? -EAGAIN : vm_thread_sleep(k, t, to, VM_TIME_NEVER);
    if (error == -EPIPE && !(x->flags & MSG_NOSIGNAL))
        vm_signal_thread(k, t, SIGPIPE);
    if (error)
        return error;
    if (s->type == SOCK_STREAM && n > SOCKET_QUEUE_MAX - to->queued)
        n = SOCKET_QUEUE_MAX - to->queued;
    struct message *m = fill(k, t, s, x, n, &error);
    if (!m)
        return error;
    vm_socket_deliver(k, to, m);
    t->progress += n;
    return 0;
}

static int64_t send_all(struct kernel *k, struct thread *t, struct socket *s,
                        const struct sending *x)
{
    int64_t error = 0;
    struct socket *to = s->peer;
    if (x->name && s->type == SOCK_DGRAM)
        to = find_named(k, t, x->name, x->name_bytes, s->type, &error);
    else if (x->name && s->type == SOCK_STREAM)
        error = s->state == SOCKET_CONNECTED ? -EISCONN : -EOPNOTSUPP;
    if (!error && s->type != SOCK_STREAM && x->bytes > SOCKET_QUEUE_MAX)
        error = -EMSGSIZE;
    if (!error && s->type == SOCK_STREAM && x->bytes == 0)
        return 0;
    do
        error = error ? error : send_some(k, t, s, to, x);
    while (!error && t->progress < x->bytes);
    if (error == CALL_SLEEPS)
        return error;
    return t->progress ? (int64_t)t->progress : error;
}

int64_t vm_call_sendto(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error;
    struct socket *s = socket_at(t, a[0], &error);
    struct sending x = {.all = vm_pieces_one(a[1], a[2]),
                        .flags = a[3],
                        .name = a[4],
                        .name_bytes = (uint32_t)a[5]};
    x.bytes = x.all.one.bytes;
    return error ? error : send_all(k, t, s, &x);
}

int64_t vm_call_sendmsg(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error;
    struct header h;
    struct socket *s = read_header(k, t, a, &h, &error);
    if (!s)
        return error;
    struct sending x = {.all = {.at = h.pieces, .n = h.npieces},
                        .flags = a[2],
                        .name = h.name,
                        .name_bytes = h.name_bytes,
                        .ancillary = h.ancillary_bytes ? h.ancillary : 0,
                        .ancillary_bytes = h.ancillary_bytes};
    error = vm_pieces_check(k, t, &x.all, &x.bytes);
    return error == -EINVAL && h.npieces > 1024 ? -EMSGSIZE : error ? error : send_all(k, t, s, &x);
}

/* ---- receiving ---- */

struct reception {
    struct pieces all;
    uint64_t bytes, flags;
    vm_va ancillary;
    uint64_t ancillary_bytes; /* that there is room for; then that were given */
    uint32_t told;            /* MSG_TRUNC, MSG_CTRUNC */
    struct socket_name from;
};

/* The message's files become descriptors of the process, as many as there is room for. */
static int64_t give_files(struct kernel *k, struct thread *t, struct message *m,
                          struct reception *x)
{
    struct ancillary head = {.level = SOL_SOCKET, .kind = SCM_RIGHTS};
    uint64_t room =
        x->ancillary_bytes > sizeof head ? (x->ancillary_bytes - sizeof head) / sizeof(int32_t) : 0;
    uint64_t n = m->nfiles < room ? m->nfiles : room, given = 0;
    for (; x->ancillary && given < n; given++) {
        int64_t fd = vm_fd_install(t, m->files[given], 0, x->flags & MSG_CMSG_CLOEXEC);
        int32_t number = (int32_t)fd;
        if (fd < 0 || vm_user_write(k, t, x->ancillary + sizeof head + given * sizeof number,
                                    &number, sizeof number))
            break;
    }
    if (given < m->nfiles)
        x->told |= MSG_CTRUNC;
    head.bytes = sizeof head + given * sizeof(int32_t);
    x->ancillary_bytes = given ? head.bytes : 0;
    return given ? vm_user_write(k, t, x->ancillary, &head, sizeof head) : 0;
}

static void drop_files(struct kernel *k, struct message *m)
{
    while (m->nfiles)
        vm_open_file_release(k, m->files[--m->nfiles]);
}

/* The message, or as much of it as there is room for behind `done` bytes. */
static int64_t copy_one(struct kernel *k, struct thread *t, const struct socket *s,
                        const struct message *m, uint64_t done, struct reception *x)
{
    uint64_t left = m->n - m->taken, room = x->bytes - done, n = left < room ? left : room;
    if (vm_pieces_write(k, t, &x->all, done, m->bytes + m->taken, n))
        return -EFAULT;
    x->from = m->from;
    if (s->type != SOCK_STREAM && left > room)
        x->told |= MSG_TRUNC;
    return (int64_t)n;
}

/* What is received stays where it is: files are not given. */
static int64_t peek(struct kernel *k, struct thread *t, const struct socket *s,
                    const struct message *m, struct reception *x)
{
    uint64_t done = 0;
    x->ancillary_bytes = 0;
    for (; m && (!done || (s->type == SOCK_STREAM && done < x->bytes)); m = m->next) {
        int64_t n = copy_one(k, t, s, m, done, x);
        if (n < 0)
            return n;
        done += (uint64_t)n;
    }
    return (int64_t)done;
}

/* A message as a whole: of what there was no room for, only how long it was is told. */
static int64_t take_whole(struct kernel *k, struct thread *t, struct socket *s, struct message *m,
                          struct reception *x)
{
    uint64_t left = m->n - m->taken;
    int64_t n = copy_one(k, t, s, m, 0, x);
    int64_t error = n < 0 ? n : give_files(k, t, m, x);
    drop_files(k, m);
    vm_socket_taken(k, s, n < 0 ? 0 : (uint64_t)n);
    return error ? error : x->flags & MSG_TRUNC ? (int64_t)left : n;
}

/* Up to what was asked for, the end of what there is, or a message that brings files. */
static int64_t take_stream(struct kernel *k, struct thread *t, struct socket *s, struct message *m,
                           struct reception *x)
{
    bool brings = false;
    while (m && !brings && t->progress < x->bytes) {
        int64_t n = copy_one(k, t, s, m, t->progress, x);
        if (n < 0)
            return t->progress ? (int64_t)t->progress : n;
        brings = m->nfiles;
        if (brings && give_files(k, t, m, x))
            return -EFAULT;
        drop_files(k, m);
        t->progress += (uint64_t)n;
        vm_socket_taken(k, s, (uint64_t)n);
        m = s->first;
    }
    bool waits = (x->flags & MSG_WAITALL) && !brings && t->progress < x->bytes && !s->hears_no;
    if (waits && !waits_not(s, x->flags))
        return vm_thread_sleep(k, t, s, VM_TIME_NEVER);
    if (!brings)
        x->ancillary_bytes = 0;
    return (int64_t)t->progress;
}

static int64_t receive(struct kernel *k, struct thread *t, struct socket *s, struct reception *x)
{
    int64_t result;
    struct message *m = vm_socket_first(s, &result);
    if (m && (x->flags & MSG_PEEK))
        return peek(k, t, s, m, x);
    if (m)
        return s->type == SOCK_STREAM ? take_stream(k, t, s, m, x) : take_whole(k, t, s, m, x);
    x->ancillary_bytes = 0;
    if (result != -EAGAIN || waits_not(s, x->flags)) /* what came before a wait for all is told */
        return t->progress ? (int64_t)t->progress : result;
    return vm_thread_sleep(k, t, s, VM_TIME_NEVER);
}

int64_t vm_call_recvfrom(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error;
    struct socket *s = socket_at(t, a[0], &error);
    struct reception x = {.all = vm_pieces_one(a[1], a[2]), .flags = a[3]};
    x.bytes = x.all.one.bytes;
    int64_t got = error ? error : receive(k, t, s, &x);
    if (got < 0 || !a[4])
        return got;
    error = give_name(k, t, &x.from, a[4], a[5]);
    return error ? error : got;
}

int64_t vm_call_recvmsg(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error;
    struct header h;
    struct socket *s = read_header(k, t, a, &h, &error);
    if (!s)
        return error;
    struct reception x = {.all = {.at = h.pieces, .n = h.npieces},
                          .flags = a[2],
                          .ancillary = h.ancillary,
                          .ancillary_bytes = h.ancillary ? h.ancillary_bytes : 0};
    error = vm_pieces_check(k, t, &x.all, &x.bytes);
    int64_t got = error ? error : receive(k, t, s, &x);
    if (got < 0)
        return got;
    vm_va bytes_at = a[1] + offsetof(struct header, name_bytes);
    if (h.name && (error = give_name(k, t, &x.from, h.name, bytes_at)))
        return error;
    h.ancillary_bytes = x.ancillary_bytes;
    h.flags = x.told | (uint32_t)(x.flags & MSG_CMSG_CLOEXEC);
    if (vm_user_write(k, t, a[1] + offsetof(struct header, ancillary_bytes), &h.ancillary_bytes,
                      sizeof h.ancillary_bytes) ||
        vm_user_write(k, t, a[1] + offsetof(struct header, flags), &h.flags, sizeof h.flags))
        return -EFAULT;
    return got;
}
