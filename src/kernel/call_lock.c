/* call_lock.c - system calls on locks: fcntl's of a process, fcntl's of an open file, and flock.
 *
 *      whose                    asked for with        goes when
 *      the process's            F_SETLK               it closes any descriptor of the file, or ends
 *      the open file's (OFD)    F_OFD_SETLK           its last descriptor is closed
 *      the open file's          flock                 likewise; knows nothing of the other two
 *
 * Who must wait for a lock sleeps on the table as a whole: whoever lets go of one wakes them all,
 * in the order in which they came. A process that would wait for one that waits for it is told so
 * (EDEADLK); as on Linux that is found out for locks of processes only.
 *
 * Source: POSIX.1-2017, fcntl; Linux, fcntl(2), flock(2).
 */
#include "kernel/kernel.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LAST_BYTE ((uint64_t)INT64_MAX)

/* A directory is one file however often it is open; what is no file is one for each opening. */
static struct file_id id_of(struct kernel *k, struct open_file *f)
{
    struct stat s;
    if (f->inode)
        return (struct file_id){0, f->inode->number};
    if (f->ops == &vm_file_directory && f->ops->stat(k, f, &s) == 0)
        return (struct file_id){1 + s.st_dev, s.st_ino};
    return (struct file_id){UINT64_MAX, (uint64_t)(uintptr_t)f};
}

static const void *channel(const struct kernel *k)
{
    return &k->locks;
}

/* ---- letting go ---- */

void vm_locks_closed(struct kernel *k, const struct fd_table *table, struct open_file *f)
{
    if (k->locks.first && vm_lock_drop(&k->locks, LOCK_OF_BYTES, id_of(k, f), table))
        vm_wake_all(k, channel(k));
}

void vm_locks_of(struct kernel *k, const void *owner)
{
    if (vm_lock_drop_owner(&k->locks, owner))
        vm_wake_all(k, channel(k));
}

/* ---- waiting ---- */

/* The owner that stands in the way of some thread whose process is `owner`; NULL: none of its
 * threads waits. */
static const void *waits_for(const struct kernel *k, const void *owner)
{
    for (uint32_t i = 0; i < k->threads_max; i++) {
        const struct thread *t = &k->thread[i];
        if (t->state != THREAD_SLEEPS || t->channel != channel(k) || t->lock_wanted.owner != owner)
            continue;
        const struct lock *blocker = vm_lock_blocker(&k->locks, &t->lock_wanted);
        return blocker ? blocker->owner : NULL;
    }
    return NULL;
}

/* From whoever stands in its way, on from one to the next: does that lead back? */
static bool is_deadlock(const struct kernel *k, const struct lock *wanted,
                        const struct lock *blocker)
{
    const void *owner = blocker->owner;
    for (uint32_t step = 0; owner && step < k->threads_max; step++) {
        owner = waits_for(k, owner);
        if (owner == wanted->owner)
            return true;
    }
    return false;
}

static int64_t wait_for_lock(struct kernel *k, struct thread *t, const struct lock *wanted)
{
    t->lock_wanted = *wanted;
    return vm_thread_sleep(k, t, channel(k), VM_TIME_NEVER);
}

static int64_t set(struct kernel *k, const struct lock *wanted)
{
    if (!vm_lock_set(&k->locks, wanted))
        return -ENOLCK;
    vm_wake_all(k, channel(k)); /* it may have been exclusive before */
    return 0;
}

static int64_t clear(struct kernel *k, const struct lock *range)
{
    if (!vm_lock_clear(&k->locks, range))
        return -ENOLCK;
    vm_wake_all(k, channel(k));
    return 0;
}

/* ---- of bytes ---- */

/* A struct flock of a program. */
struct request {
    int16_t type, whence;
    int32_t pad;
    int64_t start, bytes;
    int32_t pid, pad2;
};

static bool is_of_open_file(uint64_t command)
{
    return command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
}

/* Where byte 0 of the request's offsets is; -EINVAL. */
static int64_t base_of(const struct open_file *f, int whence)
{
    switch (whence) {
    case SEEK_SET:
        return 0;
    case SEEK_CUR:
        return (int64_t)f->offset;
    case SEEK_END:
        return (int64_t)(f->inode ? f->inode->size : f->size);
    default:
        return -EINVAL;
    }
}

