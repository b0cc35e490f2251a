/* live_threads.c - who runs: threads, children that share memory or have a copy, other programs.
 *
 * Dispatch is a thread's own and not inherited, so each begins it anew: a thread and a child of
 * vfork in the stub that made it, a child of fork in the handler. A child of vfork runs on its
 * parent's memory, stack and struct live_thread while the parent waits; a vfork within it is a
 * fork.
 *
 * A program that is started (exec) is not paged, unless it takes the first one's place or
 * --children was said: then its environment says so. What exec reads is copied first, from wherever
 * it lies, since a child of vfork that succeeds never comes back to unpin it.
 */
#include "live.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)256 << 10) /* of a thread, for handlers: the program's run here, too */
#define EXEC_BYTES  ((size_t)8 << 20)   /* what an exec may be told: ARG_MAX is 2 MiB, of strings */

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

static struct live_thread *all_threads;
static struct vm_lock threads_lock;

static uint32_t own_number(void)
{
    return (uint32_t)live_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

/* ---- threads ---- */

static size_t thread_bytes(void)
{
    return (sizeof(struct live_thread) + LIVE_PAGE - 1) & ~(LIVE_PAGE - 1);
}

static bool is_dead(uint32_t number)
{
    long self = live_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
    return live_call(SYS_tgkill, (unsigned long)self, number, 0, 0, 0, 0) == -ESRCH;
}

#define OWNER_COMES UINT32_MAX

/* That of a thread that has ended, or a new one. */
struct live_thread *live_thread_new(void)
{
    struct live_thread *t;
    vm_lock_take(&threads_lock);
    for (t = all_threads; t; t = t->next) {
        uint32_t owner = atomic_load(&t->owner);
        if (owner == 0 || (owner != OWNER_COMES && is_dead(owner)))
            break;
    }
    if (!t && (t = live_room(thread_bytes() + LIVE_PAGE + STACK_BYTES))) {
        live_call(SYS_mprotect, (unsigned long)t + thread_bytes(), LIVE_PAGE, 0, 0, 0, 0);
        t->next = all_threads;
        all_threads = t;
    }
    if (t) {
        atomic_store(&t->owner, OWNER_COMES);
        t->npins = 0;
        t->wanted_stack = (stack_t){.ss_flags = SS_DISABLE};
    }
    vm_lock_give(&threads_lock);
    return t;
}

static bool dispatch(struct live_thread *t)
{
    t->selector = LIVE_DISPATCH;
    return live_call(SYS_prctl, LIVE_PR_SET_SYSCALL_USER_DISPATCH, 1,
                     (unsigned long)live_stubs_begin,
                     (unsigned long)(live_stubs_end - live_stubs_begin),
                     (unsigned long)&t->selector, 0) == 0;
}

bool live_thread_start(struct live_thread *t)
{
    const stack_t stack = {.ss_sp = (char *)t + thread_bytes() + LIVE_PAGE, .ss_size = STACK_BYTES};
    const uint64_t ours = ~live_mask(UINT64_MAX);
    live_self = t;
    atomic_store(&t->owner, own_number());
    live_call(SYS_sigaltstack, (unsigned long)&stack, 0, 0, 0, 0, 0);
    live_call(SYS_rt_sigprocmask, SIG_UNBLOCK, (unsigned long)&ours, 0, 8, 0, 0);
    return dispatch(t);
}

/* In a child of live_stub_clone or live_stub_vfork, before it goes on. */
__attribute__((visibility("hidden"))) void live_thread_begin(struct live_thread *t);
void live_thread_begin(struct live_thread *t)
{
    if (t == live_self)
        dispatch(t);
    else
        live_thread_start(t);
}

/* ---- clone ---- */

/* What clone and clone3 ask alike. */
struct clone {
    uint64_t flags;
    uint64_t *stack_top; /* what says it; NULL: the child has none of its own */
    unsigned long tls, parent_tid, child_tid;
};

/* The child finds on its stack where to go on, and below it its struct live_thread. */
static void prepare_stack(const struct live_call *c, uint64_t *top, struct live_thread *t)
{
    uintptr_t at = *top - LIVE_STUB_FRAME;
    *(uint64_t *)at = (uint64_t)c->context->uc_mcontext.gregs[REG_RIP];
    *(struct live_thread **)(at - sizeof t) = t;
    *top = at;
}

/* The kernel writes where a thread's own variables are, as long as it lives. */
static void keep_variables(const struct clone *k)
{
    const unsigned long at[] = {k->tls, k->parent_tid, k->child_tid};
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
        if (live_in_area(at[i]) && live_world.needs_pins)
            vm_live_pin(live_world.pager, (void *)(at[i] - LIVE_PAGE), 2 * LIVE_PAGE, VM_WRITE);
}

static enum live_done thread(struct live_call *c, const struct clone *k)
{
    struct live_thread *t = live_thread_new();
    if (!t) {
        c->result = -EAGAIN;
        return LIVE_DONE;
    }
    keep_variables(k);
    prepare_stack(c, k->stack_top, t);
    live_count(&live_world.launch->calls.threads);
    live_go(c, live_stub_clone);
    return LIVE_LEAVE;
}

static enum live_done vfork_child(struct live_call *c, const struct clone *k)
{
    c->thread->in_vfork = 1;
    if (k->stack_top) {
        prepare_stack(c, k->stack_top, c->thread);
        live_go(c, live_stub_clone);
    } else {
        c->thread->vfork_return = (uintptr_t)c->context->uc_mcontext.gregs[REG_RIP];
        live_go(c, live_stub_vfork);
    }
    return LIVE_LEAVE;
}

/* The child of fork has this thread alone. */
static void forget_others(struct live_thread *self)
{
    for (struct live_thread *t = all_threads; t; t = t->next)
        atomic_store(&t->owner, t == self ? own_number() : 0);
}

/* What cannot have its memory must not go on with other contents. */
static _Noreturn void end_child(const struct vm_error *e)
{
    static const char begin[] = "pagoda: a child of fork cannot be paged: ";
    live_call(SYS_write, 2, (unsigned long)begin, sizeof begin - 1, 0, 0, 0);
    live_call(SYS_write, 2, (unsigned long)e->text, strlen(e->text), 0, 0, 0);
    live_call(SYS_write, 2, (unsigned long)"\n", 1, 0, 0, 0);
    for (;;)
        live_call(SYS_exit_group, 127, 0, 0, 0, 0, 0);
}

/* A copy of all memory. It is made from within the handler, so it has the handler's stack; one of
 * its own is where it goes on after that. */
static enum live_done fork_child(struct live_call *c, const uint64_t *stack_top)
{
    struct vm_error e;
    uint64_t signals;
    live_memory_fork_before(&signals);
    vm_lock_take(&threads_lock);
    c->result = live_call(c->number, c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4], 0);
    bool is_child = c->result == 0;
    if (is_child)
        forget_others(c->thread);
    vm_lock_give(&threads_lock);
    if (!live_memory_fork_after(is_child, &signals, &e) && is_child)
        end_child(&e);
    if (!is_child) {
        live_count(&live_world.launch->calls.forks);
        return LIVE_DONE;
    }
    if (!live_signals_fork())
        end_child(&(struct vm_error){.text = "signals cannot be taken"});
    dispatch(c->thread);
    c->thread->selector = LIVE_ALLOW;
    c->thread->in_vfork = 0;
    c->thread->npins = 0; /* the child's pager has none */
    if (stack_top)
        c->context->uc_mcontext.gregs[REG_RSP] = (greg_t)*stack_top;
    return LIVE_DONE;
}

