/* call_cpu.c - system calls on processors: on which ones a thread may run, and on which it does.
 *
 * Source: sched_setaffinity(2), getcpu(2). Masks are bytes, the lowest processor in the lowest bit;
 * processors that there are not count for nothing, and a mask of them alone is refused.
 */
#include "kernel/kernel.h"

#include <string.h>

/* The thread that `tid` means; 0: the caller. */
static struct thread *meant(struct kernel *k, struct thread *t, uint64_t tid)
{
    return (int32_t)tid == 0 ? t : vm_thread_find(k, (uint32_t)tid);
}

int64_t vm_call_sched_getaffinity(struct kernel *k, struct thread *t, const uint64_t *a)
{
    const struct thread *other = meant(k, t, a[0]);
    uint64_t mask = 0;
    if (a[1] < sizeof mask)
        return -EINVAL;
    if (!other)
        return -ESRCH;
    mask = other->cpus_next ? other->cpus_next : other->cpus;
    return vm_user_write(k, t, a[2], &mask, sizeof mask) ? -EFAULT : (int64_t)sizeof mask;
}

int64_t vm_call_sched_setaffinity(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct thread *other = meant(k, t, a[0]);
    uint64_t mask = 0, all = UINT64_MAX >> (VM_CPUS_MAX - k->ncpus);
    if (vm_user_read(k, t, &mask, a[2], a[1] < sizeof mask ? a[1] : sizeof mask))
        return -EFAULT;
    if (!other)
        return -ESRCH;
    if (!(mask & all))
        return -EINVAL;
    vm_thread_confine(k, other, mask & all);
    return 0;
}

/* There is one node of memory. */
int64_t vm_call_getcpu(struct kernel *k, struct thread *t, const uint64_t *a)
{
    uint32_t cpu = vm_processor_number(k, k->cpu), node = 0;
    if (a[0] && vm_user_write(k, t, a[0], &cpu, sizeof cpu))
        return -EFAULT;
    return a[1] ? vm_user_write(k, t, a[1], &node, sizeof node) : 0;
}
