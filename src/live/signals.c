/* signals.c - SIGBUS: a touch of a page that is not there, in the thread that made it. And SIGSEGV,
 * where a log has every access (accesses.h).
 *
 * The process has one action for a signal, so this file has the one variable of the library: which
 * pagers there are, and what the actions were before. A signal that is nobody's goes there.
 *
 * The kernel's trap error code tells a write from a read, and a page that is there and
 * write-protected from one that is not (x86-64: bit 1, bit 0; arm64: ESR's WnR, and its status).
 */
#include "base/assert.h"
#include "live/live.h"

#include <errno.h>
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
    bool is_installed[SIGNALS];
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

static void tell(const void *address)
{
    char line[160];
    int n = snprintf(line, sizeof line,
                     "pagoda: the page at %p cannot be had from its store: SIGBUS\n", address);
    vm_raw_call(SYS_write, 2, (long)line, n, 0, 0, 0);
}

bool vm_live_signal(const void *siginfo, const void *context)
{
    const siginfo_t *info = siginfo;
    struct touch t = touch_of(context);
    for (int i = 0; i < PAGERS_MAX; i++) {
        struct vm_live *l = atomic_load_explicit(&process.pager[i], memory_order_acquire);
        if (info->si_signo == signal_number[OF_CLOSED]) {
            if (l && vm_accesses_signal(l, info->si_addr, t.access, context))
                return true;
            continue;
        }
        enum resolved done = l ? vm_resolve(l, info->si_addr, t.access, t.is_protected) : NOT_MINE;
        if (done == RESOLVED)
            return true;
        if (done == NOT_TO_BE) {
            tell(info->si_addr);
            return false;
        }
    }
    return false;
}

/* As if we had not been there: the action before gets it, and no action is death. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    const struct sigaction *before =
        &process.before[number == signal_number[OF_CLOSED] ? OF_CLOSED : OF_ABSENT];
    if (before->sa_flags & SA_SIGINFO) {
        before->sa_sigaction(number, info, context);
    } else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN) {
        before->sa_handler(number);
    } else {
        struct sigaction plain = {.sa_handler = SIG_DFL};
        sigaction(number, &plain, NULL); /* the touch is made again when we return, and kills */
    }
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    int kept = errno;
    if (!vm_live_signal(info, context))
        pass_on(number, info, context);
    errno = kept;
}

/* ---- which pagers there are ---- */

static bool install(int which, struct vm_error *e)
{
    if (process.is_installed[which])
        return true;
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigfillset(&action.sa_mask);
    if (sigaction(signal_number[which], &action, &process.before[which]) != 0)
        return vm_fail(e, VM_ESYSTEM, "no action for %s: %s",
                       which == OF_ABSENT ? "SIGBUS" : "SIGSEGV", strerror(errno));
    process.is_installed[which] = true;
    return true;
}

static bool install_all(const struct vm_live *l, struct vm_error *e)
{
    return l->options.signal == VM_LIVE_SIGNAL_YOURS ||
           (install(OF_ABSENT, e) &&
            (l->options.log_depth != VM_LIVE_LOG_ACCESSES || install(OF_CLOSED, e)));
}

bool vm_signals_enter(struct vm_live *l, struct vm_error *e)
{
    uint64_t kept;
    bool done = false;
    vm_lock_calmly(&process.lock, &kept);
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
        atomic_compare_exchange_strong(&process.pager[i], &it, NULL);
    }
}
