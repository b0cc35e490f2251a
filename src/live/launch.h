/* launch.h - the memory that `pagoda live` shares with the program that it starts: what is
 * wanted goes in, what became of it comes out. The library that is loaded into the program
 * (preload/live.c) finds it by the variable LIVE_LAUNCH_ENV.
 *
 * Invariants
 *  1. The launcher's half is whole before the program starts, and does not change.
 *  2. `told` grows with each image (exec) that began to be paged; whoever has the process of
 *     `process` writes the rest, and a reader of `stats` reads again while `writing` is odd or has
 *     changed.
 */
#ifndef LIVE_LAUNCH_H
#define LIVE_LAUNCH_H

#include <pagoda/live.h>
#include <stdatomic.h>

#define LIVE_LAUNCH_ENV "PAGODA_LIVE"

/* LIVE_CALL_COUNTS(X): X(name, what) of the program's system calls */
#define LIVE_CALL_COUNTS(X)                                                                        \
    X(calls, "system calls that were looked at")                                                   \
    X(pinned_calls, "of these: had buffers in managed memory, which were pinned")                  \
    X(pieces, "transfers that calls with large buffers were done in, beyond the first")            \
    X(maps, "mappings that were made in managed memory")                                           \
    X(unmaps, "parts of them that were given back")                                                \
    X(moves, "mappings that moved to grow")                                                        \
    X(forks, "processes that were forked with a copy of it")                                       \
    X(threads, "threads that were started")

struct live_call_counts {
#define LIVE_CALL_COUNT_FIELD(name, what) _Atomic uint64_t name;
    LIVE_CALL_COUNTS(LIVE_CALL_COUNT_FIELD)
#undef LIVE_CALL_COUNT_FIELD
    _Atomic uint64_t managed_bytes, managed_bytes_most; /* that the program has mapped */
};

struct live_launch {
    /* the launcher's */
    uint64_t limit_bytes, above_bytes, seed;
    uint32_t page_bytes, ahead_bytes, batch_pages, free_low, free_high;
    uint32_t resolve;   /* enum vm_live_resolve */
    uint32_t log_depth; /* enum vm_live_log */
    uint32_t children;  /* programs that the program starts are paged, too */
    uint32_t serve;     /* enum vm_live_serve */
    char policy[256], store[1024], log[1024];
    char library[4096];

    /* the program's */
    _Atomic uint32_t process; /* the launcher puts the first one here */
    _Atomic uint32_t told;
    _Atomic uint32_t failed; /* `error` says why the program could not be paged */
    struct vm_error error;
    _Atomic uint32_t writing;
    struct vm_live_stats stats;
    struct live_call_counts calls;
};

#endif
