/* signals.c - SIGBUS: a touch of a page that is not there, in the thread that made it. And SIGSEGV,
 * where a log has every access (accesses.h).
 *
 * The process has one action for a signal, so this file has the one variable of the library: which
 * pagers there are, and what the action was before. A SIGBUS that is nobody's goes there.
 *
 * The kernel's trap error code tells a write from a read, and a page that is there and
 * write-protected from one that is not (x86-64: bit 1, bit 0; arm64: ESR's WnR, and its status).
 */
#include "base/assert.h"
#include "live/live.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#define PAGERS_MAX 64

enum { OF_ABSENT, OF_CLOSED, SIGNALS };
static const int signal_number[SIGNALS] = {[OF_ABSENT] = SIGBUS, [OF_CLOSED] = SIGSEGV};

static struct {
    struct vm_lock lock;
    _Atomic(struct vm_live *) pager[PAGERS_MAX];
    /* Threads that resolve by it, which does not close meanwhile; they are the owner's: a child of
     * fork has none of them. */
    _Atomic uint32_t users[PAGERS_MAX];
    pid_t owner;
    struct sigaction before[SIGNALS];
} process;

/* ---- what the touch was ---- */

struct touch {
    enum vm_access access;
    bool is_protected;
};

static struct touch touch_of(const ucontext_t *context)
{
#if defined(__x86_64__)
    uint64_t code = (uint64_t)context->uc_mcontext.gregs[REG_ERR];
    return (struct touch){code & 2 ? VM_WRITE : VM_READ, code & 1};
#elif defined(__aarch64__)
    /* The syndrome lies in a record of the reserved space: esr_context, magic "ESR\1". */
    const uint8_t *at = (const uint8_t *)context->uc_mcontext.__reserved;
    for (uint32_t head[2]; memcpy(head, at, sizeof head), head[0]; at += head[1])
        if (head[0] == 0x45535201) {
            uint64_t esr;
            memcpy(&esr, at + 8, sizeof esr);
            return (struct touch){esr >> 6 & 1 ? VM_WRITE : VM_READ, (esr & 0x3c) == 0x0c};
        }
    return (struct touch){VM_READ, false};
#else
#error "live: how does a signal's context tell a write on this processor?"
#endif
}

/* ---- the handler ---- */

void vm_tell_lost(const void *address)
{
    char line[160];
    int n = snprintf(line, sizeof line,
                     "pagoda: the page at %p cannot be had from its store: SIGBUS\n", address);
    vm_raw_call(SYS_write, 2, (long)line, n, 0, 0, 0);
}

static enum resolved resolve_by(int i, const siginfo_t *info, struct touch t, const void *context)
{
    enum resolved done = NOT_MINE;
    if (!atomic_load_explicit(&process.pager[i], memory_order_relaxed))
        return NOT_MINE;
    atomic_fetch_add(&process.users[i], 1);
    struct vm_live *l = atomic_load(&process.pager[i]);
    if (l && info->si_signo == signal_number[OF_CLOSED])
        done = vm_accesses_signal(l, info->si_addr, t.access, context) ? RESOLVED : NOT_MINE;
    else if (l)
        done = vm_resolve(l, info->si_addr, t.access, t.is_protected);
    atomic_fetch_sub(&process.users[i], 1);
    return done;
}

bool vm_live_signal(const void *siginfo, const void *context)
{
    const siginfo_t *info = siginfo;
    struct touch t = touch_of(context);
    if (info->si_code <= 0) /* somebody sent it: it has no address */
        return false;
    for (int i = 0; i < PAGERS_MAX; i++) {
        enum resolved done = resolve_by(i, info, t, context);
        if (done == RESOLVED)
            return true;
        if (done == NOT_TO_BE) {
            vm_tell_lost(info->si_addr);
            return false;
        }
    }
    return false;
}

/* Nothing else than its being there would have been done: the process dies of it when we return. */
static void die(int number)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigaction(number, &plain, NULL);
    vm_raw_call(SYS_tgkill, getpid(), vm_raw_call(SYS_gettid, 0, 0, 0, 0, 0, 0), number, 0, 0, 0);
}

/* As if we had not been there: the action before gets it. A fault cannot be ignored. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    const struct sigaction *before =
        &process.before[number == signal_number[OF_CLOSED] ? OF_CLOSED : OF_ABSENT];
    if (before->sa_flags & SA_SIGINFO)
        before->sa_sigaction(number, info, context);
    else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN)
        before->sa_handler(number);
    else if (before->sa_handler == SIG_DFL || info->si_code > 0)
        die(number);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    int kept = errno;
    if (!vm_live_signal(info, context))
        pass_on(number, info, context);
    errno = kept;
}

/* ---- which pagers there are ---- */

/* Whoever set another action since the last pager opened has it called for what is nobody's. */
static bool install(int which, struct vm_error *e)
{
    int number = signal_number[which];
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    struct sigaction now;
    sigfillset(&action.sa_mask);
    if (sigaction(number, NULL, &now) != 0)
        return vm_fail(e, VM_ESYSTEM, "no action for signal %d: %s", number, strerror(errno));
    if (now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_signal)
        return true;
    process.before[which] = now;
    sigaction(number, &action, NULL);
    return true;
}

static bool install_all(const struct vm_live *l, struct vm_error *e)
{
    return l->options.signal == VM_LIVE_SIGNAL_YOURS ||
           (install(OF_ABSENT, e) &&
            (l->options.log_depth != VM_LIVE_LOG_ACCESSES || install(OF_CLOSED, e)));
}

void vm_signals_forked(void)
{
    if (process.owner == getpid())
        return;
    for (int i = 0; i < PAGERS_MAX; i++)
        atomic_store(&process.users[i], 0);
    process.owner = getpid();
}

bool vm_signals_enter(struct vm_live *l, struct vm_error *e)
{
    uint64_t kept;
    bool done = false;
    vm_lock_calmly(&process.lock, &kept);
    vm_signals_forked();
    if (install_all(l, e)) {
        for (int i = 0; i < PAGERS_MAX && !done; i++) {
            struct vm_live *none = NULL;
            done = atomic_compare_exchange_strong(&process.pager[i], &none, l);
        }
        if (!done)
            vm_fail(e, VM_ESYSTEM, "a process has %d pagers at most", PAGERS_MAX);
    }
    vm_lock_give_calmly(&process.lock, &kept);
    return done;
}

void vm_signals_leave(struct vm_live *l)
{
    for (int i = 0; i < PAGERS_MAX; i++) {
        struct vm_live *it = l;
        if (!atomic_compare_exchange_strong(&process.pager[i], &it, NULL))
            continue;
        while (atomic_load(&process.users[i]) && process.owner == getpid())
            sched_yield();
    }
}
