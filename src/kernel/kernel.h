/* kernel.h - what the files of the kernel share.
 *
 *   run.c      the main loop: whose turn it is, for how long, what its trap leads to
 *   processor.c  the processors, each with its time: whose is next, who is idle
 *   wake.c     sleeping and waking
 *   machine.c  the machine beneath: references, translations, the clock, bytes of programs
 *   space.c    address spaces of programs: what is where, mapping and unmapping
 *   elf.c      a program file becomes an address space
 *   sleepers.c  threads by what they sleep for
 *   process.c  processes and threads: fork, exec, exit, wait
 *   trap.c     causes, the vector table, page faults
 *   signal.c, pending.c    signals: sent, delivered, returned from
 *   timer.c, clock.c       what happens at a moment, and what programs take the time for
 *   syscalls.def, call.c   system calls by number
 *   absent.def, call_text.c   their names and arguments, as a trace shows them
 *   call_*.c   their bodies, by subject
 *   inode.c    files with pages in the page cache
 *   file.c     open files and descriptors
 *   path.c     names: below the root, and never out of it
 *   lock.c     locks on files and ranges of them
 *   proc.def, proc.c, proc_*.c      /proc
 *   regular.c, pipe.c, fifo.c, stream.c, special.c   kinds of open files
 *   record.c   what the machine is told, as a trace
 *   heapcheck.c   what programs do wrong with their heaps (heapcheck.h has its parts)
 *   terminal.c   the host's terminal: the foreground group, its signals, its settings
 *
 * A system call that must wait puts its thread to sleep on a channel (any address that means what
 * it waits for) and answers CALL_SLEEPS. Whoever makes that thing happen wakes the channel; all its
 * sleepers run their call again, from the start but for thread.progress. So no call has a stack
 * of its own while it waits, and none holds anything. (Thompson's and Ritchie's sleep and wakeup:
 * Bach, The Design of the UNIX Operating System, 2.2.2.)
 *
 * Invariants
 *  1. One thread at most is RUNNING on each processor. What the kernel does it does on the current
 *     one (kernel.cpu), at that one's time; the machine's current processor is the same.
 *  2. A thread sleeps on a channel, or until a time, or both; READY ones are the scheduler's.
 *  3. What a thread's view translates is what its page tables say (machine.c).
 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <pagoda/kernel.h>

#include "base/random.h"
#include "kernel/lock.h"
#include "kernel/sleepers.h"

#include <errno.h>

/* What uname and /proc/version say. */
#define VM_SYSTEM_RELEASE "6.1.0-pagoda"
#define VM_SYSTEM_VERSION "#1 Pagoda"

/* ---- address spaces ---- */

struct address_space {
    uint32_t users; /* threads */
    vm_asid asid;
    struct vm_rv64_view *view;
    vm_va brk_first, brk;       /* the heap is [brk_first, brk) */
    vm_va stack_top, stack_low; /* it may grow down to stack_low */
    struct inode *program;      /* that it runs; NULL: none yet */
    struct check_space *check;  /* heapcheck.h's; NULL: nobody looks at its heap */
    enum future_maps { MAPS_FREE, MAPS_LOCKED, MAPS_LOCKED_ON_FAULT } future; /* mlockall */
};

/* ---- signals ---- */

#define NSIGNALS 64
typedef uint64_t signal_set; /* bit n - 1: signal n */

#define SIGNALS_QUEUED_MAX 4096

/* What a handler is told: Linux's siginfo. */
struct signal_info {
    int32_t signal, error, code, pad;
    union {
        struct {
            uint32_t pid, uid;
            union {
                uint64_t value; /* of sigqueue */
                struct {
                    int32_t status, pad;
                } child;
            };
        } from; /* another process */
        struct {
            int32_t id, overruns;
            uint64_t value;
        } timer;
        uint64_t address; /* of a fault */
        uint8_t rest[112];
    };
};
_Static_assert(sizeof(struct signal_info) == 128, "as asm-generic/siginfo.h has it");

struct pending {
    signal_set set;
    struct queued_signal *first; /* pending.c */
};