static enum live_done share(struct live_call *c, const struct clone *k)
{
    if (k->flags & CLONE_VFORK)
        return vfork_child(c, k);
    if (k->stack_top && (k->flags & CLONE_SETTLS))
        return thread(c, k);
    if (!k->stack_top)
        return LIVE_PASS;
    prepare_stack(c, k->stack_top, NULL); /* not looked at: it has no variables of its own */
    live_go(c, live_stub_pass);
    return LIVE_LEAVE;
}

static bool is_copy(const struct live_call *c, uint64_t flags)
{
    return !(flags & CLONE_VM) || (c->thread->in_vfork && (flags & CLONE_VFORK));
}

static enum live_done take_clone(struct live_call *c)
{
    uint64_t top = c->arg[1];
    struct clone k = {.flags = c->arg[0],
                      .stack_top = &top,
                      .parent_tid = c->arg[2],
                      .child_tid = c->arg[3],
                      .tls = c->arg[4]};
    if (!top)
        k.stack_top = NULL;
    if (is_copy(c, k.flags)) {
        c->arg[0] &= ~(unsigned long)(CLONE_VM | CLONE_VFORK);
        c->arg[1] = 0;
        return fork_child(c, k.stack_top);
    }
    if (top)
        k.stack_top = (uint64_t *)&c->arg[1];
    return share(c, &k);
}

