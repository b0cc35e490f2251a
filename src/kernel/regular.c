/* regular.c - open regular files, by way of the page cache, and directories of the host. */
#include "kernel/kernel.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- regular files ---- */

static int64_t regular_read(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                            uint64_t n)
{
    (void)t;
    int64_t got = vm_inode_read(k, f->inode, f->offset, out, n);
    if (got > 0)
        f->offset += (uint64_t)got;
    return got;
}

static int64_t regular_write(struct kernel *k, struct thread *t, struct open_file *f,
                             const void *from, uint64_t n)
{
    (void)t;
    if (f->flags & O_APPEND)
        f->offset = f->inode->size;
    int64_t wrote = vm_inode_write(k, f->inode, f->offset, from, n);
    if (wrote > 0)
        f->offset += (uint64_t)wrote;
    return wrote;
}

static int regular_stat(struct kernel *k, struct open_file *f, struct stat *out)
{
    (void)k;
    if (fstat(f->inode->host_fd, out) != 0)
        return -errno;
    out->st_size = (off_t)f->inode->size;
    return 0;
}

static void regular_close(struct kernel *k, struct open_file *f)
{
    vm_inode_release(k, f->inode);
}

const struct file_ops vm_file_regular = {
    .name = "file",
    .read = regular_read,
    .write = regular_write,
    .ready = vm_file_always_ready,
    .stat = regular_stat,
    .ioctl = vm_file_no_ioctl,
    .close = regular_close,
};

/* ---- directories ---- */

static int directory_stat(struct kernel *k, struct open_file *f, struct stat *out)
{
    (void)k;
    return fstat(f->host_fd, out) == 0 ? 0 : -errno;
}

static void directory_close(struct kernel *k, struct open_file *f)
{
    (void)k;
    close(f->host_fd);
}

const struct file_ops vm_file_directory = {
    .name = "directory",
    .read = vm_file_directory_read,
    .write = vm_file_no_write,
    .ready = vm_file_always_ready,
    .stat = directory_stat,
    .ioctl = vm_file_no_ioctl,
    .close = directory_close,
};
