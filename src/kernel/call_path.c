/* call_path.c - system calls on names. What a name means is path.c's. */
#include "kernel/kernel.h"
#include "kernel/stat.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The absolute path of the string at `va`, from directory descriptor `at`. */
static int64_t path_of(struct kernel *k, struct thread *t, uint64_t at, vm_va va,
                       char out[PATH_BYTES])
{
    char path[PATH_BYTES];
    int64_t error = vm_user_string(k, t, path, sizeof path, va);
    return error ? error : vm_path_absolute(k, t, (int64_t)at, path, out);
}

int64_t vm_call_openat(struct kernel *k, struct thread *t, const uint64_t *a)
{
    char path[PATH_BYTES];
    struct open_file *f;
    int64_t error = path_of(k, t, a[0], a[1], path);
    if (!error)
        error = vm_path_open(k, t, path, (int)a[2], (unsigned)a[3] & ~t->process->where->umask, &f);
    return error ? error : vm_fd_give(k, t, f, a[2] & O_CLOEXEC);
}

/* ---- where ---- */

int64_t vm_call_getcwd(struct kernel *k, struct thread *t, const uint64_t *a)
{
    const char *path = t->process->where->path;
    size_t bytes = strlen(path) + 1;
    if (a[1] < bytes)
        return -ERANGE;
    return vm_user_write(k, t, a[0], path, bytes) ? -EFAULT : (int64_t)bytes;
}

/* The path of the directory that a descriptor of the host is of, as programs see it. */
static int64_t path_below_root(struct kernel *k, int fd, char out[PATH_BYTES])
{
    char link[64], root[PATH_BYTES];
    snprintf(link, sizeof link, "/proc/self/fd/%d", k->root_fd);
    ssize_t prefix = readlink(link, root, sizeof root - 1);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, PATH_BYTES - 1);
    if (prefix < 0 || n < 0)
        return -errno;
    out[n] = 0;
    prefix = prefix == 1 ? 0 : prefix;
    if (n < prefix || strncmp(out, root, (size_t)prefix) != 0)
        return -ENOENT;
    memmove(out, out + prefix, (size_t)(n - prefix) + 1);
    if (!*out)
        snprintf(out, PATH_BYTES, "/");
    return 0;
}

