/* call_process.c - system calls on processes. What they do is process.c's. */
#include "kernel/kernel.h"

#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

int64_t vm_call_exit(struct kernel *k, struct thread *t, const uint64_t *a)
{
    if (!t->process->threads->next)
        vm_check_end(k, t);
    vm_thread_exit(k, t, (int)(a[0] & 0xff) << 8);
    return CALL_RETURNED;
}

int64_t vm_call_exit_group(struct kernel *k, struct thread *t, const uint64_t *a)
{
    vm_check_end(k, t);
    vm_process_exit(k, t->process, (int)(a[0] & 0xff) << 8);
    return CALL_RETURNED;
}

int64_t vm_call_clone(struct kernel *k, struct thread *t, const uint64_t *a)
{
    return vm_process_clone(k, t,
                            &(struct clone_request){.flags = a[0] & ~UINT64_C(0xff),
                                                    .exit_signal = (int)(a[0] & 0xff),
                                                    .stack = a[1],
                                                    .parent_tid = a[2],
                                                    .tls = a[3],
                                                    .child_tid = a[4]});
}

/* ---- execve ---- */

#define STRING_MAX (UINT64_C(128) << 10)

static void free_strings(struct strings *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->text[i]);
    free(s->text);
}

static int64_t append(struct kernel *k, struct thread *t, struct strings *s, vm_va at)
{
    char *text = malloc(STRING_MAX);
    char **grown = realloc(s->text, (s->n + 1) * sizeof *grown);
    int64_t error = text && grown ? vm_user_string(k, t, text, STRING_MAX, at) : -ENOMEM;
    if (grown)
        s->text = grown;
    if (error) {
        free(text);
        return error == -ENAMETOOLONG ? -E2BIG : error;
    }
    size_t bytes = strlen(text) + 1;
    char *fitting = realloc(text, bytes);
    s->text[s->n++] = fitting ? fitting : text;
    s->bytes += bytes;
    return s->bytes > STRING_MAX ? -E2BIG : 0;
}

/* The array of pointers at `va`, NULL at its end; a NULL array is empty. */
static int64_t read_strings(struct kernel *k, struct thread *t, struct strings *s, vm_va va)
{
    *s = (struct strings){0};
    for (int64_t error = 0; va; va += 8) {
        uint64_t at;
        if (vm_user_read(k, t, &at, va, sizeof at))
            return -EFAULT;
        if (!at)
            return 0;
        if ((error = append(k, t, s, at)))
            return error;
    }
    return 0;
}

int64_t vm_call_execve(struct kernel *k, struct thread *t, const uint64_t *a)
{
    char path[4096];
    struct strings argv, envp = {0};
    int64_t error = vm_user_string(k, t, path, sizeof path, a[0]);
    if (error)
        return error;
    error = read_strings(k, t, &argv, a[1]);
    if (!error)
        error = read_strings(k, t, &envp, a[2]);
    if (!error)
        error = vm_process_exec(k, t, path, &argv, &envp);
    free_strings(&argv);
    free_strings(&envp);
    return error;
}

/* ---- waiting ---- */

int64_t vm_call_wait4(struct kernel *k, struct thread *t, const uint64_t *a)
{
    return vm_process_wait(k, t, (int32_t)a[0], a[1], (int)a[2], a[3]);
}

