/* call_timer.c - system calls on timers that end in signals: the alarm, and POSIX's.
 *
 * While a signal of a POSIX timer is pending, the timer sends no other: how often it was due
 * meanwhile is the signal's count of overruns (POSIX.1-2017, timer_getoverrun).
 *
 * Not here: timers by the time that a process has computed (ITIMER_VIRTUAL, ITIMER_PROF, and
 * timer_create with CLOCK_PROCESS_CPUTIME_ID).
 */
#include "kernel/clock.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

/* ---- the alarm ---- */

static void ring(struct kernel *k, struct timer *timer, uint64_t times)
{
    (void)times;
    vm_signal_process(k, (struct process *)((char *)timer - offsetof(struct process, alarm)),
                      SIGALRM);
}

void vm_alarm_init(struct process *p)
{
    p->alarm = (struct timer){.at_ns = VM_TIME_NEVER, .expire = ring};
}

/* A struct itimerval of a program. */
struct interval {
    int64_t every_s, every_us, next_s, next_us;
};

static struct interval alarm_of(const struct kernel *k, const struct process *p)
{
    struct moment left = vm_moment_of(vm_timer_left(k, &p->alarm));
    struct moment every = vm_moment_of(p->alarm.every_ns);
    return (struct interval){every.s, every.ns / 1000, left.s, left.ns / 1000};
}

int64_t vm_call_getitimer(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct interval i = alarm_of(k, t->process);
    return a[0] != 0 ? -EINVAL : vm_user_write(k, t, a[1], &i, sizeof i);
}

int64_t vm_call_setitimer(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct process *p = t->process;
    struct interval i, old = alarm_of(k, p);
    if (a[0] != 0) /* ITIMER_REAL */
        return -EINVAL;
    if (vm_user_read(k, t, &i, a[1], sizeof i))
        return -EFAULT;
    struct moment next = {i.next_s, i.next_us * 1000}, every = {i.every_s, i.every_us * 1000};
    if (!vm_moment_is_good(&next) || !vm_moment_is_good(&every))
        return -EINVAL;
    if (a[2] && vm_user_write(k, t, a[2], &old, sizeof old))
        return -EFAULT;
    uint64_t ns = vm_moment_ns(&next);
    vm_timer_set(k, &p->alarm, ns ? vm_clock_after(k, ns) : VM_TIME_NEVER, vm_moment_ns(&every));
    return 0;
}

/* ---- timers of POSIX ---- */

struct posix_timer {
    struct timer timer;
    struct process *process;
    int id;
    uint64_t clock;
    int notify, signal;
    uint32_t tid; /* SIGEV_THREAD_ID: whom it tells */
    uint64_t value;
    int overruns; /* of the signal that was delivered last */
    struct posix_timer *next;
};

#define TIMERS_MAX   256
#define OVERRUNS_MAX INT32_MAX /* DELAYTIMER_MAX */

/* A struct sigevent of a program. */
struct event {
    uint64_t value;
    int32_t signal, notify, tid;
    uint8_t rest[64 - 20];
};

/* A struct itimerspec of a program. */
struct schedule {
    struct moment every, next;
};

static void expire(struct kernel *k, struct timer *timer, uint64_t times)
{
    struct posix_timer *x = (struct posix_timer *)timer;
    struct thread *t = x->notify == SIGEV_THREAD_ID ? vm_thread_find(k, x->tid) : NULL;
    struct pending *where = t ? &t->pending : &x->process->pending;
    if (x->notify == SIGEV_NONE || (x->notify == SIGEV_THREAD_ID && !t))
        return;
    struct signal_info *untold = vm_pending_timer(where, x->signal, x->id);
    uint64_t more = untold ? times + (uint64_t)untold->timer.overruns : times - 1;
    struct signal_info info = {
        .signal = x->signal,
        .code = SI_TIMER,
        .timer = {x->id, more < OVERRUNS_MAX ? (int)more : OVERRUNS_MAX, x->value}};
    if (untold)
        *untold = info;
    else if (t)
        vm_signal_post_thread(k, t, &info);
    else
        vm_signal_post(k, x->process, &info);
}

static struct posix_timer *find(struct process *p, uint64_t id)
{
    struct posix_timer *x = p->timers;
    while (x && x->id != (int32_t)id)
        x = x->next;
    return x;
}

void vm_posix_timer_told(struct process *p, const struct signal_info *info)
{
    struct posix_timer *x = find(p, (uint64_t)(int64_t)info->timer.id);
    if (x)
        x->overruns = info->timer.overruns;
}

