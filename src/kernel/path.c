/* path.c - names of files: from a program's path to a file of the host below the root, and never
 * beyond it.
 *
 * The host itself resolves each path with openat2(RESOLVE_IN_ROOT) from a descriptor of the root:
 * "/" and ".." that would lead out of it, in the path or in a link, lead to the root (openat2(2)).
 * So there is no check here that a race could pass. What the kernel makes up (special.c) is found
 * by name before the host is asked.
 *
 * Without --writable every open that could change a file is refused with EROFS.
 */
#include "kernel/kernel.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* ---- names ---- */

/* `path` after `base`: absolute, without "." and doubled "/". A ".." goes up by name where the
 * component before it is a name; the host resolves it where links matter, so it stays. */
static int64_t join(const char *base, const char *path, char out[PATH_BYTES])
{
    char whole[2 * PATH_BYTES];
    size_t n = 0;
    int length = snprintf(whole, sizeof whole, "%s/%s", path[0] == '/' ? "" : base, path);
    if (length < 0 || (size_t)length >= sizeof whole)
        return -ENAMETOOLONG;
    for (const char *at = whole; *at;) {
        at += strspn(at, "/");
        size_t part = strcspn(at, "/");
        bool here = part == 1 && at[0] == '.';
        if (part && !here) {
            if (n + part + 2 > PATH_BYTES)
                return -ENAMETOOLONG;
            out[n++] = '/';
            memcpy(out + n, at, part);
            n += part;
        }
        at += part;
    }
    if (n == 0)
        out[n++] = '/';
    out[n] = 0;
    return 0;
}

int64_t vm_path_absolute(struct kernel *k, struct thread *t, int64_t at, const char *path,
                         char out[PATH_BYTES])
{
    (void)k;
    if (!*path)
        return -ENOENT;
    if (path[0] == '/' || (int32_t)at == AT_FDCWD)
        return join(t->process->where->path, path, out);
    const struct open_file *f = vm_fd_file(t, (uint64_t)at);
    if (!f)
        return -EBADF;
    if (!vm_file_is_directory(f))
        return -ENOTDIR;
    return join(f->path, path, out);
}

/* ---- on the host ---- */

/* The host's own processes are not the programs', least of all Pagoda's memory. */
static int refuse_processes(int fd)
{
    struct statfs s;
    if (fd < 0 || fstatfs(fd, &s) != 0 || s.f_type != PROC_SUPER_MAGIC)
        return fd;
    close(fd);
    return -ENOENT;
}

static bool is_creating(int flags)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

static int open_below(struct kernel *k, const char *absolute, int flags, unsigned mode)
{
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY)),
                           .mode = is_creating(flags) ? mode & 07777 : 0,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    long fd = syscall(SYS_openat2, k->root_fd, absolute, &how, sizeof how);
    if (fd < 0 && errno == ENOSYS)
        return vm_path_walk(k->root_fd, absolute, flags, mode & 07777);
    return fd < 0 ? -errno : (int)fd;
}

int vm_path_host(struct kernel *k, const char *absolute, int flags, unsigned mode)
{
    return refuse_processes(open_below(k, absolute, flags, mode));
}

int vm_path_parent(struct kernel *k, const char *absolute, const char **last)
{
    char parent[PATH_BYTES];
    const char *slash = strrchr(absolute, '/');
    snprintf(parent, sizeof parent, "%.*s", slash == absolute ? 1 : (int)(slash - absolute),
             absolute);
    *last = slash + 1;
    if (!**last || strcmp(*last, "..") == 0)
        return -EBUSY;
    return vm_path_host(k, parent, O_PATH | O_DIRECTORY, 0);
}

/* ---- opening ---- */

static struct open_file *open_directory(int fd, int flags, const char *absolute, int64_t *error)
{
    struct open_file *f = vm_open_file_new(&vm_file_directory, flags, absolute);
    *error = 0;
    if (f) {
        f->host_fd = fd;
        return f;
    }
    close(fd);
    *error = -ENOMEM;
    return NULL;
}

/* Who only reads may yet cut it, as on Linux. */
static bool changes_file(int flags)
{
    return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
}

static struct open_file *open_regular(struct kernel *k, int fd, int flags, const char *absolute,
                                      int64_t *error)
{
    struct inode *i = vm_inode_of_host(k, fd, changes_file(flags), absolute);
    struct open_file *f = i ? vm_open_file_new(&vm_file_regular, flags, absolute) : NULL;
    *error = 0;
    if (f) {
        f->inode = i;
        if (flags & O_TRUNC)
            *error = vm_inode_truncate(k, i, 0);
        return f;
    }
    if (i)
        vm_inode_release(k, i);
    else
        close(fd);
    *error = -ENOMEM;
    return NULL;
}

/* What the host is asked for: pages are read and written by the cache, so that a file which is to
 * be written has to be readable too. */
static int host_flags(int flags)
{
    int kept = flags & (O_CREAT | O_EXCL | O_DIRECTORY | O_NOFOLLOW | O_TMPFILE);
    return kept | O_NONBLOCK | (changes_file(flags) ? O_RDWR : O_RDONLY);
}

