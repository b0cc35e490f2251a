/* clock.h - the kernel's clock as programs read it, and their moments. */
#ifndef KERNEL_CLOCK_H
#define KERNEL_CLOCK_H

#include "kernel/kernel.h"

#define SECOND_NS UINT64_C(1000000000)

/* A struct timespec of a program. */
struct moment {
    int64_t s, ns;
};

bool vm_moment_is_good(const struct moment *m);
/* As nanoseconds; what is too long for them is as long as they go. */
uint64_t vm_moment_ns(const struct moment *m);
struct moment vm_moment_of(uint64_t ns);
/* What the clock of Linux's number shows, for the thread; -1: there is no such clock. */
int64_t vm_clock_ns(const struct kernel *k, const struct thread *t, uint64_t clock);
/* The kernel's time of the moment: so long from now, or when `clock_now_ns` of a clock that it is
 * absolute by will have come to it. Before VM_TIME_NEVER. */
uint64_t vm_clock_after(const struct kernel *k, uint64_t ns);
uint64_t vm_clock_at(const struct kernel *k, uint64_t ns, uint64_t clock_now_ns);

/* ---- call_timer.c ---- */

/* Set the timer as the struct itimerspec at `new` says, by the clock, from now or to the moment
 * itself; what it was before goes to `old` unless that is 0. 0 or -errno. */
int64_t vm_timer_schedule(struct kernel *k, struct thread *t, struct timer *timer, uint64_t clock,
                          bool absolute, vm_va new, vm_va old);

#endif
