/* call_file.c - system calls on descriptors: reading, writing and what is known of open files.
 * Those on names are in call_path.c.
 *
 * Bytes go between a program and a file by way of a piece of the kernel's own memory, so that a
 * page of either may leave while the other is touched.
 */
#include "kernel/kernel.h"
#include "kernel/stat.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PIECE 65536

/* ---- reading and writing ---- */

static bool may_read(const struct open_file *f)
{
    return (f->flags & O_ACCMODE) != O_WRONLY;
}

static bool may_write(const struct open_file *f)
{
    return (f->flags & O_ACCMODE) != O_RDONLY;
}

/* Until n, the end, or what there is: how many, or -errno, CALL_SLEEPS where there was nothing. */
static int64_t read_bytes(struct kernel *k, struct thread *t, struct open_file *f, vm_va to,
                          uint64_t n)
{
    uint8_t piece[PIECE];
    uint64_t done = 0;
    do {
        uint64_t step = n - done < sizeof piece ? n - done : sizeof piece;
        int64_t got = f->ops->read(k, t, f, piece, step);
        if (got < 0)
            return done && got != CALL_SLEEPS ? (int64_t)done : got;
        if (vm_user_write(k, t, to + done, piece, (uint64_t)got))
            return done ? (int64_t)done : -EFAULT;
        done += (uint64_t)got;
        if ((uint64_t)got < step || !f->inode)
            break;
    } while (done < n);
    return (int64_t)done;
}

/* All n, though it takes several sleeps: t->progress has what is done. */
static int64_t write_bytes(struct kernel *k, struct thread *t, struct open_file *f, vm_va from,
                           uint64_t n, uint64_t before)
{
    uint8_t piece[PIECE];
    while (t->progress < before + n || n == 0) {
        uint64_t done = t->progress - before;
        uint64_t step = n - done < sizeof piece ? n - done : sizeof piece;
        if (vm_user_read(k, t, piece, from + done, step))
            return t->progress ? (int64_t)t->progress : -EFAULT;
        int64_t wrote = f->ops->write(k, t, f, piece, step);
        if (wrote == CALL_SLEEPS)
            return wrote;
        if (wrote < 0)
            return t->progress ? (int64_t)t->progress : wrote;
        t->progress += (uint64_t)wrote;
        if (n == 0)
            break;
    }
    return (int64_t)t->progress;
}

int64_t vm_call_read(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    return f && may_read(f) ? read_bytes(k, t, f, a[1], a[2] & INT32_MAX) : -EBADF;
}

int64_t vm_call_write(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    return f && may_write(f) ? write_bytes(k, t, f, a[1], a[2] & INT32_MAX, 0) : -EBADF;
}

struct piece {
    uint64_t va, bytes;
};
#define PIECES_MAX 1024

/* The i-th of the pieces at `va`. */
static int64_t read_piece(struct kernel *k, struct thread *t, vm_va va, uint64_t i, struct piece *p)
{
    int64_t error = vm_user_read(k, t, p, va + i * sizeof *p, sizeof *p);
    return error ? error : p->bytes > INT32_MAX ? -EINVAL : 0;
}

int64_t vm_call_readv(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    int64_t all = 0;
    if (!f || !may_read(f))
        return -EBADF;
    if (a[2] > PIECES_MAX)
        return -EINVAL;
    for (uint64_t i = 0; i < a[2]; i++) {
        struct piece p;
        int64_t error = read_piece(k, t, a[1], i, &p);
        if (error)
            return all ? all : error;
        if (p.bytes == 0)
            continue;
        if (all && !f->inode && !(f->ops->ready(k, f) & POLLIN))
            break;
        int64_t got = read_bytes(k, t, f, p.va, p.bytes);
        if (got < 0)
            return all ? all : got;
        all += got;
        if ((uint64_t)got < p.bytes)
            break;
    }
    return all;
}

int64_t vm_call_writev(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    uint64_t before = 0;
    if (!f || !may_write(f))
        return -EBADF;
    if (a[2] > PIECES_MAX)
        return -EINVAL;
    for (uint64_t i = 0; i < a[2]; i++) {
        struct piece p;
        int64_t error = read_piece(k, t, a[1], i, &p);
        if (error)
            return t->progress ? (int64_t)t->progress : error;
        if (p.bytes && t->progress < before + p.bytes) {
            int64_t wrote = write_bytes(k, t, f, p.va, p.bytes, before);
            if (wrote < 0 || t->progress < before + p.bytes)
                return wrote;
        }
        before += p.bytes;
    }
    return (int64_t)t->progress;
}

