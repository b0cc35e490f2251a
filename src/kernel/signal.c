/* signal.c - signals: sent, delivered to a handler or by their default, returned from.
 *
 *      send --> pending (of a thread, or of whichever of a process) --deliver--> handler's frame
 *               pending.c                                                  \--> default action
 *
 * Delivery is on the way back to user mode. A handler's frame is what Linux has on RISC-V:
 * siginfo, then ucontext with all registers; it returns into a page of two instructions that every
 * space has, which is rt_sigreturn.
 *
 * Sources: POSIX.1-2017, 2.4; Linux arch/riscv/include/uapi/asm/{sigcontext,ucontext}.h, signal(7).
 * Not here: core files.
 */
#include "base/assert.h"
#include "kernel/kernel.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT      ((vm_va)(uintptr_t)SIG_DFL)
#define IGNORE       ((vm_va)(uintptr_t)SIG_IGN)
#define CAUGHT_NEVER (bit(SIGKILL) | bit(SIGSTOP))

#define STACK_LEAST   UINT64_C(2048) /* MINSIGSTKSZ */
#define STACK_DISARMS INT32_MIN      /* SS_AUTODISARM: while a handler runs there is none */

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

#define STOPPING (bit(SIGSTOP) | bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGTTOU))

static void drop(struct kernel *k, struct process *p, signal_set which)
{
    vm_pending_drop(k, &p->pending, which);
    for (struct thread *t = p->threads; t; t = t->next)
        vm_pending_drop(k, &t->pending, which);
}

static void continue_process(struct kernel *k, struct process *p)
{
    drop(k, p, STOPPING);
    if (!p->stopped)
        return;
    p->stopped = p->stopped_untold = false;
    p->continued_untold = true;
    for (struct thread *t = p->threads; t; t = t->next)
        vm_thread_continue(k, t);
    vm_process_told(k, p);
}

static bool would_take(const struct thread *t)
{
    return vm_signal_waits(t) || ((t->pending.set | t->process->pending.set) & t->awaited);
}

/* A thread that could take it at once, if it sleeps, does. */
static void disturb(struct kernel *k, struct process *p, int signal)
{
    if (signal == SIGKILL)
        for (struct thread *t = p->threads; t; t = t->next)
            vm_thread_continue(k, t);
    for (struct thread *t = p->threads; t; t = t->next)
        if (would_take(t)) {
            vm_thread_wake(k, t);
            return;
        }
    vm_files_changed(k); /* who has blocked it may read it */
}

static bool is_sent(struct kernel *k, struct process *p, int signal)
{
    if (!p->threads)
        return false;
    k->out->signals++;
    if (signal == SIGCONT)
        continue_process(k, p);
    if (STOPPING & bit(signal))
        drop(k, p, bit(SIGCONT));
    return true;
}

/* To the thread, or to whichever of its process that `p` has pending. */
static int64_t post(struct kernel *k, struct thread *t, struct pending *p,
                    const struct signal_info *info)
{
    if (!is_sent(k, t->process, info->signal) ||
        (is_ignored(t->process, info->signal) && !(t->blocked & bit(info->signal))))
        return 0;
    int64_t error = vm_pending_add(k, p, info);
    disturb(k, t->process, info->signal);
    return error;
}

int64_t vm_signal_post_thread(struct kernel *k, struct thread *t, const struct signal_info *info)
{
    return post(k, t, &t->pending, info);
}

int64_t vm_signal_post(struct kernel *k, struct process *p, const struct signal_info *info)
{
    return p->threads ? post(k, p->threads, &p->pending, info) : 0;
}

void vm_signal_thread(struct kernel *k, struct thread *t, int signal)
{
    const struct signal_info info = {
        .signal = signal, .code = SI_USER, .from.pid = t->process->pid};
    vm_signal_post_thread(k, t, &info);
}

void vm_signal_process(struct kernel *k, struct process *p, int signal)
{
    const struct signal_info info = {.signal = signal, .code = SI_KERNEL};
    vm_signal_post(k, p, &info);
}

