/* depot.h - pages on a medium that transfers blocks: the store that `file` and `nbd` are rows of.
 * Private to live/.
 *
 * Pages go out and come in through transfers: aligned buffers of 256 KiB (a page, if that is more),
 * with requests under way. What a batch writes is copied to a transfer, and lies along the log of
 * slots.h, so that it is few requests, mostly one; the writer goes on. Reads of one run go straight
 * into the caller's pages; those of several runs, and what is read ahead, through transfers, all at
 * once. A page that a transfer has is read from it.
 *
 *      write: FREE -> BUSY -> FREE                      read: FREE -> BUSY -> READY -> FREE
 *                      \-> FAILED -> (tried again) BUSY                \-> FREE (failed)
 *
 * A read-ahead goes on by itself where the pages that are asked for follow on those before.
 *
 * Invariants
 *  1. A slot is in one transfer at most; `transfer_of` says in which.
 *  2. A slot that ends while it is being written is given when the write is done: no two writes of
 *     a slot are under way.
 *  3. What failed to be written stays in its transfer, and is read from there. As long as there is
 *     such a transfer, writes try it again, and are refused if it fails again.
 *  4. One thread at a time waits for the medium; the others wait for it.
 *  5. A file is written by the process that made it. A child of fork makes its own, and reads those
 *     of its ancestors; a handle says whose it is.
 */
#ifndef LIVE_DEPOT_H
#define LIVE_DEPOT_H

#include "live/io.h"
#include "live/store.h"

/* What the pages lie on. */
struct vm_medium {
    void *medium; /* given to the functions below, and its owner's */
    const struct vm_io_ops *io_ops;
    void *io;         /* belongs to the store */
    int file;         /* the first process's */
    bool is_seekable; /* a read may go straight from `file` by preadv */
    void *buffers;    /* [vm_depot_buffers] for transfers, and its owner's; NULL: any memory */
    uint64_t nslots;  /* it has room for, at most */
    /* [0, bytes) of this process's file can be written from now on. 0 or errno. NULL: as it is. */
    int (*reserve)(void *medium, int file, uint64_t bytes);
    /* A file for a child of fork. -1: it cannot have one. NULL: children have no store. */
    int (*file_new)(void *medium);
    int (*sync)(void *medium, int file); /* 0 or errno */
    void (*close)(void *medium);         /* once, in each process */
};

/* Bytes of the buffers of all transfers. */
size_t vm_depot_buffers(uint32_t page_bytes);

/* The functions of a row. On errors the medium is the caller's. Errors: VM_ESYSTEM. */
void *vm_depot_open(const struct vm_store_env *env, const struct vm_medium *medium,
                    struct vm_error *e);
size_t vm_depot_write(void *store, const void *const *page, size_t n, vm_stored *handle,
                      int *error);
int vm_depot_read(void *store, const vm_stored *handle, void *const *page, size_t n, bool *ok);
void vm_depot_soon(void *store, const vm_stored *handle, size_t n);
void vm_depot_hold(void *store, vm_stored handle);
void vm_depot_drop(void *store, vm_stored handle);
int vm_depot_flush(void *store);
void vm_depot_usage(void *store, struct vm_store_usage *out);
void vm_depot_fork_before(void *store);
bool vm_depot_fork_after(void *store, bool is_child);
void vm_depot_close(void *store);
void vm_depot_check(void *store);

#define VM_DEPOT_OPS                                                                               \
    .write = vm_depot_write, .read = vm_depot_read, .soon = vm_depot_soon, .hold = vm_depot_hold,  \
    .drop = vm_depot_drop, .flush = vm_depot_flush, .usage = vm_depot_usage,                       \
    .fork_before = vm_depot_fork_before, .fork_after = vm_depot_fork_after,                        \
    .check = vm_depot_check, .close = vm_depot_close

#endif