/* The path becomes one without links, of a directory. */
static int64_t resolve_directory(struct kernel *k, struct thread *t, char path[PATH_BYTES])
{
    int64_t error;
    struct open_file *f = vm_path_special(k, t, path, O_RDONLY, &error);
    if (f) {
        error = vm_file_is_directory(f) ? 0 : -ENOTDIR;
        if (!error)
            snprintf(path, PATH_BYTES, "%s", f->path);
        vm_open_file_hold(f);
        vm_open_file_release(k, f);
    }
    if (f || error)
        return error;
    int fd = vm_path_host(k, path, O_PATH | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    error = path_below_root(k, fd, path);
    close(fd);
    return error;
}

int64_t vm_call_chdir(struct kernel *k, struct thread *t, const uint64_t *a)
{
    char path[PATH_BYTES];
    int64_t error = path_of(k, t, (uint64_t)AT_FDCWD, a[0], path);
    if (error)
        return error;
    error = resolve_directory(k, t, path);
    char *own = error ? NULL : strdup(path);
    if (!own)
        return error ? error : -ENOMEM;
    free(t->process->where->path);
    t->process->where->path = own;
    return 0;
}

int64_t vm_call_umask(struct kernel *k, struct thread *t, const uint64_t *a)
{
    uint32_t old = t->process->where->umask;
    (void)k;
    t->process->where->umask = a[0] & 0777;
    return old;
}

/* ---- what is known of them ---- */

/* Linux's generic struct stat. */
struct generic_stat {
    uint64_t dev, ino;
    uint32_t mode, nlink, uid, gid;
    uint64_t rdev, pad1;
    int64_t size;
    int32_t blksize, pad2;
    int64_t blocks;
    int64_t atime_s, atime_ns, mtime_s, mtime_ns, ctime_s, ctime_ns;
    uint32_t unused[2];
};
_Static_assert(sizeof(struct generic_stat) == 128, "as asm-generic/stat.h has it");

int64_t vm_stat_give(struct kernel *k, struct thread *t, const struct stat *s, vm_va va)
{
    struct generic_stat g = {
        .dev = s->st_dev,
        .ino = s->st_ino,
        .mode = s->st_mode,
        .nlink = (uint32_t)s->st_nlink,
        .uid = s->st_uid,
        .gid = s->st_gid,
        .rdev = s->st_rdev,
        .size = s->st_size,
        .blksize = (int32_t)s->st_blksize,
        .blocks = s->st_blocks,
        .atime_s = s->st_atim.tv_sec,
        .atime_ns = s->st_atim.tv_nsec,
        .mtime_s = s->st_mtim.tv_sec,
        .mtime_ns = s->st_mtim.tv_nsec,
        .ctime_s = s->st_ctim.tv_sec,
        .ctime_ns = s->st_ctim.tv_nsec,
    };
    return vm_user_write(k, t, va, &g, sizeof g);
}

/* The size that programs see, if it is open here. */
static void set_size(struct kernel *k, struct stat *s)
{
    const struct inode *i = S_ISREG(s->st_mode) ? vm_inode_by_host(k, s->st_dev, s->st_ino) : NULL;
    if (i)
        s->st_size = (off_t)i->size;
}

static int stat_special(struct kernel *k, struct thread *t, const char *path, struct stat *s,
                        bool *special)
{
    int64_t error;
    struct open_file *f = vm_path_special(k, t, path, O_RDONLY, &error);
    *special = f || error;
    if (!f)
        return (int)error;
    vm_open_file_hold(f);
    error = f->ops->stat(k, f, s);
    vm_open_file_release(k, f);
    return (int)error;
}

static int stat_path(struct kernel *k, struct thread *t, const char *path, bool follow,
                     struct stat *s)
{
    bool special;
    char target[PATH_BYTES];
    if (!follow && vm_proc_link(k, t, path, target) == 0) {
        *s = (struct stat){.st_mode = S_IFLNK | 0777, .st_nlink = 1, .st_blksize = 4096};
        return 0;
    }
    int error = stat_special(k, t, path, s, &special);
    if (special)
        return error;
    int fd = vm_path_host(k, path, O_PATH | (follow ? 0 : O_NOFOLLOW), 0);
    if (fd < 0)
        return fd;
    error = fstat(fd, s) == 0 ? 0 : -errno;
    close(fd);
    set_size(k, s);
    return error;
}

/* Of the descriptor itself where the path is empty and the flags say so. */
static int64_t stat_at(struct kernel *k, struct thread *t, uint64_t at, vm_va va, uint64_t flags,
                       struct stat *s)
{
    char path[PATH_BYTES];
    uint8_t first = 1;
    if ((flags & AT_EMPTY_PATH) && vm_user_read(k, t, &first, va, 1))
        return -EFAULT;
    if (!first && (int32_t)at != AT_FDCWD) {
        struct open_file *f = vm_fd_file(t, at);
        return f ? f->ops->stat(k, f, s) : -EBADF;
    }
    int64_t error =
        first ? path_of(k, t, at, va, path) : vm_path_absolute(k, t, AT_FDCWD, ".", path);
    return error ? error : stat_path(k, t, path, !(flags & AT_SYMLINK_NOFOLLOW), s);
}

int64_t vm_call_newfstatat(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct stat s;
    int64_t error = stat_at(k, t, a[0], a[1], a[3], &s);
    return error ? error : vm_stat_give(k, t, &s, a[2]);
}

static struct statx_timestamp timestamp(struct timespec time)
{
    return (struct statx_timestamp){.tv_sec = time.tv_sec, .tv_nsec = (uint32_t)time.tv_nsec};
}

int64_t vm_call_statx(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct stat s;
    int64_t error = stat_at(k, t, a[0], a[1], a[2], &s);
    if (error)
        return error;
    struct statx x = {
        .stx_mask = STATX_BASIC_STATS,
        .stx_blksize = (uint32_t)s.st_blksize,
        .stx_nlink = (uint32_t)s.st_nlink,
        .stx_uid = s.st_uid,
        .stx_gid = s.st_gid,
        .stx_mode = (uint16_t)s.st_mode,
        .stx_ino = s.st_ino,
        .stx_size = (uint64_t)s.st_size,
        .stx_blocks = (uint64_t)s.st_blocks,
        .stx_atime = timestamp(s.st_atim),
        .stx_mtime = timestamp(s.st_mtim),
        .stx_ctime = timestamp(s.st_ctim),
        .stx_rdev_major = major(s.st_rdev),
        .stx_rdev_minor = minor(s.st_rdev),
        .stx_dev_major = major(s.st_dev),
        .stx_dev_minor = minor(s.st_dev),
    };
    return vm_user_write(k, t, a[4], &x, sizeof x);
}

/* What the kernel makes up has no blocks. */
static bool is_made_up(struct kernel *k, struct thread *t, const char *path)
{
    struct stat s;
    bool special;
    stat_special(k, t, path, &s, &special);
    return special;
}

int64_t vm_call_statfs(struct kernel *k, struct thread *t, const uint64_t *a)
{
    char path[PATH_BYTES];
    struct statfs s;
    int64_t error = path_of(k, t, (uint64_t)AT_FDCWD, a[0], path);
    if (!error && is_made_up(k, t, path)) {
        s = (struct statfs){.f_type = PROC_SUPER_MAGIC, .f_bsize = 4096, .f_namelen = 255};
        return vm_user_write(k, t, a[1], &s, sizeof s);
    }
    int fd = error ? (int)error : vm_path_host(k, path, O_PATH, 0);
    if (fd < 0)
        return fd;
    error = fstatfs(fd, &s) == 0 ? 0 : -errno;
    close(fd);
    return error ? error : vm_user_write(k, t, a[1], &s, sizeof s);
}

/* Programs are root: what is there may be accessed, but not written where nothing may. */
static int64_t access_at(struct kernel *k, struct thread *t, uint64_t at, vm_va va, uint64_t mode,
                         uint64_t flags)
{
    struct stat s;
    int64_t error = stat_at(k, t, at, va, flags, &s);
    if (error)
        return error;
    if ((mode & W_OK) && !k->c->writable && !S_ISCHR(s.st_mode))
        return -EROFS;
    return (mode & X_OK) && !S_ISDIR(s.st_mode) && !(s.st_mode & 0111) ? -EACCES : 0;
}

int64_t vm_call_faccessat(struct kernel *k, struct thread *t, const uint64_t *a)
{
    return access_at(k, t, a[0], a[1], a[2], 0);
}

int64_t vm_call_faccessat2(struct kernel *k, struct thread *t, const uint64_t *a)
{
    return access_at(k, t, a[0], a[1], a[2], a[3]);
}

int64_t vm_call_readlinkat(struct kernel *k, struct thread *t, const uint64_t *a)
{
    char path[PATH_BYTES], text[PATH_BYTES];
    int64_t error = path_of(k, t, a[0], a[1], path);
    if (error)
        return error;
    error = vm_proc_link(k, t, path, text);
    if (error == -EINVAL)
        return error;
    if (error) {
        int fd = vm_path_host(k, path, O_PATH | O_NOFOLLOW, 0);
        if (fd < 0)
            return fd;
        ssize_t n = readlinkat(fd, "", text, sizeof text - 1);
        int why = errno;
        close(fd);
        if (n < 0)
            return why == ENOENT ? -EINVAL : -why; /* it is there, and no link */
        text[n] = 0;
    }
    uint64_t n = strlen(text) < a[3] ? strlen(text) : a[3];
    return vm_user_write(k, t, a[2], text, n) ? -EFAULT : (int64_t)n;
}

/* ---- changing what is there ---- */

/* The host's directory that the name is in, and its last component, for a call that changes it. */
static int changed(struct kernel *k, struct thread *t, uint64_t at, vm_va va, char path[PATH_BYTES],
                   const char **last)
{
    int64_t error = path_of(k, t, at, va, path);
    if (error)
        return (int)error;
    int fd = k->c->writable ? vm_path_parent(k, path, last) : -EROFS;
    if (fd < 0 || !vm_path_is_kept(k, path, fd))
        return fd;
    close(fd);
    return -EROFS;
}

/* The same for a name that is to be new, which the root's and ".." never are. */
static int made(struct kernel *k, struct thread *t, uint64_t at, vm_va va, char path[PATH_BYTES],
                const char **last)
{
    int fd = changed(k, t, at, va, path, last);
    return fd == -EBUSY ? -EEXIST : fd;
}

static int64_t done(int fd, int result)
{
    int64_t error = result == 0 ? 0 : -errno;
    close(fd);
    return error;
}

int64_t vm_call_mkdirat(struct kernel *k, struct thread *t, const uint64_t *a)
{
    char path[PATH_BYTES];
    const char *last;
    int fd = made(k, t, a[0], a[1], path, &last);
    unsigned mode = (unsigned)a[2] & ~t->process->where->umask & 07777;
    return fd < 0 ? fd : done(fd, mkdirat(fd, last, mode));
}

int64_t vm_call_unlinkat(struct kernel *k, struct thread *t, const uint64_t *a)
{
    char path[PATH_BYTES];
    const char *last;
    if (a[2] & ~(uint64_t)AT_REMOVEDIR)
        return -EINVAL;
    int fd = changed(k, t, a[0], a[1], path, &last);
    return fd < 0 ? fd : done(fd, unlinkat(fd, last, (int)a[2]));
}

/* Files, named pipes and sockets' names; devices are the kernel's own. */
int64_t vm_call_mknodat(struct kernel *k, struct thread *t, const uint64_t *a)
{
    char path[PATH_BYTES];
    const char *last;
    mode_t kind = (mode_t)a[2] & S_IFMT, mode = (mode_t)a[2] & ~t->process->where->umask & 07777;
    if (kind == S_IFCHR || kind == S_IFBLK)
        return -EPERM;
    if (kind && kind != S_IFREG && kind != S_IFIFO && kind != S_IFSOCK)
        return kind == S_IFDIR ? -EPERM : -EINVAL;
    int fd = made(k, t, a[0], a[1], path, &last);
    return fd < 0 ? fd : done(fd, mknodat(fd, last, kind | mode, 0));
}

int64_t vm_call_symlinkat(struct kernel *k, struct thread *t, const uint64_t *a)
{
    char path[PATH_BYTES], target[PATH_BYTES];
    const char *last;
    if (vm_user_string(k, t, target, sizeof target, a[0]))
        return -EFAULT;
    int fd = made(k, t, a[1], a[2], path, &last);
    return fd < 0 ? fd : done(fd, symlinkat(target, fd, last));
}

/* The one name becomes the other, or both become each other's. */
static int64_t rename_at(struct kernel *k, struct thread *t, const uint64_t *a, unsigned flags)
{
    char from_path[PATH_BYTES], to_path[PATH_BYTES];
    const char *from_last, *to_last;
    int from = changed(k, t, a[0], a[1], from_path, &from_last);
    if (from < 0)
        return from;
    int to = changed(k, t, a[2], a[3], to_path, &to_last);
    int64_t error = to < 0 ? to : done(to, renameat2(from, from_last, to, to_last, flags));
    close(from);
    return error;
}

int64_t vm_call_renameat(struct kernel *k, struct thread *t, const uint64_t *a)
{
    return rename_at(k, t, a, 0);
}

int64_t vm_call_renameat2(struct kernel *k, struct thread *t, const uint64_t *a)
{
    if (a[4] & ~(uint64_t)(RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    return rename_at(k, t, a, (unsigned)a[4]);
}

/* A descriptor of the host's that stands for a file whatever its names are, or -errno. */
static int file_at(struct kernel *k, struct thread *t, uint64_t at, vm_va va, uint64_t flags)
{
    char path[PATH_BYTES];
    uint8_t first = 1;
    if ((flags & AT_EMPTY_PATH) && vm_user_read(k, t, &first, va, 1))
        return -EFAULT;
    if (!first) {
        const struct open_file *f = vm_fd_file(t, at);
        int fd = !f ? -1 : f->inode ? f->inode->host_fd : f->host_fd;
        fd = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 0);
        return fd < 0 ? f ? -EINVAL : -EBADF : fd;
    }
    int64_t error = path_of(k, t, at, va, path);
    if (error)
        return (int)error;
    return vm_path_host(k, path, O_PATH | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0), 0);
}

/* The same of one that is to be changed, which no device is. */
static int changed_file(struct kernel *k, struct thread *t, uint64_t at, vm_va va, uint64_t flags)
{
    struct stat s;
    int fd = file_at(k, t, at, va, flags);
    if (fd < 0)
        return fd;
    bool device = fstat(fd, &s) != 0 || S_ISCHR(s.st_mode) || S_ISBLK(s.st_mode);
    if (k->c->writable && !device && !vm_path_is_kept(k, "", fd))
        return fd;
    close(fd);
    return -EROFS;
}

/* The host's name of the file itself: any other would have it follow links, out of the root. */
static void name_itself(int fd, char name[64])
{
    snprintf(name, 64, "/proc/self/fd/%d", fd);
}

int64_t vm_call_linkat(struct kernel *k, struct thread *t, const uint64_t *a)
{
    char path[PATH_BYTES], itself[64];
    const char *last;
    if (a[4] & ~(uint64_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    uint64_t flags = (a[4] & AT_EMPTY_PATH) | (a[4] & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW);
    int from = changed_file(k, t, a[0], a[1], flags);
    if (from < 0)
        return from;
    int to = made(k, t, a[2], a[3], path, &last);
    name_itself(from, itself);
    int64_t error = to < 0 ? to : done(to, linkat(AT_FDCWD, itself, to, last, AT_SYMLINK_FOLLOW));
    close(from);
    return error;
}

int64_t vm_call_truncate(struct kernel *k, struct thread *t, const uint64_t *a)
{
    char path[PATH_BYTES];
    struct open_file *f;
    int64_t error = path_of(k, t, (uint64_t)AT_FDCWD, a[0], path);
    if (!error)
        error = vm_path_open(k, t, path, O_RDWR, 0, &f);
    if (error)
        return error;
    vm_open_file_hold(f);
    error = f->inode ? vm_inode_truncate(k, f->inode, a[1]) : -EISDIR;
    vm_open_file_release(k, f);
    return error;
}

int64_t vm_call_fchmodat(struct kernel *k, struct thread *t, const uint64_t *a)
{
    char itself[64];
    int fd = changed_file(k, t, a[0], a[1], 0);
    if (fd < 0)
        return fd;
    name_itself(fd, itself);
    return done(fd, chmod(itself, (mode_t)a[2] & 07777));
}

int64_t vm_call_fchmod(struct kernel *k, struct thread *t, const uint64_t *a)
{
    const struct open_file *f = vm_fd_file(t, a[0]);
    if (!f)
        return -EBADF;
    if (!k->c->writable)
        return -EROFS;
    int fd = f->inode ? f->inode->host_fd : f->ops == &vm_file_directory ? f->host_fd : -1;
    return fd >= 0 && fchmod(fd, (mode_t)a[1] & 07777) != 0 ? -errno : 0;
}

/* Owners are not kept: every file is root's, as every program is. */
int64_t vm_call_fchownat(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct stat s;
    int64_t error = stat_at(k, t, a[0], a[1], a[4], &s);
    return error ? error : k->c->writable ? 0 : -EROFS;
}

int64_t vm_call_fchown(struct kernel *k, struct thread *t, const uint64_t *a)
{
    return !vm_fd_file(t, a[0]) ? -EBADF : k->c->writable ? 0 : -EROFS;
}

int64_t vm_call_utimensat(struct kernel *k, struct thread *t, const uint64_t *a)
{
    char itself[64];
    struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    if (a[3] & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (a[2] && vm_user_read(k, t, times, a[2], sizeof times))
        return -EFAULT;
    if (!a[1]) {
        const struct open_file *f = vm_fd_file(t, a[0]);
        if (!f || !f->inode)
            return -EBADF;
        return !k->c->writable ? -EROFS : futimens(f->inode->host_fd, times) == 0 ? 0 : -errno;
    }
    int fd = changed_file(k, t, a[0], a[1], a[3]);
    if (fd < 0)
        return fd;
    name_itself(fd, itself);
    return done(fd, utimensat(AT_FDCWD, itself, times, 0));
}
