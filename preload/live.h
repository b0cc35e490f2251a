/* live.h - inside the library of `pagoda live`: what its files share.
 *
 *      live.c           begins; every system call of the program comes by here (SIGSYS)
 *      live_stubs.c     the few instructions from which system calls go to the kernel as they are
 *      live_memory.c    mmap and its kin: which addresses are managed
 *      live_buffers.c   calls with buffers in managed memory: pinned, in pieces
 *      live_signals.c   the signals that are ours, and who else wants them
 *      live_threads.c   clone, fork, vfork, exec, exit
 *      live_descriptors.c   the pager's descriptors among the program's
 *
 * A thread's `struct live_thread` lies below the stack on which its signals are handled, in memory
 * that is never managed: the kernel reads `selector` at each of its system calls.
 */
#ifndef PRELOAD_LIVE_H
#define PRELOAD_LIVE_H

#include "live/launch.h"
#include "live/lock.h"

#include <pagoda/live.h>
#include <signal.h>
#include <stddef.h>
#include <sys/uio.h>
#include <ucontext.h>

#define LIVE_PAGE     ((uintptr_t)4096)
#define LIVE_PINS_MAX 1088 /* of one thread: a call has IOV_MAX (1024) buffers at most, and some */
#define LIVE_IOV_MAX  1024

/* linux/prctl.h of Linux 5.11 */
#define LIVE_PR_SET_SYSCALL_USER_DISPATCH 59

enum live_selector { LIVE_ALLOW, LIVE_DISPATCH }; /* as the kernel has them */

struct live_pin {
    const void *at;
    size_t bytes;
    uintptr_t frame; /* of the call's handler: deeper frames than a later call's are gone */
};

struct live_thread {
    volatile uint8_t selector; /* offset 0: live_stubs.c writes it */
    volatile uint8_t in_vfork; /* offset 1: likewise; a child runs on this thread's memory */
    _Atomic uint32_t owner;    /* the thread's number; 0: nobody's */
    uintptr_t vfork_return;    /* offset 8: where live_stub_vfork goes on */
    struct live_thread *next;  /* of all */
    stack_t wanted_stack;      /* the program's sigaltstack */
    void *exec_room;           /* what an exec is told, until it returns */
    uint32_t npins;
    struct live_pin pin[LIVE_PINS_MAX];
    struct iovec iov[LIVE_IOV_MAX];
    uint64_t mask;     /* of signals, for a call that takes one by address */
    uint64_t room[64]; /* arguments of clone3 and the like, for the kernel to read */
};

/* A system call of the program. */
struct live_call {
    long number;
    unsigned long arg[6];
    long result;
    ucontext_t *context;
    struct live_thread *thread;
};

enum live_done {
    LIVE_DONE,  /* `result` is the call's */
    LIVE_PASS,  /* it goes to the kernel as it is, from where the program made it */
    LIVE_LEAVE, /* the context says already where to go on */
};

struct live_world {
    struct live_launch *launch; /* shared */
    struct vm_live *pager;
    uintptr_t area, area_end; /* all managed addresses are in it */
    bool needs_pins;          /* the kernel's own faults are not resolved */
    bool hears_accesses;      /* and SIGSEGV is the pager's, too */
    uint32_t first_process;   /* that was launched, 0: any */
    _Atomic uint64_t published_ms;
    char *variable; /* LIVE_LAUNCH_ENV as it was */
};

extern struct live_world live_world;
extern __thread struct live_thread *live_self __attribute__((tls_model("initial-exec")));

static inline bool live_in_area(unsigned long address)
{
    return address - live_world.area < live_world.area_end - live_world.area;
}

/* ---- live_stubs.c ---- */

extern const char live_stubs_begin[], live_stubs_end[];
/* A system call that is never dispatched; the kernel's answer. */
long live_call(long number, unsigned long a, unsigned long b, unsigned long c, unsigned long d,
               unsigned long e, unsigned long f);
extern const char live_stub_pass[];    /* the call, and back: LIVE_STUB_FRAME below the stack */
extern const char live_stub_clone[];   /* the same; a child first does live_thread_begin */
extern const char live_stub_vfork[];   /* the call, and back to vfork_return */
extern const char live_stub_restore[]; /* sa_restorer */
#define LIVE_STUB_FRAME 136            /* the red zone of 128 bytes, and the address to return to */

/* ---- live.c ---- */

/* The call as it is, with the program's signals let through meanwhile. */
void live_do(struct live_call *c);
/* The program's call goes on at `stub`, and from there to where it was made. */
void live_go(struct live_call *c, const char *stub);
void live_count(_Atomic uint64_t *count);
/* n bytes at the program's address, wherever they are: 0 or -EFAULT. */
int live_fetch(void *to, unsigned long from, size_t n);
int live_store(unsigned long to, const void *from, size_t n);
/* Memory from the kernel, not managed; NULL: there is none. */
void *live_room(size_t bytes);
void live_room_give(void *room, size_t bytes);
void live_publish(void);         /* the launcher sees what has been until now */
void live_publish_in_time(void); /* if that is some time ago */

/* ---- live_memory.c ---- */

bool live_memory_begin(struct vm_error *e);
enum live_done live_memory_call(struct live_call *c);
bool live_may_come(const void *address); /* struct vm_live_options has it */
/* Whether all of it is in the area and can be read. */
bool live_is_open(const void *address, size_t bytes);
void live_memory_fork_before(uint64_t *signals);
bool live_memory_fork_after(bool is_child, const uint64_t *signals, struct vm_error *e);

/* ---- live_buffers.c ---- */

enum live_done live_buffers_call(struct live_call *c);
/* [at, at + bytes) is there until live_unpin; false: it cannot be. Outside the area: nothing. */
bool live_pin(struct live_thread *t, unsigned long at, size_t bytes, enum vm_access access);
void live_unpin(struct live_thread *t, uint32_t down_to);
/* Pins of calls that were left by a jump. */
void live_unpin_stale(struct live_thread *t, uintptr_t frame);

/* ---- live_signals.c ---- */

bool live_signals_begin(void);
bool live_signals_fork(void); /* in a child of fork */
enum live_done live_signals_call(struct live_call *c);
/* A mask that never blocks what is ours. */
uint64_t live_mask(uint64_t wanted);
/* The signal goes to what the program wanted it to go to. */
void live_chain(int signal, siginfo_t *info, void *context);
/* Our handler for one of the two. */
bool live_signal_take(int signal, void (*handler)(int, siginfo_t *, void *), uint64_t mask);

/* ---- live_descriptors.c ---- */

#define LIVE_TAKEN_MAX 900
struct live_taken {
    int n, fd[LIVE_TAKEN_MAX];
};

/* What the pager opens between the two has high numbers, and is kept from the program. */
void live_descriptors_take(struct live_taken *t);
void live_descriptors_give(const struct live_taken *t);
enum live_done live_descriptors_call(struct live_call *c);

/* ---- live_threads.c ---- */

struct live_thread *live_thread_new(void);
bool live_thread_start(struct live_thread *t); /* for the thread that calls */
enum live_done live_threads_call(struct live_call *c);

#endif
