/* packed.h - compressed memory: the store that `lz4`, `zstd` and `spill` are rows of. Private to
 * live/.
 *
 * A page becomes an entry: where its bytes lie in a pool of objects, and how many. A page that does
 * not get smaller lies there as it is. A page of one word over and over is no entry at all: the
 * word is in the handle (its 63 low bits, if the highest two are equal), and takes no room.
 *
 * Pages are packed by as many threads as come: each has a context of a codec while it packs, and
 * takes locks only to find room.
 *
 * With a store behind it, pages that have been here longest go there when memory has reached its
 * limit: a step unpacks up to 64 of them and writes them as one batch. Then their memory is free.
 *
 * Invariants (vm_packed_check)
 *  1. An entry is free, or has holders; it is in the age list iff its bytes are in the pool, there
 *     is a store behind, and no step is moving it.
 *  2. What a reader has pinned does not move.
 *  3. The pool holds at most `limit` bytes.
 *  4. A page that the store behind refused is still here.
 */
#ifndef LIVE_PACKED_H
#define LIVE_PACKED_H

#include "live/packer.h"
#include "live/store.h"

struct vm_packed_config {
    const struct vm_packer *packer;
    int level;
    uint64_t limit_bytes;              /* 0: none */
    const struct vm_store_ops *behind; /* NULL: at the limit pages are refused */
    void *behind_store;                /* belongs to the new store, which closes it */
};

/* The functions of a row. Errors of open: VM_ESYSTEM; then `behind_store` is still the caller's. */
void *vm_packed_open(const struct vm_store_env *env, const struct vm_packed_config *config,
                     struct vm_error *e);
size_t vm_packed_write(void *store, const void *const *page, size_t n, vm_stored *handle,
                       int *error);
int vm_packed_read(void *store, const vm_stored *handle, void *const *page, size_t n, bool *ok);
void vm_packed_soon(void *store, const vm_stored *handle, size_t n);
void vm_packed_hold(void *store, vm_stored handle);
void vm_packed_drop(void *store, vm_stored handle);
int vm_packed_flush(void *store);
void vm_packed_usage(void *store, struct vm_store_usage *out);
void vm_packed_fork_before(void *store);
bool vm_packed_fork_after(void *store, bool is_child);
void vm_packed_close(void *store);
void vm_packed_check(void *store);

/* What all rows of compressed memory have beside their name, summary, params and open. */
#define VM_PACKED_OPS                                                                              \
    .write = vm_packed_write, .read = vm_packed_read, .soon = vm_packed_soon,                      \
    .hold = vm_packed_hold, .drop = vm_packed_drop, .flush = vm_packed_flush,                      \
    .usage = vm_packed_usage, .fork_before = vm_packed_fork_before,                                \
    .fork_after = vm_packed_fork_after, .check = vm_packed_check, .close = vm_packed_close

#endif
