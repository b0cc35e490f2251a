/* signal.c - signals: sent, delivered to a handler or by their default, returned from.
 *
 *      send --> pending (of a thread, or of whichever of a process) --deliver--> handler's frame
 *                                                                          \--> default action
 *
 * Delivery is on the way back to user mode. A handler's frame is what Linux has on RISC-V:
 * siginfo, then ucontext with all registers; it returns into a page of two instructions that every
 * space has, which is rt_sigreturn.
 *
 * Sources: POSIX.1-2017, 2.4; Linux arch/riscv/include/uapi/asm/{sigcontext,ucontext}.h, signal(7).
 * Not here: queued real-time signals (one of each is pending at most), core files.
 */
#include "base/assert.h"
#include "kernel/kernel.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT      ((vm_va)(uintptr_t)SIG_DFL)
#define IGNORE       ((vm_va)(uintptr_t)SIG_IGN)
#define CAUGHT_NEVER (bit(SIGKILL) | bit(SIGSTOP))

static signal_set bit(int signal)
{
    return UINT64_C(1) << (signal - 1);
}

/* ---- the default actions ---- */

enum by_default { ENDS, IGNORED, STOPS, CONTINUES };

static enum by_default default_of(int signal)
{
    switch (signal) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
        return IGNORED;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
        return STOPS;
    case SIGCONT:
        return CONTINUES;
    default:
        return ENDS;
    }
}

/* Nothing would happen but at its sending. */
static bool is_ignored(const struct process *p, int signal)
{
    vm_va handler = p->action[signal].handler;
    enum by_default d = default_of(signal);
    return handler == IGNORE || (handler == DEFAULT && (d == IGNORED || d == CONTINUES));
}

/* ---- sending ---- */

static void continue_process(struct kernel *k, struct process *p)
{
    const signal_set stops = bit(SIGSTOP) | bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGTTOU);
    p->pending &= ~stops;
    for (struct thread *t = p->threads; t; t = t->next)
        t->pending &= ~stops;
    if (!p->stopped)
        return;
    p->stopped = p->stopped_untold = false;
    p->continued_untold = true;
    for (struct thread *t = p->threads; t; t = t->next)
        vm_thread_continue(k, t);
    vm_process_told(k, p);
}

/* A thread that could take it at once, if it sleeps, does. */
static void disturb(struct kernel *k, struct process *p, int signal)
{
    if (signal == SIGKILL)
        for (struct thread *t = p->threads; t; t = t->next)
            vm_thread_continue(k, t);
    for (struct thread *t = p->threads; t; t = t->next)
        if (vm_signal_waits(t)) {
            vm_thread_wake(k, t);
            return;
        }
}

static bool is_sent(struct kernel *k, struct process *p, int signal)
{
    if (!p->threads)
        return false;
    k->out->signals++;
    if (signal == SIGCONT)
        continue_process(k, p);
    return true;
}

void vm_signal_thread(struct kernel *k, struct thread *t, int signal)
{
    if (!is_sent(k, t->process, signal) ||
        (is_ignored(t->process, signal) && !(t->blocked & bit(signal))))
        return;
    t->pending |= bit(signal);
    disturb(k, t->process, signal);
}

void vm_signal_process(struct kernel *k, struct process *p, int signal)
{
    if (!is_sent(k, p, signal) || (is_ignored(p, signal) && !(p->threads->blocked & bit(signal))))
        return;
    p->pending |= bit(signal);
    disturb(k, p, signal);
}

void vm_signal_fault(struct kernel *k, struct thread *t, int signal, int code, vm_va va)
{
    struct signal_action *a = &t->process->action[signal];
    k->out->signals++;
    if ((t->blocked & bit(signal)) || a->handler == IGNORE)
        a->handler = DEFAULT;
    t->blocked &= ~bit(signal);
    t->pending |= bit(signal);
    t->fault.signal = signal;
    t->fault.code = code;
    t->fault.va = va;
}

bool vm_signal_waits(const struct thread *t)
{
    return (t->pending | t->process->pending) & ~(t->blocked & ~CAUGHT_NEVER);
}

/* ---- a handler's frame ---- */

struct frame {
    int32_t signo, errno_, code, pad;
    uint64_t value; /* the fault's address */
    uint8_t rest_of_info[128 - 24];
    uint64_t flags, link;
    uint64_t stack, stack_flags, stack_bytes;
    uint64_t mask;
    uint8_t rest_of_masks[120 + 8]; /* and to a multiple of 16 */
    uint64_t pc, x[31];
    uint64_t f[32];
    uint32_t fcsr;
    uint8_t rest_of_floats[528 - 260];
};
_Static_assert(sizeof(struct frame) == 128 + 960, "siginfo and ucontext, as Linux has them");

static void save(const struct thread *t, int signal, struct frame *f)
{
    memset(f, 0, sizeof *f);
    f->signo = signal;
    if (t->fault.signal == signal) {
        f->code = t->fault.code;
        f->value = t->fault.va;
    }
    f->mask = t->has_blocked_after ? t->blocked_after : t->blocked;
    f->stack = t->alt_stack;
    f->stack_bytes = t->alt_stack_bytes;
    f->stack_flags = t->alt_stack_bytes ? 0 : SS_DISABLE;
    f->pc = t->hart.pc;
    memcpy(f->x, &t->hart.x[1], sizeof f->x);
    memcpy(f->f, t->hart.f, sizeof f->f);
    f->fcsr = (uint32_t)t->hart.frm << 5 | t->hart.fflags;
}

