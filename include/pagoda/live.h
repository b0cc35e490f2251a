/* live.h - a pager of real memory: regions larger than what they may have resident.
 *
 * A region is private memory of this process (and, if it was opened from a file, the file's pages).
 * Of all regions of a pager at most its limit is in memory; a touch of the rest is a fault that the
 * pager resolves through userfaultfd, by default in the thread that faulted (SIGBUS mode). Who
 * leaves is decided by a policy of policy/, through the object that pager.h describes; where pages
 * go is a store (stores.def): a file, compressed memory, both, a server.
 *
 *      struct vm_live *live = vm_live_open(&(struct vm_live_options){.limit_bytes = 256 << 20,
 *                                          .policy = "clock", .store = "lz4"}, &e);
 *      char *data = vm_live_map(live, 1 << 30, &e);
 *      ...                                         any code that reads and writes data[]
 *      vm_live_close(live);
 *
 * Promises
 *  1. A byte that was written reads as it was written, in whatever thread, under whatever eviction;
 *     what was never written reads as 0.
 *  2. What comes from a store is what went to it (a checksum a page says so), or the touch gets
 *     SIGBUS and a message names the page. No error of a store is ever read as data.
 *  3. A page that cannot be written stays in memory. Nothing of it is lost while the process lives.
 *  4. The pager's decisions follow from the order of faults alone: one thread that makes equal
 *     touches has equal faults, and `pagoda replay --as-live` knows their number before.
 *
 * What a user must know
 *  * The signal SIGBUS belongs to the pager; a SIGBUS that is not its own goes to the action that
 *    stood before. It must not be blocked in a thread that touches a region.
 *  * The kernel does not fault in what it is given: a system call on absent memory fails with
 *    EFAULT in SIGBUS mode. vm_live_pin, or the launcher (`pagoda live`), which wraps system calls.
 *  * A child of fork has regions only if the pager was opened with `fork` COPY; else a touch of
 *    them is SIGSEGV in the child (they are MADV_DONTFORK).
 *
 * All functions are thread-safe unless they say otherwise. Linux 5.11 or later, x86-64 or arm64.
 */
#ifndef PAGODA_LIVE_H
#define PAGODA_LIVE_H

#include <pagoda/error.h>
#include <pagoda/pager.h>
#include <pagoda/params.h>

struct vm_live; /* a pager: one policy, one store, one limit, any number of regions */

enum vm_live_resolve {
    VM_LIVE_IN_THREAD,  /* the faulting thread does it (SIGBUS mode) */
    VM_LIVE_BY_HANDLER, /* a thread of the pager's does it: system calls on managed memory work
                              as they are, where the process is privileged; slower by far */
};

/* Whose the process's action for SIGBUS is. */
enum vm_live_signal {
    VM_LIVE_SIGNAL_OURS,  /* set by the first pager */
    VM_LIVE_SIGNAL_YOURS, /* yours, which calls vm_live_signal */
};

/* What a log has. */
enum vm_live_log {
    VM_LIVE_LOG_FAULTS,   /* what the pager hears: nearly free */
    VM_LIVE_LOG_ACCESSES, /* every touch, whatever the limit: of one thread, on x86-64; some 10 us a
                             change of page. SIGSEGV is the pager's, and nothing comes along */
};

enum vm_live_fork {
    VM_LIVE_FORK_NONE, /* a child has no regions */
    VM_LIVE_FORK_COPY, /* a child has a copy of them, and a pager of its own */
    VM_LIVE_FORK_BARE, /* the same, but the child's pager starts no threads: who faults resolves it
                          (VM_LIVE_IN_THREAD). For who calls vm_live_fork_after within fork, where
                          the C library's locks are held that a thread would need */
};

/* Whether other processes can ask for its numbers (live_view.h, `pagoda top`). */
enum vm_live_serve {
    VM_LIVE_SERVE_NOBODY,
    VM_LIVE_SERVE_OWNER, /* on a Unix socket that only the user of the process may open */
};