/* Linux's stack_t. */
struct signal_stack {
    uint64_t va;
    int32_t flags, pad;
    uint64_t bytes; /* 0: none */
};

/* ---- timers ---- */

struct kernel;
struct timer {
    uint64_t at_ns;    /* VM_TIME_NEVER: it is not set */
    uint64_t every_ns; /* 0: once */
    /* It has been due `times` times since it was last seen; it is set again where it repeats. */
    void (*expire)(struct kernel *k, struct timer *timer, uint64_t times);
    struct timer *next; /* of those that are set */
};

/* ---- threads and processes ---- */

enum thread_state { THREAD_FREE, THREAD_READY, THREAD_RUNNING, THREAD_SLEEPS, THREAD_STOPPED };

struct thread {
    enum thread_state state;
    uint32_t tid;
    struct process *process;
    struct address_space *space; /* its process's; of a vfork's child its parent's */
    struct vm_rv64 hart;
    const void *channel; /* sleeps on it; NULL: for time, or a futex word */
    uint64_t wake_ns;    /* or until then; VM_TIME_NEVER */
    bool woken_by_time;
    bool in_call;           /* the system call at its pc is to be gone on with */
    bool begun;             /* and was counted */
    uint64_t progress;      /* of that call, 0 at its start */
    uint64_t call_until_ns; /* of that call: when it gives up; 0: not set yet */
    struct futex_word {
        vm_asid asid;
        uint32_t file; /* 0: the space's own */
        uint64_t at;
    } word; /* that it waits for, if waits_for_word */
    bool waits_for_word;
    struct open_file *half_open; /* the end of a named pipe that it waits with, or NULL */
    struct lock lock_wanted;     /* while it sleeps for one (call_lock.c) */
    bool told;                   /* the scheduler knows it */
    uint32_t cpu;                /* it ran there last; VM_NOCPU: it has not run */
    uint64_t cpus;               /* bit n: it may run on processor n */
    uint64_t cpus_next; /* that are to be its `cpus` when its processor comes to it; 0: these */
    struct pending pending;
    signal_set blocked;
    signal_set blocked_after; /* what sigsuspend, ppoll put back, if has_blocked_after */
    bool has_blocked_after;
    bool goes_on;       /* the call at its pc, as before the signal that ended its sleep */
    signal_set awaited; /* it sleeps until one of these is pending */
    struct signal_stack alt_stack; /* for handlers that want it */
    vm_va clear_tid;               /* 0, or: written 0 and woken at its end */
    struct thread *next;           /* of its process */
};

struct signal_action {
    vm_va handler, restorer;
    uint64_t flags;
    signal_set mask;
};

struct open_file;
struct fd {
    struct open_file *file; /* NULL: free */
    bool close_on_exec;
};
struct fd_table {
    uint32_t users;
    uint32_t n;
    struct fd *fd;
};
struct working_directory {
    uint32_t users;
    char *path; /* absolute, of programs, without a "/" at its end but for the root */
    uint32_t umask;
};

struct process {
    uint32_t pid, ppid, pgid, sid;
    struct process *parent; /* NULL: the first */
    struct thread *threads; /* NULL: a zombie */
    struct fd_table *files;
    struct working_directory *where;
    struct signal_action action[NSIGNALS + 1];
    struct pending pending; /* for whichever thread */
    int status;             /* as wait4 gives it */
    bool stopped, continued_untold, stopped_untold;
    uint32_t vfork_parent_tid; /* that waits until this one has its own space; 0: none */
    uint64_t lock_bytes_max;   /* RLIMIT_MEMLOCK; a child inherits it */
    struct timer alarm;
    struct posix_timer *timers; /* call_timer.c's */
    int exit_signal;            /* to its parent; 0: none */
    bool execed;
    char *command; /* [command_bytes] its arguments, each with a zero at its end; NULL: none */
    size_t command_bytes;
    struct vm_run_process stat;
    struct process *next; /* of all, by pid */
};

/* ---- processors ---- */

/* A processor executes instructions ahead of the kernel's time, by no more than a little: what they
 * end with, a trap or the end of its time, is looked at when it is first in time (processor.c). */