static bool is_on_alt_stack(const struct thread *t, vm_va sp)
{
    return sp - t->alt_stack < t->alt_stack_bytes;
}

static vm_va trampoline(const struct kernel *k)
{
    return (k->user_end - 1) & ~((UINT64_C(1) << k->parts.page_shift) - 1);
}

/* False: the stack cannot hold the frame. */
static bool call_handler(struct kernel *k, struct thread *t, int signal)
{
    struct signal_action *a = &t->process->action[signal];
    struct frame f;
    vm_va sp = t->hart.x[2];
    save(t, signal, &f);
    if ((a->flags & SA_ONSTACK) && t->alt_stack_bytes && !is_on_alt_stack(t, sp))
        sp = t->alt_stack + t->alt_stack_bytes;
    sp = (sp - sizeof f) & ~UINT64_C(15);
    if (vm_user_write(k, t, sp, &f, sizeof f))
        return false;
    t->hart.pc = a->handler & ~UINT64_C(1);
    t->hart.x[1] = trampoline(k);
    t->hart.x[2] = sp;
    t->hart.x[10] = (uint64_t)signal;
    t->hart.x[11] = sp;
    t->hart.x[12] = sp + 128;
    t->blocked |= a->mask | (a->flags & SA_NODEFER ? 0 : bit(signal));
    t->blocked &= ~CAUGHT_NEVER;
    t->has_blocked_after = false;
    if (a->flags & SA_RESETHAND)
        a->handler = DEFAULT;
    return true;
}

int64_t vm_signal_return(struct kernel *k, struct thread *t)
{
    struct frame f;
    if (vm_user_read(k, t, &f, t->hart.x[2], sizeof f)) {
        vm_signal_fault(k, t, SIGSEGV, SEGV_MAPERR, t->hart.x[2]);
        return CALL_RETURNED;
    }
    t->hart.pc = f.pc & ~UINT64_C(1); /* as sepc drops it */
    memcpy(&t->hart.x[1], f.x, sizeof f.x);
    memcpy(t->hart.f, f.f, sizeof f.f);
    t->hart.frm = (uint8_t)(f.fcsr >> 5 & 7);
    t->hart.fflags = (uint8_t)(f.fcsr & 31);
    t->blocked = f.mask & ~CAUGHT_NEVER;
    return CALL_RETURNED;
}

int64_t vm_signal_map_trampoline(struct kernel *k, struct address_space *s)
{
    return vm_space_map(k, s, trampoline(k), UINT64_C(1) << k->parts.page_shift,
                        VM_PROT_READ | VM_PROT_FETCH, false, vm_files_trampoline(k), 0);
}

/* ---- delivery ---- */

static int take(struct thread *t)
{
    signal_set open = ~(t->blocked & ~CAUGHT_NEVER);
    signal_set mine = t->pending & open, shared = t->process->pending & open, all = mine | shared;
    if (!all)
        return 0;
    if (all & bit(SIGKILL))
        all = bit(SIGKILL);
    else if (t->fault.signal && (mine & bit(t->fault.signal)))
        all = bit(t->fault.signal);
    int signal = __builtin_ctzll(all) + 1;
    if (mine & bit(signal))
        t->pending &= ~bit(signal);
    else
        t->process->pending &= ~bit(signal);
    return signal;
}

static void stop(struct kernel *k, struct thread *t, int signal)
{
    struct process *p = t->process;
    p->stopped = p->stopped_untold = true;
    p->status = signal << 8 | 0x7f;
    vm_process_told(k, p);
}

/* False: the thread is no more. */
static bool act_by_default(struct kernel *k, struct thread *t, int signal)
{
    switch (default_of(signal)) {
    case IGNORED:
    case CONTINUES:
        return true;
    case STOPS:
        stop(k, t, signal);
        return true;
    case ENDS:
        vm_process_exit(k, t->process, signal);
    }
    return false;
}

static void tell_delivery(struct kernel *k, const struct thread *t, int signal, vm_va handler)
{
    static const char *const outcomes[] = {[ENDS] = "ends the process",
                                           [IGNORED] = "ignored",
                                           [STOPS] = "stops it",
                                           [CONTINUES] = "ignored"};
    const char *name = sigabbrev_np(signal);
    char number[16];
    snprintf(number, sizeof number, "%d", signal);
    vm_kernel_tell(k, VM_TRACE_SIGNALS, t, "SIG%s: %s", name ? name : number,
                   handler == DEFAULT  ? outcomes[default_of(signal)]
                   : handler == IGNORE ? "ignored"
                                       : "its handler is called");
}

bool vm_signal_deliver(struct kernel *k, struct thread *t)
{
    int signal;
    while ((signal = take(t))) {
        vm_va handler = t->process->action[signal].handler;
        tell_delivery(k, t, signal, handler);
        if (handler == DEFAULT || signal == SIGKILL || signal == SIGSTOP) {
            if (!act_by_default(k, t, signal))
                return false;
        } else if (handler != IGNORE && !call_handler(k, t, signal)) {
            vm_process_exit(k, t->process, SIGSEGV);
            return false;
        }
        if (t->fault.signal == signal)
            t->fault.signal = 0;
    }
    if (t->has_blocked_after) {
        t->blocked = t->blocked_after;
        t->has_blocked_after = false;
    }
    if (!t->process->stopped)
        return true;
    vm_thread_stop(k, t);
    return false;
}
