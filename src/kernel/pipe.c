/* pipe.c - pipes: 64 KiB between a writing and a reading end.
 *
 * A reader of an empty pipe sleeps until there is something or no writer is left; a writer of a
 * full one until there is room, and gets SIGPIPE where no reader is left. What is at most PIPE_BUF
 * long is written as a whole (POSIX.1-2017, pipe, write).
 */
#include "base/assert.h"
#include "kernel/kernel.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_BYTES 65536

struct pipe {
    struct pipe **of; /* its name's, which forgets it when nobody has it open; NULL: it has none */
    uint32_t readers, writers;
    uint64_t stirs;
    uint32_t number;
    uint32_t first, n; /* bytes [first, first + n) modulo PIPE_BYTES */
    uint8_t bytes[PIPE_BYTES];
};

static void changed(struct kernel *k, struct pipe *p)
{
    p->stirs++;
    vm_wake_all(k, p);
    vm_files_changed(k);
}

static uint32_t take(struct pipe *p, uint8_t *out, uint64_t n)
{
    uint32_t done = 0;
    while (done < n && p->n) {
        uint32_t run = PIPE_BYTES - p->first;
        run = run > p->n ? p->n : run;
        run = run > n - done ? (uint32_t)(n - done) : run;
        memcpy(out + done, p->bytes + p->first, run);
        p->first = (p->first + run) % PIPE_BYTES;
        p->n -= run;
        done += run;
    }
    return done;
}

static uint32_t put(struct pipe *p, const uint8_t *from, uint64_t n)
{
    uint32_t done = 0;
    while (done < n && p->n < PIPE_BYTES) {
        uint32_t end = (p->first + p->n) % PIPE_BYTES;
        uint32_t run = end < p->first ? p->first - end : PIPE_BYTES - end;
        run = run > n - done ? (uint32_t)(n - done) : run;
        memcpy(p->bytes + end, from + done, run);
        p->n += run;
        done += run;
    }
    return done;
}

static int64_t pipe_read(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                         uint64_t n)
{
    struct pipe *p = f->pipe;
    if (p->n == 0 && p->writers && n) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        return vm_thread_sleep(k, t, p, VM_TIME_NEVER);
    }
    uint32_t got = take(p, out, n);
    if (got)
        changed(k, p);
    return got;
}

static int64_t pipe_write(struct kernel *k, struct thread *t, struct open_file *f, const void *from,
                          uint64_t n)
{
    struct pipe *p = f->pipe;
    if (!p->readers) {
        vm_signal_thread(k, t, SIGPIPE);
        return -EPIPE;
    }
    uint32_t room = PIPE_BYTES - p->n;
    if (n && (room == 0 || (n <= PIPE_BUF && room < n))) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        return vm_thread_sleep(k, t, p, VM_TIME_NEVER);
    }
    uint32_t done = put(p, from, n);
    if (done)
        changed(k, p);
    return done;
}

static unsigned reader_ready(struct kernel *k, struct open_file *f)
{
    (void)k;
    return (f->pipe->n ? POLLIN : 0) | (f->pipe->writers ? 0 : POLLHUP);
}

static unsigned writer_ready(struct kernel *k, struct open_file *f)
{
    (void)k;
    return (PIPE_BYTES - f->pipe->n >= PIPE_BUF ? POLLOUT : 0) | (f->pipe->readers ? 0 : POLLERR);
}

static unsigned both_ready(struct kernel *k, struct open_file *f)
{
    return reader_ready(k, f) | writer_ready(k, f);
}

static int pipe_stat(struct kernel *k, struct open_file *f, struct stat *out)
{
    (void)k;
    if (f->host_fd >= 0)
        return fstat(f->host_fd, out) == 0 ? 0 : -errno;
    *out = (struct stat){.st_mode = S_IFIFO | 0600, .st_nlink = 1, .st_blksize = 4096};
    return 0;
}

#define REQUEST_INQ 0x541b /* FIONREAD */

