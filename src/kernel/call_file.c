/* call_file.c - system calls on descriptors: what they are of, which are ready, what is known of
 * open files. Those that move bytes are in call_transfer.c, those on names in call_path.c.
 */
#include "kernel/kernel.h"
#include "kernel/stat.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

int64_t vm_call_lseek(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    int64_t base;
    (void)k;
    if (!f)
        return -EBADF;
    if (!f->inode && f->ops != &vm_file_text && !vm_file_is_directory(f))
        return -ESPIPE;
    switch (a[2]) {
    case SEEK_SET:
        base = 0;
        break;
    case SEEK_CUR:
        base = (int64_t)f->offset;
        break;
    case SEEK_END:
        base = (int64_t)(f->inode ? f->inode->size : f->size);
        break;
    default:
        return -EINVAL;
    }
    if (__builtin_add_overflow(base, (int64_t)a[1], &base) || base < 0)
        return -EINVAL;
    if (f->ops == &vm_file_directory && lseek(f->host_fd, base, SEEK_SET) < 0)
        return -errno;
    f->offset = (uint64_t)base;
    return base;
}

/* ---- descriptors ---- */

int64_t vm_call_close(struct kernel *k, struct thread *t, const uint64_t *a)
{
    return vm_fd_close(k, t, a[0]);
}

int64_t vm_call_close_range(struct kernel *k, struct thread *t, const uint64_t *a)
{
    uint32_t first = (uint32_t)a[0], last = (uint32_t)a[1];
    if (first > last || (a[2] & ~(uint64_t)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)))
        return -EINVAL;
    if ((a[2] & CLOSE_RANGE_UNSHARE) && !vm_fd_table_unshare(k, t->process))
        return -ENOMEM;
    for (uint64_t fd = first; fd <= last && fd < t->process->files->n; fd++) {
        if (a[2] & CLOSE_RANGE_CLOEXEC)
            t->process->files->fd[fd].close_on_exec = true;
        else
            vm_fd_close(k, t, fd);
    }
    return 0;
}

int64_t vm_call_dup(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    (void)k;
    return f ? vm_fd_install(t, f, 0, false) : -EBADF;
}

int64_t vm_call_dup3(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    if (a[0] == a[1] || (a[2] & ~(uint64_t)O_CLOEXEC))
        return -EINVAL;
    if (!f || a[1] > INT32_MAX)
        return -EBADF;
    vm_open_file_hold(f); /* lest closing the other one end it */
    vm_fd_close(k, t, a[1]);
    int64_t fd = vm_fd_install(t, f, (int)a[1], a[2] & O_CLOEXEC);
    vm_open_file_release(k, f);
    return fd == -EMFILE ? -EBADF : fd;
}

enum { SETS_KEPT = O_APPEND | O_NONBLOCK };

int64_t vm_call_fcntl(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    if (!f)
        return -EBADF;
    struct fd *d = &t->process->files->fd[(uint32_t)a[0]];
    switch (a[1]) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return a[2] > INT32_MAX ? -EINVAL : vm_fd_install(t, f, (int)a[2], a[1] == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return d->close_on_exec;
    case F_SETFD:
        d->close_on_exec = a[2] & FD_CLOEXEC;
        return 0;
    case F_GETFL:
        return f->flags & (O_ACCMODE | SETS_KEPT);
    case F_SETFL:
        f->flags = (f->flags & ~SETS_KEPT) | ((int)a[2] & SETS_KEPT);
        return 0;
    case F_GETPIPE_SZ:
        return f->pipe ? (int64_t)(vm_pipe_filled(f) + vm_pipe_room(f)) : -EBADF;
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return vm_lock_fcntl(k, t, f, a);
    default:
        return -EINVAL;
    }
}

int64_t vm_call_ioctl(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    return f ? f->ops->ioctl(k, t, f, a[1], a[2]) : -EBADF;
}