struct processor {
    struct thread *running;    /* NULL: none */
    const struct thread *last; /* that ran before; it may be gone */
    bool idle;                 /* there was no thread for it; since now_ns */
    bool summoned;             /* another one has interrupted it: it is to ask the scheduler */
    bool wanted;               /* it asks before others of the same time */
    bool bereft;               /* its thread was ended by another processor */
    uint64_t now_ns;
    double fraction_ns;         /* of the next one */
    uint64_t told_ns;           /* the scheduler knows what its thread ran up to then */
    uint64_t slice_ns, from_ns; /* its thread may run so long, from then on */
    vm_asid asid;               /* the machine's */
    bool executes;              /* or has executed; and how that ended: */
    enum vm_rv64_stop stop;
    struct vm_rv64_trap trap;
    uint64_t ticks;          /* of the timer, that are still to be taken */
    enum vm_ready gives_way; /* why the running thread's turn ends, if `turn_over` */
    bool turn_over;
    struct departure {
        uint32_t tid; /* 0: nobody yet */
        const char *how, *in;
    } left; /* the thread that ran last, and why it no longer does */
};

/* ---- the kernel ---- */

#define KEPT_PLACES 3
#define PATH_BYTES  4096

#define FILES_ASID VM_ASID_MAX /* the kernel's own space: windows on files (file.c) */

struct kernel {
    const struct vm_run_config *c;
    struct vm_engine *engine;
    struct vm_engine_parts parts;
    struct vm_programs programs;
    struct vm_contents contents;
    struct vm_rv64_bus bus;
    struct vm_rv64_log log;
    struct address_space *of_asid[VM_ASID_MAX + 1];
    vm_va user_end; /* addresses of programs are below */
    vm_asid asid_next;
    bool failed; /* error says why: the run ends */
    struct vm_error error;

    uint64_t now_ns;             /* instructions and waiting: the current processor's */
    uint64_t next_wake_ns;       /* nobody is to be woken before */
    struct processor *processor; /* [ncpus] */
    uint32_t ncpus;
    struct processor *cpu; /* the current one */
    bool news;             /* the scheduler may have a thread for processors that are idle */
    struct lock_table locks;
    uint32_t npipes;        /* that were made */
    struct fifo *fifos;     /* fifo.c's */
    struct socket *sockets; /* socket.c's */
    struct epoll *epolls;   /* call_epoll.c's */
    struct timer *timers;   /* those that are set, by time */
    uint32_t nqueued;       /* signals with what is told of them */

    struct thread *thread; /* [threads_max] by vm_task */
    struct vm_sched_task *task;
    uint32_t threads_max;
    const struct vm_sched_ops *sched;
    void *sched_state;
    struct vm_params sched_params;
    struct vm_sched_env sched_env;
    /* [threads_max] threads that are ready and that the scheduler has not been told of. */
    struct roused {
        vm_task task;
        enum vm_ready why;
    } * roused;
    uint32_t nroused;
    struct sleepers sleepers; /* on a channel, or for a futex word */
    struct vm_random random;  /* from the seed */
    struct process *processes, *first;
    uint32_t pid_next, nprocesses;
    struct inodes *inodes;             /* inode.c's */
    struct streams *streams;           /* stream.c's */
    struct terminal *terminal;         /* terminal.c's */
    struct recorder *recorder;         /* record.c's; NULL: nothing is recorded */
    struct heapcheck *check;           /* heapcheck.h's; NULL: no heap is looked at */
    int root_fd;                       /* of the host */
    uint64_t kept_device[KEPT_PLACES]; /* path.c's; 0: none */
    struct vm_run_result *out;
    uint32_t listed_cap;
};

static inline uint64_t vm_page_bytes(const struct kernel *k)
{
    return UINT64_C(1) << k->parts.page_shift;
}
static inline uint64_t vm_page_up(const struct kernel *k, uint64_t bytes)
{
    return (bytes + vm_page_bytes(k) - 1) & ~(vm_page_bytes(k) - 1);
}
static inline bool vm_is_page(const struct kernel *k, vm_va va)
{
    return !(va & (vm_page_bytes(k) - 1));
}
/* All of [va, va + bytes) may be a program's. */
static inline bool vm_is_below(const struct kernel *k, vm_va va, uint64_t bytes)
{
    return va <= k->user_end && bytes <= k->user_end - va;
}

