/* call_transfer.c - system calls that move bytes: between programs and files, and between files.
 *
 *      read, write, pread64, pwrite64        one piece of the program's memory
 *      readv, writev, preadv, pwritev, ...   an array of them
 *      sendfile, copy_file_range             from file to file
 *      splice, tee, vmsplice                 to or from a pipe
 *
 * Bytes go between a program and a file by way of a piece of the kernel's own memory, so that a
 * page of either may leave while the other is touched.
 *
 * Source: Linux, readv(2), sendfile(2), copy_file_range(2), splice(2), tee(2), vmsplice(2).
 */
#include "kernel/pieces.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/uio.h>

#define STEP_BYTES 65536

static bool may_read(const struct open_file *f)
{
    return (f->flags & O_ACCMODE) != O_WRONLY;
}

bool vm_file_may_write(const struct open_file *f)
{
    return (f->flags & O_ACCMODE) != O_RDONLY;
}

static uint64_t at_most(uint64_t n, uint64_t most)
{
    return n < most ? n : most;
}

/* ---- one piece ---- */

/* Until n, the end, or what there is: how many, or -errno, CALL_SLEEPS where there was nothing. */
static int64_t read_bytes(struct kernel *k, struct thread *t, struct open_file *f, vm_va to,
                          uint64_t n)
{
    uint8_t bytes[STEP_BYTES];
    uint64_t done = 0;
    do {
        uint64_t step = at_most(n - done, sizeof bytes);
        int64_t got = f->ops->read(k, t, f, bytes, step);
        if (got < 0)
            return done && got != CALL_SLEEPS ? (int64_t)done : got;
        if (vm_user_write(k, t, to + done, bytes, (uint64_t)got))
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
    uint8_t bytes[STEP_BYTES];
    while (t->progress < before + n || n == 0) {
        uint64_t done = t->progress - before;
        uint64_t step = at_most(n - done, sizeof bytes);
        if (k->check)
            vm_check_kernel_uses(k, t, from + done, step);
        if (vm_user_read(k, t, bytes, from + done, step))
            return t->progress ? (int64_t)t->progress : -EFAULT;
        int64_t wrote = f->ops->write(k, t, f, bytes, step);
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

/* ---- several ---- */

static int64_t read_pieces(struct kernel *k, struct thread *t, struct open_file *f,
                           const struct pieces *all)
{
    int64_t done = 0;
    for (uint64_t i = 0; i < all->n; i++) {
        struct piece p;
        int64_t error = vm_pieces_get(k, t, all, i, &p);
        if (error)
            return done ? done : error;
        if (all->at && p.bytes == 0)
            continue;
        if (done && !f->inode && !(f->ops->ready(k, f) & POLLIN))
            break;
        p.bytes = at_most(p.bytes, VM_TRANSFER_MAX - (uint64_t)done);
        int64_t got = read_bytes(k, t, f, p.va, p.bytes);
        if (got < 0)
            return done ? done : got;
        done += got;
        if ((uint64_t)got < p.bytes)
            break;
    }
    return done;
}

static int64_t write_pieces(struct kernel *k, struct thread *t, struct open_file *f,
                            const struct pieces *all)
{
    uint64_t before = 0;
    for (uint64_t i = 0; i < all->n; i++) {
        struct piece p;
        int64_t error = vm_pieces_get(k, t, all, i, &p);
        if (error)
            return t->progress ? (int64_t)t->progress : error;
        p.bytes = at_most(p.bytes, VM_TRANSFER_MAX - before);
        if (!all->at || (p.bytes && t->progress < before + p.bytes)) {
            int64_t wrote = write_bytes(k, t, f, p.va, p.bytes, before);
            if (wrote < 0 || t->progress < before + p.bytes)
                return wrote;
        }
        before += p.bytes;
    }
    return (int64_t)t->progress;
}

typedef int64_t transfer_body(struct kernel *k, struct thread *t, struct open_file *f,
                              const struct pieces *all);

static int64_t transfer(struct kernel *k, struct thread *t, struct open_file *f,
                        const struct pieces *all, transfer_body *body)
{
    if (!f || !(body == read_pieces ? may_read(f) : vm_file_may_write(f)))
        return -EBADF;
    uint64_t bytes;
    int64_t error = vm_pieces_check(k, t, all, &bytes);
    return error ? error : body(k, t, f, all);
}

/* Has an offset, so that bytes may be asked for at another one. */
static bool is_seekable(const struct open_file *f)
{
    return f->inode || f->ops == &vm_file_text || f->ops == &vm_file_null ||
           f->ops == &vm_file_zero;
}

/* At an offset that is not the open file's own, which stays. */
static int64_t transfer_at(struct kernel *k, struct thread *t, struct open_file *f,
                           const struct pieces *all, uint64_t offset, transfer_body *body)
{
    if ((int64_t)offset < 0)
        return -EINVAL;
    if (f && !is_seekable(f))
        return -ESPIPE;
    uint64_t kept = f ? f->offset : 0;
    if (f)
        f->offset = offset;
    int64_t result = transfer(k, t, f, all, body);
    if (f)
        f->offset = kept;
    return result;
}

int64_t vm_call_read(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct pieces all = vm_pieces_one(a[1], a[2]);
    return transfer(k, t, vm_fd_file(t, a[0]), &all, read_pieces);
}

int64_t vm_call_write(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct pieces all = vm_pieces_one(a[1], a[2]);
    return transfer(k, t, vm_fd_file(t, a[0]), &all, write_pieces);
}

int64_t vm_call_pread64(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct pieces all = vm_pieces_one(a[1], a[2]);
    return transfer_at(k, t, vm_fd_file(t, a[0]), &all, a[3], read_pieces);
}

int64_t vm_call_pwrite64(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct pieces all = vm_pieces_one(a[1], a[2]);
    return transfer_at(k, t, vm_fd_file(t, a[0]), &all, a[3], write_pieces);
}

int64_t vm_call_readv(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct pieces all = {.at = a[1], .n = a[2]};
    return transfer(k, t, vm_fd_file(t, a[0]), &all, read_pieces);
}

int64_t vm_call_writev(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct pieces all = {.at = a[1], .n = a[2]};
    return transfer(k, t, vm_fd_file(t, a[0]), &all, write_pieces);
}

int64_t vm_call_preadv(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct pieces all = {.at = a[1], .n = a[2]};
    return transfer_at(k, t, vm_fd_file(t, a[0]), &all, a[3], read_pieces);
}

int64_t vm_call_pwritev(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct pieces all = {.at = a[1], .n = a[2]};
    return transfer_at(k, t, vm_fd_file(t, a[0]), &all, a[3], write_pieces);
}

/* With flags: that a write is to have reached its file is kept, that it may hurry is ignored. */
static int64_t transfer_with(struct kernel *k, struct thread *t, const uint64_t *a,
                             transfer_body *body)
{
    if (a[5] & ~(uint64_t)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC))
        return -EOPNOTSUPP;
    struct pieces all = {.at = a[1], .n = a[2]};
    struct open_file *f = vm_fd_file(t, a[0]);
    int64_t result =
        a[3] == UINT64_MAX ? transfer(k, t, f, &all, body) : transfer_at(k, t, f, &all, a[3], body);
    if (result > 0 && (a[5] & (RWF_DSYNC | RWF_SYNC)) && f->inode)
        vm_inode_sync(k, f->inode);
    return result;
}

int64_t vm_call_preadv2(struct kernel *k, struct thread *t, const uint64_t *a)
{
    return transfer_with(k, t, a, read_pieces);
}

int64_t vm_call_pwritev2(struct kernel *k, struct thread *t, const uint64_t *a)
{
    return transfer_with(k, t, a, write_pieces);
}

/* ---- from file to file ---- */

/* A file, and where in it: its own offset, or one in the program's memory. */
struct place {
    struct open_file *f;
    vm_va at; /* 0: its own */
    uint64_t offset;
};

static int64_t find_place(struct kernel *k, struct thread *t, uint64_t fd, vm_va at,
                          struct place *p)
{
    *p = (struct place){.f = vm_fd_file(t, fd), .at = at};
    if (!p->f)
        return -EBADF;
    p->offset = p->f->offset;
    if (at && vm_user_read(k, t, &p->offset, at, sizeof p->offset))
        return -EFAULT;
    return at && !is_seekable(p->f) ? -ESPIPE : (int64_t)p->offset < 0 ? -EINVAL : 0;
}

static int64_t find_places(struct kernel *k, struct thread *t, const uint64_t *a,
                           struct place *from, struct place *to)
{
    int64_t error = find_place(k, t, a[0], a[1], from);
    return error ? error : find_place(k, t, a[2], a[3], to);
}

static int64_t keep_place(struct kernel *k, struct thread *t, const struct place *p)
{
    if (p->at)
        return vm_user_write(k, t, p->at, &p->offset, sizeof p->offset);
    p->f->offset = p->offset;
    return 0;
}

/* Bytes at the place, which moves behind them. */
static int64_t read_place(struct kernel *k, struct thread *t, struct place *p, void *out,
                          uint64_t n)
{
    uint64_t kept = p->f->offset;
    p->f->offset = p->offset;
    int64_t got = p->f->ops->read(k, t, p->f, out, n);
    p->offset = p->f->offset;
    p->f->offset = kept;
    return got;
}

static int64_t write_place(struct kernel *k, struct thread *t, struct place *p, const void *from,
                           uint64_t n)
{
    uint64_t kept = p->f->offset;
    p->f->offset = p->offset;
    int64_t wrote = p->f->ops->write(k, t, p->f, from, n);
    p->offset = p->f->offset;
    p->f->offset = kept;
    return wrote;
}

/* What could not be written is read again. */
static int64_t move(struct kernel *k, struct thread *t, struct place *from, struct place *to,
                    uint64_t n)
{
    uint8_t bytes[4096];
    while (t->progress < n) {
        uint64_t before = from->offset, step = at_most(n - t->progress, sizeof bytes);
        int64_t got = read_place(k, t, from, bytes, step);
        int64_t wrote = got > 0 ? write_place(k, t, to, bytes, (uint64_t)got) : got;
        if (wrote <= 0) {
            from->offset = before;
            return wrote == CALL_SLEEPS || !t->progress ? wrote : (int64_t)t->progress;
        }
        from->offset = before + (uint64_t)wrote;
        t->progress += (uint64_t)wrote;
        if (wrote < got)
            break;
    }
    return (int64_t)t->progress;
}

/* Both places keep how far it has come, also where the thread sleeps now. */
static int64_t move_and_keep(struct kernel *k, struct thread *t, struct place *from,
                             struct place *to, uint64_t n)
{
    int64_t result = move(k, t, from, to, at_most(n, VM_TRANSFER_MAX));
    int64_t error = keep_place(k, t, from);
    if (!error)
        error = keep_place(k, t, to);
    return error ? error : result;
}

/* The offset in memory is read anew after a sleep, behind what was moved before it. */
int64_t vm_call_sendfile(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct place from, to;
    int64_t error = find_places(k, t, (uint64_t[]){a[1], a[2], a[0], 0}, &from, &to);
    if (error)
        return error;
    if (!may_read(from.f) || !vm_file_may_write(to.f))
        return -EBADF;
    if (!is_seekable(from.f) || (to.f->flags & O_APPEND))
        return -EINVAL;
    return move_and_keep(k, t, &from, &to, a[3]);
}

static bool overlap(const struct place *a, const struct place *b, uint64_t n)
{
    return a->f->inode == b->f->inode && a->offset < b->offset + n && b->offset < a->offset + n;
}

int64_t vm_call_copy_file_range(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct place from, to;
    if (a[5])
        return -EINVAL;
    int64_t error = find_places(k, t, a, &from, &to);
    if (error)
        return error;
    if (from.f->ops == &vm_file_directory || to.f->ops == &vm_file_directory)
        return -EISDIR;
    if (!from.f->inode || !to.f->inode)
        return -EINVAL;
    if (!may_read(from.f) || !vm_file_may_write(to.f) || (to.f->flags & O_APPEND))
        return -EBADF;
    uint64_t n = at_most(a[4], VM_TRANSFER_MAX);
    uint64_t left = from.offset < from.f->inode->size ? from.f->inode->size - from.offset : 0;
    return overlap(&from, &to, at_most(n, left)) ? -EINVAL : move_and_keep(k, t, &from, &to, n);
}

/* ---- pipes ---- */

static bool is_pipe(const struct open_file *f)
{
    return f && f->pipe;
}

/* Bytes that can be moved out of, or into, the pipe now: at most n; 0: it is to be waited for, or
 * -errno. *ends: nobody will write it any more, so that there are none. */
static int64_t can_take(struct kernel *k, const struct open_file *f, uint64_t n, bool *ends)
{
    *ends = false;
    if (!f->pipe)
        return (int64_t)n;
    uint64_t filled = vm_pipe_filled(f);
    *ends = !filled && (f->ops->ready(k, (struct open_file *)f) & POLLHUP);
    return (int64_t)at_most(n, filled);
}

/* n bytes of the pipe, which fit: what is not written stays. */
static int64_t splice_out(struct kernel *k, struct thread *t, struct open_file *from,
                          struct place *to, uint64_t n)
{
    uint8_t bytes[STEP_BYTES];
    vm_pipe_peek(from, bytes, n);
    int64_t wrote = write_place(k, t, to, bytes, n);
    if (wrote > 0)
        vm_pipe_drop(k, from, (uint64_t)wrote);
    return wrote > 0 && keep_place(k, t, to) ? -EFAULT : wrote;
}

static int64_t splice_in(struct kernel *k, struct thread *t, struct place *from,
                         struct open_file *to, uint64_t n)
{
    uint8_t bytes[STEP_BYTES];
    int64_t got = read_place(k, t, from, bytes, n);
    if (got > 0)
        got = to->ops->write(k, t, to, bytes, (uint64_t)got);
    return got > 0 && keep_place(k, t, from) ? -EFAULT : got;
}

/* How much of n goes through at once; <= 0: nothing does, and this is the call's answer. */
static int64_t wait_for_pipes(struct kernel *k, struct thread *t, const struct open_file *from,
                              const struct open_file *to, uint64_t n, uint64_t flags)
{
    bool ends;
    int64_t some = can_take(k, from, at_most(n, STEP_BYTES), &ends);
    if (ends)
        return 0;
    if (to->pipe && !vm_pipe_readers(to->pipe)) {
        vm_signal_thread(k, t, SIGPIPE);
        return -EPIPE;
    }
    if (some && to->pipe)
        some = (int64_t)at_most((uint64_t)some, vm_pipe_room(to));
    if (some)
        return some;
    bool full = to->pipe && !vm_pipe_room(to);
    if ((flags & SPLICE_F_NONBLOCK) || ((full ? to : from)->flags & O_NONBLOCK))
        return -EAGAIN;
    return vm_thread_sleep(k, t, full ? to->pipe : from->pipe, VM_TIME_NEVER);
}

#define SPLICE_FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

int64_t vm_call_splice(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct place from, to;
    if (a[5] & ~(uint64_t)SPLICE_FLAGS)
        return -EINVAL;
    if (a[4] == 0)
        return 0;
    int64_t error = find_places(k, t, a, &from, &to);
    if (error)
        return error;
    if (!may_read(from.f) || !vm_file_may_write(to.f))
        return -EBADF;
    if ((!from.f->pipe && !to.f->pipe) || from.f->pipe == to.f->pipe || (to.f->flags & O_APPEND))
        return -EINVAL;
    int64_t n = wait_for_pipes(k, t, from.f, to.f, a[4], a[5]);
    if (n <= 0)
        return n;
    return from.f->pipe ? splice_out(k, t, from.f, &to, (uint64_t)n)
                        : splice_in(k, t, &from, to.f, (uint64_t)n);
}

int64_t vm_call_tee(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *from = vm_fd_file(t, a[0]), *to = vm_fd_file(t, a[1]);
    uint8_t bytes[STEP_BYTES];
    if (a[3] & ~(uint64_t)SPLICE_FLAGS)
        return -EINVAL;
    if (a[2] == 0)
        return 0;
    if (!from || !to || !may_read(from) || !vm_file_may_write(to))
        return -EBADF;
    if (!is_pipe(from) || !is_pipe(to) || from->pipe == to->pipe)
        return -EINVAL;
    int64_t n = wait_for_pipes(k, t, from, to, a[2], a[3]);
    if (n <= 0)
        return n;
    vm_pipe_peek(from, bytes, (uint64_t)n);
    return to->ops->write(k, t, to, bytes, (uint64_t)n);
}

int64_t vm_call_vmsplice(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f = vm_fd_file(t, a[0]);
    struct pieces all = {.at = a[1], .n = a[2]};
    if (a[3] & ~(uint64_t)SPLICE_FLAGS)
        return -EINVAL;
    if (!is_pipe(f))
        return -EBADF;
    return transfer(k, t, f, &all, vm_file_may_write(f) ? write_pieces : read_pieces);
}