/* The kernel reads the arguments from the thread's room, when the stub is at it. */
static enum live_done take_clone3(struct live_call *c)
{
    struct clone_args *a = (struct clone_args *)c->thread->room;
    size_t bytes = c->arg[1];
    if (bytes < CLONE_ARGS_SIZE_VER0 || bytes > sizeof c->thread->room)
        return LIVE_PASS; /* the kernel says what it is */
    memset(a, 0, sizeof *a);
    if (live_fetch(a, c->arg[0], bytes) != 0) {
        c->result = -EFAULT;
        return LIVE_DONE;
    }
    uint64_t top = a->stack + a->stack_size;
    const struct clone k = {.flags = a->flags,
                            .stack_top = a->stack ? &top : NULL,
                            .tls = a->tls,
                            .parent_tid = a->parent_tid,
                            .child_tid = a->child_tid};
    c->arg[0] = (unsigned long)a;
    if (is_copy(c, k.flags)) {
        a->flags &= ~(uint64_t)(CLONE_VM | CLONE_VFORK);
        a->stack = a->stack_size = 0;
        return fork_child(c, k.stack_top);
    }
    enum live_done done = share(c, &k);
    if (a->stack)
        a->stack_size = top - a->stack;
    return done;
}

/* Its caller keeps what it needs in registers: not one of them changes. */
static enum live_done take_vfork(struct live_call *c)
{
    const struct clone k = {.flags = CLONE_VM | CLONE_VFORK};
    if (!is_copy(c, k.flags))
        return vfork_child(c, &k);
    c->number = SYS_fork;
    return fork_child(c, NULL);
}

/* ---- exec ---- */

struct told {
    char *text;
    size_t used;
};

static void *carve(struct told *to, size_t bytes)
{
    size_t at = (to->used + 7) & ~(size_t)7;
    if (bytes > EXEC_BYTES || at + bytes > EXEC_BYTES)
        return NULL;
    to->used = at + bytes;
    return to->text + at;
}

/* A copy of the string at `from`; NULL with *error. A page of it at a time: what lies behind its
 * end may not be there. */
static char *tell_string(struct told *to, unsigned long from, long *error)
{
    char *begin = carve(to, 0);
    for (;;) {
        size_t n = LIVE_PAGE - from % LIVE_PAGE;
        char *at = to->text + to->used;
        *error = to->used + n > EXEC_BYTES ? -E2BIG : live_fetch(at, from, n);
        if (*error)
            return NULL;
        size_t length = strnlen(at, n);
        to->used += length + (length < n);
        if (length < n)
            return begin;
        from += n;
    }
}

#define STRINGS_MAX ((size_t)128 << 10)

