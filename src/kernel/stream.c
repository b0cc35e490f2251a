/* stream.c - the standard streams: what the host gave Pagoda itself, often a terminal.
 *
 * A reader that finds nothing sleeps until the host has something: where nobody else can run, the
 * whole kernel waits for that. What a terminal is beside a stream: terminal.c.
 */
#include "kernel/kernel.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct streams {
    int changed; /* only its address: pollers sleep on it */
    int host[3]; /* likewise: readers of that descriptor */
};

const void *vm_files_channel(const struct kernel *k)
{
    return &k->streams->changed;
}

const void *vm_files_host_channel(const struct kernel *k)
{
    return &k->streams->host[0];
}

void vm_files_changed(struct kernel *k)
{
    vm_wake_all(k, vm_files_channel(k));
}

static unsigned host_ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
    return poll(&p, 1, 0) > 0 ? (unsigned)p.revents : 0;
}

#define NS_A_MS UINT64_C(1000000)

static int timeout_ms(uint64_t most_ns)
{
    if (most_ns == VM_TIME_NEVER)
        return -1;
    if (!isatty(STDIN_FILENO)) /* nobody sits there: time that is slept through need not pass */
        return 0;
    return most_ns / NS_A_MS > (1 << 30) ? 1 << 30 : (int)(most_ns / NS_A_MS);
}

/* A negative descriptor is not asked about. */
bool vm_files_poll(struct kernel *k, uint64_t most_ns)
{
    const void *channel = vm_files_host_channel(k);
    bool read = vm_sleepers_next(&k->sleepers, (uintptr_t)channel, VM_NOTASK) != VM_NOTASK;
    struct pollfd p[] = {{.fd = read ? STDIN_FILENO : -1, .events = POLLIN},
                         {.fd = vm_terminal_kept(k), .events = POLLIN}};
    int n;
    if (!read && (p[1].fd < 0 || most_ns != VM_TIME_NEVER))
        return false;
    do
        n = poll(p, 2, timeout_ms(most_ns));
    while (n < 0 && errno == EINTR);
    if (p[0].revents)
        vm_wake_all(k, channel);
    if (p[1].revents)
        vm_terminal_interrupts(k);
    return n > 0;
}

/* ---- a stream ---- */

static int64_t stream_read(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                           uint64_t n)
{
    int64_t refused = vm_terminal_may_read(k, t);
    if (refused)
        return refused;
    if (!(host_ready(f->host_fd) & (POLLIN | POLLHUP | POLLERR)))
        return vm_thread_sleep(k, t, vm_files_host_channel(k), VM_TIME_NEVER);
    ssize_t got = read(f->host_fd, out, n);
    return got < 0 ? -errno : got;
}

static int64_t stream_write(struct kernel *k, struct thread *t, struct open_file *f,
                            const void *from, uint64_t n)
{
    ssize_t wrote = write(f->host_fd, from, n);
    if (wrote < 0 && errno == EPIPE)
        vm_signal_thread(k, t, SIGPIPE);
    return wrote < 0 ? -errno : wrote;
}

static unsigned stream_ready(struct kernel *k, struct open_file *f)
{
    (void)k;
    return host_ready(f->host_fd);
}

static int stream_stat(struct kernel *k, struct open_file *f, struct stat *out)
{
    (void)k;
    return fstat(f->host_fd, out) == 0 ? 0 : -errno;
}

static int64_t stream_ioctl(struct kernel *k, struct thread *t, struct open_file *f,
                            uint64_t request, vm_va at)
{
    return isatty(f->host_fd) ? vm_terminal_ioctl(k, t, f->host_fd, request, at) : -ENOTTY;
}

static void stream_close(struct kernel *k, struct open_file *f)
{
    (void)k;
    (void)f;
}

const struct file_ops vm_file_host = {
    .name = "stream",
    .read = stream_read,
    .write = stream_write,
    .ready = stream_ready,
    .stat = stream_stat,
    .ioctl = stream_ioctl,
    .close = stream_close,
};

struct open_file *vm_stream_open(int host_fd, int flags)
{
    struct open_file *f = vm_open_file_new(&vm_file_host, flags, NULL);
    if (f)
        f->host_fd = host_fd;
    return f;
}

bool vm_streams_open(struct kernel *k, struct vm_error *e)
{
    k->streams = calloc(1, sizeof *k->streams);
    return k->streams || vm_fail(e, VM_ESYSTEM, "no memory for a kernel's files");
}

void vm_streams_close(struct kernel *k)
{
    free(k->streams);
}
