/* call_wait.c - system calls on time, and futexes.
 *
 * Source: futex(2): FUTEX_WAIT, WAKE, REQUEUE and CMP_REQUEUE, and their BITSET forms with any bit.
 */
#include "kernel/clock.h"
#include "kernel/stat.h"

#include <linux/futex.h>
#include <time.h>

#define TICK_S 100 /* of times(2) */

/* ---- what time it is ---- */

int64_t vm_call_clock_gettime(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t ns = vm_clock_ns(k, t, a[0]);
    struct moment m = vm_moment_of((uint64_t)ns);
    return ns < 0 ? -EINVAL : vm_user_write(k, t, a[1], &m, sizeof m);
}

int64_t vm_call_clock_getres(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct moment m = {0, 1};
    if (vm_clock_ns(k, t, a[0]) < 0)
        return -EINVAL;
    return a[1] ? vm_user_write(k, t, a[1], &m, sizeof m) : 0;
}

int64_t vm_call_gettimeofday(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct moment m = vm_moment_of((uint64_t)vm_clock_ns(k, t, CLOCK_REALTIME));
    m.ns /= 1000;
    return a[0] ? vm_user_write(k, t, a[0], &m, sizeof m) : 0;
}

int64_t vm_call_times(struct kernel *k, struct thread *t, const uint64_t *a)
{
    uint64_t used = (uint64_t)vm_clock_ns(k, t, CLOCK_PROCESS_CPUTIME_ID) / (SECOND_NS / TICK_S);
    uint64_t times[4] = {used, 0, 0, 0};
    if (a[0] && vm_user_write(k, t, a[0], times, sizeof times))
        return -EFAULT;
    return (int64_t)(k->now_ns / (SECOND_NS / TICK_S));
}

/* ---- sleeping ---- */

/* Until the thread's call gives up: the wait at `va` from now, or the moment itself if `absolute`
 * by this clock. Set once a call. */
static int64_t set_end(struct kernel *k, struct thread *t, vm_va va, uint64_t from_ns,
                       bool absolute)
{
    struct moment m;
    if (t->call_until_ns)
        return 0;
    if (vm_user_read(k, t, &m, va, sizeof m))
        return -EFAULT;
    if (!vm_moment_is_good(&m))
        return -EINVAL;
    uint64_t ns = vm_moment_ns(&m);
    t->call_until_ns = absolute ? vm_clock_at(k, ns, from_ns) : vm_clock_after(k, ns);
    t->call_until_ns += t->call_until_ns == 0;
    return 0;
}

int64_t vm_call_set_end(struct kernel *k, struct thread *t, vm_va va)
{
    return set_end(k, t, va, 0, false);
}

/* A signal that waits ends the sleep: what is left of it is told. */
static int64_t sleep_on(struct kernel *k, struct thread *t, vm_va rest)
{
    struct moment left;
    if (k->now_ns >= t->call_until_ns)
        return 0;
    left = vm_moment_of(t->call_until_ns - k->now_ns);
    if (rest && vm_signal_waits(t) && vm_user_write(k, t, rest, &left, sizeof left))
        return -EFAULT;
    return vm_thread_sleep(k, t, NULL, t->call_until_ns);
}

int64_t vm_call_nanosleep(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error = set_end(k, t, a[0], 0, false);
    return error ? error : sleep_on(k, t, a[1]);
}

int64_t vm_call_clock_nanosleep(struct kernel *k, struct thread *t, const uint64_t *a)
{
    bool absolute = a[1] & TIMER_ABSTIME;
    int64_t now = vm_clock_ns(k, t, a[0]);
    if (now < 0)
        return -EINVAL;
    int64_t error = set_end(k, t, a[2], (uint64_t)now, absolute);
    return error ? error : sleep_on(k, t, absolute ? 0 : a[3]);
}

/* ---- futexes ---- */

/* A word of a shared page is the file's, one for all who map it; any other its space's. */
static struct futex_word word_of(const struct kernel *k, const struct address_space *s, vm_va va)
{
    const struct vm_vma *v = vm_space_find(k, s, va);
    if (!v || v->backing != VM_BACKING_SHARED)
        return (struct futex_word){.asid = s->asid, .at = va};
    return (struct futex_word){.file = v->file, .at = va + (v->file_delta << k->parts.page_shift)};
}

static bool waits_for(const struct thread *t, const struct futex_word *w)
{
    return t->state == THREAD_SLEEPS && t->waits_for_word && t->word.asid == w->asid &&
           t->word.file == w->file && t->word.at == w->at;
}

uint32_t vm_futex_wake(struct kernel *k, const struct address_space *s, vm_va va, uint32_t n)
{
    struct futex_word word = word_of(k, s, va);
    uint32_t woken = 0;
    for (uint32_t i = 0; i < k->threads_max && woken < n; i++) {
        struct thread *t = &k->thread[i];
        if (!waits_for(t, &word))
            continue;
        t->waits_for_word = false;
        vm_thread_wake(k, t);
        woken++;
    }
    return woken;
}

static int64_t futex_wait(struct kernel *k, struct thread *t, const uint64_t *a, bool absolute,
                          uint64_t clock)
{
    uint32_t word;
    bool again = t->progress;        /* it has slept already */
    if (again && !t->waits_for_word) /* it was woken */
        return 0;
    if (a[3]) {
        int64_t error = set_end(k, t, a[3], (uint64_t)vm_clock_ns(k, t, clock), absolute);
        if (error)
            return error;
        if (k->now_ns >= t->call_until_ns) {
            t->waits_for_word = false;
            return -ETIMEDOUT;
        }
    }
    if (vm_user_read(k, t, &word, a[0], sizeof word))
        return -EFAULT;
    if (!again && word != (uint32_t)a[2])
        return -EAGAIN;
    t->word = word_of(k, t->space, a[0]);
    t->waits_for_word = true;
    t->progress = 1;
    return vm_thread_sleep(k, t, NULL, a[3] ? t->call_until_ns : VM_TIME_NEVER);
}

static int64_t futex_requeue(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t woken = vm_futex_wake(k, t->space, a[0], (uint32_t)a[2]);
    struct futex_word from = word_of(k, t->space, a[0]), to = word_of(k, t->space, a[4]);
    uint32_t most = (uint32_t)a[3], moved = 0;
    for (uint32_t i = 0; i < k->threads_max && moved < most; i++) {
        struct thread *other = &k->thread[i];
        if (!waits_for(other, &from))
            continue;
        other->word = to;
        moved++;
    }
    return woken + moved;
}

int64_t vm_call_futex(struct kernel *k, struct thread *t, const uint64_t *a)
{
    unsigned operation = (unsigned)a[1] & FUTEX_CMD_MASK;
    uint64_t clock = a[1] & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    uint32_t word;
    if (a[0] & 3)
        return -EINVAL;
    switch (operation) {
    case FUTEX_WAIT:
        return futex_wait(k, t, a, false, clock);
    case FUTEX_WAIT_BITSET:
        return futex_wait(k, t, a, true, clock);
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
        return vm_user_read(k, t, &word, a[0], sizeof word)
                   ? -EFAULT
                   : (int64_t)vm_futex_wake(k, t->space, a[0], (uint32_t)a[2]);
    case FUTEX_CMP_REQUEUE:
        if (vm_user_read(k, t, &word, a[0], sizeof word))
            return -EFAULT;
        if (word != (uint32_t)a[5])
            return -EAGAIN;
        return futex_requeue(k, t, a);
    case FUTEX_REQUEUE:
        return futex_requeue(k, t, a);
    default:
        return -ENOSYS;
    }
}