struct vm_live_options {  /* zeros: the defaults */
    uint64_t limit_bytes; /* resident at most; required: VM_PAGER_LIMIT_MIN pages at least */
    const char *policy;   /* "clock:...", NULL: VM_LIVE_POLICY */
    const char *store;    /* "file:path=/var/tmp/x", NULL: "lz4" */
    uint32_t page_bytes;  /* what comes and goes as one: 4096 (0), 64 KiB, 2 MiB, any power of two
                             between */
    uint32_t ahead_bytes; /* what comes along at most; VM_LIVE_AHEAD_DEFAULT (0): 256 KiB, up to 64
                             pages; VM_LIVE_AHEAD_NONE */
    uint32_t batch_pages; /* that leave at once; 0: 64 */
    uint32_t free_low, free_high; /* per mille of the limit: a thread in the background frees up to
                                     `high` when less than `low` is free; 0, 0: no such thread, and
                                     who faults makes room */
    enum vm_live_resolve resolve;
    enum vm_live_signal signal;
    enum vm_live_fork fork;
    enum vm_live_serve serve;
    /* May a page come along that nobody touched? Asked anywhere, by any thread: it reads a word,
     * and no more. What it says no to is not touched by the pager either. NULL: always. */
    bool (*may_come)(const void *address);
    uint64_t seed;
    const char *log; /* a .pgt of what the pager hears, or NULL */
    enum vm_live_log log_depth;
    struct vm_live_budget *budget; /* shared with other pagers, or NULL */
    uint64_t least_bytes; /* of the budget, whatever others need; 0: VM_PAGER_LIMIT_MIN pages */
};
#define VM_LIVE_POLICY        VM_PAGER_POLICY
#define VM_LIVE_AHEAD_DEFAULT 0
#define VM_LIVE_AHEAD_NONE    UINT32_MAX

/* Errors: VM_EUSAGE (a name, a limit, a store that is not ours), VM_ESYSTEM (no userfaultfd: the
 * message says which sysctl, group or capability would give it). */
struct vm_live *vm_live_open(const struct vm_live_options *o, struct vm_error *e);
/* Unmaps what is mapped and ends its threads. Nobody may touch a region any more. NULL is fine. */
void vm_live_close(struct vm_live *l);

/* ---- regions ---- */

/* `bytes` of zeros (rounded up to pages), aligned to a page of the pager's; NULL with the error.
 * Errors: VM_ESYSTEM (no address space, the kernel refuses to register it). */
void *vm_live_map(struct vm_live *l, size_t bytes, struct vm_error *e);
/* The same at `address`, which is free or whose mappings it replaces. */
bool vm_live_map_at(struct vm_live *l, void *address, size_t bytes, struct vm_error *e);
/* The contents of a file. What is written goes to the file by vm_live_flush, all of it or, if the
 * process dies, nothing since the last flush. Errors: VM_EINPUT, VM_ESYSTEM, VM_EUSAGE (another
 * pager has it open). */
void *vm_live_map_file(struct vm_live *l, const char *path, size_t *bytes, struct vm_error *e);
/* The region that begins at `address` and is `bytes` long, or any pages of it. */
bool vm_live_unmap(struct vm_live *l, void *address, size_t bytes, struct vm_error *e);
/* The region has another length; it moves if it must. NULL with the error, and it stays. */
void *vm_live_resize(struct vm_live *l, void *address, size_t bytes, size_t wanted,
                     struct vm_error *e);

enum vm_live_advice {
    VM_LIVE_NORMAL,
    VM_LIVE_RANDOM,     /* nothing comes along */
    VM_LIVE_SEQUENTIAL, /* as much as may come along does */
    VM_LIVE_WILLNEED,   /* it comes now, as far as memory goes */
    VM_LIVE_DONTNEED,   /* its bytes are zeros (of a file: its pages are as in the file) */
    VM_LIVE_COLD,       /* it leaves now */
};
bool vm_live_advise(struct vm_live *l, void *address, size_t bytes, enum vm_live_advice advice,
                    struct vm_error *e);
/* All pages that are dirty are in the store; those of a file in the file, and durable. */
bool vm_live_flush(struct vm_live *l, void *address, size_t bytes, struct vm_error *e);

/* The pages are there, writable if `access` is a write, and do not leave until they are unpinned;
 * pins add up. At most a quarter of the limit. False: too many, or they could not be had. */
bool vm_live_pin(struct vm_live *l, const void *address, size_t bytes, enum vm_access access);
void vm_live_unpin(struct vm_live *l, const void *address, size_t bytes);
/* From a handler of SIGBUS (and, for a log of accesses, SIGSEGV) with SA_SIGINFO, all signals
 * blocked: whether it was a fault of some pager's, which is resolved. `context` is the handler's
 * third argument. */
