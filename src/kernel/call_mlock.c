/* call_mlock.c - mlock and its like: pages that stay in memory.
 *
 * What is locked is a mapping's affair (VM_ADVICE_LOCK), and counts against two limits by its
 * length, whether its pages have come or not: the process's RLIMIT_MEMLOCK, and the machine's
 * memory, of which an eighth is left to others. (Linux finds out when memory is full; here that
 * would leave no page for an instruction.) A child inherits the limit but no lock.
 *
 * Source: mlock(2), mlockall(2), getrlimit(2) of Linux's man-pages 6.03, of a process that lacks
 * CAP_IPC_LOCK.
 */
#include "kernel/kernel.h"

#include <sys/mman.h>

/* ---- limits ---- */

/* Bytes of [va, end) that are locked. */
static uint64_t locked_in(const struct kernel *k, const struct address_space *s, vm_va va,
                          vm_va end)
{
    const struct vm_space *space = vm_space_of(k, s);
    uint64_t bytes = 0;
    for (size_t i = 0; i < space->nvmas; i++) {
        const struct vm_vma *v = &space->vma[i];
        vm_va from = v->start > va ? v->start : va, to = v->end < end ? v->end : end;
        if ((v->flags & VM_VMA_LOCKED) && from < to)
            bytes += to - from;
    }
    return bytes;
}

static uint64_t mapped_bytes(const struct kernel *k, const struct address_space *s)
{
    const struct vm_space *space = vm_space_of(k, s);
    uint64_t bytes = 0;
    for (size_t i = 0; i < space->nvmas; i++)
        bytes += space->vma[i].end - space->vma[i].start;
    return bytes;
}

bool vm_lock_is_allowed(const struct kernel *k, const struct thread *t, uint64_t bytes)
{
    uint64_t most = t->process->lock_bytes_max, locked = locked_in(k, t->space, 0, k->user_end);
    return locked <= most && bytes <= most - locked;
}

bool vm_lock_has_room(const struct kernel *k, uint64_t bytes)
{
    uint64_t all = (uint64_t)k->parts.nframes << k->parts.page_shift, locked = 0;
    for (unsigned asid = 1; asid < FILES_ASID; asid++)
        if (k->of_asid[asid])
            locked += locked_in(k, k->of_asid[asid], 0, k->user_end);
    return bytes <= all - all / 8 && locked <= all - all / 8 - bytes;
}

/* ---- locking ---- */

/* The error of pages that could not be brought, as mlock tells it. */
static int64_t of_populate(int64_t error)
{
    return !error ? 0 : error == -ENOMEM ? -EAGAIN : -ENOMEM;
}

int64_t vm_lock_new(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes,
                    enum future_maps asked)
{
    enum future_maps how = asked != MAPS_FREE ? asked : t->space->future;
    if (how == MAPS_FREE)
        return 0;
    if (vm_space_advise(k, t->space, va, bytes, VM_ADVICE_LOCK))
        return -EAGAIN;
    if (how == MAPS_LOCKED)
        vm_populate(k, t, va, bytes); /* nobody is told of what did not come */
    return 0;
}

/* Every mapping of [va, end) is advised so; -ENOMEM behind the first hole. */
static int64_t advise_all(struct kernel *k, struct thread *t, vm_va va, vm_va end,
                          enum vm_advice advice)
{
    struct vm_vma v;
    for (vm_va to; va < end; va = to) {
        if (!vm_space_piece(k, t->space, va, end, &v, &to))
            return -ENOMEM;
        int64_t error = vm_space_advise(k, t->space, va, to - va, advice);
        if (error)
            return error;
    }
    return 0;
}

/* The pages that [va, va + bytes) lies in; false: it ends behind the last address. */
static bool whole_pages(const struct kernel *k, vm_va *va, uint64_t *bytes)
{
    vm_va start = *va & ~(vm_page_bytes(k) - 1);
    if (!vm_is_below(k, *va, *bytes))
        return false;
    *bytes = vm_page_up(k, *va + *bytes - start);
    *va = start;
    return true;
}

static int64_t lock_pages(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes)
{
    if (!whole_pages(k, &va, &bytes))
        return bytes + va < va ? -EINVAL : -ENOMEM;
    uint64_t more = bytes - locked_in(k, t->space, va, va + bytes);
    if (!vm_lock_is_allowed(k, t, more))
        return -ENOMEM;
    if (!vm_lock_has_room(k, more))
        return -EAGAIN;
    return advise_all(k, t, va, va + bytes, VM_ADVICE_LOCK);
}

int64_t vm_call_mlock(struct kernel *k, struct thread *t, const uint64_t *a)
{
    vm_va va = a[0];
    uint64_t bytes = a[1];
    int64_t error = lock_pages(k, t, a[0], a[1]);
    if (error)
        return error;
    whole_pages(k, &va, &bytes);
    return of_populate(vm_populate(k, t, va, bytes));
}

int64_t vm_call_mlock2(struct kernel *k, struct thread *t, const uint64_t *a)
{
    if (a[2] & ~(uint64_t)MLOCK_ONFAULT)
        return -EINVAL;
    return a[2] ? lock_pages(k, t, a[0], a[1]) : vm_call_mlock(k, t, a);
}

int64_t vm_call_munlock(struct kernel *k, struct thread *t, const uint64_t *a)
{
    vm_va va = a[0];
    uint64_t bytes = a[1];
    if (!whole_pages(k, &va, &bytes))
        return bytes + va < va ? -EINVAL : -ENOMEM;
    return advise_all(k, t, va, va + bytes, VM_ADVICE_UNLOCK);
}

/* ---- all of them ---- */

/* Mappings may join while they are advised: by address, not by number. */
static void advise_every(struct kernel *k, struct thread *t, enum vm_advice advice)
{
    const struct vm_space *space = vm_space_of(k, t->space);
    for (size_t i = 0; i < space->nvmas && !k->failed; i++) {
        vm_va start = space->vma[i].start, end = space->vma[i].end;
        vm_space_advise(k, t->space, start, end - start, advice);
        while (i > 0 && i < space->nvmas && space->vma[i].start > start)
            i--;
    }
}

static void populate_every(struct kernel *k, struct thread *t)
{
    const struct vm_space *space = vm_space_of(k, t->space);
    for (size_t i = 0; i < space->nvmas && !k->failed; i++)
        vm_populate(k, t, space->vma[i].start, space->vma[i].end - space->vma[i].start);
}

int64_t vm_call_mlockall(struct kernel *k, struct thread *t, const uint64_t *a)
{
    bool now = a[0] & MCL_CURRENT, later = a[0] & MCL_FUTURE, on_fault = a[0] & MCL_ONFAULT;
    if ((!now && !later) || (a[0] & ~(uint64_t)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)))
        return -EINVAL;
    uint64_t more = mapped_bytes(k, t->space) - locked_in(k, t->space, 0, k->user_end);
    if (now && (!vm_lock_is_allowed(k, t, more) || !vm_lock_has_room(k, more)))
        return -ENOMEM;
    t->space->future = !later ? MAPS_FREE : on_fault ? MAPS_LOCKED_ON_FAULT : MAPS_LOCKED;
    if (now)
        advise_every(k, t, VM_ADVICE_LOCK);
    if (now && !on_fault)
        populate_every(k, t);
    return 0;
}

int64_t vm_call_munlockall(struct kernel *k, struct thread *t, const uint64_t *a)
{
    (void)a;
    t->space->future = MAPS_FREE;
    advise_every(k, t, VM_ADVICE_UNLOCK);
    return 0;
}
