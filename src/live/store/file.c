/* file.c - pages in a file of the process's own: larger than memory, and slower.
 *
 * The file is written and read without the kernel's page cache (O_DIRECT), where its file system
 * can do that: what a pager drops from memory shall not stay there. Blocks are reserved before they
 * are written, so that a full disk is seen while the page is still in memory.
 *
 *      header | slot 0 | slot 1 | ...        each a page long
 *
 * Without a path the file has no name: it is gone with the process. With one, what is there already
 * is only overwritten if its header says that a store left it; and it is one process's at a time
 * (flock). A child of fork has an unnamed file beside it.
 */
#include "live/depot.h"
#include "live/lock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define PATH_MAX_BYTES 512
#define HEADER_BYTES   4096
static const char magic[16] = "pagoda store 1\n";

enum { IO_URING, IO_SYNC };
static const struct vm_param params[] = {
    {"path", VM_PARAM_TEXT, "", 0, 0, NULL,
     "the file; none: one without a name, in TMPDIR or /var/tmp"},
    {"io", VM_PARAM_WORD, "uring", 0, 0, "uring|sync", "how: sync also where io_uring is refused"},
};

struct place {
    char path[PATH_MAX_BYTES];   /* "": it has no name */
    char folder[PATH_MAX_BYTES]; /* where children have theirs */
    int fd;
    pid_t owner;  /* who made it */
    bool is_made; /* it was not there before */
};

/* ---- the file ---- */

/* O_DIRECT where the file system knows it. */
static int open_direct(const char *path, int flags)
{
    int fd = open(path, flags | O_DIRECT | O_CLOEXEC, 0600);
    return fd < 0 && errno == EINVAL ? open(path, flags | O_CLOEXEC, 0600) : fd;
}

/* A file without a name in `folder`, or -1 and errno. */
static int open_unnamed(const char *folder)
{
    char name[PATH_MAX_BYTES + 32];
    int fd = open_direct(folder, O_TMPFILE | O_RDWR);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    snprintf(name, sizeof name, "%s/pagoda-store-%ld", folder, (long)getpid());
    fd = open_direct(name, O_RDWR | O_CREAT | O_EXCL);
    if (fd >= 0)
        unlink(name);
    return fd;
}

static bool header_write(int fd)
{
    _Alignas(HEADER_BYTES) char header[HEADER_BYTES] = {0};
    memcpy(header, magic, sizeof magic);
    return pwrite(fd, header, sizeof header, 0) == sizeof header;
}

static bool header_is_ours(int fd)
{
    _Alignas(HEADER_BYTES) char header[HEADER_BYTES] = {0};
    return pread(fd, header, sizeof header, 0) > (ssize_t)sizeof magic &&
           !memcmp(header, magic, sizeof magic);
}

/* Nobody else has it. The kernel gives up a file of a process that was killed a little later than
 * the process. */
static bool lock_file(int fd)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    for (int i = 0; i < 40; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* What is open may be overwritten. */
static bool may_overwrite(const char *path, int fd, struct vm_error *e)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return vm_fail(e, VM_EUSAGE, "%s: it is no regular file, so it can be no store", path);
    if (!lock_file(fd))
        return vm_fail(e, VM_EUSAGE, "%s: another store has its pages there", path);
    if (st.st_size == 0 || header_is_ours(fd))
        return true;
    vm_fail(e, VM_EUSAGE, "%s: there is a file that is no store: it was left as it is", path);
    return vm_hint(e, "give a path where there is no file");
}