bool vm_live_signal(const void *siginfo, const void *context);
/* Whether any of [address, address + bytes) is in a region of the pager's. */
bool vm_live_owns(const struct vm_live *l, const void *address, size_t bytes);

/* From now on. Errors: VM_EUSAGE. */
bool vm_live_limit(struct vm_live *l, uint64_t bytes, struct vm_error *e);

/* ---- logs ---- */

/* For the log: what options.may_come answers for pages of one region from now on. */
void vm_live_log_open(struct vm_live *l, const void *address, size_t bytes);
void vm_live_log_shut(struct vm_live *l, const void *address, size_t bytes);

/* The log of a pager that was not closed, since its process ended: PATH is made of PATH.part. (A
 * pager that is closed does that itself, and if it cannot says so on standard error.) Errors:
 * VM_EINPUT (no log of a pager), VM_ESYSTEM. */
bool vm_live_log_finish(const char *path, struct vm_error *e);

/* ---- fork ---- */

/* Around fork, by the thread that forks, of each pager that was opened with VM_LIVE_FORK_COPY or
 * BARE: nothing between them touches a region. All signals are blocked meanwhile, *signals says
 * which were before. After fails where the child cannot have the regions: it must not
 * touch them. */
void vm_live_fork_before(struct vm_live *l, uint64_t *signals);
bool vm_live_fork_after(struct vm_live *l, bool is_child, const uint64_t *signals,
                        struct vm_error *e);

/* ---- snapshots ---- */

struct vm_live_snapshot;

/* What a region has now, as one moment, whatever other threads write meanwhile: its dirty pages are
 * write-protected, and copied when they are written to. Not of a file. Errors: VM_EUSAGE (not a
 * whole region), VM_ESYSTEM. */
struct vm_live_snapshot *vm_live_snapshot_take(struct vm_live *l, void *address,
                                               struct vm_error *e);
/* `bytes` of what it was, from `offset` of the region on. */
bool vm_live_snapshot_read(struct vm_live_snapshot *s, size_t offset, void *to, size_t bytes,
                           struct vm_error *e);
/* The region is as it was. Nobody else touches it meanwhile. */
bool vm_live_snapshot_restore(struct vm_live_snapshot *s, struct vm_error *e);
void vm_live_snapshot_drop(struct vm_live_snapshot *s); /* NULL is fine */

/* ---- several pagers, one memory ---- */

/* Pagers that name a budget have what is in it between them. A pager is admitted if its least share
 * is there; beyond it frames go, a slice at a time, from who misses least for each frame to who
 * misses most. */
struct vm_live_budget;
struct vm_live_budget *vm_live_budget_open(uint64_t bytes, struct vm_error *e);
void vm_live_budget_close(struct vm_live_budget *b); /* its pagers are closed; NULL is fine */

/* ---- what it did ---- */

#define VM_LIVE_BUCKETS 512
/* How long faults took to be resolved: buckets as in HdrHistogram, exact to 1/16. */
struct vm_live_times {
    uint64_t n, max_ns, sum_ns;
    uint64_t bucket[VM_LIVE_BUCKETS];
};
/* The time that `part` (0 to 1) of them are at most, in ns; 0 of none. */
uint64_t vm_live_percentile(const struct vm_live_times *t, double part);

struct vm_live_stats {
    struct vm_pager_counts counts;
    uint64_t page_bytes, limit_pages, resident_pages, mapped_pages, pinned_pages;
    uint64_t zero_pages_unstored; /* written back, and all zeros: the store has nothing of them */
    uint64_t waits;               /* faults that waited for another thread's work on the page */
    uint64_t failures;            /* faults that ended in SIGBUS */
    uint64_t store_bytes;         /* that the store holds for its pages, compressed or not */
    uint64_t store_pages;
    struct vm_live_times times;
    char degraded[160]; /* features that the kernel lacks, and what is done instead; "": none */
};
void vm_live_stats(struct vm_live *l, struct vm_live_stats *out);

/* Row i of stores.def, for `pagoda list`; false past the end. */
bool vm_store_list(size_t i, struct vm_listed *out);

#endif
