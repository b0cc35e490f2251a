/* handler.c - the other way to resolve: a thread reads faults from the descriptor.
 *
 * It also gets the faults that the kernel makes in system calls, where the process may have them
 * (uffd.c). It costs a switch to this thread for each fault: 24 to 42 us where the other takes 3.
 *
 * One thread: plans are made one after another anyway, and a fault that waits for a transfer is the
 * price of this mode.
 */
#include "base/assert.h"
#include "live/live.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

#ifndef UFFDIO_POISON
struct uffdio_poison {
    struct uffdio_range range;
    __u64 mode;
    __s64 updated;
};
#define UFFDIO_POISON _IOWR(UFFDIO, 0x08, struct uffdio_poison)
#endif

static void wake(struct vm_live *l, uint64_t page)
{
    struct uffdio_range r = {.start = page, .len = l->page_bytes};
    ioctl(l->uffd.fd, UFFDIO_WAKE, &r);
}

/* Who touches the page gets SIGBUS. */
static void poison(struct vm_live *l, uint64_t page)
{
    struct uffdio_poison p = {.range = {.start = page, .len = l->page_bytes}};
    ioctl(l->uffd.fd, UFFDIO_POISON, &p);
    wake(l, page);
}

static void resolve(struct vm_live *l, const struct uffd_msg *m)
{
    uint64_t at = m->arg.pagefault.address, flags = m->arg.pagefault.flags;
    uint64_t page = at & ~(uint64_t)(l->page_bytes - 1);
    enum vm_access access = flags & UFFD_PAGEFAULT_FLAG_WRITE ? VM_WRITE : VM_READ;
    enum resolved done =
        vm_resolve(l, (const void *)(uintptr_t)at, access, flags & UFFD_PAGEFAULT_FLAG_WP);
    if (done != NOT_TO_BE) {
        wake(l, page);
        return;
    }
    vm_tell_lost((const void *)(uintptr_t)at);
    poison(l, page);
}

static void *serve(void *argument)
{
    struct vm_live *l = argument;
    struct pollfd fd[2] = {{.fd = l->uffd.fd, .events = POLLIN},
                           {.fd = l->stop[0], .events = POLLIN}};
    for (;;) {
        struct uffd_msg m;
        if (poll(fd, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (fd[1].revents)
            return NULL;
        while (read(l->uffd.fd, &m, sizeof m) == (ssize_t)sizeof m)
            if (m.event == UFFD_EVENT_PAGEFAULT)
                resolve(l, &m);
    }
}

bool vm_thread_start(pthread_t *thread, void *(*run)(void *), struct vm_live *l, struct vm_error *e)
{
    uint64_t kept;
    vm_signals_block(&kept); /* it inherits that: signals are the program's threads' */
    int failed = pthread_create(thread, NULL, run, l);
    vm_signals_restore(&kept);
    return failed ? vm_fail(e, VM_ESYSTEM, "no thread for a pager: %s", strerror(failed)) : true;
}

bool vm_handler_start(struct vm_live *l, struct vm_error *e)
{
    l->has_handler = vm_thread_start(&l->handler, serve, l, e);
    return l->has_handler;
}
