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
#define SYSCALL(number, name, kinds) CALL_##name = number,
#include "kernel/syscalls.def"
#undef SYSCALL
};

/* By number. */
static const struct row {
    const char *name;  /* NULL: there is no such call */
    const char *kinds; /* of its arguments: call_text.c */
    call_body *body;
} rows[] = {
#define SYSCALL(number, name, kinds) [number] = {#name, kinds, vm_call_##name},
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

const char *vm_call_name(uint64_t number)
{
    const struct row *row = find(number);
    return row ? row->name : NULL;
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

/* How a call that a signal has interrupted goes on. */
enum going_on {
    WITHOUT_HANDLER, /* where no handler was called for it */
    WITH_RESTART,    /* and where one was that is to begin calls anew: SA_RESTART */
    NEVER,           /* it fails with EINTR */
};

/* Source: signal(7), Interruption of system calls. */
static enum going_on going_on(uint64_t number)
{
    switch (number) {
    case CALL_read:
    case CALL_readv:
    case CALL_write:
    case CALL_writev:
    case CALL_wait4:
    case CALL_waitid:
    case CALL_futex:
    case CALL_fcntl:
    case CALL_flock:
        return WITH_RESTART;
    case CALL_rt_sigtimedwait:
        return NEVER;
    default:
        return WITHOUT_HANDLER;
    }
}

/* The call's progress is bytes, which its caller is told of rather than of the signal. */
static bool is_transfer(uint64_t number)
{
    switch (number) {
    case CALL_write:
    case CALL_writev:
    case CALL_pwrite64:
    case CALL_sendfile:
        return true;
    default:
        return false;
    }
}

/* It was about to sleep, and a signal waits. */
static int64_t interrupt(struct thread *t, uint64_t number)
{
    const struct signal_action *a = &t->process->action[vm_signal_next(t)];
    bool handled = a->handler > (vm_va)(uintptr_t)SIG_IGN;
    enum going_on how = going_on(number);
    t->state = THREAD_RUNNING;
    t->channel = NULL;
    t->wake_ns = VM_TIME_NEVER;
    t->awaited = 0;
    t->in_call = t->waits_for_word = t->begun = false;
    if (is_transfer(number) && t->progress)
        return (int64_t)t->progress;
    if (how == NEVER || (handled && !(how == WITH_RESTART && (a->flags & SA_RESTART))))
        return -EINTR;
    t->goes_on = !handled;
    return CALL_RETURNED;
}

/* ---- as lines of a trace ---- */

static bool is_traced(const struct kernel *k)
{
    return k->c->trace & VM_TRACE_SYSCALLS;
}

/* The call as it reads before its body, which may replace all that its arguments point to. */
static void note_call(const struct kernel *k, const struct thread *t, const struct row *row,
                      const uint64_t *a, char *text, size_t cap)
{
    if (is_traced(k))
        vm_call_text(t, row->name, row->kinds, a, text, cap);
}

static void tell_answer(struct kernel *k, const struct thread *t, const struct row *row,
                        const uint64_t *a, int64_t result, char *text, size_t cap)
{
    char answer[64];
    if (!is_traced(k))
        return;
    if (result == CALL_RETURNED) {
        vm_kernel_tell(k, VM_TRACE_SYSCALLS, t, "%s = ?", text);
        return;
    }
    /* Its body has read what they point to, so that now it can be shown. */
    vm_call_text(t, row->name, row->kinds, a, text, cap);
    vm_answer_text(row->kinds, result, answer, sizeof answer);
    vm_kernel_tell(k, VM_TRACE_SYSCALLS, t, "%s = %s", text, answer);
}

static void tell_absent(struct kernel *k, const struct thread *t, uint64_t number)
{
    const char *name = number <= UINT32_MAX ? vm_kernel_absent_call((uint32_t)number) : NULL;
    vm_kernel_tell(k, VM_TRACE_SYSCALLS, t, "system call %llu%s%s%s = -ENOSYS",
                   (unsigned long long)number, name ? " (" : "", name ? name : "", name ? ")" : "");
}

/* A call that ends its thread has no answer. */
static void tell_last(struct kernel *k, uint64_t number, const struct thread *t, const char *text)
{
    if (number == CALL_exit || number == CALL_exit_group)
        vm_kernel_tell(k, VM_TRACE_SYSCALLS, t, "%s = ?", text);
}

/* ---- calls ---- */

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
    char text[CALL_TEXT_BYTES] = "";
    if (!row) {
        note_unknown(k, number);
        tell_absent(k, t, number);
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
    note_call(k, t, row, a, text, sizeof text);
    tell_last(k, number, t, text);
    int64_t result = row->body(k, t, a);
    if (k->running != t || t->tid != tid) /* it has ended */
        return;
    if (result == CALL_SLEEPS && vm_signal_waits(t))
        result = interrupt(t, number);
    if (result == CALL_SLEEPS)
        return;
    t->begun = false;
    tell_answer(k, t, row, a, result, text, sizeof text);
    answer(t, result);
}