static int64_t pipe_ioctl(struct kernel *k, struct thread *t, struct open_file *f, uint64_t request,
                          vm_va at)
{
    return request == REQUEST_INQ ? vm_user_write(k, t, at, &f->pipe->n, sizeof f->pipe->n)
                                  : -ENOTTY;
}

static void pipe_close(struct kernel *k, struct open_file *f)
{
    struct pipe *p = f->pipe;
    p->readers -= f->ops->read == pipe_read;
    p->writers -= f->ops->write == pipe_write;
    if (f->host_fd >= 0)
        close(f->host_fd);
    changed(k, p);
    if (p->readers || p->writers)
        return;
    if (p->of)
        *p->of = NULL;
    free(p);
}

#define END(which, reads, writes, is_ready)                                                        \
    const struct file_ops vm_file_pipe_##which = {                                                 \
        .name = "pipe",                                                                            \
        .read = reads,                                                                             \
        .write = writes,                                                                           \
        .ready = is_ready,                                                                         \
        .stat = pipe_stat,                                                                         \
        .ioctl = pipe_ioctl,                                                                       \
        .close = pipe_close,                                                                       \
    };
END(reader, pipe_read, vm_file_no_write, reader_ready)
END(writer, vm_file_no_read, pipe_write, writer_ready)
END(both, pipe_read, pipe_write, both_ready)

/* ---- what others see of them ---- */

uint64_t vm_pipe_stirs(const struct pipe *p)
{
    return p->stirs;
}

uint32_t vm_pipe_number(const struct pipe *p)
{
    return p->number;
}

uint64_t vm_pipe_filled(const struct open_file *f)
{
    return f->pipe->n;
}

uint64_t vm_pipe_room(const struct open_file *f)
{
    return PIPE_BYTES - f->pipe->n;
}

uint32_t vm_pipe_readers(const struct pipe *p)
{
    return p->readers;
}

uint32_t vm_pipe_writers(const struct pipe *p)
{
    return p->writers;
}

void vm_pipe_peek(const struct open_file *f, void *out, uint64_t n)
{
    struct pipe *p = f->pipe;
    uint32_t first = p->first, filled = p->n;
    VM_ASSERT(n <= p->n);
    take(p, out, n);
    p->first = first;
    p->n = filled;
}

void vm_pipe_drop(struct kernel *k, struct open_file *f, uint64_t n)
{
    struct pipe *p = f->pipe;
    VM_ASSERT(n <= p->n);
    p->first = (uint32_t)((p->first + n) % PIPE_BYTES);
    p->n -= (uint32_t)n;
    changed(k, p);
}

/* ---- opening ---- */

static const struct file_ops *ops_of(int flags)
{
    int access = flags & O_ACCMODE;
    return access == O_RDONLY   ? &vm_file_pipe_reader
           : access == O_WRONLY ? &vm_file_pipe_writer
                                : &vm_file_pipe_both;
}

struct open_file *vm_pipe_attach(struct kernel *k, struct pipe **of, int flags, const char *path)
{
    struct open_file *f = vm_open_file_new(ops_of(flags), flags, path);
    struct pipe *p = *of ? *of : f ? calloc(1, sizeof *p) : NULL;
    if (!f || !p) {
        if (f)
            vm_open_file_discard(f);
        return NULL;
    }
    if (!*of)
        *p = (struct pipe){.of = path ? of : NULL, .number = ++k->npipes};
    p->readers += f->ops->read == pipe_read;
    p->writers += f->ops->write == pipe_write;
    f->pipe = *of = p;
    return f;
}

int64_t vm_pipe_open(struct kernel *k, int flags, struct open_file **reader,
                     struct open_file **writer)
{
    struct pipe *p = NULL;
    *reader = vm_pipe_attach(k, &p, O_RDONLY | flags, NULL);
    *writer = *reader ? vm_pipe_attach(k, &p, O_WRONLY | flags, NULL) : NULL;
    if (*writer)
        return 0;
    if (*reader) {
        vm_open_file_hold(*reader);
        vm_open_file_release(k, *reader);
    }
    return -ENOMEM;
}
