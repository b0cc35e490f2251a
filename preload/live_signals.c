/* live_signals.c - the program's signals, two of which are ours.
 *
 * SIGBUS is a fault on managed memory, SIGSYS a system call (and SIGSEGV a touch, where the pager's
 * log has them all). What the program wants done at them is
 * kept here, and done when one comes that is not ours; masks, wherever the program states one,
 * never have them. Its other actions are installed with our sa_restorer, which returns from
 * handlers without being dispatched. Its alternate stacks are noted and not used: handlers that ask
 * for one run on ours (live.c, invariant 2).
 *
 * signal(7), sigaction(2), sigaltstack(2): the kernel's struct is not glibc's.
 */
#include "live.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif
#define SA_RESTORER_BIT 0x04000000ul

/* The kernel's struct sigaction. */
struct action {
    uintptr_t handler;
    unsigned long flags;
    uintptr_t restorer;
    uint64_t mask;
};

#define BIT(signal) (UINT64_C(1) << ((signal)-1))

static struct vm_lock actions_lock;
static struct action wanted[3]; /* of SIGBUS, SIGSYS, SIGSEGV: the program's */
static uint32_t process;        /* whose they are: a child of vfork has its own, and says none */

static struct action *wanted_of(int signal)
{
    return &wanted[signal == SIGSEGV ? 2 : signal == SIGSYS];
}

static bool is_ours(int signal)
{
    return signal == SIGSYS || (signal == SIGBUS && live_world.needs_pins) ||
           (signal == SIGSEGV && live_world.hears_accesses);
}

uint64_t live_mask(uint64_t mask)
{
    return mask & ~(BIT(SIGBUS) | BIT(SIGSYS) | (live_world.hears_accesses ? BIT(SIGSEGV) : 0));
}

static long set_action(int signal, const struct action *a, struct action *before)
{
    return live_call(SYS_rt_sigaction, (unsigned long)signal, (unsigned long)a,
                     (unsigned long)before, 8, 0, 0);
}

bool live_signal_take(int signal, void (*handler)(int, siginfo_t *, void *), uint64_t mask)
{
    const struct action a = {.handler = (uintptr_t)handler,
                             .flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTORER_BIT,
                             .restorer = (uintptr_t)live_stub_restore,
                             .mask = mask};
    struct action before;
    if (set_action(signal, &a, &before) != 0)
        return false;
    *wanted_of(signal) = before;
    return true;
}

/* ---- what is not ours ---- */

static void default_action(int signal)
{
    const struct action none = {0};
    set_action(signal, &none, NULL);
}

/* Whether the signal was sent, and does not come of an instruction. */
static bool was_sent(const siginfo_t *info)
{
    return info->si_code <= 0 || info->si_code == SI_KERNEL;
}

static void call_handler(int signal, const struct action *a, siginfo_t *info, void *context)
{
    struct live_thread *t = live_self;
    uint64_t mask, all;
    memcpy(&mask, &((ucontext_t *)context)->uc_sigmask, sizeof mask);
    mask |= live_mask(a->mask);
    if (t)
        t->selector = LIVE_DISPATCH;
    live_call(SYS_rt_sigprocmask, SIG_SETMASK, (unsigned long)&mask, (unsigned long)&all, 8, 0, 0);
    if (a->flags & SA_SIGINFO)
        ((void (*)(int, siginfo_t *, void *))a->handler)(signal, info, context);
    else
        ((void (*)(int))a->handler)(signal);
    live_call(SYS_rt_sigprocmask, SIG_SETMASK, (unsigned long)&all, 0, 8, 0, 0);
}