/* ---- machine.c ---- */

bool vm_machine_open(struct kernel *k, struct vm_error *e);
void vm_machine_close(struct kernel *k);
/* Consume the log. */
void vm_machine_drain(struct kernel *k);
/* Carry out an event in `asid`. False: k->error. */
bool vm_machine_event(struct kernel *k, const struct vm_event *event);
/* References belong to this space from now on. */
void vm_machine_switch(struct kernel *k, vm_asid asid);
/* Make the reference, which resolves its fault if it has one. False: it cannot be made: *tval is
 * the first byte that cannot be had. The thread may have to wait for it: vm_machine_waits. */
bool vm_machine_touch(struct kernel *k, vm_asid asid, vm_va va, uint16_t meta, uint64_t *tval);
/* How long whoever made the touches, or calls, since it was asked last has to wait: nanoseconds. */
uint64_t vm_machine_waits(struct kernel *k);
/* The kernel, and what runs, is on this processor from now on. */
void vm_machine_turn_to(struct kernel *k, struct processor *p);
/* That processor had nothing to do for so long. */
void vm_machine_rest(struct kernel *k, struct processor *p, uint64_t ns);
/* The current processor has executed so many. */
void vm_machine_worked(struct kernel *k, uint64_t instructions);
/* The flusher wakes, if it is time. */
void vm_machine_flush(struct kernel *k);
/* Where the byte at `va` is, after a reference to `bytes` bytes from there on, within one page of
 * the hart; NULL: it cannot be had. Good until the next reference. */
uint8_t *vm_machine_page(struct kernel *k, const struct address_space *s, vm_va va, uint32_t bytes,
                         enum vm_access access);

/* Whether a frame has the page; whether all base pages of [va, va + bytes) are of huge ones. */
bool vm_machine_has(struct kernel *k, const struct address_space *s, vm_va va);
bool vm_machine_has_huge(struct kernel *k, const struct address_space *s, vm_va va, uint64_t bytes);
/* The pages of one mapping move (vm_memory_move). 0, or -ENOMEM. */
int64_t vm_machine_move(struct kernel *k, const struct address_space *s, vm_va from, uint64_t bytes,
                        vm_va to, enum vm_move leaves);

/* Where the byte is, for an access of the kernel by its own means; NULL: k->failed. Good until the
 * next reference. */
uint8_t *vm_machine_reach(struct kernel *k, vm_asid asid, vm_va va, enum vm_access access);

/* Bytes of a program: 0, or -EFAULT. */
int64_t vm_user_read(struct kernel *k, struct thread *t, void *out, vm_va va, uint64_t bytes);
int64_t vm_user_write(struct kernel *k, struct thread *t, vm_va va, const void *from,
                      uint64_t bytes);
int64_t vm_user_zero(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes);
/* A string of at most cap - 1 characters; 0, -EFAULT or -ENAMETOOLONG. */
int64_t vm_user_string(struct kernel *k, struct thread *t, char *out, size_t cap, vm_va va);

/* ---- record.c ---- */

/* If it is wanted. Errors: VM_EUSAGE (nobody sees each reference), VM_ESYSTEM. */
bool vm_record_open(struct kernel *k, struct vm_error *e);
/* The machine is about to be told of these. False: k->error. */
bool vm_record_batch(struct kernel *k, const struct vm_batch *batch);
/* A mapping, like that of `from`, is at `to` instead, or there too. */
bool vm_record_move(struct kernel *k, const struct address_space *s, vm_va from, uint64_t bytes,
                    vm_va to, enum vm_move leaves);
/* The run is over: the trace is there, or, if the run failed, is not. */
bool vm_record_finish(struct kernel *k, struct vm_error *e);
void vm_record_abort(struct kernel *k);

/* ---- heapcheck.c, check_step.c: they do nothing where nobody looks ---- */

