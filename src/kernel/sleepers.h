/* sleepers.h - threads by what they sleep for: whoever makes it happen finds them, and no others.
 *
 * A hash table of lists. What a thread sleeps for is any number that means it: a channel's address,
 * a futex word's hash. A list has the threads in the order in which they began to sleep, so that of
 * those for one thing the first has slept longest.
 *
 * Invariants
 *  1. A thread is in one list at most.
 *  2. Of two in a list the one that was added first stands first.
 *
 * Source: Bach, The Design of the UNIX Operating System, 6.6.1 (a hash queue of sleepers); Linux,
 * kernel/futex (hash buckets, first in first out).
 */
#ifndef KERNEL_SLEEPERS_H
#define KERNEL_SLEEPERS_H

#include "base/links.h"

#include <pagoda/error.h>
#include <pagoda/sched.h>

struct sleepers {
    struct vm_links *links; /* [ntasks + nlists], heads behind the tasks; both 0: in none */
    uint64_t *what;         /* [ntasks] that it sleeps for */
    uint32_t ntasks, nlists;
};

/* Errors: VM_ESYSTEM; close all the same. */
bool vm_sleepers_open(struct sleepers *s, uint32_t ntasks, struct vm_error *e);
void vm_sleepers_close(struct sleepers *s);
/* The task, which is in no list, sleeps for `what`. */
void vm_sleepers_add(struct sleepers *s, vm_task task, uint64_t what);
/* It sleeps for nothing any more; it may have done so before. */
void vm_sleepers_remove(struct sleepers *s, vm_task task);
/* Who sleeps for `what` and was added first, of those behind `task`, which does so, too
 * (VM_NOTASK: of all). VM_NOTASK: nobody. */
vm_task vm_sleepers_next(const struct sleepers *s, uint64_t what, vm_task task);

#endif
