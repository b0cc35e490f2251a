/* call_signal.c - system calls on signals. What signals do is signal.c's. */
#include "kernel/kernel.h"
#include "kernel/stat.h"

#include <signal.h>

#define SET_BYTES   8
#define STACK_LEAST UINT64_C(2048) /* MINSIGSTKSZ */

static bool is_signal(uint64_t n)
{
    return n >= 1 && n <= NSIGNALS;
}

/* ---- sending ---- */

static int64_t send_all(struct kernel *k, const struct process *from, int64_t pid, int signal)
{
    int64_t result = -ESRCH;
    for (struct process *p = k->processes, *next; p; p = next) {
        next = p->next;
        bool is_meant = pid == -1  ? p != from && p != k->first
                        : pid == 0 ? p->pgid == from->pgid
                                   : p->pgid == (uint32_t)-pid;
        if (!is_meant || !p->threads)
            continue;
        result = 0;
        if (signal)
            vm_signal_process(k, p, signal);
    }
    return result;
}

int64_t vm_call_kill(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t pid = (int32_t)a[0];
    if (a[1] && !is_signal(a[1]))
        return -EINVAL;
    if (pid <= 0)
        return send_all(k, t->process, pid, (int)a[1]);
    struct process *p = vm_process_find(k, (uint32_t)pid);
    if (!p)
        return -ESRCH;
    if (a[1])
        vm_signal_process(k, p, (int)a[1]);
    return 0;
}

static int64_t send_thread(struct kernel *k, uint32_t tgid, uint32_t tid, uint64_t signal)
{
    struct thread *to = vm_thread_find(k, tid);
    if (signal && !is_signal(signal))
        return -EINVAL;
    if (!to || (tgid && to->process->pid != tgid))
        return -ESRCH;
    if (signal)
        vm_signal_thread(k, to, (int)signal);
    return 0;
}

int64_t vm_call_tkill(struct kernel *k, struct thread *t, const uint64_t *a)
{
    (void)t;
    return send_thread(k, 0, (uint32_t)a[0], a[1]);
}

int64_t vm_call_tgkill(struct kernel *k, struct thread *t, const uint64_t *a)
{
    (void)t;
    return send_thread(k, (uint32_t)a[0], (uint32_t)a[1], a[2]);
}

/* ---- what is done about them ---- */

/* As the generic Linux table has it: no restorer. */
struct action {
    uint64_t handler, flags, mask;
};

int64_t vm_call_rt_sigaction(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct action new;
    if (!is_signal(a[0]) || a[3] != SET_BYTES)
        return -EINVAL;
    struct signal_action *its = &t->process->action[a[0]];
    struct action old = {its->handler, its->flags, its->mask};
    if (a[1] && (a[0] == SIGKILL || a[0] == SIGSTOP))
        return -EINVAL;
    if (a[1] && vm_user_read(k, t, &new, a[1], sizeof new))
        return -EFAULT;
    if (a[2] && vm_user_write(k, t, a[2], &old, sizeof old))
        return -EFAULT;
    if (a[1])
        *its = (struct signal_action){.handler = new.handler, .flags = new.flags, .mask = new.mask};
    return 0;
}

int64_t vm_call_rt_sigprocmask(struct kernel *k, struct thread *t, const uint64_t *a)
{
    signal_set set, old = t->blocked;
    const signal_set never = UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1);
    if (a[3] != SET_BYTES)
        return -EINVAL;
    if (a[1] && vm_user_read(k, t, &set, a[1], sizeof set))
        return -EFAULT;
    if (a[2] && vm_user_write(k, t, a[2], &old, sizeof old))
        return -EFAULT;
    if (!a[1])
        return 0;
    switch (a[0]) {
    case SIG_BLOCK:
        t->blocked |= set;
        break;
    case SIG_UNBLOCK:
        t->blocked &= ~set;
        break;
    case SIG_SETMASK:
        t->blocked = set;
        break;
    default:
        return -EINVAL;
    }
    t->blocked &= ~never;
    return 0;
}

int64_t vm_call_rt_sigpending(struct kernel *k, struct thread *t, const uint64_t *a)
{
    signal_set pending = (t->pending | t->process->pending) & t->blocked;
    return a[1] != SET_BYTES ? -EINVAL : vm_user_write(k, t, a[0], &pending, sizeof pending);
}

int64_t vm_call_block(struct kernel *k, struct thread *t, vm_va va)
{
    signal_set set;
    if (!va || t->has_blocked_after)
        return 0;
    if (vm_user_read(k, t, &set, va, sizeof set))
        return -EFAULT;
    t->blocked_after = t->blocked;
    t->has_blocked_after = true;
    t->blocked = set;
    return 0;
}

int64_t vm_call_rt_sigsuspend(struct kernel *k, struct thread *t, const uint64_t *a)
{
    if (a[1] != SET_BYTES)
        return -EINVAL;
    if (!a[0])
        return -EFAULT;
    int64_t error = vm_call_block(k, t, a[0]);
    return error ? error : vm_thread_sleep(k, t, NULL, VM_TIME_NEVER);
}

int64_t vm_call_rt_sigreturn(struct kernel *k, struct thread *t, const uint64_t *a)
{
    (void)a;
    return vm_signal_return(k, t);
}

struct stack {
    uint64_t va;
    int32_t flags, pad;
    uint64_t bytes;
};

int64_t vm_call_sigaltstack(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct stack new, old = {.va = t->alt_stack,
                             .flags = t->alt_stack_bytes ? 0 : SS_DISABLE,
                             .bytes = t->alt_stack_bytes};
    if (a[0] && vm_user_read(k, t, &new, a[0], sizeof new))
        return -EFAULT;
    if (a[1] && vm_user_write(k, t, a[1], &old, sizeof old))
        return -EFAULT;
    if (!a[0])
        return 0;
    if (!(new.flags &SS_DISABLE) && new.bytes < STACK_LEAST)
        return -ENOMEM;
    t->alt_stack = new.va;
    t->alt_stack_bytes = new.flags &SS_DISABLE ? 0 : new.bytes;
    return 0;
}