void vm_signal_fault(struct kernel *k, struct thread *t, int signal, int code, vm_va va)
{
    struct signal_action *a = &t->process->action[signal];
    const struct signal_info info = {.signal = signal, .code = code, .address = va};
    k->out->signals++;
    if ((t->blocked & bit(signal)) || a->handler == IGNORE)
        a->handler = DEFAULT;
    t->blocked &= ~bit(signal);
    vm_pending_drop(k, &t->pending, bit(signal)); /* what the instruction did is told, no other */
    vm_pending_add(k, &t->pending, &info);
}

bool vm_signal_is_ignored(const struct process *p, int signal)
{
    return is_ignored(p, signal);
}

void vm_signal_forget(struct kernel *k, struct process *p, int signal)
{
    drop(k, p, bit(signal));
}

/* ---- the one that is next ---- */

/* By the instruction that was executed last: before all that came from elsewhere. */
#define BY_INSTRUCTION                                                                             \
    (bit(SIGSEGV) | bit(SIGBUS) | bit(SIGILL) | bit(SIGTRAP) | bit(SIGFPE) | bit(SIGSYS))

static signal_set open_to(const struct thread *t)
{
    return ~(t->blocked & ~CAUGHT_NEVER);
}

bool vm_signal_waits(const struct thread *t)
{
    return (t->pending.set | t->process->pending.set) & open_to(t);
}

/* Of `set`, which of the thread's own, then of its process's, is to be had first; 0: none. */
static int first_of(const struct thread *t, signal_set set)
{
    signal_set mine = t->pending.set & set, shared = t->process->pending.set & set;
    if ((mine | shared) & bit(SIGKILL))
        return SIGKILL;
    signal_set first = mine & BY_INSTRUCTION ? mine & BY_INSTRUCTION : mine ? mine : shared;
    return first ? __builtin_ctzll(first) + 1 : 0;
}

int vm_signal_next(const struct thread *t)
{
    return first_of(t, open_to(t));
}

int vm_signal_take(struct kernel *k, struct thread *t, signal_set set, struct signal_info *info)
{
    int signal = first_of(t, set);
    if (!signal)
        return 0;
    vm_pending_take(k, t->pending.set & bit(signal) ? &t->pending : &t->process->pending, signal,
                    info);
    if (info->code == SI_TIMER)
        vm_posix_timer_told(t->process, info);
    return signal;
}

/* ---- a handler's frame ---- */

struct frame {
    struct signal_info info;
    uint64_t flags, link;
    struct signal_stack stack;
    uint64_t mask;
    uint8_t rest_of_masks[120 + 8]; /* and to a multiple of 16 */
    uint64_t pc, x[31];
    uint64_t f[32];
    uint32_t fcsr;
    uint8_t rest_of_floats[528 - 260];
};
_Static_assert(sizeof(struct frame) == 128 + 960, "siginfo and ucontext, as Linux has them");

static bool is_on_alt_stack(const struct thread *t, vm_va sp)
{
    return sp - t->alt_stack.va < t->alt_stack.bytes && !(t->alt_stack.flags & STACK_DISARMS);
}

struct signal_stack vm_signal_stack(const struct thread *t)
{
    struct signal_stack s = t->alt_stack;
    s.flags |= !s.bytes ? SS_DISABLE : is_on_alt_stack(t, t->hart.x[2]) ? SS_ONSTACK : 0;
    return s;
}

static void save(const struct thread *t, const struct signal_info *info, struct frame *f)
{
    memset(f, 0, sizeof *f);
    f->info = *info;
    f->mask = t->has_blocked_after ? t->blocked_after : t->blocked;
    f->stack = vm_signal_stack(t);
    f->pc = t->hart.pc;
    memcpy(f->x, &t->hart.x[1], sizeof f->x);
    memcpy(f->f, t->hart.f, sizeof f->f);
    f->fcsr = (uint32_t)t->hart.frm << 5 | t->hart.fflags;
}

static vm_va trampoline(const struct kernel *k)
{
    return (k->user_end - 1) & ~((UINT64_C(1) << k->parts.page_shift) - 1);
}

