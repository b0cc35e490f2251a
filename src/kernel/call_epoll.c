/* call_epoll.c - epoll: a file that has a list of others, and tells which of them are ready.
 *
 *      epoll --> interest --> interest --> ...       of an open file, as a descriptor named it
 *
 * A wait looks at each file of the list, as poll does: so what is ready is never stale. One that
 * was told of goes to the end of the list, so that none starves. With EPOLLET a file is told of
 * when it has become ready, or has been stirred (struct open_file), since it was told of last.
 * Whoever waits sleeps with the pollers.
 *
 * Invariants
 *  1. An interest ends with its open file, however many descriptors that has.
 *  2. No epoll can be reached from itself.
 *
 * Source: Linux, epoll(7), epoll_ctl(2), epoll_wait(2).
 */
#include "kernel/clock.h"
#include "kernel/kernel.h"
#include "kernel/stat.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#define EVENT_BITS  0xffffu /* what poll calls by the same numbers */
#define NESTED_MOST 5

struct interest {
    uint64_t fd;
    struct open_file *file;
    uint32_t events;
    uint64_t data;
    unsigned told;  /* that were told of and are ready since */
    uint64_t stirs; /* of the file, when it was */
    bool off;       /* EPOLLONESHOT, and it was told of */
    struct interest *next;
};

struct epoll {
    struct interest *first;
    struct open_file *file;
    struct epoll *next; /* of the kernel's */
};

/* A struct epoll_event of RISC-V, which has a hole. */
struct event {
    uint32_t events, pad;
    uint64_t data;
};

static bool is_epoll(const struct open_file *f);

/* ---- what is ready ---- */

static unsigned wanted_of(const struct interest *i)
{
    return (i->events & EVENT_BITS) | EPOLLERR | EPOLLHUP;
}

/* What there is to tell of it now; 0: nothing. */
static unsigned news_of(struct kernel *k, struct interest *i)
{
    unsigned ready = i->off ? 0 : i->file->ops->ready(k, i->file) & wanted_of(i);
    if (!(i->events & EPOLLET))
        return ready;
    bool stirred = i->stirs != vm_file_stirs(i->file);
    i->told &= ready;
    return stirred || (ready & ~i->told) ? ready : 0;
}

static void note_told(struct interest *i, unsigned ready)
{
    i->told = ready;
    i->stirs = vm_file_stirs(i->file);
    i->off = i->events & EPOLLONESHOT;
}

static unsigned epoll_ready(struct kernel *k, struct open_file *f)
{
    const struct epoll *e = f->own;
    for (struct interest *i = e->first; i; i = i->next)
        if (news_of(k, i))
            return POLLIN;
    return 0;
}

static bool needs_host(const struct epoll *e)
{
    for (const struct interest *i = e->first; i; i = i->next)
        if (i->file->ops == &vm_file_host || (is_epoll(i->file) && needs_host(i->file->own)))
            return true;
    return false;
}

/* ---- the file ---- */

static void delete_at(struct interest **link)
{
    struct interest *i = *link;
    *link = i->next;
    free(i);
}

static void epoll_close(struct kernel *k, struct open_file *f)
{
    struct epoll *e = f->own;
    struct epoll **link = &k->epolls;
    while (*link != e)
        link = &(*link)->next;
    *link = e->next;
    while (e->first)
        delete_at(&e->first);
    free(e);
}

static const struct file_ops epoll_ops = {
    .name = "epoll",
    .read = vm_file_wrong_read,
    .write = vm_file_wrong_write,
    .ready = epoll_ready,
    .stat = vm_file_nameless_stat,
    .ioctl = vm_file_no_ioctl,
    .close = epoll_close,
};

static bool is_epoll(const struct open_file *f)
{
    return f->ops == &epoll_ops;
}

void vm_epolls_forget(struct kernel *k, const struct open_file *f)
{
    for (struct epoll *e = k->epolls; e; e = e->next)
        for (struct interest **link = &e->first; *link;) {
            if ((*link)->file == f)
                delete_at(link);
            else
                link = &(*link)->next;
        }
}

int64_t vm_call_epoll_create1(struct kernel *k, struct thread *t, const uint64_t *a)
{
    if (a[0] & ~(uint64_t)EPOLL_CLOEXEC)
        return -EINVAL;
    struct open_file *f = vm_open_file_new(&epoll_ops, O_RDWR, "anon_inode:[eventpoll]");
    struct epoll *e = f ? calloc(1, sizeof *e) : NULL;
    if (!e) {
        if (f)
            vm_open_file_discard(f);
        return -ENOMEM;
    }
    *e = (struct epoll){.file = f, .next = k->epolls};
    f->own = k->epolls = e;
    return vm_fd_give(k, t, f, a[0] & EPOLL_CLOEXEC);
}

/* ---- its list ---- */

