/* live.c - libpagoda-live: a program whose large mappings are managed by Pagoda's pager.
 *
 * `pagoda live` loads it into an unmodified program. It opens a pager (live.h), and asks the kernel
 * to hand over every system call of the program's (Syscall User Dispatch, prctl(2), Linux 5.11):
 * those of glibc's own too, which no wrapper of functions would see. Each comes as a signal,
 * SIGSYS, to on_call. Most are sent on as they are; mmap and its kin are answered from managed
 * memory; calls with buffers in managed memory are made while these are pinned, because the kernel
 * does not fault in what it is given.
 *
 * Invariants
 *  1. Our two signals, SIGBUS (a fault) and SIGSYS (a call), are never blocked in a thread of the
 *     program, and their handlers are ours; those that the program wants are kept and called.
 *  2. Both are handled on a stack of the thread's own that is not managed, so that a program may
 *     have stacks in managed memory.
 *  3. While a handler of ours works, `selector` lets calls pass and the program's signals are
 *     blocked; while it makes a call for the program, as it was made, neither is so (live_do).
 *  4. Nothing here asks for memory by malloc, or takes a lock of a library: the program may be in
 *     the middle of either.
 *
 * What it does not do: memory of static variables, of stacks and of files stays the kernel's; a
 * child that shares memory and is neither a thread nor of vfork is not looked at.
 */
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2 /* si_code; asm-generic/siginfo.h of Linux 5.11 */
#endif

#define PUBLISH_MS 100

struct live_world live_world;
__thread struct live_thread *live_self __attribute__((tls_model("initial-exec")));

/* ---- what all need ---- */

void live_count(_Atomic uint64_t *count)
{
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

void *live_room(size_t bytes)
{
    long at = live_call(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, (unsigned long)-1, 0);
    return at < 0 && at > -4096 ? NULL : (void *)at;
}

void live_room_give(void *room, size_t bytes)
{
    live_call(SYS_munmap, (unsigned long)room, bytes, 0, 0, 0, 0);
}

/* By the kernel, which says what cannot be read instead of faulting on it. */
static int copy(long number, unsigned long ours, unsigned long theirs, size_t n,
                enum vm_access access)
{
    struct live_thread *t = live_self;
    uint32_t pins = t->npins;
    struct iovec local = {(void *)ours, n}, remote = {(void *)theirs, n};
    long self = live_call(SYS_getpid, 0, 0, 0, 0, 0, 0), done = -EFAULT;
    if (live_pin(t, theirs, n, access))
        done = live_call(number, (unsigned long)self, (unsigned long)&local, 1,
                         (unsigned long)&remote, 1, 0);
    live_unpin(t, pins);
    return done == (long)n ? 0 : -EFAULT;
}

int live_fetch(void *to, unsigned long from, size_t n)
{
    return copy(SYS_process_vm_readv, (unsigned long)to, from, n, VM_READ);
}

int live_store(unsigned long to, const void *from, size_t n)
{
    return copy(SYS_process_vm_writev, (unsigned long)from, to, n, VM_WRITE);
}

static struct vm_lock publishing;

void live_publish(void)
{
    struct live_launch *launch = live_world.launch;
    long self = live_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
    if (!live_world.pager || atomic_load(&launch->process) != (uint32_t)self)
        return;
    vm_lock_take(&publishing);
    atomic_fetch_add(&launch->writing, 1);
    vm_live_stats(live_world.pager, &launch->stats);
    atomic_fetch_add(&launch->writing, 1);
    vm_lock_give(&publishing);
}

/* By a clock that needs no system call. */
void live_publish_in_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    uint64_t now = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
    uint64_t last = atomic_load_explicit(&live_world.published_ms, memory_order_relaxed);
    if (now - last >= PUBLISH_MS &&
        atomic_compare_exchange_strong(&live_world.published_ms, &last, now))
        live_publish();
}

/* ---- a system call ---- */

void live_do(struct live_call *c)
{
    uint64_t all = live_mask(UINT64_MAX), before;
    memcpy(&before, &c->context->uc_sigmask, sizeof before);
    c->thread->selector = LIVE_DISPATCH;
    live_call(SYS_rt_sigprocmask, SIG_SETMASK, (unsigned long)&before, 0, 8, 0, 0);
    c->result =
        live_call(c->number, c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4], c->arg[5]);
    live_call(SYS_rt_sigprocmask, SIG_SETMASK, (unsigned long)&all, 0, 8, 0, 0);
    c->thread->selector = LIVE_ALLOW;
}

static const int argument[6] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};

/* The program's registers are as they were after a call: only one as it was made may be sent on. */
static bool is_as_it_was(const struct live_call *c)
{
    bool all = true;
    for (int i = 0; i < 6; i++)
        all = all && c->arg[i] == (unsigned long)c->context->uc_mcontext.gregs[argument[i]];
    return all;
}

void live_go(struct live_call *c, const char *stub)
{
    greg_t *r = c->context->uc_mcontext.gregs;
    for (int i = 0; i < 6; i++)
        r[argument[i]] = (greg_t)c->arg[i];
    r[REG_RAX] = c->number;
    if (stub != live_stub_vfork) {
        r[REG_RSP] -= LIVE_STUB_FRAME;
        *(greg_t *)r[REG_RSP] = r[REG_RIP];
    }
    r[REG_RIP] = (greg_t)stub;
}