/* The lowest number that no timer of the process has; -EAGAIN. */
static int free_id(struct process *p)
{
    int id = 0;
    while (id < TIMERS_MAX && find(p, (uint64_t)id))
        id++;
    return id < TIMERS_MAX ? id : -EAGAIN;
}

static bool is_good(struct kernel *k, const struct thread *t, const struct event *e)
{
    if (e->notify == SIGEV_NONE)
        return true;
    if (e->notify == SIGEV_THREAD_ID) {
        const struct thread *to = vm_thread_find(k, (uint32_t)e->tid);
        if (!to || to->process != t->process)
            return false;
    } else if (e->notify != SIGEV_SIGNAL && e->notify != SIGEV_THREAD) {
        return false;
    }
    return e->signal >= 1 && e->signal <= NSIGNALS;
}

static bool is_timed(uint64_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
           clock == CLOCK_TAI;
}

int64_t vm_call_timer_create(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct process *p = t->process;
    struct event e = {.signal = SIGALRM};
    int id = free_id(p);
    if (!is_timed(a[0]))
        return -EINVAL;
    if (a[1] && vm_user_read(k, t, &e, a[1], sizeof e))
        return -EFAULT;
    if (a[1] && !is_good(k, t, &e))
        return -EINVAL;
    struct posix_timer *x = id < 0 ? NULL : calloc(1, sizeof *x);
    if (!x)
        return -EAGAIN;
    if (vm_user_write(k, t, a[2], &id, sizeof id)) {
        free(x);
        return -EFAULT;
    }
    *x = (struct posix_timer){.timer = {.at_ns = VM_TIME_NEVER, .expire = expire},
                              .process = p,
                              .id = id,
                              .clock = a[0],
                              .notify = e.notify,
                              .signal = e.signal,
                              .tid = (uint32_t)e.tid,
                              .value = a[1] ? e.value : (uint64_t)id,
                              .next = p->timers};
    p->timers = x;
    return 0;
}

static struct schedule schedule_of(const struct kernel *k, const struct timer *timer)
{
    return (struct schedule){vm_moment_of(timer->every_ns), vm_moment_of(vm_timer_left(k, timer))};
}

int64_t vm_call_timer_gettime(struct kernel *k, struct thread *t, const uint64_t *a)
{
    const struct posix_timer *x = find(t->process, a[0]);
    if (!x)
        return -EINVAL;
    struct schedule s = schedule_of(k, &x->timer);
    return vm_user_write(k, t, a[1], &s, sizeof s);
}

int64_t vm_timer_schedule(struct kernel *k, struct thread *t, struct timer *timer, uint64_t clock,
                          bool absolute, vm_va new, vm_va old)
{
    struct schedule wanted, before = schedule_of(k, timer);
    if (vm_user_read(k, t, &wanted, new, sizeof wanted))
        return -EFAULT;
    if (!vm_moment_is_good(&wanted.next) || !vm_moment_is_good(&wanted.every))
        return -EINVAL;
    if (old && vm_user_write(k, t, old, &before, sizeof before))
        return -EFAULT;
    uint64_t ns = vm_moment_ns(&wanted.next);
    uint64_t at_ns = !ns        ? VM_TIME_NEVER
                     : absolute ? vm_clock_at(k, ns, (uint64_t)vm_clock_ns(k, t, clock))
                                : vm_clock_after(k, ns);
    vm_timer_set(k, timer, at_ns, ns ? vm_moment_ns(&wanted.every) : 0);
    return 0;
}

int64_t vm_call_timer_settime(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct posix_timer *x = find(t->process, a[0]);
    if (!x || !a[2])
        return -EINVAL;
    return vm_timer_schedule(k, t, &x->timer, x->clock, a[1] & TIMER_ABSTIME, a[2], a[3]);
}

int64_t vm_call_timer_getoverrun(struct kernel *k, struct thread *t, const uint64_t *a)
{
    const struct posix_timer *x = find(t->process, a[0]);
    (void)k;
    return x ? x->overruns : -EINVAL;
}

static void delete_timer(struct kernel *k, struct process *p, struct posix_timer *x)
{
    struct posix_timer **link = &p->timers;
    while (*link != x)
        link = &(*link)->next;
    *link = x->next;
    vm_timer_set(k, &x->timer, VM_TIME_NEVER, 0);
    free(x);
}

int64_t vm_call_timer_delete(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct posix_timer *x = find(t->process, a[0]);
    if (!x)
        return -EINVAL;
    delete_timer(k, t->process, x);
    return 0;
}

void vm_posix_timers_close(struct kernel *k, struct process *p)
{
    while (p->timers)
        delete_timer(k, p, p->timers);
}
