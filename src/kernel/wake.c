/* wake.c - threads that sleep, and what wakes them: a channel, a time, a signal.
 *
 * Who is woken is ready at once, and the scheduler hears of it when the kernel has done what it is
 * at (vm_threads_tell): until then it has neither left its processor nor is it waiting for one.
 *
 * Where a thread may run changes only while the scheduler has it blocked (sched.h, 5): a sleeping
 * one at once, a waiting one is blocked and ready again, a running one leaves its processor at the
 * end of its step.
 */
#include "base/assert.h"
#include "kernel/kernel.h"

/* ---- by a channel ---- */

vm_task vm_thread_task(const struct kernel *k, const struct thread *t)
{
    return (vm_task)(t - k->thread);
}

int64_t vm_thread_sleep(struct kernel *k, struct thread *t, const void *channel, uint64_t until_ns)
{
    if (until_ns <= k->now_ns) { /* as if it had slept */
        t->woken_by_time = true;
        vm_thread_yield(k, t);
        return CALL_SLEEPS;
    }
    if (until_ns < k->next_wake_ns)
        k->next_wake_ns = until_ns;
    t->state = THREAD_SLEEPS;
    t->channel = channel;
    t->wake_ns = until_ns;
    if (channel)
        vm_sleepers_add(&k->sleepers, vm_thread_task(k, t), (uintptr_t)channel);
    t->woken_by_time = false;
    return CALL_SLEEPS;
}

static void rouse(struct kernel *k, struct thread *t)
{
    VM_ASSERT(k->nroused < k->threads_max);
    t->state = THREAD_READY;
    t->channel = NULL;
    vm_sleepers_remove(&k->sleepers, vm_thread_task(k, t));
    t->wake_ns = VM_TIME_NEVER;
    if (t == k->cpu->running) /* it has not even left the processor */
        return;
    k->roused[k->nroused++] =
        (struct roused){vm_thread_task(k, t), t->told ? VM_READY_WOKEN : VM_READY_NEW};
}

void vm_thread_wake(struct kernel *k, struct thread *t)
{
    if (t->state == THREAD_SLEEPS)
        rouse(k, t);
}

uint32_t vm_wake_some(struct kernel *k, const void *channel, uint32_t n)
{
    vm_task task;
    uint32_t woken = 0;
    for (; woken < n; woken++) {
        task = vm_sleepers_next(&k->sleepers, (uintptr_t)channel, VM_NOTASK);
        if (task == VM_NOTASK)
            break;
        rouse(k, &k->thread[task]);
    }
    return woken;
}

void vm_wake_all(struct kernel *k, const void *channel)
{
    vm_wake_some(k, channel, UINT32_MAX);
}

void vm_thread_yield(struct kernel *k, struct thread *t)
{
    VM_ASSERT(t == k->cpu->running);
    k->cpu->turn_over = true;
    k->cpu->gives_way = VM_READY_YIELDED;
}

void vm_thread_stop(struct kernel *k, struct thread *t)
{
    VM_ASSERT(t == k->cpu->running);
    (void)k;
    t->state = THREAD_STOPPED;
}

void vm_thread_continue(struct kernel *k, struct thread *t)
{
    if (t->state == THREAD_STOPPED)
        rouse(k, t);
}

/* The scheduler is not told of its waking, if it has still to be. */
static bool take_back(struct kernel *k, vm_task task)
{
    uint32_t kept = 0, n = k->nroused;
    for (uint32_t i = 0; i < n; i++)
        if (k->roused[i].task != task)
            k->roused[kept++] = k->roused[i];
    k->nroused = kept;
    return kept < n;
}

void vm_thread_gone(struct kernel *k, struct thread *t)
{
    vm_task task = vm_thread_task(k, t);
    struct processor *p = vm_processor_of(k, t);
    take_back(k, task);
    if (t->told)
        k->sched->leave(k->sched_state, task);
    t->told = false;
    if (!p)
        return;
    p->running = NULL;
    p->executes = false;
    p->bereft = p != k->cpu;
    vm_processor_interrupt(k, p);
}

/* ---- where it may run ---- */

static void confine_waiting(struct kernel *k, struct thread *t, uint64_t cpus)
{
    vm_task task = vm_thread_task(k, t);
    bool roused = take_back(k, task);
    if (t->state == THREAD_READY && t->told && !roused)
        k->sched->block(k->sched_state, task);
    t->cpus = cpus;
    if (t->state == THREAD_READY)
        k->roused[k->nroused++] = (struct roused){task, t->told ? VM_READY_WOKEN : VM_READY_NEW};
}

void vm_thread_confine(struct kernel *k, struct thread *t, uint64_t cpus)
{
    struct processor *p = vm_processor_of(k, t);
    if (cpus == t->cpus && !t->cpus_next)
        return;
    if (!p) {
        confine_waiting(k, t, cpus);
        return;
    }
    t->cpus_next = cpus;
    vm_processor_interrupt(k, p);
}

bool vm_thread_moves(struct kernel *k, struct thread *t)
{
    bool moves = t->cpus_next && t->state == THREAD_RUNNING;
    if (moves)
        k->sched->block(k->sched_state, vm_thread_task(k, t));
    if (t->cpus_next)
        t->cpus = t->cpus_next;
    t->cpus_next = 0;
    if (moves) {
        t->state = THREAD_READY;
        k->roused[k->nroused++] = (struct roused){vm_thread_task(k, t), VM_READY_WOKEN};
    }
    return moves;
}

/* ---- by time ---- */

uint64_t vm_threads_next_wake(const struct kernel *k)
{
    uint64_t next = vm_timers_next(k);
    for (uint32_t i = 0; i < k->threads_max; i++)
        if (k->thread[i].state == THREAD_SLEEPS && k->thread[i].wake_ns < next)
            next = k->thread[i].wake_ns;
    return next;
}

void vm_threads_wake_by_time(struct kernel *k)
{
    if (k->now_ns < k->next_wake_ns)
        return;
    for (uint32_t i = 0; i < k->threads_max; i++) {
        struct thread *t = &k->thread[i];
        if (t->state != THREAD_SLEEPS || t->wake_ns > k->now_ns)
            continue;
        t->woken_by_time = true;
        rouse(k, t);
    }
    vm_timers_expire(k);
    k->next_wake_ns = vm_threads_next_wake(k);
}

/* ---- the scheduler ---- */

void vm_threads_tell(struct kernel *k)
{
    k->news |= k->nroused > 0;
    for (uint32_t i = 0; i < k->nroused; i++) {
        struct thread *t = &k->thread[k->roused[i].task];
        k->task[k->roused[i].task].left = VM_LEFT_UNKNOWN;
        t->told = true;
        if (t->cpu != VM_NOCPU)
            k->processor[t->cpu].wanted = true;
        k->sched->ready(k->sched_state, k->roused[i].task, k->roused[i].why);
    }
    k->nroused = 0;
}
