/* pipe.c - pipes: 64 KiB between a writing and a reading end.
 *
 * A reader of an empty pipe sleeps until there is something or no writer is left; a writer of a
 * full one until there is room, and gets SIGPIPE where no reader is left. What is at most PIPE_BUF
 * long is written as a whole (POSIX.1-2017, pipe, write).
 */
#include "kernel/kernel.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PIPE_BYTES 65536

struct pipe {
    uint32_t readers, writers;
    uint32_t first, n; /* bytes [first, first + n) modulo PIPE_BYTES */
    uint8_t bytes[PIPE_BYTES];
};

static void changed(struct kernel *k, const struct pipe *p)
{
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

static int pipe_stat(struct kernel *k, struct open_file *f, struct stat *out)
{
    (void)k;
    (void)f;
    *out = (struct stat){.st_mode = S_IFIFO | 0600, .st_nlink = 1, .st_blksize = 4096};
    return 0;
}

static void leave(struct kernel *k, struct pipe *p)
{
    changed(k, p);
    if (!p->readers && !p->writers)
        free(p);
}

static void reader_close(struct kernel *k, struct open_file *f)
{
    f->pipe->readers--;
    leave(k, f->pipe);
}

static void writer_close(struct kernel *k, struct open_file *f)
{
    f->pipe->writers--;
    leave(k, f->pipe);
}

const struct file_ops vm_file_pipe_reader = {
    .name = "pipe",
    .read = pipe_read,
    .write = vm_file_no_write,
    .ready = reader_ready,
    .stat = pipe_stat,
    .ioctl = vm_file_no_ioctl,
    .close = reader_close,
};

const struct file_ops vm_file_pipe_writer = {
    .name = "pipe",
    .read = vm_file_no_read,
    .write = pipe_write,
    .ready = writer_ready,
    .stat = pipe_stat,
    .ioctl = vm_file_no_ioctl,
    .close = writer_close,
};

int64_t vm_pipe_open(int flags, struct open_file **reader, struct open_file **writer)
{
    struct pipe *p = calloc(1, sizeof *p);
    *reader = vm_open_file_new(&vm_file_pipe_reader, O_RDONLY | flags, NULL);
    *writer = vm_open_file_new(&vm_file_pipe_writer, O_WRONLY | flags, NULL);
    if (!p || !*reader || !*writer) {
        free(p);
        free(*reader);
        free(*writer);
        return -ENOMEM;
    }
    p->readers = p->writers = 1;
    (*reader)->pipe = (*writer)->pipe = p;
    return 0;
}