/* The bytes [start, start + bytes), or up to `start` where `bytes` is negative; none: to the end. */
static int64_t set_range(const struct open_file *f, const struct request *r, struct lock *l)
{
    int64_t first, base = base_of(f, r->whence);
    if (base < 0)
        return base;
    if (__builtin_add_overflow(base, r->start, &first))
        return -EOVERFLOW;
    if (first < 0 || (r->bytes < 0 && first + r->bytes < 0))
        return -EINVAL;
    if (r->bytes > INT64_MAX - first)
        return -EOVERFLOW;
    l->first = (uint64_t)(r->bytes < 0 ? first + r->bytes : first);
    l->last = r->bytes == 0  ? LAST_BYTE
              : r->bytes > 0 ? (uint64_t)(first + r->bytes - 1)
                             : (uint64_t)(first - 1);
    return 0;
}

static int64_t tell(struct kernel *k, struct thread *t, const struct lock *wanted,
                    struct request *r, vm_va at)
{
    const struct lock *l = vm_lock_blocker(&k->locks, wanted);
    r->type = !l ? F_UNLCK : l->exclusive ? F_WRLCK : F_RDLCK;
    if (l) {
        r->whence = SEEK_SET;
        r->start = (int64_t)l->first;
        r->bytes = l->last == LAST_BYTE ? 0 : (int64_t)(l->last - l->first + 1);
        r->pid = (int32_t)l->pid;
    }
    return vm_user_write(k, t, at, r, sizeof *r);
}

static bool may_lock(const struct open_file *f, int type)
{
    int access = f->flags & O_ACCMODE;
    return type == F_UNLCK || access == O_RDWR || access == (type == F_RDLCK ? O_RDONLY : O_WRONLY);
}

int64_t vm_lock_fcntl(struct kernel *k, struct thread *t, struct open_file *f, const uint64_t *a)
{
    struct request r;
    bool of_file = is_of_open_file(a[1]), asks = a[1] == F_GETLK || a[1] == F_OFD_GETLK;
    if (vm_user_read(k, t, &r, a[2], sizeof r))
        return -EFAULT;
    struct lock wanted = {.kind = LOCK_OF_BYTES,
                          .file = id_of(k, f),
                          .owner = of_file ? (const void *)f : t->process->files,
                          .pid = of_file ? UINT32_MAX : t->process->pid,
                          .exclusive = r.type == F_WRLCK};
    bool known = r.type == F_WRLCK || r.type == F_RDLCK || (r.type == F_UNLCK && !asks);
    if (!known || (of_file && r.pid))
        return -EINVAL;
    int64_t error = set_range(f, &r, &wanted);
    if (error || asks)
        return error ? error : tell(k, t, &wanted, &r, a[2]);
    if (!may_lock(f, r.type))
        return -EBADF;
    if (r.type == F_UNLCK)
        return clear(k, &wanted);
    const struct lock *blocker = vm_lock_blocker(&k->locks, &wanted);
    if (!blocker)
        return set(k, &wanted);
    if (a[1] != F_SETLKW && a[1] != F_OFD_SETLKW)
        return -EAGAIN;
    if (!of_file && is_deadlock(k, &wanted, blocker))
        return -EDEADLK;
    return wait_for_lock(k, t, &wanted);
}

/* ---- of a file ---- */

/* The open file's lock, which any of its descriptors may change; a change lets go of the old one
 * first, as Linux does. */
int64_t vm_call_flock(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    uint64_t how = a[1] & ~(uint64_t)LOCK_NB;
    if (how != LOCK_SH && how != LOCK_EX && how != LOCK_UN)
        return -EINVAL;
    if (!f)
        return -EBADF;
    struct lock wanted = {.kind = LOCK_OF_FILE,
                          .file = id_of(k, f),
                          .owner = f,
                          .pid = t->process->pid,
                          .exclusive = how == LOCK_EX,
                          .last = LAST_BYTE};
    if (how == LOCK_UN)
        return clear(k, &wanted);
    if (!vm_lock_blocker(&k->locks, &wanted))
        return set(k, &wanted);
    int64_t error = clear(k, &wanted);
    if (error || (a[1] & LOCK_NB))
        return error ? error : -EWOULDBLOCK;
    return wait_for_lock(k, t, &wanted);
}
