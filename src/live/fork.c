/* fork.c - a child of fork has a copy of all regions, and a pager of its own for it.
 *
 * What is resident the kernel copies, page by page, when either writes. What is not resident the
 * store gives to both. The child opens a descriptor of its own: its mappings lost the parent's
 * registration, and with it the write protection of clean pages, which is set again.
 *
 * Nobody moves pages from `before` to `after`. Locks of the parent's that the child gets are ours.
 */
#include "base/assert.h"
#include "live/live.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

void vm_live_fork_before(struct vm_live *l, uint64_t *signals)
{
    vm_gate_close(l, signals);
    l->store_ops->fork_before(l->store);
    l->park_ops->fork_before(l->parking);
}

/* Clean pages are write-protected in the child, too. */
static void protect_clean(struct vm_live *l, const struct region *r)
{
    uint32_t end = r->first + r->n;
    for (uint32_t page = r->first, k; page < end; page += k) {
        for (k = 1; page + k < end && state_of(l, page + k) == state_of(l, page);)
            k++;
        if (state_of(l, page) != CLEAN)
            continue;
        int failed = vm_uffd_protect(&l->uffd, address_in(l, r, page), (size_t)k << l->page_shift);
        VM_ASSERT(failed == 0);
    }
}

/* Threads of the parent's had pinned them. */
static void unpin_all(struct vm_live *l)
{
    for (uint32_t i = 0; atomic_load(&l->pinned) && i < l->nregions; i++)
        for (uint32_t page = l->region[i].first; page < l->region[i].first + l->region[i].n; page++)
            if (atomic_exchange(&l->pins[page], 0))
                atomic_fetch_sub(&l->pinned, 1);
}

static bool restart_threads(struct vm_live *l, struct vm_error *e)
{
    close(l->stop[0]);
    close(l->stop[1]);
    if (pipe2(l->stop, O_CLOEXEC) != 0)
        return vm_fail(e, VM_ESYSTEM, "no pipe for a pager: %s", strerror(errno));
    return (!l->has_handler || vm_handler_start(l, e)) &&
           (!l->has_background || vm_background_start(l, e)) &&
           (!l->server.is_running || vm_serve_again(l, e));
}

/* From now on the child does all by the threads that it has. */
static bool go_bare(struct vm_live *l, struct vm_error *e)
{
    bool had_handler = l->has_handler;
    l->options.resolve = VM_LIVE_IN_THREAD;
    l->has_handler = l->has_background = l->server.is_running = false;
    l->free_low = l->free_high = 0;
    return !had_handler || vm_signals_enter(l, e);
}

static bool begin_child(struct vm_live *l, struct vm_error *e)
{
    if (l->options.fork == VM_LIVE_FORK_BARE && !go_bare(l, e))
        return false;
    enum vm_live_resolve resolve = l->options.resolve;
    vm_signals_forked();
    vm_log_leave(l->log);
    l->log = NULL;
    vm_uffd_close(&l->uffd);
    if (!vm_uffd_open(&l->uffd, resolve, e))
        return false;
    for (uint32_t i = 0; i < l->nregions; i++) {
        const struct region *r = &l->region[i];
        if (!vm_uffd_register(&l->uffd, r->start, (size_t)r->n << l->page_shift, e))
            return false;
        protect_clean(l, r);
    }
    unpin_all(l);
    return restart_threads(l, e);
}

bool vm_live_fork_after(struct vm_live *l, bool is_child, const uint64_t *signals,
                        struct vm_error *e)
{
    bool done = l->store_ops->fork_after(l->store, is_child);
    l->park_ops->fork_after(l->parking, is_child);
    if (!done)
        vm_fail(e, VM_ESYSTEM, "the store %s cannot be shared with a child of fork",
                l->store_ops->name);
    else if (is_child)
        done = begin_child(l, e);
    vm_gate_open(l, signals);
    return done;
}
