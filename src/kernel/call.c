/* call.c - system calls: which one, with what, and what becomes of its answer.
 *
 * RISC-V: the number in a7, arguments in a0 to a5, the answer in a0; errors are -errno. A call that
 * sleeps is begun anew when its thread wakes; if it would sleep again while a signal waits, it is
 * interrupted: restarted after the handler where POSIX lets it be, else -EINTR.
 */
#include "base/assert.h"
#include "kernel/kernel.h"

#include <signal.h>
#include <stdio.h>

enum {
#define SYSCALL(number, name) CALL_##name = number,
#include "kernel/syscalls.def"
#undef SYSCALL
};

/* By number. */
static const struct row {
    const char *name; /* NULL: there is no such call */
    call_body *body;
} rows[] = {
#define SYSCALL(number, name) [number] = {#name, vm_call_##name},
#include "kernel/syscalls.def"
#undef SYSCALL
};
#define NROWS (sizeof rows / sizeof rows[0])

bool vm_kernel_syscall(size_t i, uint32_t *number, const char **name)
{
    for (size_t n = 0; n < NROWS; n++)
        if (rows[n].name && i-- == 0) {
            *number = (uint32_t)n;
            *name = rows[n].name;
            return true;
        }
    return false;
}

static const struct row *find(uint64_t number)
{
    return number < NROWS && rows[number].name ? &rows[number] : NULL;
}

static void note_unknown(struct kernel *k, uint64_t number)
{
    struct vm_run_result *out = k->out;
    for (size_t i = 0; i < out->nunknown; i++)
        if (out->unknown[i] == number)
            return;
    if (out->nunknown < VM_RUN_UNKNOWN)
        out->unknown[out->nunknown++] = (uint32_t)number;
}

/* Calls that POSIX lets begin anew after a handler with SA_RESTART. */
static bool is_restartable(uint64_t number)
{
    switch (number) {
    case CALL_read:
    case CALL_readv:
    case CALL_write:
    case CALL_writev:
    case CALL_wait4:
    case CALL_waitid:
    case CALL_futex:
        return true;
    default:
        return false;
    }
}

/* The signal that will be delivered first wants interrupted calls to begin anew; one without a
 * handler changes nothing, and so does none at all. */
static bool wants_restart(const struct thread *t)
{
    signal_set open = (t->pending | t->process->pending) & ~t->blocked;
    if (!open)
        return true;
    const struct signal_action *a = &t->process->action[__builtin_ctzll(open) + 1];
    return (a->flags & SA_RESTART) || a->handler <= (vm_va)(uintptr_t)SIG_IGN;
}

/* It was about to sleep, and a signal waits. */
static int64_t interrupt(struct thread *t, uint64_t number)
{
    t->state = THREAD_RUNNING;
    t->channel = NULL;
    t->wake_ns = VM_TIME_NEVER;
    t->in_call = t->waits_for_word = t->begun = false;
    return is_restartable(number) && wants_restart(t) ? CALL_RETURNED : -EINTR;
}

static void answer(struct thread *t, int64_t result)
{
    t->in_call = false;
    if (result == CALL_RETURNED)
        return;
    t->hart.x[10] = (uint64_t)result;
    t->hart.pc += 4;
}

void vm_call(struct kernel *k, struct thread *t)
{
    uint64_t number = t->hart.x[17];
    const struct row *row = find(number);
    uint32_t tid = t->tid;
    if (!row) {
        note_unknown(k, number);
        vm_kernel_tell(k, VM_TRACE_SYSCALLS, t, "call %llu: there is none: ENOSYS",
                       (unsigned long long)number);
        answer(t, -ENOSYS);
        return;
    }
    uint64_t a[6] = {t->hart.x[10], t->hart.x[11], t->hart.x[12],
                     t->hart.x[13], t->hart.x[14], t->hart.x[15]};
    if (!t->begun) {
        k->out->syscalls++;
        t->process->stat.syscalls++;
    }
    t->begun = true;
    int64_t result = row->body(k, t, a);
    if (k->running != t || t->tid != tid) /* it has ended */
        return;
    if (result == CALL_SLEEPS && vm_signal_waits(t))
        result = interrupt(t, number);
    if (result == CALL_SLEEPS)
        return;
    t->begun = false;
    vm_kernel_tell(k, VM_TRACE_SYSCALLS, t, "%s(0x%llx, 0x%llx, 0x%llx) = %lld", row->name,
                   (unsigned long long)a[0], (unsigned long long)a[1], (unsigned long long)a[2],
                   result == CALL_RETURNED ? 0LL : (long long)result);
    answer(t, result);
}
