/* kernel.h - programs run: Pagoda's own kernel on one machine, with RISC-V harts (rv64.h).
 *
 *     program --ecall, page fault, illegal ...--> trap --> kernel --> return from trap
 *                                                            |
 *            processes, files, signals, schedulers (sched.h) |  address spaces, faults (engine.h)
 *
 * A static ELF program for rv64gc Linux gets what it expects of an operating system: a private
 * address space, the system calls of Linux's generic table, files below one directory of the host,
 * a terminal. All its memory is the machine's: pages come at first touch, are shared after a fork
 * until they are written, go to swap when frames are few, by the policy that the machine names.
 *
 * Errors of a program are its own: a wild pointer is a SIGSEGV, a bad argument an errno. Only what
 * cannot be run at all (no such program, a machine too small to begin) is an error of
 * vm_kernel_run.
 *
 * Sources: Linux's generic system call table (include/uapi/asm-generic/unistd.h) and the RISC-V
 * psABI; The RISC-V Instruction Set Manual, volume II, for causes and their numbers.
 */
#ifndef PAGODA_KERNEL_H
#define PAGODA_KERNEL_H

#include <pagoda/engine.h>
#include <pagoda/error.h>
#include <pagoda/rv64.h>
#include <pagoda/sched.h>

struct heap_findings;

/* How much of the memory system sees each reference. The program's output is the same. */
enum vm_run_model {
    VM_RUN_NONE, /* only what a translation was missing for: fastest */
    VM_RUN_TLB,  /* every reference goes through TLBs and tables, exactly */
    VM_RUN_FULL, /* and through the data caches */
};

enum vm_overcommit {
    VM_OVERCOMMIT_ALWAYS, /* mappings are promised whatever they add up to */
    VM_OVERCOMMIT_NEVER,  /* up to memory and swap */
    VM_OVERCOMMIT_GUESS,  /* each by itself up to memory and swap */
};

/* What --trace names. */
enum vm_run_trace {
    VM_TRACE_TRAPS = 1,
    VM_TRACE_FAULTS = 2,
    VM_TRACE_SYSCALLS = 4,
    VM_TRACE_SCHED = 8,
    VM_TRACE_SIGNALS = 16,
};

struct vm_run_config {
    struct vm_config machine;
    enum vm_run_model model;
    const char *sched; /* "mlfq:queues=3" */
    uint32_t cpus;     /* 1 to VM_CPUS_MAX */
    uint64_t tick_ns;  /* between timer interrupts, from 1 */
    uint64_t quantum_ns;
    double instruction_ns; /* what an instruction takes beside its references */
    enum vm_overcommit overcommit;
    uint32_t processes_max;
    uint64_t stack_bytes;  /* a stack may grow so far */
    uint64_t instructions; /* the run ends after so many; 0: it does not */
    uint32_t log_refs;     /* that a model is told of at once: 512 at least; 0: 2048 */
    bool misaligned_traps; /* a misaligned load or store is SIGBUS */
    const char *root;      /* a directory of the host: "/" of the programs */
    bool writable;         /* they may change files there */
    const char *cwd;       /* where the first one begins, a path of theirs */
    char *const *argv;     /* argv[0]: the program, a path of theirs; NULL at the end */
    char *const *envp;     /* NULL at the end */
    unsigned trace;        /* enum vm_run_trace bits */
    /* What programs do wrong with their heaps (base/heap_findings.h); NULL: nobody looks. */
    struct heap_findings *heap;
    const char *record; /* a .pgt for what the machine is told; NULL: none */
    const char *origin; /* of that, for its reader */
    void *host;
    /* One line of a trace, without its end; the kernel's time is `now_ns`. */
    void (*told)(void *host, enum vm_run_trace what, uint64_t now_ns, uint32_t tid,
                 const char *line);
};

/* One process, as `ps` would show it at its end. */
struct vm_run_process {
    uint32_t pid, ppid;
    char name[32];
    int status; /* as wait4 gives it; -1: it was still there when the run ended */
    uint64_t began_ns, ended_ns;
    uint64_t instructions, syscalls;
    uint64_t faults, majors;
    uint64_t switches; /* times that a processor began to run it */
    uint64_t rss_peak_bytes;
};

/* One processor. */
struct vm_run_cpu {
    uint64_t instructions;
    uint64_t idle_ns;    /* it had no thread to run */
    uint64_t switches;   /* of threads */
    uint64_t migrations; /* of those, to a thread that had run on another one last */
    uint64_t timer_interrupts;
    /* Interrupts that it had from other processors. */
    uint64_t reschedules; /* there was a thread for it, or it ran one that was to stop */
    uint64_t shootdowns;  /* pages had to leave its TLBs */
};

#define VM_RUN_CAUSES  16 /* scause below that */
#define VM_RUN_UNKNOWN 32 /* system calls that were refused, at most so many are named */

struct vm_run_result {
    struct vm_result machine; /* but its trace: there was none */
    enum vm_run_model model;
    int status; /* of the first process, as wait4 gives it; -1: it was still there at the end */
    uint64_t now_ns;  /* the kernel's time: instructions and waiting */
    uint64_t idle_ns; /* no process could run: every processor was idle */
    uint64_t instructions;
    uint64_t traps[VM_RUN_CAUSES]; /* by scause */
    uint64_t timer_interrupts;
    uint64_t switches; /* of threads, on all processors */
    uint32_t ncpus;
    struct vm_run_cpu cpu[VM_CPUS_MAX]; /* [ncpus] */
    uint64_t signals;
    uint64_t syscalls;
    uint32_t processes;            /* that began */
    size_t nlisted;                /* of them, the first ones */
    struct vm_run_process *listed; /* vm_run_result_free */
    size_t nunknown;
    uint32_t unknown[VM_RUN_UNKNOWN]; /* numbers of system calls that there are not: ENOSYS */
    uint64_t write_errors;            /* pages of files that the host did not take */
    uint64_t frames_left;             /* in use at the end, but for what files keep */
    char ended[160]; /* why the run ended before its programs did; "" if it did not */
};

/* Run argv and all that it starts to their ends. Errors: VM_EUSAGE, VM_EINPUT (no program that can
 * run: its path, and what it is), VM_EMACHINE (the machine cannot be built, or is too small, or has
 * run out of memory with --oom fail), VM_ESYSTEM. */
bool vm_kernel_run(const struct vm_run_config *c, struct vm_run_result *out, struct vm_error *e);
void vm_run_result_free(struct vm_run_result *r);

/* Row i of the vector table: what each cause of a trap leads to; false past the end. */
struct vm_vector {
    uint64_t scause; /* the top bit: an interrupt */
    const char *name, *handler, *outcome;
};
bool vm_kernel_vector(size_t i, struct vm_vector *out);
/* The system calls that there are: number, name; false past the end. */
bool vm_kernel_syscall(size_t i, uint32_t *number, const char **name);
/* The name of one of Linux's that there is not; NULL: Linux has none of that number either. */
const char *vm_kernel_absent_call(uint32_t number);

#endif
