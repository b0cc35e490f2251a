/* uffd.h - the kernel's side: userfaultfd(2), write protection and giving pages back. Private to
 * live/.
 *
 * Thin: what the kernel may answer and a caller need not know (interrupted, try again, partly done,
 * already there) is dealt with here. Functions that are reached from a fault are async-signal-safe
 * and keep errno.
 *
 * Linux's uapi headers; userfaultfd(2), ioctl_userfaultfd(2), process_madvise(2).
 */
#ifndef LIVE_UFFD_H
#define LIVE_UFFD_H

#include <pagoda/error.h>
#include <pagoda/live.h>

#include <sys/uio.h>

struct vm_uffd {
    int fd;
    int self;          /* a pidfd of this process, for giving back many ranges at once; -1 */
    bool is_user_only; /* faults of the kernel's own are not resolved */
    char degraded[160];
};

/* Errors: VM_ESYSTEM, with what would help. */
bool vm_uffd_open(struct vm_uffd *u, enum vm_live_resolve resolve, struct vm_error *e);
void vm_uffd_close(struct vm_uffd *u);
bool vm_uffd_register(const struct vm_uffd *u, void *start, size_t bytes, struct vm_error *e);

/* The absent pages become copies of `from`, write-protected or not. 0 or errno. */
int vm_uffd_copy(const struct vm_uffd *u, void *to, const void *from, size_t bytes,
                 bool is_protected);
int vm_uffd_protect(const struct vm_uffd *u, void *start, size_t bytes);
int vm_uffd_unprotect(const struct vm_uffd *u, void *start, size_t bytes);
/* Their pages are gone: the next touch faults. */
void vm_uffd_give_back(const struct vm_uffd *u, const struct iovec *range, size_t n);

#endif
