/* stat.h - what Linux tells of a file, in the generic table's layout, and the ends of waits. */
#ifndef KERNEL_STAT_H
#define KERNEL_STAT_H

#include "kernel/kernel.h"

#define DESCRIPTORS_POLLED 1024

/* Give the program *s as its struct stat at `va`. 0 or -EFAULT. */
int64_t vm_stat_give(struct kernel *k, struct thread *t, const struct stat *s, vm_va va);
/* When the thread's call gives up: so long from now as the timespec at `va` says. 0 or -errno. */
int64_t vm_call_set_end(struct kernel *k, struct thread *t, vm_va va);
/* The same, so many nanoseconds from now. */
void vm_call_set_end_ns(struct kernel *k, struct thread *t, uint64_t ns);
/* Until the call is done the signals at `va` are blocked, and no others; 0: those that are. Once a
 * call: 0 or -EFAULT. */
int64_t vm_call_block(struct kernel *k, struct thread *t, vm_va va);

#endif