/* How deep epolls are nested below `f`; more than NESTED_MOST where `into` is among them. */
static unsigned depth_below(const struct open_file *f, const struct open_file *into, unsigned depth)
{
    unsigned deepest = depth;
    if (f == into || depth > NESTED_MOST)
        return NESTED_MOST + 1;
    if (!is_epoll(f))
        return depth;
    const struct epoll *e = f->own;
    for (const struct interest *i = e->first; i; i = i->next) {
        unsigned d = depth_below(i->file, into, depth + 1);
        deepest = d > deepest ? d : deepest;
    }
    return deepest;
}

static struct interest **find(struct epoll *e, uint64_t fd, const struct open_file *f)
{
    struct interest **link = &e->first;
    while (*link && ((*link)->fd != fd || (*link)->file != f))
        link = &(*link)->next;
    return link;
}

static void set(struct interest *i, const struct event *event)
{
    i->events = event->events;
    i->data = event->data;
    i->told = 0;
    i->off = false;
    i->stirs = vm_file_stirs(i->file);
}

static int64_t add(struct epoll *e, struct interest **end, uint64_t fd, struct open_file *f,
                   const struct event *event)
{
    if (depth_below(f, e->file, 0) > NESTED_MOST)
        return -ELOOP;
    struct interest *i = calloc(1, sizeof *i);
    if (!i)
        return -ENOMEM;
    *i = (struct interest){.fd = fd, .file = f};
    set(i, event);
    *end = i;
    return 0;
}

static bool can_wait(const struct open_file *f)
{
    return !f->inode && f->ops != &vm_file_directory && f->ops != &vm_file_text;
}

int64_t vm_call_epoll_ctl(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct event event = {0};
    uint64_t fd = (uint32_t)a[2];
    if (a[1] != EPOLL_CTL_DEL && vm_user_read(k, t, &event, a[3], sizeof event))
        return -EFAULT;
    struct open_file *f = vm_fd_file(t, fd), *at = vm_fd_file(t, a[0]);
    if (!f || !at)
        return -EBADF;
    if (!can_wait(f))
        return -EPERM;
    if (!is_epoll(at) || f == at)
        return -EINVAL;
    struct interest **link = find(at->own, fd, f);
    if (a[1] == EPOLL_CTL_ADD ? *link != NULL : *link == NULL && a[1] <= EPOLL_CTL_MOD)
        return *link ? -EEXIST : -ENOENT;
    vm_files_changed(k); /* who waits already waits for this, too */
    switch (a[1]) {
    case EPOLL_CTL_ADD:
        return add(at->own, link, fd, f, &event);
    case EPOLL_CTL_MOD:
        set(*link, &event);
        return 0;
    case EPOLL_CTL_DEL:
        delete_at(link);
        return 0;
    default:
        return -EINVAL;
    }
}

/* ---- waiting ---- */

static void move_to_end(struct interest **link)
{
    struct interest *i = *link;
    *link = i->next;
    while (*link)
        link = &(*link)->next;
    i->next = NULL;
    *link = i;
}

/* Up to `most` of those that are ready, each once: how many, or -EFAULT. */
static int64_t tell(struct kernel *k, struct thread *t, struct epoll *e, vm_va at, int64_t most)
{
    int64_t n = 0;
    uint64_t left = 0;
    for (const struct interest *i = e->first; i; i = i->next)
        left++;
    for (struct interest **link = &e->first; left && n < most; left--) {
        struct interest *i = *link;
        unsigned ready = news_of(k, i);
        struct event event = {.events = ready, .data = i->data};
        if (!ready) {
            link = &i->next;
            continue;
        }
        if (vm_user_write(k, t, at + (uint64_t)n * sizeof event, &event, sizeof event))
            return n ? n : -EFAULT;
        note_told(i, ready);
        move_to_end(link);
        n++;
    }
    return n;
}

static int64_t wait_on(struct kernel *k, struct thread *t, const uint64_t *a, bool ends)
{
    const struct open_file *f = vm_fd_file(t, a[0]);
    int64_t most = (int32_t)a[2];
    if (most <= 0)
        return -EINVAL;
    if (!f)
        return -EBADF;
    if (!is_epoll(f))
        return -EINVAL;
    int64_t error = vm_call_block(k, t, a[4]);
    if (error)
        return error;
    int64_t n = tell(k, t, f->own, a[1], most);
    if (n || (ends && k->now_ns >= t->call_until_ns))
        return n;
    return vm_thread_sleep(k, t,
                           needs_host(f->own) ? vm_files_host_channel(k) : vm_files_channel(k),
                           ends ? t->call_until_ns : VM_TIME_NEVER);
}

int64_t vm_call_epoll_pwait(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int32_t ms = (int32_t)a[3];
    if (ms >= 0)
        vm_call_set_end_ns(k, t, (uint64_t)ms * (SECOND_NS / 1000));
    return wait_on(k, t, a, ms >= 0);
}

int64_t vm_call_epoll_pwait2(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error = a[3] ? vm_call_set_end(k, t, a[3]) : 0;
    return error ? error : wait_on(k, t, a, a[3]);
}