bool vm_check_open(struct kernel *k, struct vm_error *e);
void vm_check_close(struct kernel *k);
/* The host had memory for all that is to be known. */
bool vm_check_is_whole(struct kernel *k, struct vm_error *e);
/* vm_rv64_run of a thread, each instruction looked at. */
enum vm_rv64_stop vm_check_run(struct kernel *k, struct thread *t, uint64_t budget,
                               struct vm_rv64_trap *trap);
/* The thread's space is that of its program now, whose file lies `base` above its addresses. */
void vm_check_exec(struct kernel *k, struct thread *t, vm_va base);
void vm_check_close_space(struct address_space *s);
void vm_check_fork(struct kernel *k, struct address_space *s, const struct address_space *from);
/* [va, va + bytes) is another mapping's, or nobody's, from now on; or moves to `to`. */
void vm_check_mapped(const struct address_space *s, vm_va va, uint64_t bytes);
void vm_check_moved(const struct address_space *s, vm_va from, uint64_t bytes, vm_va to);
/* The child begins with its parent's registers. */
void vm_check_start(struct kernel *k, struct thread *child, const struct thread *parent);
/* The thread's process is about to end, by its own will. */
void vm_check_end(struct kernel *k, struct thread *t);
/* A handler's frame has the registers, integer ones from x1 on, then the others, at `registers`; or
 * they have been put back from there. */
void vm_check_signal(struct kernel *k, struct thread *t, vm_va registers);
void vm_check_return(struct kernel *k, struct thread *t, vm_va registers);
/* Where somebody looks: a system call of the thread touches its bytes; or what it reads is seen by
 * others. */
void vm_check_kernel_writes(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes);
void vm_check_kernel_reads(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes);
void vm_check_kernel_uses(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes);

/* ---- space.c ---- */

/* A new, empty one with no user; NULL: -ENOMEM, or k->failed. */
struct address_space *vm_space_open(struct kernel *k);
/* One user less; nobody: it ends. */
void vm_space_leave(struct kernel *k, struct address_space *s);
void vm_spaces_close(struct kernel *k); /* all there are, at the end of the run */
/* The same with a copy of all that `from` has; NULL: likewise. */
struct address_space *vm_space_fork(struct kernel *k, const struct address_space *from);
/* Every mapping goes. */
bool vm_space_clear(struct kernel *k, struct address_space *s);
const struct vm_space *vm_space_of(const struct kernel *k, const struct address_space *s);
/* The mapping that has `va`, or NULL. */
const struct vm_vma *vm_space_find(const struct kernel *k, const struct address_space *s, vm_va va);
/* Pages [va, va + bytes), page-aligned, become a mapping of `inode` from page file_page on (NULL:
 * anonymous). 0 or -errno; the second one asks for no promise of memory. */
int64_t vm_space_map(struct kernel *k, struct address_space *s, vm_va va, uint64_t bytes,
                     unsigned prot, bool shared, struct inode *inode, uint64_t file_page);
int64_t vm_space_map_unpromised(struct kernel *k, struct address_space *s, vm_va va, uint64_t bytes,
                                unsigned prot, bool shared, struct inode *inode,
                                uint64_t file_page);
int64_t vm_space_advise(struct kernel *k, struct address_space *s, vm_va va, uint64_t bytes,
                        enum vm_advice advice);
/* The part of [va, end) that one mapping has: *to is its end. False: none has `va`. */
bool vm_space_piece(const struct kernel *k, const struct address_space *s, vm_va va, vm_va end,
                    struct vm_vma *v, vm_va *to);
int64_t vm_space_unmap(struct kernel *k, struct address_space *s, vm_va va, uint64_t bytes);
int64_t vm_space_protect(struct kernel *k, struct address_space *s, vm_va va, uint64_t bytes,
                         unsigned prot);
/* A free range below `below`, the highest; 0: there is none. */
vm_va vm_space_gap(const struct kernel *k, const struct address_space *s, uint64_t bytes,
                   vm_va below);
/* Whether nothing, all of it, is mapped. */
bool vm_space_is_free(const struct kernel *k, const struct address_space *s, vm_va va,
                      uint64_t bytes);