/* A copy of the strings at `from`, with room for `more` pointers; NULL with *error. */
static char **tell_strings(struct told *to, unsigned long from, size_t more, size_t *n, long *error)
{
    unsigned long next = 1;
    char **all;
    *error = 0;
    for (*n = 0; from && !*error && *n < STRINGS_MAX; ++*n) {
        *error = live_fetch(&next, from + *n * sizeof next, sizeof next);
        if (!next)
            break;
    }
    all = carve(to, (*n + more + 1) * sizeof *all);
    if (!*error && !all)
        *error = -E2BIG;
    for (size_t i = 0; i < *n && !*error; i++) {
        *error = live_fetch(&next, from + i * sizeof next, sizeof next);
        all[i] = *error ? NULL : tell_string(to, next, error);
    }
    if (!*error)
        all[*n] = NULL;
    return *error ? NULL : all;
}

static char *join(struct told *to, const char *name, const char *value, const char *rest)
{
    size_t a = strlen(name), b = strlen(value), c = rest ? strlen(rest) + 1 : 0;
    char *text = carve(to, a + b + c + 1);
    if (!text)
        return NULL;
    memcpy(text, name, a);
    memcpy(text + a, value, b);
    if (rest) {
        text[a + b] = ':';
        memcpy(text + a + b + 1, rest, c - 1);
    }
    text[a + b + c] = '\0';
    return text;
}

/* The environment says that the program is to be paged. */
static bool tell_paging(struct told *to, char **all, size_t n)
{
    static const char preload[] = "LD_PRELOAD=";
    const char *library = live_world.launch->library;
    size_t at = 0;
    while (at < n && strncmp(all[at], preload, sizeof preload - 1) != 0)
        at++;
    char *line = join(to, preload, library, at < n ? all[at] + sizeof preload - 1 : NULL);
    char *where = join(to, LIVE_LAUNCH_ENV "=", live_world.variable, NULL);
    if (at == n)
        all[++n] = NULL;
    all[at] = line;
    all[n] = where;
    all[n + 1] = NULL;
    return line && where;
}

static bool is_to_be_paged(void)
{
    uint32_t self = (uint32_t)live_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
    return live_world.launch->children || self == live_world.first_process;
}

/* path, argv and envp are the arguments from `first` on. */
static enum live_done exec(struct live_call *c, int first)
{
    struct live_thread *t = c->thread;
    size_t n;
    long error = -ENOMEM;
    struct told to = {.text = t->exec_room ? t->exec_room : live_room(EXEC_BYTES)};
    char *path = NULL, **argv = NULL, **envp = NULL;
    t->exec_room = to.text;
    if (to.text && (path = tell_string(&to, c->arg[first], &error)) &&
        (argv = tell_strings(&to, c->arg[first + 1], 0, &n, &error)) &&
        (envp = tell_strings(&to, c->arg[first + 2], 2, &n, &error)) && is_to_be_paged() &&
        !tell_paging(&to, envp, n))
        error = -E2BIG;
    c->result = error;
    if (!error) {
        c->arg[first] = (unsigned long)path;
        c->arg[first + 1] = (unsigned long)argv;
        c->arg[first + 2] = (unsigned long)envp;
        live_publish();
        live_do(c);
    }
    t->exec_room = NULL;
    if (to.text)
        live_room_give(to.text, EXEC_BYTES);
    return LIVE_DONE;
}

/* ---- the end ---- */

static enum live_done end(struct live_call *c)
{
    if (c->number == SYS_exit_group)
        live_publish();
    return LIVE_PASS;
}

enum live_done live_threads_call(struct live_call *c)
{
    switch (c->number) {
    case SYS_clone:
        return take_clone(c);
    case SYS_clone3:
        return take_clone3(c);
    case SYS_vfork:
        return take_vfork(c);
    case SYS_fork:
        return fork_child(c, NULL);
    case SYS_execve:
        return exec(c, 0);
    case SYS_execveat:
        return exec(c, 1);
    case SYS_exit_group:
    case SYS_exit:
        return end(c);
    default:
        return LIVE_PASS;
    }
}
