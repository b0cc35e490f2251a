/* timer.c - timers: what is to happen at a moment though nobody sleeps for it.
 *
 * Those that are set are a list by time. The main loop asks for the first one's moment, and has
 * all that are due expire between two turns. One that repeats counts from when it was due and not
 * from when it was seen, so that it does not drift; it is told how often it was due at once.
 */
#include "kernel/kernel.h"

static void unlink_timer(struct kernel *k, const struct timer *timer)
{
    struct timer **link = &k->timers;
    while (*link && *link != timer)
        link = &(*link)->next;
    if (*link)
        *link = timer->next;
}

void vm_timer_set(struct kernel *k, struct timer *timer, uint64_t at_ns, uint64_t every_ns)
{
    unlink_timer(k, timer);
    timer->at_ns = at_ns;
    timer->every_ns = every_ns;
    if (at_ns == VM_TIME_NEVER)
        return;
    struct timer **link = &k->timers;
    while (*link && (*link)->at_ns <= at_ns)
        link = &(*link)->next;
    timer->next = *link;
    *link = timer;
    if (at_ns < k->next_wake_ns)
        k->next_wake_ns = at_ns;
}

uint64_t vm_timer_left(const struct kernel *k, const struct timer *timer)
{
    if (timer->at_ns == VM_TIME_NEVER)
        return 0;
    return timer->at_ns > k->now_ns ? timer->at_ns - k->now_ns : 1;
}

uint64_t vm_timers_next(const struct kernel *k)
{
    return k->timers ? k->timers->at_ns : VM_TIME_NEVER;
}

void vm_timers_expire(struct kernel *k)
{
    struct timer *timer;
    while ((timer = k->timers) && timer->at_ns <= k->now_ns) {
        uint64_t every = timer->every_ns;
        uint64_t times = every ? 1 + (k->now_ns - timer->at_ns) / every : 1;
        vm_timer_set(k, timer, every ? timer->at_ns + times * every : VM_TIME_NEVER, every);
        timer->expire(k, timer, times);
    }
}
