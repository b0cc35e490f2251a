/* clock.c - the kernel's clock as programs read it.
 *
 * Time begins at a fixed date, so that a run gives the same output every time, and goes on by the
 * kernel's clock: instructions and waiting.
 *
 * Source: clock_getres(2), of Linux.
 */
#include "kernel/clock.h"

#include <time.h>

#define DATE_S UINT64_C(1767225600) /* 2026-01-01 00:00 UTC */

bool vm_moment_is_good(const struct moment *m)
{
    return m->s >= 0 && m->ns >= 0 && m->ns < (int64_t)SECOND_NS;
}

uint64_t vm_moment_ns(const struct moment *m)
{
    uint64_t most = VM_TIME_NEVER / SECOND_NS - 1;
    return (uint64_t)m->s > most ? VM_TIME_NEVER - 1 : (uint64_t)m->s * SECOND_NS + (uint64_t)m->ns;
}

struct moment vm_moment_of(uint64_t ns)
{
    return (struct moment){(int64_t)(ns / SECOND_NS), (int64_t)(ns % SECOND_NS)};
}

uint64_t vm_date_s(const struct kernel *k)
{
    return DATE_S + k->now_ns / SECOND_NS;
}

int64_t vm_clock_ns(const struct kernel *k, const struct thread *t, uint64_t clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
        return (int64_t)(DATE_S * SECOND_NS + k->now_ns);
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

uint64_t vm_clock_after(const struct kernel *k, uint64_t ns)
{
    return ns > VM_TIME_NEVER - 1 - k->now_ns ? VM_TIME_NEVER - 1 : k->now_ns + ns;
}

uint64_t vm_clock_at(const struct kernel *k, uint64_t ns, uint64_t clock_now_ns)
{
    return vm_clock_after(k, ns > clock_now_ns ? ns - clock_now_ns : 0);
}