/* At an offset of its own: regular files only. */
static int64_t at_offset(struct open_file *f, uint64_t offset, uint64_t *kept)
{
    if (!f->inode)
        return -ESPIPE;
    if ((int64_t)offset < 0)
        return -EINVAL;
    *kept = f->offset;
    f->offset = offset;
    return 0;
}

int64_t vm_call_pread64(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    uint64_t kept;
    if (!f || !may_read(f))
        return -EBADF;
    int64_t result = at_offset(f, a[3], &kept);
    if (result)
        return result;
    result = read_bytes(k, t, f, a[1], a[2] & INT32_MAX);
    f->offset = kept;
    return result;
}

int64_t vm_call_pwrite64(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    uint64_t kept;
    if (!f || !may_write(f))
        return -EBADF;
    int64_t result = at_offset(f, a[3], &kept);
    if (result)
        return result;
    result = write_bytes(k, t, f, a[1], a[2] & INT32_MAX, 0);
    f->offset = kept;
    return result;
}

int64_t vm_call_sendfile(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *to = vm_fd_file(t, a[0]), *from = vm_fd_file(t, a[1]);
    uint8_t piece[4096];
    uint64_t offset;
    if (!to || !from || !may_write(to) || !may_read(from))
        return -EBADF;
    if (!from->inode)
        return -EINVAL;
    if (a[2] && vm_user_read(k, t, &offset, a[2], sizeof offset))
        return -EFAULT;
    if (!a[2])
        offset = from->offset;
    uint64_t n = a[3] < INT32_MAX ? a[3] : INT32_MAX;
    while (t->progress < n) {
        uint64_t step = n - t->progress < sizeof piece ? n - t->progress : sizeof piece;
        int64_t got = vm_inode_read(k, from->inode, offset + (a[2] ? t->progress : 0), piece, step);
        if (got <= 0)
            break;
        int64_t wrote = to->ops->write(k, t, to, piece, (uint64_t)got);
        if (wrote < 0)
            return wrote == CALL_SLEEPS || !t->progress ? wrote : (int64_t)t->progress;
        t->progress += (uint64_t)wrote;
        if (!a[2])
            offset = from->offset += (uint64_t)wrote;
    }
    offset += t->progress;
    if (a[2] && vm_user_write(k, t, a[2], &offset, sizeof offset))
        return -EFAULT;
    return (int64_t)t->progress;
}

int64_t vm_call_lseek(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    int64_t base;
    (void)k;
    if (!f)
        return -EBADF;
    if (!f->inode && f->ops != &vm_file_text && f->ops != &vm_file_directory)
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
    if (a[0] > a[1])
        return -EINVAL;
    for (uint64_t fd = a[0]; fd <= a[1] && fd < t->process->files->n; fd++)
        vm_fd_close(k, t, fd);
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
    int64_t error = vm_pipe_open((int)a[1] & O_NONBLOCK, &reader, &writer);
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
    if (f->ops != &vm_file_directory)
        return -ENOTDIR;
    long got = syscall(SYS_getdents64, f->host_fd, entries, n);
    if (got < 0)
        return -errno;
    return vm_user_write(k, t, a[1], entries, (uint64_t)got) ? -EFAULT : got;
}

static int64_t change(struct kernel *k, struct thread *t, uint64_t fd, struct open_file **f)
{
    *f = vm_fd_file(t, fd);
    if (!*f)
        return -EBADF;
    return !(*f)->inode || !may_write(*f) ? -EINVAL : k->c->writable ? 0 : -EROFS;
}

int64_t vm_call_ftruncate(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f;
    int64_t error = change(k, t, a[0], &f);
    return error ? error : (int64_t)a[1] < 0 ? -EINVAL : vm_inode_truncate(k, f->inode, a[1]);
}

int64_t vm_call_fallocate(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f;
    int64_t error = change(k, t, a[0], &f);
    if (error || a[1])
        return error ? error : -EOPNOTSUPP;
    if (a[2] > INT64_MAX || a[3] > INT64_MAX || a[3] == 0)
        return -EINVAL;
    return a[2] + a[3] > f->inode->size ? vm_inode_truncate(k, f->inode, a[2] + a[3]) : 0;
}

static int64_t sync_file(struct kernel *k, struct thread *t, uint64_t fd)
{
    const struct open_file *f = vm_fd_file(t, fd);
    if (!f)
        return -EBADF;
    if (!f->inode)
        return f->ops == &vm_file_directory ? 0 : -EINVAL;
    vm_machine_drain(k);
    vm_engine_sync_file(k->engine, f->inode->number);
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
    if (f->ops != &vm_file_directory)
        return -ENOTDIR;
    char *path = strdup(f->path);
    if (!path)
        return -ENOMEM;
    free(t->process->where->path);
    t->process->where->path = path;
    return 0;
}
