/* call_event.c - descriptors that stand for events: a count (eventfd), a timer (timerfd), signals
 * (signalfd). Each is an open file whose reading takes what has happened and sleeps where nothing
 * has; so whoever waits for files waits for them too.
 *
 * Source: Linux, eventfd(2), timerfd_create(2), signalfd(2).
 */
#include "kernel/clock.h"
#include "kernel/kernel.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>

/* ---- what they share ---- */

static void stir(struct kernel *k, struct open_file *f)
{
    f->stirs++;
    vm_wake_all(k, f->own);
    vm_files_changed(k);
}

static int64_t wait_for(struct kernel *k, struct thread *t, struct open_file *f)
{
    return f->flags & O_NONBLOCK ? -EAGAIN : vm_thread_sleep(k, t, f->own, VM_TIME_NEVER);
}

/* A descriptor of a new file of this kind with a state of so many bytes, all zero: *out. */
static int64_t open_event(const struct file_ops *ops, uint64_t flags, const char *path,
                          size_t bytes, struct open_file **out)
{
    *out = vm_open_file_new(ops, O_RDWR | ((int)flags & O_NONBLOCK), path);
    if (*out && ((*out)->own = calloc(1, bytes)))
        return 0;
    if (*out)
        vm_open_file_discard(*out);
    return -ENOMEM;
}

static void close_event(struct kernel *k, struct open_file *f)
{
    (void)k;
    free(f->own);
}

/* ---- a count ---- */

struct count {
    uint64_t n;
    bool one_by_one;
};
#define COUNT_MAX (UINT64_MAX - 1)

static int64_t count_read(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                          uint64_t n)
{
    struct count *c = f->own;
    if (n < sizeof c->n)
        return -EINVAL;
    if (!c->n)
        return wait_for(k, t, f);
    uint64_t taken = c->one_by_one ? 1 : c->n;
    c->n -= taken;
    memcpy(out, &taken, sizeof taken);
    stir(k, f);
    return sizeof taken;
}

static int64_t count_write(struct kernel *k, struct thread *t, struct open_file *f,
                           const void *from, uint64_t n)
{
    struct count *c = f->own;
    uint64_t more;
    if (n < sizeof more)
        return -EINVAL;
    memcpy(&more, from, sizeof more);
    if (more > COUNT_MAX)
        return -EINVAL;
    if (more > COUNT_MAX - c->n)
        return wait_for(k, t, f);
    c->n += more;
    stir(k, f);
    return sizeof more;
}

static unsigned count_ready(struct kernel *k, struct open_file *f)
{
    const struct count *c = f->own;
    (void)k;
    return (c->n ? POLLIN : 0) | (c->n < COUNT_MAX ? POLLOUT : 0);
}

static const struct file_ops count_ops = {
    .name = "eventfd",
    .read = count_read,
    .write = count_write,
    .ready = count_ready,
    .stat = vm_file_nameless_stat,
    .ioctl = vm_file_no_ioctl,
    .close = close_event,
};

int64_t vm_call_eventfd2(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f;
    if (a[1] & ~(uint64_t)(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE))
        return -EINVAL;
    int64_t error = open_event(&count_ops, a[1], "anon_inode:[eventfd]", sizeof(struct count), &f);
    if (error)
        return error;
    *(struct count *)f->own = (struct count){(uint32_t)a[0], a[1] & EFD_SEMAPHORE};
    return vm_fd_give(k, t, f, a[1] & EFD_CLOEXEC);
}

/* ---- a timer ---- */

struct due {
    struct timer timer;
    struct open_file *file;
    uint64_t clock;
    uint64_t times; /* that it was due, and nobody has read */
};

static void due_expire(struct kernel *k, struct timer *timer, uint64_t times)
{
    struct due *d = (struct due *)timer;
    d->times += times;
    stir(k, d->file);
}

static int64_t due_read(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                        uint64_t n)
{
    struct due *d = f->own;
    if (n < sizeof d->times)
        return -EINVAL;
    if (!d->times)
        return wait_for(k, t, f);
    memcpy(out, &d->times, sizeof d->times);
    d->times = 0;
    return sizeof d->times;
}

static unsigned due_ready(struct kernel *k, struct open_file *f)
{
    const struct due *d = f->own;
    (void)k;
    return d->times ? POLLIN : 0;
}

static void due_close(struct kernel *k, struct open_file *f)
{
    struct due *d = f->own;
    vm_timer_set(k, &d->timer, VM_TIME_NEVER, 0);
    free(d);
}

static const struct file_ops due_ops = {
    .name = "timerfd",
    .read = due_read,
    .write = vm_file_wrong_write,
    .ready = due_ready,
    .stat = vm_file_nameless_stat,
    .ioctl = vm_file_no_ioctl,
    .close = due_close,
};

