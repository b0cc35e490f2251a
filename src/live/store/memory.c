/* memory.c - pages kept as they are, in memory of the process beside its own: the fastest store,
 * and no smaller than what it keeps. For measuring, and for memory that only looks short.
 *
 * A handle is a slot's number + 1. Slots that were dropped are taken again first, the last one
 * first.
 */
#include "base/arena.h"
#include "base/assert.h"
#include "live/gate.h"
#include "live/store.h"

#include <stdlib.h>
#include <string.h>

struct memory {
    struct vm_arena arena;
    struct vm_gate gate;
    struct vm_lock lock; /* of what follows, but for the contents of slots that are taken */
    uint32_t page_bytes;
    uint64_t nslots, used, nfree; /* slots [0, used) have been taken once */
    uint8_t *slot;                /* [nslots * page_bytes] */
    uint32_t *holders;            /* [nslots] */
    uint64_t *free;               /* [nfree] */
    struct vm_store_usage usage;
};

static void *memory_open(const struct vm_store_env *env, struct vm_error *e)
{
    struct memory *s = calloc(1, sizeof *s);
    if (!s) {
        vm_fail(e, VM_ESYSTEM, "no memory for a store");
        return NULL;
    }
    size_t data = env->pages_max * env->page_bytes;
    if (!vm_arena_open(&s->arena,
                       vm_arena_room(data) + vm_arena_room(env->pages_max * sizeof *s->holders) +
                           vm_arena_room(env->pages_max * sizeof *s->free),
                       e)) {
        free(s);
        return NULL;
    }
    s->nslots = env->pages_max;
    s->page_bytes = env->page_bytes;
    s->slot = vm_arena_take(&s->arena, data);
    s->holders = vm_arena_take(&s->arena, env->pages_max * sizeof *s->holders);
    s->free = vm_arena_take(&s->arena, env->pages_max * sizeof *s->free);
    return s;
}

static size_t take_slots(struct memory *s, size_t n, vm_stored *handle)
{
    size_t taken = 0;
    vm_lock_take(&s->lock);
    for (; taken < n && (s->nfree || s->used < s->nslots); taken++) {
        uint64_t slot = s->nfree ? s->free[--s->nfree] : s->used++;
        s->holders[slot] = 1;
        handle[taken] = slot + 1;
    }
    s->usage.pages += taken;
    s->usage.writes += taken;
    vm_lock_give(&s->lock);
    return taken;
}

static size_t memory_write(void *store, const void *const *page, size_t n, vm_stored *handle,
                           int *error)
{
    struct memory *s = store;
    vm_gate_enter(&s->gate);
    size_t taken = take_slots(s, n, handle);
    for (size_t i = 0; i < taken; i++)
        memcpy(s->slot + (handle[i] - 1) * s->page_bytes, page[i], s->page_bytes);
    for (size_t i = taken; i < n; i++) {
        handle[i] = 0;
        *error = ENOSPC;
    }
    vm_gate_leave(&s->gate);
    return taken;
}

static int memory_read(void *store, const vm_stored *handle, void *const *page, size_t n, bool *ok)
{
    struct memory *s = store;
    vm_lock_take(&s->lock);
    s->usage.reads += n;
    vm_lock_give(&s->lock);
    for (size_t i = 0; i < n; i++) {
        memcpy(page[i], s->slot + (handle[i] - 1) * s->page_bytes, s->page_bytes);
        ok[i] = true;
    }
    return 0;
}

static void memory_soon(void *store, const vm_stored *handle, size_t n)
{
    (void)store, (void)handle, (void)n;
}

static void memory_hold(void *store, vm_stored handle)
{
    struct memory *s = store;
    vm_lock_take(&s->lock);
    s->holders[handle - 1]++;
    vm_lock_give(&s->lock);
}

static void memory_drop(void *store, vm_stored handle)
{
    struct memory *s = store;
    vm_lock_take(&s->lock);
    VM_ASSERT(s->holders[handle - 1] > 0);
    if (--s->holders[handle - 1] == 0) {
        s->free[s->nfree++] = handle - 1;
        s->usage.pages--;
    }
    vm_lock_give(&s->lock);
}

static int memory_flush(void *store)
{
    (void)store;
    return 0;
}

static void memory_usage(void *store, struct vm_store_usage *out)
{
    struct memory *s = store;
    vm_lock_take(&s->lock);
    *out = s->usage;
    out->bytes = s->usage.pages * s->page_bytes;
    vm_lock_give(&s->lock);
}

static void memory_fork_before(void *store)
{
    struct memory *s = store;
    vm_gate_close(&s->gate);
    vm_lock_take(&s->lock); /* who only counts does not pass the gate */
}

/* The kernel copied it with the rest of memory. */
static bool memory_fork_after(void *store, bool is_child)
{
    struct memory *s = store;
    (void)is_child;
    vm_lock_give(&s->lock);
    vm_gate_open(&s->gate);
    return true;
}

static void memory_check(void *store)
{
    struct memory *s = store;
    uint64_t held = 0;
    for (uint64_t i = 0; i < s->used; i++)
        held += s->holders[i] != 0;
    for (uint64_t i = 0; i < s->nfree; i++)
        VM_ASSERT(s->holders[s->free[i]] == 0);
    VM_ASSERT(held == s->usage.pages && held + s->nfree == s->used);
}

static void memory_close(void *store)
{
    struct memory *s = store;
    vm_arena_close(&s->arena);
    free(s);
}

const struct vm_store_ops vm_store_memory = {
    .name = "memory",
    .summary = "pages as they are, in memory of the process beside the limit",
    .open = memory_open,
    .write = memory_write,
    .read = memory_read,
    .soon = memory_soon,
    .hold = memory_hold,
    .drop = memory_drop,
    .flush = memory_flush,
    .usage = memory_usage,
    .fork_before = memory_fork_before,
    .fork_after = memory_fork_after,
    .check = memory_check,
    .close = memory_close,
};