int64_t vm_call_waitid(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t pid = a[0] == P_ALL     ? -1
                  : a[0] == P_PID   ? (int32_t)a[1]
                  : a[0] == P_PIDFD ? vm_pidfd_process(t, a[1])
                                    : -(int64_t)(int32_t)a[1];
    int options = (int)a[3], status;
    bool any;
    struct signal_info w;
    if (a[0] == P_PIDFD && pid < 0)
        return pid;
    if (a[0] > P_PIDFD || !(options & (WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    struct process *child = vm_process_news(k, t->process, pid, options, &status, &any);
    if (!any)
        return -ECHILD;
    if (!child && !(options & WNOHANG))
        return vm_thread_sleep(k, t, t->process, VM_TIME_NEVER);
    if (!child)
        w = (struct signal_info){0};
    else
        vm_process_describe(child, status, &w);
    if (a[2] && vm_user_write(k, t, a[2], &w, sizeof w))
        return -EFAULT;
    if (child && !(options & WNOWAIT))
        vm_process_heard(k, child);
    return 0;
}

/* ---- who it is ---- */

#define ANSWERS(name, value)                                                                       \
    int64_t vm_call_##name(struct kernel *k, struct thread *t, const uint64_t *a)                  \
    {                                                                                              \
        (void)k;                                                                                   \
        (void)t;                                                                                   \
        (void)a;                                                                                   \
        return (int64_t)(value);                                                                   \
    }

ANSWERS(getpid, t->process->pid)
ANSWERS(getppid, t->process->ppid)
ANSWERS(gettid, t->tid)
ANSWERS(getuid, 0)
ANSWERS(geteuid, 0)
ANSWERS(getgid, 0)
ANSWERS(getegid, 0)
ANSWERS(set_robust_list, 0) /* threads that die with a lock held: their locks stay held */
ANSWERS(rseq, -ENOSYS)

int64_t vm_call_set_tid_address(struct kernel *k, struct thread *t, const uint64_t *a)
{
    (void)k;
    t->clear_tid = a[0];
    return t->tid;
}

static struct process *meant(struct kernel *k, struct thread *t, uint64_t pid)
{
    return pid ? vm_process_find(k, (uint32_t)pid) : t->process;
}

int64_t vm_call_getpgid(struct kernel *k, struct thread *t, const uint64_t *a)
{
    const struct process *p = meant(k, t, a[0]);
    return p ? (int64_t)p->pgid : -ESRCH;
}

int64_t vm_call_getsid(struct kernel *k, struct thread *t, const uint64_t *a)
{
    const struct process *p = meant(k, t, a[0]);
    return p ? (int64_t)p->sid : -ESRCH;
}

int64_t vm_call_setpgid(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct process *p = meant(k, t, a[0]);
    uint32_t group = a[1] ? (uint32_t)a[1] : p ? p->pid : 0;
    if ((int32_t)a[1] < 0)
        return -EINVAL;
    if (!p || (p != t->process && p->parent != t->process))
        return -ESRCH;
    if (p->sid != t->process->sid || p->sid == p->pid)
        return -EPERM;
    p->pgid = group;
    return 0;
}

int64_t vm_call_setsid(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct process *p = t->process;
    (void)k;
    (void)a;
    if (p->pgid == p->pid)
        return -EPERM;
    p->sid = p->pgid = p->pid;
    return p->pid;
}

/* ---- the processor ---- */

int64_t vm_call_sched_yield(struct kernel *k, struct thread *t, const uint64_t *a)
{
    (void)a;
    vm_thread_yield(k, t);
    return 0;
}

int64_t vm_call_setpriority(struct kernel *k, struct thread *t, const uint64_t *a)
{
    const struct process *p = meant(k, t, a[1]);
    int nice = (int)a[2];
    if (a[0] != PRIO_PROCESS)
        return -EINVAL;
    if (!p)
        return -ESRCH;
    nice = nice < VM_NICE_MIN ? VM_NICE_MIN : nice > VM_NICE_MAX ? VM_NICE_MAX : nice;
    for (const struct thread *each = p->threads; each; each = each->next)
        k->task[vm_thread_task(k, each)].nice = (int8_t)nice;
    return 0;
}

int64_t vm_call_getpriority(struct kernel *k, struct thread *t, const uint64_t *a)
{
    const struct process *p = meant(k, t, a[1]);
    if (a[0] != PRIO_PROCESS)
        return -EINVAL;
    if (!p || !p->threads)
        return -ESRCH;
    return 20 - k->task[vm_thread_task(k, p->threads)].nice;
}