int64_t vm_call_timerfd_create(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct open_file *f;
    if (a[1] & ~(uint64_t)(TFD_CLOEXEC | TFD_NONBLOCK))
        return -EINVAL;
    if (a[0] != CLOCK_REALTIME && a[0] != CLOCK_MONOTONIC && a[0] != CLOCK_BOOTTIME)
        return -EINVAL;
    int64_t error = open_event(&due_ops, a[1], "anon_inode:[timerfd]", sizeof(struct due), &f);
    if (error)
        return error;
    *(struct due *)f->own = (struct due){
        .timer = {.at_ns = VM_TIME_NEVER, .expire = due_expire}, .file = f, .clock = a[0]};
    return vm_fd_give(k, t, f, a[1] & TFD_CLOEXEC);
}

/* The timer that a descriptor is of; NULL: *error. */
static struct due *due_of(const struct thread *t, uint64_t fd, int64_t *error)
{
    const struct open_file *f = vm_fd_file(t, fd);
    *error = !f ? -EBADF : f->ops != &due_ops ? -EINVAL : 0;
    return *error ? NULL : f->own;
}

int64_t vm_call_timerfd_settime(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error;
    struct due *d = due_of(t, a[0], &error);
    if (a[1] & ~(uint64_t)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
        return -EINVAL;
    if (!d)
        return error;
    error = vm_timer_schedule(k, t, &d->timer, d->clock, a[1] & TFD_TIMER_ABSTIME, a[2], a[3]);
    if (!error)
        d->times = 0;
    return error;
}

int64_t vm_call_timerfd_gettime(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error;
    const struct due *d = due_of(t, a[0], &error);
    return d ? vm_timer_tell(k, t, &d->timer, a[1]) : error;
}

/* ---- signals ---- */

struct watched {
    signal_set set;
};

static void describe(const struct signal_info *from, struct signalfd_siginfo *to)
{
    *to = (struct signalfd_siginfo){
        .ssi_signo = (uint32_t)from->signal, .ssi_errno = from->error, .ssi_code = from->code};
    if (from->code == SI_TIMER) {
        to->ssi_tid = (uint32_t)from->timer.id;
        to->ssi_overrun = (uint32_t)from->timer.overruns;
        to->ssi_ptr = from->timer.value;
        to->ssi_int = (int32_t)from->timer.value;
        return;
    }
    to->ssi_pid = from->from.pid;
    to->ssi_uid = from->from.uid;
    if (from->signal == SIGCHLD && from->code > 0) {
        to->ssi_status = from->from.child.status;
    } else if (from->code < 0 && from->code != SI_TKILL) {
        to->ssi_ptr = from->from.value;
        to->ssi_int = (int32_t)from->from.value;
    }
}

/* As many as there are, and there is room for. They are woken with the pollers: whom a signal is
 * for is seen when it is sent. */
static int64_t watched_read(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                            uint64_t n)
{
    const struct watched *w = f->own;
    struct signalfd_siginfo *to = out;
    struct signal_info info;
    uint64_t most = n / sizeof *to, got = 0;
    if (!most)
        return -EINVAL;
    while (got < most && vm_signal_take(k, t, w->set, &info))
        describe(&info, &to[got++]);
    if (got)
        return (int64_t)(got * sizeof *to);
    return f->flags & O_NONBLOCK ? -EAGAIN
                                 : vm_thread_sleep(k, t, vm_files_channel(k), VM_TIME_NEVER);
}

/* For the thread that asks. */
static unsigned watched_ready(struct kernel *k, struct open_file *f)
{
    const struct watched *w = f->own;
    const struct thread *t = k->cpu->running;
    return t && ((t->pending.set | t->process->pending.set) & w->set) ? POLLIN : 0;
}

static const struct file_ops watched_ops = {
    .name = "signalfd",
    .read = watched_read,
    .write = vm_file_wrong_write,
    .ready = watched_ready,
    .stat = vm_file_nameless_stat,
    .ioctl = vm_file_no_ioctl,
    .close = close_event,
};

int64_t vm_call_signalfd4(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct watched w;
    struct open_file *f = vm_fd_file(t, a[0]);
    bool new = (int32_t)a[0] == -1;
    if (a[2] != sizeof w.set || (a[3] & ~(uint64_t)(SFD_CLOEXEC | SFD_NONBLOCK)))
        return -EINVAL;
    if (vm_user_read(k, t, &w.set, a[1], sizeof w.set))
        return -EFAULT;
    w.set &= ~(UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1));
    if (!new && (!f || f->ops != &watched_ops))
        return f ? -EINVAL : -EBADF;
    int64_t error = new ? open_event(&watched_ops, a[3], "anon_inode:[signalfd]", sizeof w, &f) : 0;
    if (error)
        return error;
    *(struct watched *)f->own = w;
    return new ? vm_fd_give(k, t, f, a[3] & SFD_CLOEXEC) : (int64_t)(int32_t)a[0];
}