/* The host's descriptor is the open file's, or closed. */
static int64_t open_kind(struct kernel *k, int fd, int flags, const char *absolute,
                         struct open_file **out)
{
    struct stat s;
    int64_t error = 0;
    *out = NULL;
    if (fstat(fd, &s) == 0 && S_ISREG(s.st_mode)) {
        *out = open_regular(k, fd, flags, absolute, &error);
    } else if (S_ISDIR(s.st_mode)) {
        *out = open_directory(fd, flags, absolute, &error);
    } else {
        close(fd); /* devices and sockets of the host are not the programs' */
        error = -ENXIO;
    }
    return error;
}

/* Named pipes are never opened on the host. False: the name is of none. */
static bool is_fifo(struct kernel *k, const char *absolute, int flags, int *fd)
{
    struct stat s;
    *fd = vm_path_host(k, absolute, O_PATH | (flags & O_NOFOLLOW), 0);
    if (*fd >= 0 && fstat(*fd, &s) == 0 && S_ISFIFO(s.st_mode))
        return true;
    if (*fd >= 0)
        close(*fd);
    return false;
}

static int64_t open_fifo(struct kernel *k, struct thread *t, int fd, int flags,
                         const char *absolute, struct open_file **out)
{
    int64_t error = flags & O_DIRECTORY                     ? -ENOTDIR
                    : (flags & O_CREAT) && (flags & O_EXCL) ? -EEXIST
                                                            : 0;
    if (!error)
        return vm_fifo_open(k, t, fd, flags, absolute, out);
    close(fd);
    return error;
}

/* ---- what nobody changes ---- */

static const char *const kept[KEPT_PLACES] = {"/dev", "/proc", "/sys"};

/* The file systems that the host has at these places, if they are not the root's own. */
static void find_kept(struct kernel *k)
{
    struct stat root, s;
    if (fstat(k->root_fd, &root) != 0)
        return;
    for (size_t i = 0; i < KEPT_PLACES; i++) {
        int fd = vm_path_host(k, kept[i], O_PATH | O_DIRECTORY, 0);
        if (fd < 0)
            continue;
        if (fstat(fd, &s) == 0 && s.st_dev != root.st_dev)
            k->kept_device[i] = s.st_dev;
        close(fd);
    }
}

bool vm_path_is_kept(const struct kernel *k, const char *absolute, int directory_fd)
{
    struct stat s;
    for (size_t i = 0; i < KEPT_PLACES; i++) {
        size_t n = strlen(kept[i]);
        if (strncmp(absolute, kept[i], n) == 0 && (absolute[n] == '/' || !absolute[n]))
            return true;
    }
    if (fstat(directory_fd, &s) != 0)
        return true;
    for (size_t i = 0; i < KEPT_PLACES; i++)
        if (k->kept_device[i] && k->kept_device[i] == s.st_dev)
            return true;
    return false;
}

/* The host's directory that a file will be in, if it is changed or made: a file without a name is
 * made in the directory that is named. */
static int directory_of(struct kernel *k, const char *absolute, int flags)
{
    const char *last;
    return (flags & O_TMPFILE) == O_TMPFILE ? vm_path_host(k, absolute, O_PATH | O_DIRECTORY, 0)
                                            : vm_path_parent(k, absolute, &last);
}

/* 0, or why no program may change it, or make it. */
static int64_t refuse_change(struct kernel *k, const char *absolute, int flags)
{
    int fd = k->c->writable ? directory_of(k, absolute, flags) : -EROFS;
    if (fd < 0)
        return fd == -EBUSY ? -EISDIR : fd;
    int64_t error = vm_path_is_kept(k, absolute, fd) ? -EROFS : 0;
    close(fd);
    return error;
}

int64_t vm_path_open(struct kernel *k, struct thread *t, const char *absolute, int flags,
                     unsigned mode, struct open_file **out)
{
    int64_t error;
    *out = vm_path_special(k, t, absolute, flags, &error);
    if (*out || error)
        return error;
    int fd;
    if (is_fifo(k, absolute, flags, &fd)) /* what goes through one changes no file */
        return open_fifo(k, t, fd, flags, absolute, out);
    bool changes = changes_file(flags) || (flags & O_CREAT);
    error = changes ? refuse_change(k, absolute, flags) : 0;
    if (error == -EROFS && !(flags & O_CREAT)) { /* what is not there is told first */
        fd = vm_path_host(k, absolute, O_PATH, 0);
        if (fd >= 0)
            close(fd);
        return fd == -ENOENT ? fd : error;
    }
    if (error)
        return error;
    fd = vm_path_host(k, absolute, host_flags(flags), mode);
    if (fd < 0)
        return fd;
    error = open_kind(k, fd, flags, absolute, out);
    if (*out && error) {
        vm_open_file_hold(*out);
        vm_open_file_release(k, *out);
        *out = NULL;
    }
    return error;
}

bool vm_files_open(struct kernel *k, struct vm_error *e)
{
    k->root_fd = open(k->c->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (k->root_fd < 0)
        return vm_fail(e, VM_EUSAGE, "--root %s: %s: expected a directory", k->c->root,
                       strerror(errno));
    find_kept(k);
    return vm_inodes_open(k, e) && vm_streams_open(k, e) && vm_terminal_open(k, e);
}

void vm_files_close(struct kernel *k)
{
    vm_sockets_close(k);
    vm_inodes_close(k);
    vm_fifos_close(k);
    vm_streams_close(k);
    vm_terminal_close(k);
    if (k->root_fd >= 0)
        close(k->root_fd);
}

void vm_files_sync(struct kernel *k)
{
    vm_machine_drain(k);
    vm_engine_sync_file(k->engine, 0);
}
