/* file.c - open files, and the descriptors by which processes know them.
 *
 * A descriptor points to an open file, which dup and fork share with its offset; an open file of a
 * regular file points to an inode (inode.c), which all that open or map the file share.
 */
#include "base/assert.h"
#include "kernel/kernel.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIPTORS_MAX 1024

/* ---- open files ---- */

struct open_file *vm_open_file_new(const struct file_ops *ops, int flags, const char *path)
{
    struct open_file *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    *f = (struct open_file){.ops = ops, .flags = flags, .host_fd = -1};
    if (path && !(f->path = strdup(path))) {
        free(f);
        return NULL;
    }
    return f;
}

void vm_open_file_hold(struct open_file *f)
{
    f->users++;
}

void vm_open_file_release(struct kernel *k, struct open_file *f)
{
    VM_ASSERT(f->users > 0);
    if (--f->users)
        return;
    vm_locks_of(k, f);
    f->ops->close(k, f);
    free(f->path);
    free(f->text);
    free(f);
}

int64_t vm_file_no_read(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                        uint64_t n)
{
    (void)k;
    (void)t;
    (void)f;
    (void)out;
    (void)n;
    return -EBADF;
}

int64_t vm_file_no_write(struct kernel *k, struct thread *t, struct open_file *f, const void *from,
                         uint64_t n)
{
    (void)k;
    (void)t;
    (void)f;
    (void)from;
    (void)n;
    return -EBADF;
}

int64_t vm_file_no_ioctl(struct kernel *k, struct thread *t, struct open_file *f, uint64_t request,
                         vm_va at)
{
    (void)k;
    (void)t;
    (void)f;
    (void)request;
    (void)at;
    return -ENOTTY;
}

unsigned vm_file_always_ready(struct kernel *k, struct open_file *f)
{
    (void)k;
    (void)f;
    return POLLIN | POLLOUT;
}

/* ---- descriptors ---- */

static bool set_room(struct fd_table *table, uint32_t n)
{
    struct fd *grown = realloc(table->fd, n * sizeof *grown);
    if (!grown)
        return false;
    memset(grown + table->n, 0, (n - table->n) * sizeof *grown);
    table->fd = grown;
    table->n = n;
    return true;
}

static struct fd_table *new_table(uint32_t n)
{
    struct fd_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->users = 1;
    if (set_room(table, n))
        return table;
    free(table);
    return NULL;
}

struct fd_table *vm_fd_table_new(struct kernel *k)
{
    struct fd_table *table = new_table(16);
    for (int fd = 0; table && fd < 3; fd++) {
        table->fd[fd].file = vm_stream_open(fd, fd == 0 ? O_RDONLY : O_WRONLY);
        if (!table->fd[fd].file) {
            vm_fd_table_leave(k, table);
            return NULL;
        }
        vm_open_file_hold(table->fd[fd].file);
    }
    return table;
}

struct fd_table *vm_fd_table_copy(struct kernel *k, const struct fd_table *from)
{
    struct fd_table *table = new_table(from->n);
    (void)k;
    if (!table)
        return NULL;
    memcpy(table->fd, from->fd, from->n * sizeof *from->fd);
    for (uint32_t i = 0; i < table->n; i++)
        if (table->fd[i].file)
            vm_open_file_hold(table->fd[i].file);
    return table;
}

void vm_fd_table_leave(struct kernel *k, struct fd_table *table)
{
    if (--table->users)
        return;
    vm_locks_of(k, table);
    for (uint32_t i = 0; i < table->n; i++)
        if (table->fd[i].file)
            vm_open_file_release(k, table->fd[i].file);
    free(table->fd);
    free(table);
}

void vm_fd_table_exec(struct kernel *k, struct fd_table *table)
{
    for (uint32_t i = 0; i < table->n; i++) {
        struct fd *d = &table->fd[i];
        if (!d->file || !d->close_on_exec)
            continue;
        vm_locks_closed(k, table, d->file);
        vm_open_file_release(k, d->file);
        *d = (struct fd){0};
    }
}

struct open_file *vm_fd_file(const struct thread *t, uint64_t fd)
{
    const struct fd_table *table = t->process->files;
    uint32_t n = (uint32_t)fd;
    return n < table->n ? table->fd[n].file : NULL;
}

int64_t vm_fd_install(struct thread *t, struct open_file *f, int least, bool close_on_exec)
{
    struct fd_table *table = t->process->files;
    uint32_t fd = (uint32_t)least;
    while (fd < table->n && table->fd[fd].file)
        fd++;
    if (least < 0 || fd >= DESCRIPTORS_MAX)
        return -EMFILE;
    if (fd >= table->n && !set_room(table, fd + 16))
        return -ENOMEM;
    table->fd[fd] = (struct fd){f, close_on_exec};
    vm_open_file_hold(f);
    return fd;
}

int64_t vm_fd_close(struct kernel *k, struct thread *t, uint64_t fd)
{
    struct open_file *f = vm_fd_file(t, fd);
    if (!f)
        return -EBADF;
    t->process->files->fd[(uint32_t)fd] = (struct fd){0};
    vm_locks_closed(k, t->process->files, f);
    vm_open_file_release(k, f);
    return 0;
}

struct inode *vm_fd_inode(struct kernel *k, struct thread *t, int fd, unsigned prot, bool shared,
                          int64_t *error)
{
    const struct open_file *f = vm_fd_file(t, (uint64_t)(int64_t)fd);
    int access = f ? f->flags & O_ACCMODE : 0;
    (void)k;
    *error = !f                                                     ? -EBADF
             : f->ops == &vm_file_zero                              ? 0
             : !f->inode                                            ? -ENODEV
             : access == O_WRONLY                                   ? -EACCES
             : shared && (prot & VM_PROT_WRITE) && access != O_RDWR ? -EACCES
                                                                    : 0;
    return *error ? NULL : f->inode;
}