/* The descriptor of the named file, or -1 with the error. */
static int open_named(struct place *p, struct vm_error *e)
{
    int fd = open_direct(p->path, O_RDWR | O_CREAT | O_EXCL);
    p->is_made = fd >= 0;
    if (fd < 0 && errno == EEXIST)
        fd = open_direct(p->path, O_RDWR);
    if (fd < 0) {
        vm_fail(e, VM_ESYSTEM, "%s: cannot be a store: %s", p->path, strerror(errno));
        return -1;
    }
    if (!may_overwrite(p->path, fd, e)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool place_open(struct place *p, struct vm_error *e)
{
    p->fd = p->path[0] ? open_named(p, e) : open_unnamed(p->folder);
    if (p->fd < 0 && !p->path[0])
        vm_fail(e, VM_ESYSTEM, "%s: cannot make a file for a store: %s", p->folder,
                strerror(errno));
    if (p->fd < 0)
        return false;
    if (ftruncate(p->fd, 0) == 0 && header_write(p->fd))
        return true;
    vm_fail(e, VM_ESYSTEM, "%s: cannot write a store: %s", p->path[0] ? p->path : p->folder,
            strerror(errno));
    close(p->fd);
    if (p->is_made)
        unlink(p->path);
    return false;
}

/* ---- as a medium ---- */

static int file_reserve(void *medium, int fd, uint64_t bytes)
{
    (void)medium;
    long error = -vm_raw_call(SYS_fallocate, fd, 0, 0, (long)bytes, 0, 0);
    /* A file system that cannot reserve says so when it is written. */
    return error == EOPNOTSUPP ? 0 : (int)error;
}

static int file_new(void *medium)
{
    struct place *p = medium;
    int fd = open_unnamed(p->folder);
    if (fd >= 0 && !header_write(fd)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int file_sync(void *medium, int fd)
{
    (void)medium;
    return (int)-vm_raw_call(SYS_fdatasync, fd, 0, 0, 0, 0, 0);
}

/* A child of fork leaves the name to who made the file. */
static void file_close(void *medium)
{
    struct place *p = medium;
    if (p->path[0] && p->owner == getpid()) {
        /* One that was there stays, and is known as a store's. */
        if (p->is_made || ftruncate(p->fd, HEADER_BYTES) < 0)
            unlink(p->path);
    }
    close(p->fd);
    free(p);
}

static struct place *place_of(const struct vm_params *given, struct vm_error *e)
{
    struct place *p = calloc(1, sizeof *p);
    if (!p) {
        vm_fail(e, VM_ESYSTEM, "no memory for a store");
        return NULL;
    }
    const char *folder = getenv("TMPDIR"), *path = vm_params_text(given, "path");
    const char *slash = strrchr(path, '/');
    p->owner = getpid();
    snprintf(p->path, sizeof p->path, "%s", path);
    if (!path[0])
        snprintf(p->folder, sizeof p->folder, "%s", folder && folder[0] ? folder : "/var/tmp");
    else if (slash)
        snprintf(p->folder, sizeof p->folder, "%.*s", slash > path ? (int)(slash - path) : 1, path);
    else
        snprintf(p->folder, sizeof p->folder, ".");
    return p;
}

static const struct vm_io_ops *io_open(const struct vm_params *given, void **io, struct vm_error *e)
{
    if (vm_params_count(given, "io") == IO_URING && (*io = vm_io_uring.open(NULL, e)))
        return &vm_io_uring;
    *io = vm_io_sync.open(NULL, e);
    return *io ? &vm_io_sync : NULL;
}

static void *store_open(const struct vm_store_env *env, struct place *p, struct vm_error *e)
{
    struct vm_medium medium = {
        .medium = p,
        .file = p->fd,
        .is_seekable = true,
        .nslots = 2 * env->pages_max,
        .reserve = file_reserve,
        .file_new = file_new,
        .sync = file_sync,
        .close = file_close,
    };
    medium.io_ops = io_open(env->params, &medium.io, e);
    if (!medium.io_ops)
        return NULL;
    void *store = vm_depot_open(env, &medium, e);
    if (!store)
        medium.io_ops->close(medium.io);
    return store;
}

static void *file_open(const struct vm_store_env *env, struct vm_error *e)
{
    struct place *p = place_of(env->params, e);
    if (!p)
        return NULL;
    if (!place_open(p, e)) {
        free(p);
        return NULL;
    }
    void *store = store_open(env, p, e);
    if (!store)
        file_close(p);
    return store;
}

const struct vm_store_ops vm_store_file = {
    .name = "file",
    .summary = "a file, past the kernel's page cache",
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .open = file_open,
    VM_DEPOT_OPS,
};
