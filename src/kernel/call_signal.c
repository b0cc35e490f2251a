/* call_signal.c - system calls on signals. What signals do is signal.c's. */
#include "kernel/kernel.h"
#include "kernel/stat.h"

#include <signal.h>

#define SET_BYTES     8
#define NEVER_BLOCKED (UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1))

static bool is_signal(uint64_t n)
{
    return n >= 1 && n <= NSIGNALS;
}

/* ---- sending ---- */

static struct signal_info from(const struct thread *t, uint64_t signal, int code)
{
    return (struct signal_info){.signal = (int)signal, .code = code, .from.pid = t->process->pid};
}

static int64_t send_all(struct kernel *k, const struct process *from, int64_t pid,
                        const struct signal_info *info)
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
        if (info->signal)
            vm_signal_post(k, p, info);
    }
    return result;
}

int64_t vm_call_kill(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t pid = (int32_t)a[0];
    struct signal_info info = from(t, a[1], SI_USER);
    if (a[1] && !is_signal(a[1]))
        return -EINVAL;
    if (pid <= 0)
        return send_all(k, t->process, pid, &info);
    struct process *p = vm_process_find(k, (uint32_t)pid);
    if (!p)
        return -ESRCH;
    return a[1] ? vm_signal_post(k, p, &info) : 0;
}

static int64_t send_thread(struct kernel *k, uint32_t tgid, uint32_t tid,
                           const struct signal_info *info)
{
    struct thread *to = vm_thread_find(k, tid);
    if (info->signal && !is_signal((uint32_t)info->signal))
        return -EINVAL;
    if (!to || (tgid && to->process->pid != tgid))
        return -ESRCH;
    return info->signal ? vm_signal_post_thread(k, to, info) : 0;
}

int64_t vm_call_tkill(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct signal_info info = from(t, a[1], SI_TKILL);
    return (int32_t)a[0] <= 0 ? -EINVAL : send_thread(k, 0, (uint32_t)a[0], &info);
}

int64_t vm_call_tgkill(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct signal_info info = from(t, a[2], SI_TKILL);
    if ((int32_t)a[0] <= 0 || (int32_t)a[1] <= 0)
        return -EINVAL;
    return send_thread(k, (uint32_t)a[0], (uint32_t)a[1], &info);
}

/* What a program says of a signal itself: it may not pretend to be the kernel, nor kill, unless to
 * itself. */
static int64_t read_info(struct kernel *k, struct thread *t, uint64_t pid, uint64_t signal,
                         vm_va va, struct signal_info *info)
{
    if (vm_user_read(k, t, info, va, sizeof *info))
        return -EFAULT;
    info->signal = (int)signal;
    if ((info->code >= 0 || info->code == SI_TKILL) && pid != t->process->pid)
        return -EPERM;
    return 0;
}

int64_t vm_call_rt_sigqueueinfo(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct signal_info info;
    int64_t error = read_info(k, t, a[0], a[1], a[2], &info);
    struct process *p = vm_process_find(k, (uint32_t)a[0]);
    if (error || !p || (a[1] && !is_signal(a[1])))
        return error ? error : !p ? -ESRCH : -EINVAL;
    return a[1] ? vm_signal_post(k, p, &info) : 0;
}

int64_t vm_call_rt_tgsigqueueinfo(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct signal_info info;
    if ((int32_t)a[0] <= 0 || (int32_t)a[1] <= 0)
        return -EINVAL;
    int64_t error = read_info(k, t, a[0], a[2], a[3], &info);
    return error ? error : send_thread(k, (uint32_t)a[0], (uint32_t)a[1], &info);
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
    if (!a[1])
        return 0;
    *its = (struct signal_action){.handler = new.handler, .flags = new.flags, .mask = new.mask};
    if (vm_signal_is_ignored(t->process, (int)a[0]))
        vm_signal_forget(k, t->process, (int)a[0]);
    return 0;
}

int64_t vm_call_rt_sigprocmask(struct kernel *k, struct thread *t, const uint64_t *a)
{
    signal_set set, old = t->blocked;
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
    t->blocked &= ~NEVER_BLOCKED;
    return 0;
}

int64_t vm_call_rt_sigpending(struct kernel *k, struct thread *t, const uint64_t *a)
{
    signal_set pending = (t->pending.set | t->process->pending.set) & t->blocked;
    return a[1] > SET_BYTES ? -EINVAL : vm_user_write(k, t, a[0], &pending, sizeof pending);
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
    t->blocked = set & ~NEVER_BLOCKED;
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

int64_t vm_call_sigaltstack(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct signal_stack new, old = vm_signal_stack(t);
    if (a[0] && vm_user_read(k, t, &new, a[0], sizeof new))
        return -EFAULT;
    int64_t error = a[0] ? vm_signal_set_stack(t, &new) : 0;
    if (error)
        return error;
    return a[1] ? vm_user_write(k, t, a[1], &old, sizeof old) : 0;
}

/* ---- waiting for them ---- */

int64_t vm_call_rt_sigtimedwait(struct kernel *k, struct thread *t, const uint64_t *a)
{
    signal_set set;
    struct signal_info info;
    if (a[3] != SET_BYTES)
        return -EINVAL;
    if (vm_user_read(k, t, &set, a[0], sizeof set))
        return -EFAULT;
    int64_t error = a[2] ? vm_call_set_end(k, t, a[2]) : 0;
    if (error)
        return error;
    t->awaited = 0;
    int signal = vm_signal_take(k, t, set & ~NEVER_BLOCKED, &info);
    if (signal)
        return a[1] && vm_user_write(k, t, a[1], &info, sizeof info) ? -EFAULT : signal;
    if (a[2] && k->now_ns >= t->call_until_ns)
        return -EAGAIN;
    if (!vm_signal_waits(t)) /* else it is interrupted */
        t->awaited = set & ~NEVER_BLOCKED;
    return vm_thread_sleep(k, t, NULL, a[2] ? t->call_until_ns : VM_TIME_NEVER);
}