/* False: the stack cannot hold the frame. */
static bool call_handler(struct kernel *k, struct thread *t, const struct signal_info *info)
{
    int signal = info->signal;
    struct signal_action *a = &t->process->action[signal];
    struct frame f;
    vm_va sp = t->hart.x[2];
    save(t, info, &f);
    if ((a->flags & SA_ONSTACK) && t->alt_stack.bytes && !is_on_alt_stack(t, sp))
        sp = t->alt_stack.va + t->alt_stack.bytes;
    sp = (sp - sizeof f) & ~UINT64_C(15);
    if (vm_user_write(k, t, sp, &f, sizeof f))
        return false;
    vm_check_signal(k, t, sp + offsetof(struct frame, x));
    t->hart.pc = a->handler & ~UINT64_C(1);
    t->hart.x[1] = trampoline(k);
    t->hart.x[2] = sp;
    t->hart.x[10] = (uint64_t)signal;
    t->hart.x[11] = sp;
    t->hart.x[12] = sp + 128;
    t->blocked |= a->mask | (a->flags & SA_NODEFER ? 0 : bit(signal));
    t->blocked &= ~CAUGHT_NEVER;
    t->has_blocked_after = t->goes_on = false;
    if (t->alt_stack.flags & STACK_DISARMS)
        t->alt_stack = (struct signal_stack){0};
    if (a->flags & SA_RESETHAND)
        a->handler = DEFAULT;
    return true;
}

int64_t vm_signal_set_stack(struct thread *t, const struct signal_stack *s)
{
    int how = s->flags & ~STACK_DISARMS;
    if (is_on_alt_stack(t, t->hart.x[2]))
        return -EPERM;
    if (how != 0 && how != SS_DISABLE && how != SS_ONSTACK)
        return -EINVAL;
    if (how != SS_DISABLE && s->bytes < STACK_LEAST)
        return -ENOMEM;
    t->alt_stack = how == SS_DISABLE
                       ? (struct signal_stack){.flags = s->flags & STACK_DISARMS}
                       : (struct signal_stack){s->va, s->flags & STACK_DISARMS, 0, s->bytes};
    return 0;
}

int64_t vm_signal_return(struct kernel *k, struct thread *t)
{
    struct frame f;
    vm_va sp = t->hart.x[2];
    if (vm_user_read(k, t, &f, sp, sizeof f)) {
        vm_signal_fault(k, t, SIGSEGV, SEGV_MAPERR, sp);
        return CALL_RETURNED;
    }
    t->hart.pc = f.pc & ~UINT64_C(1); /* as sepc drops it */
    memcpy(&t->hart.x[1], f.x, sizeof f.x);
    memcpy(t->hart.f, f.f, sizeof f.f);
    vm_check_return(k, t, sp + offsetof(struct frame, x));
    t->hart.frm = (uint8_t)(f.fcsr >> 5 & 7);
    t->hart.fflags = (uint8_t)(f.fcsr & 31);
    t->blocked = f.mask & ~CAUGHT_NEVER;
    vm_signal_set_stack(t, &f.stack); /* what cannot be one leaves it as it was */
    return CALL_RETURNED;
}

int64_t vm_signal_map_trampoline(struct kernel *k, struct address_space *s)
{
    return vm_space_map(k, s, trampoline(k), UINT64_C(1) << k->parts.page_shift,
                        VM_PROT_READ | VM_PROT_FETCH, false, vm_files_trampoline(k), 0);
}

/* ---- delivery ---- */

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
    struct signal_info info;
    while ((signal = vm_signal_take(k, t, open_to(t), &info))) {
        vm_va handler = t->process->action[signal].handler;
        tell_delivery(k, t, signal, handler);
        if (handler == DEFAULT || signal == SIGKILL || signal == SIGSTOP) {
            if (!act_by_default(k, t, signal))
                return false;
        } else if (handler != IGNORE && !call_handler(k, t, &info)) {
            vm_process_exit(k, t->process, SIGSEGV);
            return false;
        }
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