typedef enum live_done taker(struct live_call *c);

static void answer(struct live_call *c)
{
    static taker *const takers[] = {live_signals_call, live_threads_call, live_descriptors_call,
                                    live_memory_call, live_buffers_call};
    enum live_done done = LIVE_PASS;
    for (size_t i = 0; done == LIVE_PASS && i < sizeof takers / sizeof takers[0]; i++)
        done = takers[i](c);
    if (done == LIVE_PASS && is_as_it_was(c)) {
        live_go(c, live_stub_pass);
        return;
    }
    if (done == LIVE_PASS)
        live_do(c);
    if (done != LIVE_LEAVE)
        c->context->uc_mcontext.gregs[REG_RAX] = c->result;
}

static void on_call(int signal, siginfo_t *info, void *context)
{
    struct live_thread *t = live_self;
    if (info->si_code != SYS_USER_DISPATCH) {
        live_chain(signal, info, context);
        return;
    }
    t->selector = LIVE_ALLOW;
    const greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    struct live_call c = {.number = r[REG_RAX], .context = context, .thread = t};
    for (int i = 0; i < 6; i++)
        c.arg[i] = (unsigned long)r[argument[i]];
    live_unpin_stale(t, (uintptr_t)&c);
    live_count(&live_world.launch->calls.calls);
    live_publish_in_time();
    answer(&c);
    t->selector = LIVE_DISPATCH;
}

/* ---- the beginning ---- */

static _Noreturn void refuse(struct live_launch *launch, const struct vm_error *e)
{
    launch->error = *e;
    atomic_store(&launch->failed, 1);
    _exit(127);
}

static struct live_launch *find_launch(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *at = MAP_FAILED;
    if (fd >= 0)
        at = mmap(NULL, sizeof(struct live_launch), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    return at == MAP_FAILED ? NULL : at;
}

/* The program does not see by what it is paged: what it starts is not paged, unless exec says so
 * (live_threads.c). */
static void hide(const char *library)
{
    const char *all = getenv("LD_PRELOAD");
    size_t n = strlen(library);
    unsetenv(LIVE_LAUNCH_ENV);
    if (!all || strncmp(all, library, n) != 0)
        return;
    if (all[n] == ':')
        setenv("LD_PRELOAD", all + n + 1, 1);
    else
        unsetenv("LD_PRELOAD");
}

static bool open_pager(const struct live_launch *launch, struct vm_error *e)
{
    bool is_first =
        (uint32_t)getpid() == atomic_load(&launch->process); /* not of an exec's child */
    const struct vm_live_options options = {
        .limit_bytes = launch->limit_bytes,
        .policy = launch->policy[0] ? launch->policy : NULL,
        .store = launch->store[0] ? launch->store : NULL,
        .page_bytes = launch->page_bytes,
        .ahead_bytes = launch->ahead_bytes,
        .batch_pages = launch->batch_pages,
        .free_low = launch->free_low,
        .free_high = launch->free_high,
        .resolve = (enum vm_live_resolve)launch->resolve,
        .signal = VM_LIVE_SIGNAL_YOURS,
        .fork = VM_LIVE_FORK_BARE,
        .serve = (enum vm_live_serve)launch->serve,
        .may_come = live_may_come,
        .seed = launch->seed,
        .log = launch->log[0] && is_first ? launch->log : NULL,
        .log_depth = (enum vm_live_log)launch->log_depth,
    };
    live_world.needs_pins = options.resolve == VM_LIVE_IN_THREAD;
    live_world.hears_accesses = options.log && options.log_depth == VM_LIVE_LOG_ACCESSES;
    live_world.pager = vm_live_open(&options, e);
    return live_world.pager && live_memory_begin(e);
}

static bool begin_world(struct vm_error *e)
{
    struct live_taken taken;
    live_descriptors_take(&taken);
    bool done = open_pager(live_world.launch, e);
    live_descriptors_give(&taken);
    return done;
}

static bool begin_dispatch(struct vm_error *e)
{
    struct live_thread *t = live_thread_new();
    if (!t)
        return vm_fail(e, VM_ESYSTEM, "no memory for a thread's stack");
    if (!live_signals_begin() || !live_signal_take(SIGSYS, on_call, live_mask(UINT64_MAX)))
        return vm_fail(e, VM_ESYSTEM, "signals cannot be taken");
    if (live_thread_start(t))
        return true;
    return vm_fail(e, VM_ESYSTEM,
                   "this kernel has no Syscall User Dispatch (Linux 5.11, x86-64): system calls of "
                   "the program cannot be seen");
}

static __attribute__((constructor)) void begin(void)
{
    struct vm_error e = {0};
    const char *path = getenv(LIVE_LAUNCH_ENV);
    struct live_launch *launch = path ? find_launch(path) : NULL;
    if (!launch)
        return;
    live_world.launch = launch;
    live_world.variable = strdup(path);
    live_world.first_process = atomic_load(&launch->process);
    hide(launch->library);
    if (!begin_world(&e) || !begin_dispatch(&e))
        refuse(launch, &e);
    atomic_fetch_add(&launch->told, 1);
}