void live_chain(int signal, siginfo_t *info, void *context)
{
    vm_lock_take(&actions_lock);
    struct action a = *wanted_of(signal);
    if (a.flags & (unsigned long)SA_RESETHAND)
        wanted_of(signal)->handler = (uintptr_t)SIG_DFL;
    vm_lock_give(&actions_lock);
    if (a.handler == (uintptr_t)SIG_IGN && was_sent(info))
        return;
    if (a.handler == (uintptr_t)SIG_DFL || a.handler == (uintptr_t)SIG_IGN) {
        default_action(signal);
        if (was_sent(info)) /* else the instruction does it again */
            live_call(SYS_tgkill, (unsigned long)live_call(SYS_getpid, 0, 0, 0, 0, 0, 0),
                      (unsigned long)live_call(SYS_gettid, 0, 0, 0, 0, 0, 0), (unsigned long)signal,
                      0, 0, 0);
        return;
    }
    call_handler(signal, &a, info, context);
}

/* ---- a fault ---- */

static void on_fault(int signal, siginfo_t *info, void *context)
{
    struct live_thread *t = live_self;
    uint8_t before = t ? t->selector : LIVE_ALLOW;
    if (t)
        t->selector = LIVE_ALLOW;
    if (was_sent(info) || !vm_live_signal(info, context))
        live_chain(signal, info, context);
    live_publish_in_time();
    if (t)
        t->selector = before;
}

bool live_signals_begin(void)
{
    process = (uint32_t)getpid();
    return (!is_ours(SIGBUS) || live_signal_take(SIGBUS, on_fault, UINT64_MAX)) &&
           (!is_ours(SIGSEGV) || live_signal_take(SIGSEGV, on_fault, UINT64_MAX));
}

/* A child's pager has no thread that resolves faults, whatever its parent's has. */
bool live_signals_fork(void)
{
    process = (uint32_t)live_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
    if (live_world.needs_pins)
        return true;
    live_world.needs_pins = true;
    return live_signal_take(SIGBUS, on_fault, UINT64_MAX);
}

/* ---- calls ---- */

/* An action for one of ours: noted. */
static long note_action(int signal, const struct action *fresh, struct action *before)
{
    bool is_own = process == (uint32_t)live_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
    vm_lock_take(&actions_lock);
    *before = *wanted_of(signal);
    if (fresh && is_own)
        *wanted_of(signal) = *fresh;
    vm_lock_give(&actions_lock);
    return 0;
}

static enum live_done take_action(struct live_call *c)
{
    int signal = (int)c->arg[0];
    struct action fresh, before;
    bool has_fresh = c->arg[1];
    if (c->arg[3] != 8)
        return LIVE_PASS;
    c->result = has_fresh ? live_fetch(&fresh, c->arg[1], sizeof fresh) : 0;
    if (c->result)
        return LIVE_DONE;
    if (has_fresh) {
        fresh.mask = live_mask(fresh.mask);
        fresh.flags |= SA_RESTORER_BIT;
        fresh.restorer = (uintptr_t)live_stub_restore;
    }
    c->result = is_ours(signal) ? note_action(signal, has_fresh ? &fresh : NULL, &before)
                                : set_action(signal, has_fresh ? &fresh : NULL, &before);
    if (c->result == 0 && c->arg[2])
        c->result = live_store(c->arg[2], &before, sizeof before);
    return LIVE_DONE;
}

/* The thread's mask is what returning from our handler makes it. */
static enum live_done take_mask(struct live_call *c)
{
    uint64_t before, mask = 0;
    void *kept = &c->context->uc_sigmask;
    if (c->arg[3] != 8)
        return LIVE_PASS;
    memcpy(&before, kept, sizeof before);
    c->result = c->arg[1] ? live_fetch(&mask, c->arg[1], sizeof mask) : 0;
    if (c->result == 0 && c->arg[1]) {
        uint64_t now = mask;
        if (c->arg[0] == SIG_BLOCK)
            now = before | mask;
        else if (c->arg[0] == SIG_UNBLOCK)
            now = before & ~mask;
        else if (c->arg[0] != SIG_SETMASK)
            c->result = -EINVAL;
        now = live_mask(now) & ~(BIT(SIGKILL) | BIT(SIGSTOP));
        if (c->result == 0)
            memcpy(kept, &now, sizeof now);
    }
    if (c->result == 0 && c->arg[2])
        c->result = live_store(c->arg[2], &before, sizeof before);
    return LIVE_DONE;
}

