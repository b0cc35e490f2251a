/* store.h - where pages go that leave memory: the seam of the stores (stores.def). Private to
 * live/.
 *
 * A store takes contents and gives a handle for them; by the handle it gives them back, until the
 * handle is dropped. It knows no addresses. Handles are of one page each, and can be shared
 * (snapshots, forks): a handle has as many holders as `hold` made.
 *
 * Contract, checked by tests/conform/store.c for each row
 *  1. read gives exactly what write was given, however long ago, from whatever thread.
 *  2. What write could not keep is said at once, or never shows: a store that writes behind keeps
 *     the contents in its own memory until they are safe, so that read always has them. When it
 *     cannot make them safe it refuses further writes, and says why.
 *  3. No function but open and close allocates by malloc, takes a lock of a library, or touches
 *     memory that a pager manages: they are called where a fault happened, which is anywhere
 *     (a signal handler; all signals are blocked). What needs more has a thread or a process of its
 *     own.
 *  4. Functions are thread-safe; handles are never 0 or UINT64_MAX.
 *
 * Checksums are above: whatever comes back is verified by who asked.
 */
#ifndef LIVE_STORE_H
#define LIVE_STORE_H

#include <pagoda/error.h>
#include <pagoda/params.h>

#include <stddef.h>
#include <stdint.h>

typedef uint64_t vm_stored; /* a handle */
#define VM_STORE_BATCH 256  /* pages of one call at most */

struct vm_store_env {
    uint32_t page_bytes;
    uint64_t pages_max; /* handles at once at most */
    const struct vm_params *params;
};

struct vm_store_usage {
    uint64_t pages; /* handles; of those that take no room: their holders */
    uint64_t bytes; /* that they take */
    uint64_t reads, writes,
        requests; /* pages; and transfers in which they went, where it has any */
};

struct vm_store_ops {
    const char *name;
    const char *summary;
    const struct vm_param *param;
    size_t nparams;

    /* NULL with the error: VM_EUSAGE (what is there is not ours), VM_ESYSTEM. */
    void *(*open)(const struct vm_store_env *env, struct vm_error *e);
    /* Keep n <= VM_STORE_BATCH pages; handle[i] for page[i], or 0: it could not be kept (then errno
     * is in *error). Returns how many were. */
    size_t (*write)(void *store, const void *const *page, size_t n, vm_stored *handle, int *error);
    /* page[i] becomes what handle[i] has. 0, or the errno of the first that could not be had; then
     * ok[i] says which were. */
    int (*read)(void *store, const vm_stored *handle, void *const *page, size_t n, bool *ok);
    /* They will be read soon: a hint. */
    void (*soon)(void *store, const vm_stored *handle, size_t n);
    void (*hold)(void *store, vm_stored handle); /* one holder more */
    void (*drop)(void *store, vm_stored handle); /* one less; the last one ends it */
    /* All that was written is durable (a file), or at least safe. 0 or errno. */
    int (*flush)(void *store);
    void (*usage)(void *store, struct vm_store_usage *out);
    /* Around fork, in the process that forks: `before` waits until nothing is under way and keeps
     * the store still until `after` is called, in both; the child's store has the same handles with
     * the same contents, and what either does is not seen by the other. After returns false where
     * that cannot be: the child has no store. */
    void (*fork_before)(void *store);
    bool (*fork_after)(void *store, bool is_child);
    /* Asserts what must hold of its structure, while nobody else uses the store. */
    void (*check)(void *store);
    void (*close)(void *store); /* nothing is left of it but what the user asked to keep */
};

const struct vm_store_ops *vm_store_find(const char *name, struct vm_error *e);
const struct vm_store_ops *vm_store_at(size_t i); /* NULL past the end */

#endif
