/* call_refused.c - system calls that are here to be refused cleanly: what they ask for is nowhere.
 *
 * A program that gets ENOTSUP for an attribute goes on without it; one that gets ENOSYS may ask
 * again and again, and its run's report would name it.
 */
#include "kernel/kernel.h"

#define REFUSES(name, error)                                                                       \
    int64_t vm_call_##name(struct kernel *k, struct thread *t, const uint64_t *a)                  \
    {                                                                                              \
        (void)k;                                                                                   \
        (void)t;                                                                                   \
        (void)a;                                                                                   \
        return -(error);                                                                           \
    }

/* Extended attributes: the host's are not the programs'. */
REFUSES(setxattr, ENOTSUP)
REFUSES(lsetxattr, ENOTSUP)
REFUSES(fsetxattr, ENOTSUP)
REFUSES(getxattr, ENOTSUP)
REFUSES(lgetxattr, ENOTSUP)
REFUSES(fgetxattr, ENOTSUP)
REFUSES(listxattr, ENOTSUP)
REFUSES(llistxattr, ENOTSUP)
REFUSES(flistxattr, ENOTSUP)
REFUSES(removexattr, ENOTSUP)
REFUSES(lremovexattr, ENOTSUP)
REFUSES(fremovexattr, ENOTSUP)
