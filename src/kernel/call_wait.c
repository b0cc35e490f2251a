/* call_wait.c - system calls on time, and futexes.
 *
 * Time begins at a fixed date, so that a run gives the same output every time, and goes on by the
 * kernel's clock: instructions and waiting.
 *
 * Source: futex(2): FUTEX_WAIT, WAKE, REQUEUE and CMP_REQUEUE, and their BITSET forms with any bit.
 */
#include "kernel/kernel.h"
#include "kernel/stat.h"

#include <linux/futex.h>
#include <time.h>

#define SECOND UINT64_C(1000000000)
#define DATE_S UINT64_C(1767225600) /* 2026-01-01 00:00 UTC */
#define TICK_S 100                  /* of times(2) */

struct moment {
    int64_t s, ns;
};

static bool is_moment(const struct moment *m)
{
    return m->s >= 0 && m->ns >= 0 && m->ns < (int64_t)SECOND;
}

static uint64_t ns_of(const struct moment *m)
{
    uint64_t most = VM_TIME_NEVER / SECOND - 1;
    return (uint64_t)m->s > most ? VM_TIME_NEVER - 1 : (uint64_t)m->s * SECOND + (uint64_t)m->ns;
}

static struct moment moment_of(uint64_t ns)
{
    return (struct moment){(int64_t)(ns / SECOND), (int64_t)(ns % SECOND)};
}

uint64_t vm_date_s(const struct kernel *k)
{
    return DATE_S + k->now_ns / SECOND;
}

/* ---- what time it is ---- */

/* -1: there is no such clock. */
static int64_t clock_ns(const struct kernel *k, const struct thread *t, uint64_t clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
        return (int64_t)(DATE_S * SECOND + k->now_ns);
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        return (int64_t)k->now_ns;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        return (int64_t)((double)t->process->stat.instructions * k->c->instruction_ns);
    default:
        return -1;
    }
}

int64_t vm_call_clock_gettime(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t ns = clock_ns(k, t, a[0]);
    struct moment m = moment_of((uint64_t)ns);
    return ns < 0 ? -EINVAL : vm_user_write(k, t, a[1], &m, sizeof m);
}

int64_t vm_call_clock_getres(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct moment m = {0, 1};
    if (clock_ns(k, t, a[0]) < 0)
        return -EINVAL;
    return a[1] ? vm_user_write(k, t, a[1], &m, sizeof m) : 0;
}

int64_t vm_call_gettimeofday(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct moment m = moment_of(DATE_S * SECOND + k->now_ns);
    m.ns /= 1000;
    return a[0] ? vm_user_write(k, t, a[0], &m, sizeof m) : 0;
}

int64_t vm_call_times(struct kernel *k, struct thread *t, const uint64_t *a)
{
    uint64_t used = (uint64_t)clock_ns(k, t, CLOCK_PROCESS_CPUTIME_ID) / (SECOND / TICK_S);
    uint64_t times[4] = {used, 0, 0, 0};
    if (a[0] && vm_user_write(k, t, a[0], times, sizeof times))
        return -EFAULT;
    return (int64_t)(k->now_ns / (SECOND / TICK_S));
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
    if (!is_moment(&m))
        return -EINVAL;
    uint64_t ns = ns_of(&m);
    if (absolute)
        ns = ns > from_ns ? ns - from_ns : 0;
    t->call_until_ns = ns > VM_TIME_NEVER - 1 - k->now_ns ? VM_TIME_NEVER - 1 : k->now_ns + ns;
    t->call_until_ns += t->call_until_ns == 0;
    return 0;
}

int64_t vm_call_set_end(struct kernel *k, struct thread *t, vm_va va)
{
    return set_end(k, t, va, 0, false);
}

static int64_t sleep_on(struct kernel *k, struct thread *t, vm_va rest)
{
    struct moment none = {0, 0};
    if (k->now_ns < t->call_until_ns)
        return vm_thread_sleep(k, t, NULL, t->call_until_ns);
    return rest ? vm_user_write(k, t, rest, &none, sizeof none) : 0;
}

int64_t vm_call_nanosleep(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t error = set_end(k, t, a[0], 0, false);
    return error ? error : sleep_on(k, t, a[1]);
}

int64_t vm_call_clock_nanosleep(struct kernel *k, struct thread *t, const uint64_t *a)
{
    bool absolute = a[1] & TIMER_ABSTIME;
    int64_t now = clock_ns(k, t, a[0]);
    if (now < 0)
        return -EINVAL;
    int64_t error = set_end(k, t, a[2], (uint64_t)now, absolute);
    return error ? error : sleep_on(k, t, absolute ? 0 : a[3]);
}

