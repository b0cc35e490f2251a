/* lock.h - a lock that a signal handler may take: one word, and the kernel's futex. Private to
 * live/.
 *
 * A fault happens anywhere, so who holds a lock must not fault on managed memory, and must not be
 * interrupted by a handler that does: in a fault all signals are blocked already; elsewhere
 * vm_lock_calmly blocks them first.
 *
 * Drepper, "Futexes are tricky", 2011, the third mutex.
 */
#ifndef LIVE_LOCK_H
#define LIVE_LOCK_H

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A system call without errno, which belongs to whom a fault interrupted. */
static inline long vm_raw_call(long number, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#else
    int kept = errno;
    long result = syscall(number, a, b, c, d, e, f);
    result = result < 0 ? -errno : result;
    errno = kept;
    return result;
#endif
}

static inline void vm_futex_wait(const void *word, uint32_t value)
{
    vm_raw_call(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, value, 0, 0, 0);
}

static inline void vm_futex_wake(const void *word, int n)
{
    vm_raw_call(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, n, 0, 0, 0);
}

enum { LOCK_FREE, LOCK_HELD, LOCK_WAITED };
struct vm_lock {
    _Atomic uint32_t word; /* zeroed: free */
};

static inline void vm_lock_take(struct vm_lock *l)
{
    uint32_t was = LOCK_FREE;
    for (int spin = 0; spin < 100; spin++) {
        was = LOCK_FREE;
        if (atomic_compare_exchange_weak(&l->word, &was, LOCK_HELD))
            return;
    }
    while (atomic_exchange(&l->word, LOCK_WAITED) != LOCK_FREE)
        vm_futex_wait(&l->word, LOCK_WAITED);
}

/* False: somebody has it. */
static inline bool vm_lock_try(struct vm_lock *l)
{
    uint32_t was = LOCK_FREE;
    return atomic_compare_exchange_strong(&l->word, &was, LOCK_HELD);
}

static inline void vm_lock_give(struct vm_lock *l)
{
    if (atomic_exchange(&l->word, LOCK_FREE) == LOCK_WAITED)
        vm_futex_wake(&l->word, 1);
}

/* All signals are blocked until vm_signals_restore. */
static inline void vm_signals_block(uint64_t *kept)
{
    uint64_t all = UINT64_MAX;
    vm_raw_call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, (long)kept, 8, 0, 0);
}

static inline void vm_signals_restore(const uint64_t *kept)
{
    vm_raw_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)kept, 0, 8, 0, 0);
}

static inline void vm_lock_calmly(struct vm_lock *l, uint64_t *kept)
{
    vm_signals_block(kept);
    vm_lock_take(l);
}

static inline void vm_lock_give_calmly(struct vm_lock *l, const uint64_t *kept)
{
    vm_lock_give(l);
    vm_signals_restore(kept);
}

#endif