bool vm_space_is_mapped(const struct kernel *k, const struct address_space *s, vm_va va,
                        uint64_t bytes);
/* A touch of `va` is one of the stack below its end: it is larger now. */
bool vm_space_grow_stack(struct kernel *k, struct address_space *s, vm_va va);

/* ---- elf.c ---- */

struct program {
    vm_va entry, sp;
    vm_va base; /* added to every address of the file */
};
/* Make the space the program's, with argv and envp on its stack. The space was cleared. 0; -errno;
 * where `e` is not NULL it has a message. */
struct strings {
    size_t n, bytes;
    char **text;
};
/* What can be known before the caller's own space is given up: a loadable program. 0 or -errno. */
int64_t vm_elf_check(struct kernel *k, struct inode *inode, const char *name, struct vm_error *e);
int64_t vm_elf_load(struct kernel *k, struct thread *t, struct inode *inode, const char *name,
                    const struct strings *argv, const struct strings *envp, struct program *out);

/* ---- process.c ---- */

/* The process that c->argv names. NULL: no such program, or k->failed. */
struct process *vm_process_first(struct kernel *k, struct vm_error *e);
void vm_processes_close(struct kernel *k);
struct process *vm_process_find(struct kernel *k, uint32_t pid);
struct thread *vm_thread_find(struct kernel *k, uint32_t tid);
struct clone_request {
    uint64_t flags;
    vm_va stack, parent_tid, child_tid, tls;
    int exit_signal;
};
int64_t vm_process_clone(struct kernel *k, struct thread *t, const struct clone_request *r);
int64_t vm_process_exec(struct kernel *k, struct thread *t, const char *path,
                        const struct strings *argv, const struct strings *envp);
/* The thread ends; with the last one its process, with this status. */
void vm_thread_exit(struct kernel *k, struct thread *t, int status);
/* All of them do. */
void vm_process_exit(struct kernel *k, struct process *p, int status);
int64_t vm_process_wait(struct kernel *k, struct thread *t, int64_t pid, vm_va status, int options,
                        vm_va rusage);
/* A child of `parent` that `pid` means, as wait4 does, and what there is to tell of it; NULL:
 * nothing yet. *any: there are such children. It was told: a zombie is gone. */
struct process *vm_process_news(struct kernel *k, struct process *parent, int64_t pid, int options,
                                int *status, bool *any);
void vm_process_heard(struct kernel *k, struct process *child);
/* What wait4's status of a child says, as SIGCHLD and waitid tell it. */
void vm_process_describe(const struct process *child, int status, struct signal_info *info);
/* The process has changed: tell its parent by SIGCHLD, and whoever waits. */
void vm_process_told(struct kernel *k, struct process *p);

/* ---- processor.c ---- */

bool vm_processors_open(struct kernel *k, struct vm_error *e);
void vm_processors_close(struct kernel *k);
uint32_t vm_processor_number(const struct kernel *k, const struct processor *p);
struct vm_run_cpu *vm_processor_counts(const struct kernel *k, const struct processor *p);
/* Of those that are not idle the one whose time is least; NULL: all are idle. */
struct processor *vm_processor_first(const struct kernel *k);
/* When somebody is to be woken for whom there is an idle processor; VM_TIME_NEVER: none is idle. */
uint64_t vm_processor_wake_ns(const struct kernel *k);
/* The time of another one, or of such a moment, comes first. */
bool vm_processor_is_ahead(const struct kernel *k, const struct processor *p);
/* For how long one may execute ahead of what the others do. */
uint64_t vm_processor_reach_ns(const struct kernel *k);
/* The kernel's time is the current one's. */
void vm_processor_show_time(struct kernel *k);
/* Those that are idle are to ask the scheduler, if there are news. */
void vm_processors_summon(struct kernel *k);
/* It is time for them, whoever was idle: no processor's doing. */
void vm_processors_resume(struct kernel *k);
/* Another processor has to know of something at once: the current one interrupts it. */
void vm_processor_interrupt(struct kernel *k, const struct processor *p);
/* It runs on that one; NULL: on none. */
struct processor *vm_processor_of(const struct kernel *k, const struct thread *t);

/* ---- wake.c ---- */