/* ---- the alarm ---- */

struct interval {
    int64_t every_s, every_us, next_s, next_us;
};

static struct interval alarm_of(const struct kernel *k, const struct process *p)
{
    bool waits = p->alarm_ns != VM_TIME_NEVER && p->alarm_ns > k->now_ns;
    uint64_t left = waits ? p->alarm_ns - k->now_ns : 0;
    uint64_t every = p->alarm_every_ns;
    return (struct interval){(int64_t)(every / SECOND), (int64_t)(every % SECOND / 1000),
                             (int64_t)(left / SECOND), (int64_t)(left % SECOND / 1000)};
}

int64_t vm_call_getitimer(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct interval i = alarm_of(k, t->process);
    return a[0] != 0 ? -EINVAL : vm_user_write(k, t, a[1], &i, sizeof i);
}

/* Longer ones than a century are a century, so that no sum with the clock overflows. */
static bool interval_ns(int64_t s, int64_t us, uint64_t *ns)
{
    const int64_t century_s = INT64_C(100) * 366 * 86400;
    *ns = (uint64_t)(s < century_s ? s : century_s) * SECOND + (uint64_t)us * 1000;
    return s >= 0 && us >= 0 && us < 1000000;
}

int64_t vm_call_setitimer(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct process *p = t->process;
    struct interval i, old = alarm_of(k, p);
    if (a[0] != 0) /* ITIMER_REAL */
        return -EINVAL;
    if (vm_user_read(k, t, &i, a[1], sizeof i))
        return -EFAULT;
    if (a[2] && vm_user_write(k, t, a[2], &old, sizeof old))
        return -EFAULT;
    uint64_t next_ns, every_ns;
    if (!interval_ns(i.next_s, i.next_us, &next_ns) ||
        !interval_ns(i.every_s, i.every_us, &every_ns))
        return -EINVAL;
    p->alarm_ns = next_ns ? k->now_ns + next_ns : VM_TIME_NEVER;
    p->alarm_every_ns = every_ns;
    if (p->alarm_ns < k->next_wake_ns)
        k->next_wake_ns = p->alarm_ns;
    return 0;
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

static uint64_t hash_of(const struct futex_word *w)
{
    return vm_mix64(w->at ^ ((uint64_t)w->file << 32 | w->asid));
}

/* Who waits for the word longest of those behind `task` (VM_NOTASK: of all), or VM_NOTASK. */
static vm_task next_waiter(const struct kernel *k, const struct futex_word *w, vm_task task)
{
    while ((task = vm_sleepers_next(&k->sleepers, hash_of(w), task)) != VM_NOTASK) {
        const struct futex_word *its = &k->thread[task].word;
        if (k->thread[task].waits_for_word && its->asid == w->asid && its->file == w->file &&
            its->at == w->at)
            break;
    }
    return task;
}

uint32_t vm_futex_wake(struct kernel *k, const struct address_space *s, vm_va va, uint32_t n)
{
    struct futex_word word = word_of(k, s, va);
    vm_task task;
    uint32_t woken = 0;
    for (; woken < n && (task = next_waiter(k, &word, VM_NOTASK)) != VM_NOTASK; woken++) {
        k->thread[task].waits_for_word = false;
        vm_thread_wake(k, &k->thread[task]);
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
        int64_t error = set_end(k, t, a[3], (uint64_t)clock_ns(k, t, clock), absolute);
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
    int64_t result = vm_thread_sleep(k, t, NULL, a[3] ? t->call_until_ns : VM_TIME_NEVER);
    if (t->state == THREAD_SLEEPS)
        vm_sleepers_add(&k->sleepers, vm_thread_task(k, t), hash_of(&t->word));
    return result;
}

static int64_t futex_requeue(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t woken = vm_futex_wake(k, t->space, a[0], (uint32_t)a[2]);
    struct futex_word from = word_of(k, t->space, a[0]), to = word_of(k, t->space, a[4]);
    uint32_t most = (uint32_t)a[3], there = 0, moved = 0;
    for (vm_task task = VM_NOTASK; (task = next_waiter(k, &from, task)) != VM_NOTASK;)
        there++;
    for (; moved < most && moved < there; moved++) { /* the two may be one word */
        vm_task task = next_waiter(k, &from, VM_NOTASK);
        vm_sleepers_remove(&k->sleepers, task);
        k->thread[task].word = to;
        vm_sleepers_add(&k->sleepers, task, hash_of(&to));
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
