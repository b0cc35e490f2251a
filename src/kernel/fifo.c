/* fifo.c - pipes with names: a node of the host's tree, and a pipe of Pagoda's behind it.
 *
 * The host keeps only the name; its own pipes are never opened, so that no program waits for a
 * process of the host. Who opens one end waits, with that end open already, until somebody opens
 * the other; that is seen by a count of openings, so that who comes and goes while the other still
 * sleeps is not missed. What was written is gone when nobody has the pipe open (POSIX.1-2017,
 * open, O_NONBLOCK).
 */
#include "kernel/kernel.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum end { READING, WRITING, ENDS };

struct fifo {
    uint64_t device, number; /* by which the host knows it */
    uint64_t opened[ENDS];   /* how often; its address: where the openers of that end sleep */
    struct pipe *pipe;       /* NULL: nobody has it open */
    struct fifo *next;
};

static struct fifo *find(struct kernel *k, const struct stat *s)
{
    struct fifo *f = k->fifos;
    while (f && (f->device != s->st_dev || f->number != s->st_ino))
        f = f->next;
    if (f)
        return f;
    f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    *f = (struct fifo){.device = s->st_dev, .number = s->st_ino, .next = k->fifos};
    return k->fifos = f;
}

static bool is_open(const struct fifo *f, enum end end)
{
    return f->pipe && (end == READING ? vm_pipe_readers(f->pipe) : vm_pipe_writers(f->pipe));
}

static enum end other(enum end end)
{
    return end == READING ? WRITING : READING;
}

/* Its end is open; whoever waits for one of that kind need no longer. */
static struct open_file *attach(struct kernel *k, struct fifo *f, int host_fd, int flags,
                                const char *path)
{
    int access = flags & O_ACCMODE;
    struct open_file *file = vm_pipe_attach(k, &f->pipe, flags, path);
    if (!file)
        return NULL;
    file->host_fd = host_fd;
    for (enum end end = READING; end < ENDS; end++) {
        if (access == (end == READING ? O_WRONLY : O_RDONLY))
            continue;
        f->opened[end]++;
        vm_wake_all(k, &f->opened[other(end)]);
    }
    return file;
}

static int64_t sleep_with(struct kernel *k, struct thread *t, struct fifo *f, enum end end,
                          struct open_file *file)
{
    t->half_open = file;
    t->progress = f->opened[other(end)] + 1;
    return vm_thread_sleep(k, t, &f->opened[end], VM_TIME_NEVER);
}

static int64_t begin(struct kernel *k, struct thread *t, struct fifo *f, int host_fd, int flags,
                     const char *path, struct open_file **out)
{
    int access = flags & O_ACCMODE;
    enum end end = access == O_RDONLY ? READING : WRITING;
    bool alone = access != O_RDWR && !is_open(f, other(end));
    struct open_file *file = NULL;
    if (!alone || !(flags & O_NONBLOCK) || end == READING)
        file = attach(k, f, host_fd, flags, path);
    if (!file) {
        close(host_fd);
        return alone && (flags & O_NONBLOCK) && end == WRITING ? -ENXIO : -ENOMEM;
    }
    if (alone && !(flags & O_NONBLOCK))
        return sleep_with(k, t, f, end, file);
    *out = file;
    return 0;
}

int64_t vm_fifo_open(struct kernel *k, struct thread *t, int host_fd, int flags, const char *path,
                     struct open_file **out)
{
    struct stat s;
    enum end end = (flags & O_ACCMODE) == O_RDONLY ? READING : WRITING;
    struct fifo *f = fstat(host_fd, &s) == 0 ? find(k, &s) : NULL;
    if (f && !t->half_open)
        return begin(k, t, f, host_fd, flags, path, out);
    close(host_fd); /* it has one */
    if (!f)
        return -ENOMEM;
    if (t->progress == f->opened[other(end)] + 1)
        return vm_thread_sleep(k, t, &f->opened[end], VM_TIME_NEVER);
    *out = t->half_open;
    t->half_open = NULL;
    return 0;
}

void vm_fifo_give_up(struct kernel *k, struct thread *t)
{
    struct open_file *file = t->half_open;
    t->half_open = NULL;
    if (!file)
        return;
    vm_open_file_hold(file);
    vm_open_file_release(k, file);
}

void vm_fifos_close(struct kernel *k)
{
    for (struct fifo *f; (f = k->fifos);) {
        k->fifos = f->next;
        free(f);
    }
}
