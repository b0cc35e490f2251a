/* special.c - files that the kernel makes up: /dev/null, zero, full, random and urandom, and texts.
 * Those of /proc are proc.c's.
 *
 * Random bytes come from the run's seed, so that a run can be had again.
 */
#include "kernel/kernel.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* ---- devices ---- */

static int64_t read_nothing(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                            uint64_t n)
{
    (void)k;
    (void)t;
    (void)f;
    (void)out;
    (void)n;
    return 0;
}

static int64_t read_zeros(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                          uint64_t n)
{
    (void)k;
    (void)t;
    (void)f;
    memset(out, 0, n);
    return (int64_t)n;
}

static int64_t read_random(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                           uint64_t n)
{
    (void)t;
    (void)f;
    for (uint64_t i = 0; i < n; i += 8) {
        uint64_t bits = vm_kernel_random(k);
        memcpy((uint8_t *)out + i, &bits, n - i < 8 ? n - i : 8);
    }
    return (int64_t)n;
}

static int64_t write_away(struct kernel *k, struct thread *t, struct open_file *f, const void *from,
                          uint64_t n)
{
    (void)k;
    (void)t;
    (void)f;
    (void)from;
    return (int64_t)n;
}

static int64_t write_full(struct kernel *k, struct thread *t, struct open_file *f, const void *from,
                          uint64_t n)
{
    (void)k;
    (void)t;
    (void)f;
    (void)from;
    return n ? -ENOSPC : 0;
}

static int device_stat(struct kernel *k, struct open_file *f, struct stat *out)
{
    (void)k;
    unsigned minor = f->ops == &vm_file_null   ? 3
                     : f->ops == &vm_file_zero ? 5
                     : f->ops == &vm_file_full ? 7
                                               : 9;
    *out = (struct stat){
        .st_mode = S_IFCHR | 0666, .st_nlink = 1, .st_rdev = makedev(1, minor), .st_blksize = 4096};
    return 0;
}

#define DEVICE(which, reads, writes)                                                               \
    const struct file_ops vm_file_##which = {                                                      \
        .name = #which,                                                                            \
        .read = reads,                                                                             \
        .write = writes,                                                                           \
        .ready = vm_file_always_ready,                                                             \
        .stat = device_stat,                                                                       \
        .ioctl = vm_file_no_ioctl,                                                                 \
        .close = vm_file_close_nothing,                                                            \
    };
DEVICE(null, read_nothing, write_away)
DEVICE(zero, read_zeros, write_away)
DEVICE(full, read_zeros, write_full)
DEVICE(random, read_random, write_away)

/* ---- text ---- */

static int64_t read_text(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                         uint64_t n)
{
    (void)k;
    (void)t;
    uint64_t left = f->offset < f->size ? f->size - f->offset : 0;
    n = n < left ? n : left;
    if (n == 0)
        return 0; /* an empty text has no bytes to point at */
    memcpy(out, f->text + f->offset, n);
    f->offset += n;
    return (int64_t)n;
}

static int text_stat(struct kernel *k, struct open_file *f, struct stat *out)
{
    (void)k;
    (void)f;
    *out = (struct stat){.st_mode = S_IFREG | 0444, .st_nlink = 1, .st_blksize = 4096};
    return 0;
}

const struct file_ops vm_file_text = {
    .name = "text",
    .read = read_text,
    .write = vm_file_no_write,
    .ready = vm_file_always_ready,
    .stat = text_stat,
    .ioctl = vm_file_no_ioctl,
    .close = vm_file_close_nothing,
};

/* ---- names ---- */

static const struct {
    const char *path;
    const struct file_ops *ops;
} devices[] = {
    {"/dev/null", &vm_file_null},      {"/dev/zero", &vm_file_zero},
    {"/dev/full", &vm_file_full},      {"/dev/random", &vm_file_random},
    {"/dev/urandom", &vm_file_random},
};

/* The standard streams' names, and those of descriptors: all below /proc. */
static const char *below_proc(const char *path, char out[PATH_BYTES])
{
    static const char *const streams[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    for (int fd = 0; fd < 3; fd++)
        if (strcmp(path, streams[fd]) == 0) {
            snprintf(out, PATH_BYTES, "/proc/self/fd/%d", fd);
            return out;
        }
    if (strncmp(path, "/dev/fd", 7) != 0 || (path[7] && path[7] != '/'))
        return path;
    snprintf(out, PATH_BYTES, "/proc/self/fd%s", path + 7);
    return out;
}

struct open_file *vm_path_special(struct kernel *k, struct thread *t, const char *path, int flags,
                                  int64_t *error)
{
    char own[PATH_BYTES];
    *error = 0;
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        if (strcmp(path, devices[i].path) != 0)
            continue;
        struct open_file *f = vm_open_file_new(devices[i].ops, flags, path);
        *error = f ? 0 : -ENOMEM;
        return f;
    }
    if (strcmp(path, "/dev/tty") == 0) {
        struct open_file *f = vm_terminal_kept(k) < 0 ? NULL : vm_stream_open(0, O_RDWR);
        *error = f ? 0 : vm_terminal_kept(k) < 0 ? -ENXIO : -ENOMEM;
        return f;
    }
    return vm_proc_open(k, t, below_proc(path, own), flags, error);
}