/* Argument i is the address of a mask: it becomes that of one without our signals. False: the call
 * has its answer. */
static bool edit_mask(struct live_call *c, int i)
{
    if (!c->arg[i])
        return true;
    c->result = live_fetch(&c->thread->mask, c->arg[i], sizeof c->thread->mask);
    c->thread->mask = live_mask(c->thread->mask);
    c->arg[i] = (unsigned long)&c->thread->mask;
    return c->result == 0;
}

static enum live_done take_masked(struct live_call *c, int i, int size)
{
    if (c->arg[size] != 8)
        return LIVE_PASS;
    return edit_mask(c, i) ? LIVE_PASS : LIVE_DONE;
}

/* Its last argument is the address of a mask's address and size. */
static enum live_done take_pselect(struct live_call *c)
{
    uint64_t *pair = c->thread->room;
    if (!c->arg[5])
        return LIVE_PASS;
    c->result = live_fetch(pair, c->arg[5], 16);
    if (c->result)
        return LIVE_DONE;
    c->arg[5] = (unsigned long)pair;
    if (!pair[0] || pair[1] != 8)
        return LIVE_PASS;
    c->result = live_fetch(&c->thread->mask, pair[0], 8);
    c->thread->mask = live_mask(c->thread->mask);
    pair[0] = (uint64_t)(uintptr_t)&c->thread->mask;
    return c->result ? LIVE_DONE : LIVE_PASS;
}

static bool is_on(const stack_t *s, uintptr_t at)
{
    return !(s->ss_flags & SS_DISABLE) && at - (uintptr_t)s->ss_sp < s->ss_size;
}

static enum live_done take_stack(struct live_call *c)
{
    stack_t *kept = &c->thread->wanted_stack, before = *kept, fresh;
    uintptr_t at = (uintptr_t)c->context->uc_mcontext.gregs[REG_RSP];
    c->result = c->arg[0] ? live_fetch(&fresh, c->arg[0], sizeof fresh) : 0;
    if (c->result == 0 && c->arg[0]) {
        if (is_on(kept, at))
            c->result = -EPERM;
        else if ((unsigned)fresh.ss_flags & ~(unsigned)(SS_DISABLE | SS_ONSTACK | SS_AUTODISARM))
            c->result = -EINVAL;
        else if (!(fresh.ss_flags & SS_DISABLE) && fresh.ss_size < (size_t)MINSIGSTKSZ)
            c->result = -ENOMEM;
        else
            *kept = fresh;
    }
    if (c->result == 0 && c->arg[1]) {
        before.ss_flags = before.ss_flags & SS_DISABLE ? SS_DISABLE : 0;
        before.ss_flags |= is_on(&before, at) ? SS_ONSTACK : 0;
        c->result = live_store(c->arg[1], &before, sizeof before);
    }
    return LIVE_DONE;
}

enum live_done live_signals_call(struct live_call *c)
{
    switch (c->number) {
    case SYS_rt_sigaction:
        return take_action(c);
    case SYS_rt_sigprocmask:
        return take_mask(c);
    case SYS_rt_sigsuspend:
        return take_masked(c, 0, 1);
    case SYS_rt_sigtimedwait:
        return take_masked(c, 0, 3);
    case SYS_signalfd:
        return take_masked(c, 1, 2);
    case SYS_signalfd4:
        return take_masked(c, 1, 2);
    case SYS_ppoll:
        return take_masked(c, 3, 4);
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
        return take_masked(c, 4, 5);
    case SYS_pselect6:
        return take_pselect(c);
    case SYS_sigaltstack:
        return take_stack(c);
    case SYS_rt_sigreturn: /* of a handler that was installed before us */
        c->context->uc_mcontext.gregs[REG_RIP] = (greg_t)live_stub_restore;
        return LIVE_LEAVE;
    default:
        return LIVE_PASS;
    }
}