#define CALL_SLEEPS   INT64_MIN       /* of a system call: it goes on when the thread wakes */
#define CALL_RETURNED (INT64_MIN + 1) /* it has set the registers itself */

/* The thread that runs sleeps on `channel` (may be NULL) until it is woken, or until_ns. */
int64_t vm_thread_sleep(struct kernel *k, struct thread *t, const void *channel, uint64_t until_ns);
void vm_wake_all(struct kernel *k, const void *channel);
uint32_t vm_wake_some(struct kernel *k, const void *channel, uint32_t n); /* how many */
void vm_thread_wake(struct kernel *k, struct thread *t);
/* Tell the scheduler of those that were woken. */
void vm_threads_tell(struct kernel *k);
/* Wake those whose time has come. */
void vm_threads_wake_by_time(struct kernel *k);
/* The next moment that somebody sleeps for, or has set an alarm for; VM_TIME_NEVER. */
uint64_t vm_threads_next_wake(const struct kernel *k);
/* It may run on these processors only, from now on or soon. */
void vm_thread_confine(struct kernel *k, struct thread *t, uint64_t cpus);
/* The running thread is confined to others than it was: it leaves its processor. False: it is not.
 */
bool vm_thread_moves(struct kernel *k, struct thread *t);
/* It has ended: nothing is to be run of it any more. */
void vm_thread_gone(struct kernel *k, struct thread *t);
/* It stops, until vm_thread_continue. */
void vm_thread_stop(struct kernel *k, struct thread *t);
void vm_thread_continue(struct kernel *k, struct thread *t);
/* Its turn is over, of its own accord. */
void vm_thread_yield(struct kernel *k, struct thread *t);
/* ---- run.c ---- */

