/* uffd.c - userfaultfd(2) and what goes with it; see the header. */
#include "live/uffd.h"

#include "base/assert.h"
#include "live/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif

#define HOST_PAGE 4096

static long call(const struct vm_uffd *u, unsigned long request, void *argument)
{
    return vm_raw_call(SYS_ioctl, u->fd, (long)request, (long)argument, 0, 0, 0);
}

/* ---- opening ---- */

static int open_device(void)
{
    int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
    if (device < 0)
        return -1;
    int fd = ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
    close(device);
    return fd;
}

/* Faults of the kernel's are of use only to who resolves them in a thread of its own. */
static int open_descriptor(struct vm_uffd *u, enum vm_live_resolve resolve)
{
    const int flags = O_CLOEXEC | O_NONBLOCK;
    int fd = -1;
    if (resolve == VM_LIVE_BY_HANDLER) {
        fd = (int)syscall(SYS_userfaultfd, flags);
        fd = fd < 0 ? open_device() : fd;
        if (fd < 0)
            snprintf(u->degraded, sizeof u->degraded,
                     "system calls on absent pages fail (EFAULT): that takes CAP_SYS_PTRACE, "
                     "/dev/userfaultfd or vm.unprivileged_userfaultfd=1");
    }
    u->is_user_only = fd < 0;
    return fd < 0 ? (int)syscall(SYS_userfaultfd, flags | UFFD_USER_MODE_ONLY) : fd;
}

static bool no_descriptor(struct vm_error *e)
{
    if (errno == ENOSYS)
        return vm_fail(e, VM_ESYSTEM, "this kernel has no userfaultfd (CONFIG_USERFAULTFD, 5.11)");
    vm_fail(e, VM_ESYSTEM, "userfaultfd is refused: %s", strerror(errno));
    return vm_hint(e,
                   "a container's seccomp filter may forbid it; else it takes one of: sysctl "
                   "vm.unprivileged_userfaultfd=1, the group of /dev/userfaultfd, CAP_SYS_PTRACE");
}

static bool agree(struct vm_uffd *u, enum vm_live_resolve resolve, struct vm_error *e)
{
    const uint64_t needed = UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_EXACT_ADDRESS |
                            (resolve == VM_LIVE_IN_THREAD ? UFFD_FEATURE_SIGBUS : 0);
    struct uffdio_api api = {.api = UFFD_API, .features = needed};
    if (ioctl(u->fd, UFFDIO_API, &api) == 0)
        return true;
    return vm_fail(
        e, VM_ESYSTEM, "this kernel's userfaultfd lacks a feature: %s%s are needed (Linux 5.18)",
        resolve == VM_LIVE_IN_THREAD ? "SIGBUS, " : "", "PAGEFAULT_FLAG_WP and EXACT_ADDRESS");
}

bool vm_uffd_open(struct vm_uffd *u, enum vm_live_resolve resolve, struct vm_error *e)
{
    *u = (struct vm_uffd){.fd = -1, .self = -1};
    u->fd = open_descriptor(u, resolve);
    if (u->fd < 0)
        return no_descriptor(e);
    if (!agree(u, resolve, e)) {
        vm_uffd_close(u);
        return false;
    }
    u->self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    return true;
}

void vm_uffd_close(struct vm_uffd *u)
{
    if (u->fd >= 0)
        close(u->fd);
    if (u->self >= 0)
        close(u->self);
    u->fd = u->self = -1;
}

bool vm_uffd_register(const struct vm_uffd *u, void *start, size_t bytes, struct vm_error *e)
{
    struct uffdio_register r = {.range = {.start = (uintptr_t)start, .len = bytes},
                                .mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP};
    if (ioctl(u->fd, UFFDIO_REGISTER, &r) == 0)
        return true;
    return vm_fail(e, VM_ESYSTEM, "userfaultfd does not take %zu bytes at %p: %s", bytes, start,
                   strerror(errno));
}

/* ---- pages ---- */

int vm_uffd_copy(const struct vm_uffd *u, void *to, const void *from, size_t bytes,
                 bool is_protected)
{
    size_t done = 0, once = bytes; /* the kernel copies within one mapping, and mprotect splits */
    while (done < bytes) {
        struct uffdio_copy c = {.dst = (uintptr_t)to + done,
                                .src = (uintptr_t)from + done,
                                .len = bytes - done < once ? bytes - done : once,
                                .mode = is_protected ? UFFDIO_COPY_MODE_WP : 0};
        long answer = call(u, UFFDIO_COPY, &c);
        if (c.copy > 0)
            done += (size_t)c.copy;
        else if (answer == -EEXIST)
            return EEXIST;
        else if (answer == -EAGAIN)
            sched_yield();
        else if (answer == -ENOENT && once > HOST_PAGE)
            once = HOST_PAGE;
        else if (answer < 0)
            return (int)-answer;
    }
    return 0;
}

static int set_protection(const struct vm_uffd *u, void *start, size_t bytes, uint64_t mode)
{
    for (;;) {
        struct uffdio_writeprotect w = {.range = {.start = (uintptr_t)start, .len = bytes},
                                        .mode = mode};
        long answer = call(u, UFFDIO_WRITEPROTECT, &w);
        if (answer != -EAGAIN)
            return (int)-answer;
        sched_yield();
    }
}

int vm_uffd_protect(const struct vm_uffd *u, void *start, size_t bytes)
{
    return set_protection(u, start, bytes, UFFDIO_WRITEPROTECT_MODE_WP);
}

int vm_uffd_unprotect(const struct vm_uffd *u, void *start, size_t bytes)
{
    return set_protection(u, start, bytes, 0);
}

void vm_uffd_give_back(const struct vm_uffd *u, const struct iovec *range, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += range[i].iov_len;
    if (n > 1 && u->self >= 0 &&
        vm_raw_call(SYS_process_madvise, u->self, (long)range, (long)n, MADV_DONTNEED, 0, 0) ==
            (long)bytes)
        return;
    for (size_t i = 0; i < n; i++) {
        long answer = vm_raw_call(SYS_madvise, (long)range[i].iov_base, (long)range[i].iov_len,
                                  MADV_DONTNEED, 0, 0, 0);
        VM_ASSERT(answer == 0);
    }
}
