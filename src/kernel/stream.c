/* stream.c - the standard streams: what the host gave Pagoda itself, often a terminal.
 *
 * A reader that finds nothing sleeps until the host has something: where nobody else can run, the
 * whole kernel waits for that. A terminal's settings are the host's.
 */
#include "kernel/kernel.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

struct streams {
    int changed;         /* only its address: pollers sleep on it */
    int host[3];         /* likewise: readers of that descriptor */
    uint32_t foreground; /* the terminal's process group */
};

/* What the generic Linux table has: ioctl(2) numbers. */
enum {
    REQUEST_TCGETS = 0x5401,
    REQUEST_TCSETS = 0x5402,
    REQUEST_TCSETSW = 0x5403,
    REQUEST_TCSETSF = 0x5404,
    REQUEST_GPGRP = 0x540f,
    REQUEST_SPGRP = 0x5410,
    REQUEST_WINSIZE = 0x5413,
};
/* Its struct termios, which is not the C library's: 4 words, a line and 19 characters. */
#define TERMIOS_BYTES 36

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

static bool has_sleepers(const struct kernel *k, const void *channel)
{
    for (uint32_t i = 0; i < k->threads_max; i++)
        if (k->thread[i].state == THREAD_SLEEPS && k->thread[i].channel == channel)
            return true;
    return false;
}

#define NS_A_MS UINT64_C(1000000)

bool vm_files_poll(struct kernel *k, uint64_t most_ns)
{
    struct pollfd p = {.fd = 0, .events = POLLIN};
    const void *channel = vm_files_host_channel(k);
    int timeout = most_ns == VM_TIME_NEVER        ? -1
                  : most_ns / NS_A_MS > (1 << 30) ? 1 << 30
                                                  : (int)(most_ns / NS_A_MS);
    if (!has_sleepers(k, channel))
        return false;
    if (most_ns != VM_TIME_NEVER && !isatty(0))
        timeout = 0; /* nobody sits there: time that is only slept through need not pass */
    if (poll(&p, 1, timeout) <= 0)
        return false;
    vm_wake_all(k, channel);
    return true;
}

/* ---- a stream ---- */

static int64_t stream_read(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                           uint64_t n)
{
    if (!host_ready(f->host_fd))
        return vm_thread_sleep(k, t, vm_files_host_channel(k), VM_TIME_NEVER);
    ssize_t got = read(f->host_fd, out, n);
    return got < 0 ? -errno : got;
}

static int64_t stream_write(struct kernel *k, struct thread *t, struct open_file *f,
                            const void *from, uint64_t n)
{
    (void)k;
    (void)t;
    ssize_t wrote = write(f->host_fd, from, n);
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

static int64_t pass_on(struct kernel *k, struct thread *t, int fd, uint64_t request, vm_va at,
                       uint64_t bytes, bool sets)
{
    uint8_t data[64] = {0};
    if (sets && vm_user_read(k, t, data, at, bytes))
        return -EFAULT;
    if (ioctl(fd, request, data) != 0)
        return -errno;
    return sets ? 0 : vm_user_write(k, t, at, data, bytes);
}

static int64_t stream_ioctl(struct kernel *k, struct thread *t, struct open_file *f,
                            uint64_t request, vm_va at)
{
    if (!isatty(f->host_fd))
        return -ENOTTY;
    switch (request) {
    case REQUEST_TCGETS:
        return pass_on(k, t, f->host_fd, request, at, TERMIOS_BYTES, false);
    case REQUEST_TCSETS:
    case REQUEST_TCSETSW:
    case REQUEST_TCSETSF:
        return pass_on(k, t, f->host_fd, request, at, TERMIOS_BYTES, true);
    case REQUEST_WINSIZE:
        return pass_on(k, t, f->host_fd, request, at, sizeof(struct winsize), false);
    case REQUEST_GPGRP: {
        uint32_t group = k->streams->foreground ? k->streams->foreground : t->process->pgid;
        return vm_user_write(k, t, at, &group, sizeof group);
    }
    case REQUEST_SPGRP:
        return vm_user_read(k, t, &k->streams->foreground, at, sizeof(uint32_t));
    default:
        return -ENOTTY;
    }
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