uint64_t vm_kernel_random(struct kernel *k);
vm_task vm_thread_task(const struct kernel *k, const struct thread *t);
void vm_kernel_tell(struct kernel *k, enum vm_run_trace what, const struct thread *t,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* ---- trap.c ---- */

void vm_trap(struct kernel *k, struct thread *t, const struct vm_rv64_trap *trap);
/* Whether the thread may make this reference, its stack grown if that is what it wants; *why: the
 * signal and its code, if it may not. */
struct refusal {
    int signal, code;
    vm_va va; /* of the first byte that it may not have */
};
bool vm_trap_allows(struct kernel *k, struct thread *t, vm_va va, uint16_t meta,
                    struct refusal *why);

/* ---- call_memory.c ---- */

/* A touch of the page at `va`, ahead: 0; -ENOMEM: nothing is mapped there, or no memory is left;
 * -EACCES: it may not be touched so; -EFAULT: it is behind its file's end. */
int64_t vm_touch_ahead(struct kernel *k, struct thread *t, vm_va va, enum vm_access access);
/* The access that brings a page of `v` as the process will have it. */
enum vm_access vm_access_ahead(const struct vm_vma *v);
/* All of them, but no more than memory has room for. The first error, of them all. */
int64_t vm_populate(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes);

/* ---- call_mlock.c ---- */

#define LOCK_BYTES_DEFAULT (UINT64_C(8) << 20) /* Linux's MLOCK_LIMIT */
/* Whether so many more bytes may be locked: by the process's limit, by the machine's memory. */
bool vm_lock_is_allowed(const struct kernel *k, const struct thread *t, uint64_t bytes);
bool vm_lock_has_room(const struct kernel *k, uint64_t bytes);
/* A mapping has come at [va, va + bytes), which is to be locked if the process wished so of all, or
 * `asked` does of this one: 0, or -EAGAIN. */
int64_t vm_lock_new(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes,
                    enum future_maps asked);

/* ---- call_wait.c ---- */

/* Wake at most n of those that wait for the word of the space at `va`: how many. */
uint32_t vm_futex_wake(struct kernel *k, const struct address_space *s, vm_va va, uint32_t n);

/* ---- call.c ---- */

/* Begin, or go on with, the system call that the thread's registers name. */
void vm_call(struct kernel *k, struct thread *t);
const char *vm_call_name(uint64_t number); /* NULL: there is no such call */
typedef int64_t call_body(struct kernel *k, struct thread *t, const uint64_t *a);
#define SYSCALL(number, name, kinds) call_body vm_call_##name;
#include "kernel/syscalls.def"
#undef SYSCALL

/* ---- call_text.c ---- */

#define CALL_TEXT_BYTES 320
/* "close(3)": the call with its arguments, as `kinds` (call_text.c) wants them to be read. */
void vm_call_text(const struct thread *t, const char *name, const char *kinds, const uint64_t *a,
                  char *out, size_t cap);
/* "3", "-ENOENT": its answer. */
void vm_answer_text(const char *kinds, int64_t result, char *out, size_t cap);

/* ---- timer.c ---- */

/* It expires at `at_ns` and then each every_ns; VM_TIME_NEVER: not at all. */
void vm_timer_set(struct kernel *k, struct timer *timer, uint64_t at_ns, uint64_t every_ns);
/* How long until it expires; 0: it is not set. */
uint64_t vm_timer_left(const struct kernel *k, const struct timer *timer);
uint64_t vm_timers_next(const struct kernel *k); /* when the first one expires; VM_TIME_NEVER */
void vm_timers_expire(struct kernel *k);         /* all that are due */

/* ---- call_timer.c ---- */

/* The alarm of a process that begins; all its timers, when it ends; those that exec deletes. */
void vm_alarm_init(struct process *p);
void vm_posix_timers_close(struct kernel *k, struct process *p);
/* A timer's signal is about to be delivered. */
void vm_posix_timer_told(struct process *p, const struct signal_info *info);

/* ---- pending.c ---- */

/* 0, or -EAGAIN: a value cannot be queued. */
int64_t vm_pending_add(struct kernel *k, struct pending *p, const struct signal_info *info);
/* The first one of a signal that is pending is so no more. */
void vm_pending_take(struct kernel *k, struct pending *p, int signal, struct signal_info *out);
void vm_pending_drop(struct kernel *k, struct pending *p, signal_set which);
/* What is queued of this timer's; NULL: nothing. */
struct signal_info *vm_pending_timer(struct pending *p, int signal, int timer);

/* ---- signal.c ---- */

/* Of the thread's own doing; by the kernel. */
void vm_signal_thread(struct kernel *k, struct thread *t, int signal);
void vm_signal_process(struct kernel *k, struct process *p, int signal);
/* The same with what is to be told of it. 0 or -EAGAIN. */
int64_t vm_signal_post_thread(struct kernel *k, struct thread *t, const struct signal_info *info);
int64_t vm_signal_post(struct kernel *k, struct process *p, const struct signal_info *info);
/* It would do nothing now; what is pending of it goes. */
bool vm_signal_is_ignored(const struct process *p, int signal);
void vm_signal_forget(struct kernel *k, struct process *p, int signal);
/* The one that will be delivered next; 0: none. */
int vm_signal_next(const struct thread *t);
/* One of `set` that is pending is so no more; 0: none is. */
int vm_signal_take(struct kernel *k, struct thread *t, signal_set set, struct signal_info *info);
/* The stack of handlers, as sigaltstack has it: 0 or -errno. */
struct signal_stack vm_signal_stack(const struct thread *t);
int64_t vm_signal_set_stack(struct thread *t, const struct signal_stack *s);
/* Caused by what the thread does at `va`: it cannot be blocked. code: si_code. */
void vm_signal_fault(struct kernel *k, struct thread *t, int signal, int code, vm_va va);
/* Whether a signal is there that ends a sleep. */
bool vm_signal_waits(const struct thread *t);
/* Before the thread goes back to user mode: what is pending is delivered. False: it does not go
 * back (it ended, or stopped). */
bool vm_signal_deliver(struct kernel *k, struct thread *t);
int64_t vm_signal_return(struct kernel *k, struct thread *t);
/* The page whose instructions return from a handler becomes part of the space. 0 or -errno. */
int64_t vm_signal_map_trampoline(struct kernel *k, struct address_space *s);

#include "kernel/files.h"

/* ---- clock.c ---- */

uint64_t vm_date_s(const struct kernel *k);

#endif