int64_t vm_call_pipe2(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *reader, *writer;
    int32_t fd[2];
    if (a[1] & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    int64_t error = vm_pipe_open(k, (int)a[1] & O_NONBLOCK, &reader, &writer);
    if (error)
        return error;
    vm_open_file_hold(reader);
    vm_open_file_hold(writer);
    int64_t first = vm_fd_install(t, reader, 0, a[1] & O_CLOEXEC);
    int64_t second = first < 0 ? first : vm_fd_install(t, writer, 0, a[1] & O_CLOEXEC);
    fd[0] = (int32_t)first;
    fd[1] = (int32_t)second;
    error = second < 0 ? second : vm_user_write(k, t, a[0], fd, sizeof fd);
    if (error && first >= 0)
        vm_fd_close(k, t, (uint64_t)first);
    if (error && second >= 0)
        vm_fd_close(k, t, (uint64_t)second);
    vm_open_file_release(k, reader);
    vm_open_file_release(k, writer);
    return error;
}

/* ---- poll ---- */

static bool needs_host(struct kernel *k, const struct open_file *f)
{
    (void)k;
    return f->ops == &vm_file_host;
}

/* How many are ready; *host: some wait for the host. */
static int64_t look(struct kernel *k, struct thread *t, vm_va va, uint64_t n, bool *host)
{
    int64_t ready = 0;
    *host = false;
    for (uint64_t i = 0; i < n; i++) {
        struct pollfd p;
        if (vm_user_read(k, t, &p, va + i * sizeof p, sizeof p))
            return -EFAULT;
        struct open_file *f = p.fd < 0 ? NULL : vm_fd_file(t, (uint64_t)p.fd);
        unsigned wanted = (unsigned)(uint16_t)p.events | POLLERR | POLLHUP;
        p.revents = p.fd < 0 ? 0 : (short)(f ? f->ops->ready(k, f) & wanted : POLLNVAL);
        *host |= f && needs_host(k, f);
        ready += p.revents != 0;
        if (vm_user_write(k, t, va + i * sizeof p, &p, sizeof p))
            return -EFAULT;
    }
    return ready;
}

int64_t vm_call_ppoll(struct kernel *k, struct thread *t, const uint64_t *a)
{
    bool host;
    if (a[1] > DESCRIPTORS_POLLED)
        return -EINVAL;
    int64_t error = a[2] ? vm_call_set_end(k, t, a[2]) : 0;
    if (!error)
        error = vm_call_block(k, t, a[3]);
    if (error)
        return error;
    int64_t ready = look(k, t, a[0], a[1], &host);
    if (ready || (a[2] && k->now_ns >= t->call_until_ns))
        return ready;
    return vm_thread_sleep(k, t, host ? vm_files_host_channel(k) : vm_files_channel(k),
                           a[2] ? t->call_until_ns : VM_TIME_NEVER);
}

/* ---- what is known of them ---- */

int64_t vm_call_fstat(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    struct stat s;
    int error = f ? f->ops->stat(k, f, &s) : -EBADF;
    return error ? error : vm_stat_give(k, t, &s, a[1]);
}

int64_t vm_call_fstatfs(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    struct statfs s;
    if (!f)
        return -EBADF;
    int fd = f->inode ? f->inode->host_fd : f->host_fd;
    if (fstatfs(fd >= 0 ? fd : k->root_fd, &s) != 0)
        return -errno;
    return vm_user_write(k, t, a[1], &s, sizeof s);
}

int64_t vm_call_getdents64(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    uint8_t entries[16384];
    uint64_t n = a[2] < sizeof entries ? a[2] : sizeof entries;
    if (!f)
        return -EBADF;
    if (!vm_file_is_directory(f))
        return -ENOTDIR;
    long got = f->ops == &vm_file_listing ? vm_listing_read(f, entries, n)
                                          : syscall(SYS_getdents64, f->host_fd, entries, n);
    if (got < 0)
        return f->ops == &vm_file_listing ? got : -errno;
    return vm_user_write(k, t, a[1], entries, (uint64_t)got) ? -EFAULT : got;
}

static int64_t change(struct kernel *k, struct thread *t, uint64_t fd, struct open_file **f)
{
    *f = vm_fd_file(t, fd);
    if (!*f)
        return -EBADF;
    return !(*f)->inode || !vm_file_may_write(*f) ? -EINVAL : k->c->writable ? 0 : -EROFS;
}

int64_t vm_call_ftruncate(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f;
    int64_t error = change(k, t, a[0], &f);
    return error ? error : (int64_t)a[1] < 0 ? -EINVAL : vm_inode_truncate(k, f->inode, a[1]);
}

/* Zeros where the file has something. */
static int64_t clear_bytes(struct kernel *k, struct inode *i, uint64_t at, uint64_t n)
{
    static const uint8_t zeros[4096];
    uint64_t end = at + n < i->size ? at + n : i->size;
    while (at < end) {
        uint64_t step = end - at < sizeof zeros ? end - at : sizeof zeros;
        int64_t wrote = vm_inode_write(k, i, at, zeros, step);
        if (wrote < 0)
            return wrote;
        at += step;
    }
    return 0;
}

/* No block is ever reserved: what has none reads as zeros, which is what is promised. */
int64_t vm_call_fallocate(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    uint64_t mode = a[1] & ~(uint64_t)FALLOC_FL_KEEP_SIZE, end = a[2] + a[3];
    if (a[2] > INT64_MAX || a[3] > INT64_MAX || a[3] == 0)
        return -EINVAL;
    if (mode && mode != FALLOC_FL_PUNCH_HOLE && mode != FALLOC_FL_ZERO_RANGE)
        return -EOPNOTSUPP;
    if (mode == FALLOC_FL_PUNCH_HOLE && a[1] == mode)
        return -EOPNOTSUPP;
    if (!f || !vm_file_may_write(f))
        return -EBADF;
    if (!f->inode)
        return f->pipe ? -ESPIPE : -ENODEV;
    if (end > INT64_MAX)
        return -EFBIG;
    int64_t error = mode ? clear_bytes(k, f->inode, a[2], a[3]) : 0;
    if (error || (a[1] & FALLOC_FL_KEEP_SIZE) || end <= f->inode->size)
        return error;
    return vm_inode_truncate(k, f->inode, end);
}

int64_t vm_call_memfd_create(struct kernel *k, struct thread *t, const uint64_t *a)
{
    char name[250], path[300];
    if (a[1] & ~(uint64_t)(MFD_CLOEXEC | MFD_ALLOW_SEALING))
        return -EINVAL;
    int64_t error = vm_user_string(k, t, name, sizeof name, a[0]);
    if (error)
        return error == -ENAMETOOLONG ? -EINVAL : error;
    snprintf(path, sizeof path, "/memfd:%s (deleted)", name);
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct inode *i = vm_inode_of_host(k, fd, true, path);
    struct open_file *f = i ? vm_open_file_new(&vm_file_regular, O_RDWR, path) : NULL;
    if (!f) {
        if (i)
            vm_inode_release(k, i);
        else
            close(fd);
        return -ENOMEM;
    }
    f->inode = i;
    return vm_fd_give(k, t, f, a[1] & MFD_CLOEXEC);
}

static int64_t sync_file(struct kernel *k, struct thread *t, uint64_t fd)
{
    const struct open_file *f = vm_fd_file(t, fd);
    if (!f)
        return -EBADF;
    if (!f->inode)
        return vm_file_is_directory(f) ? 0 : -EINVAL;
    vm_inode_sync(k, f->inode);
    return 0;
}

int64_t vm_call_fsync(struct kernel *k, struct thread *t, const uint64_t *a)
{
    return sync_file(k, t, a[0]);
}

int64_t vm_call_fdatasync(struct kernel *k, struct thread *t, const uint64_t *a)
{
    return sync_file(k, t, a[0]);
}

int64_t vm_call_sync(struct kernel *k, struct thread *t, const uint64_t *a)
{
    (void)t;
    (void)a;
    vm_files_sync(k);
    return 0;
}

int64_t vm_call_syncfs(struct kernel *k, struct thread *t, const uint64_t *a)
{
    if (!vm_fd_file(t, a[0]))
        return -EBADF;
    vm_files_sync(k);
    return 0;
}

int64_t vm_call_sync_file_range(struct kernel *k, struct thread *t, const uint64_t *a)
{
    const struct open_file *f = vm_fd_file(t, a[0]);
    if (f && !f->inode)
        return -ESPIPE;
    return (int64_t)a[1] < 0 || (int64_t)a[2] < 0 ? -EINVAL : sync_file(k, t, a[0]);
}

int64_t vm_call_readahead(struct kernel *k, struct thread *t, const uint64_t *a)
{
    const struct open_file *f = vm_fd_file(t, a[0]);
    (void)k;
    return !f || (f->flags & O_ACCMODE) == O_WRONLY ? -EBADF : f->inode ? 0 : -EINVAL;
}

int64_t vm_call_fadvise64(struct kernel *k, struct thread *t, const uint64_t *a)
{
    (void)k;
    return vm_fd_file(t, a[0]) ? 0 : -EBADF;
}

int64_t vm_call_fchdir(struct kernel *k, struct thread *t, const uint64_t *a)
{
    const struct open_file *f = vm_fd_file(t, a[0]);
    (void)k;
    if (!f)
        return -EBADF;
    if (!vm_file_is_directory(f))
        return -ENOTDIR;
    char *path = strdup(f->path);
    if (!path)
        return -ENOMEM;
    free(t->process->where->path);
    t->process->where->path = path;
    return 0;
}
