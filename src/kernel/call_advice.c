/* call_advice.c - system calls about what is mapped already: madvise, mincore, msync.
 *
 * Holes are passed over and told of at the end, as Linux does it: what is mapped is advised all the
 * same. MADV_FREE gives pages up at once, which it allows.
 *
 * Sources: madvise(2), mincore(2), msync(2) of Linux's man-pages 6.03; the order of refusals is
 * Linux's, mm/madvise.c.
 */
#include "kernel/kernel.h"

#include <linux/mman.h>
#include <sys/mman.h>

/* ---- madvise ---- */

/* Mappings for which a kind of advice makes no sense: -EINVAL. */
enum unfit { LOCKED = 1, SHARED = 2, OF_FILE = 4, PRIVATE = 8 };

static const struct advice {
    uint64_t number;
    enum vm_advice event;
    unsigned unfit; /* enum unfit bits */
} advices[] = {
    {MADV_NORMAL, VM_ADVICE_NORMAL, 0},
    {MADV_RANDOM, VM_ADVICE_RANDOM, 0},
    {MADV_SEQUENTIAL, VM_ADVICE_SEQUENTIAL, 0},
    {MADV_WILLNEED, VM_ADVICE_WILLNEED, 0},
    {MADV_DONTNEED, VM_ADVICE_DONTNEED, LOCKED},
    {MADV_FREE, VM_ADVICE_DONTNEED, LOCKED | SHARED | OF_FILE},
    {MADV_REMOVE, VM_ADVICE_OTHER, LOCKED | PRIVATE},
    {MADV_DONTFORK, VM_ADVICE_DONT_FORK, 0},
    {MADV_DOFORK, VM_ADVICE_DO_FORK, 0},
    {MADV_WIPEONFORK, VM_ADVICE_WIPE_ON_FORK, SHARED | OF_FILE},
    {MADV_KEEPONFORK, VM_ADVICE_KEEP_ON_FORK, 0},
    {MADV_COLD, VM_ADVICE_COLD, LOCKED},
    {MADV_PAGEOUT, VM_ADVICE_PAGEOUT, LOCKED},
    {MADV_HUGEPAGE, VM_ADVICE_HUGE, 0},
    {MADV_NOHUGEPAGE, VM_ADVICE_SMALL, 0},
    {MADV_COLLAPSE, VM_ADVICE_COLLAPSE, SHARED | OF_FILE},
    {MADV_DONTDUMP, VM_ADVICE_OTHER, 0},
    {MADV_DODUMP, VM_ADVICE_OTHER, 0},
};

static const struct advice *find_advice(uint64_t number)
{
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++)
        if (advices[i].number == number)
            return &advices[i];
    return NULL;
}

static bool is_unfit(const struct vm_vma *v, unsigned unfit)
{
    bool shared = v->backing == VM_BACKING_SHARED;
    unsigned is = (v->flags & VM_VMA_LOCKED ? LOCKED : 0) | (shared ? SHARED : PRIVATE) |
                  (v->backing != VM_BACKING_ANON ? OF_FILE : 0);
    return is & unfit;
}

/* A hole in the file: zeros, and its pages are given back when they are that. */
static int64_t remove_bytes(struct kernel *k, struct thread *t, const struct vm_vma *v, vm_va va,
                            uint64_t bytes)
{
    if (!(v->prot & VM_PROT_WRITE))
        return -EACCES;
    return vm_user_zero(k, t, va, bytes) ? -EFAULT : 0;
}

/* [va, va + bytes) is a part of `v`. */
static int64_t advise(struct kernel *k, struct thread *t, const struct advice *advice,
                      const struct vm_vma *v, vm_va va, uint64_t bytes)
{
    if (is_unfit(v, advice->unfit))
        return -EINVAL;
    int64_t error = vm_space_advise(k, t->space, va, bytes, advice->event);
    if (!error && advice->number == MADV_REMOVE)
        error = remove_bytes(k, t, v, va, bytes);
    if (!error && advice->number == MADV_WILLNEED)
        vm_populate(k, t, va, bytes);
    return error;
}

/* MADV_POPULATE_READ and WRITE: every page comes, or the first error is told. */
static int64_t populate(struct kernel *k, struct thread *t, vm_va va, vm_va end,
                        enum vm_access access)
{
    for (; va < end && !k->failed; va += vm_page_bytes(k)) {
        int64_t error = vm_touch_ahead(k, t, va, access);
        if (error)
            return error == -EACCES ? -EINVAL : error;
    }
    return 0;
}

/* The first mapping's first address in [va, end), or end. */
static vm_va next_mapped(const struct kernel *k, const struct thread *t, vm_va va, vm_va end)
{
    const struct vm_space *space = vm_space_of(k, t->space);
    for (size_t i = 0; i < space->nvmas; i++)
        if (space->vma[i].end > va)
            return space->vma[i].start < va    ? va
                   : space->vma[i].start < end ? space->vma[i].start
                                               : end;
    return end;
}

int64_t vm_call_madvise(struct kernel *k, struct thread *t, const uint64_t *a)
{
    const struct advice *advice = find_advice(a[2]);
    bool reads = a[2] == MADV_POPULATE_READ, writes = a[2] == MADV_POPULATE_WRITE;
    uint64_t bytes = vm_page_up(k, a[1]);
    vm_va end = a[0] + bytes, to;
    struct vm_vma v;
    int64_t hole = 0;
    if ((!advice && !reads && !writes) || !vm_is_page(k, a[0]) || bytes < a[1] || end < a[0])
        return -EINVAL;
    if (reads || writes)
        return populate(k, t, a[0], end, writes ? VM_WRITE : VM_READ);
    for (vm_va va = a[0]; va < end; va = to) {
        if (!vm_space_piece(k, t->space, va, end, &v, &to)) {
            hole = -ENOMEM;
            to = next_mapped(k, t, va, end);
            continue;
        }
        int64_t error = advise(k, t, advice, &v, va, to - va);
        if (error)
            return error;
    }
    return hole;
}

/* ---- what is in memory, and what is written ---- */

int64_t vm_call_mincore(struct kernel *k, struct thread *t, const uint64_t *a)
{
    if (!vm_is_page(k, a[0]))
        return -EINVAL;
    if (!vm_is_below(k, a[0], a[1]))
        return -ENOMEM;
    vm_va out = a[2];
    for (vm_va va = a[0], end = a[0] + vm_page_up(k, a[1]); va < end;
         va += vm_page_bytes(k), out++) {
        if (!vm_space_find(k, t->space, va))
            return -ENOMEM;
        uint8_t here = vm_machine_has(k, t->space, va);
        if (vm_user_write(k, t, out, &here, 1))
            return -EFAULT;
    }
    return 0;
}

int64_t vm_call_msync(struct kernel *k, struct thread *t, const uint64_t *a)
{
    uint64_t kinds = MS_ASYNC | MS_SYNC | MS_INVALIDATE;
    vm_va end = a[0] + vm_page_up(k, a[1]), to;
    struct vm_vma v;
    int64_t hole = 0;
    if (!vm_is_page(k, a[0]) || (a[2] & ~kinds) || (a[2] & MS_ASYNC && a[2] & MS_SYNC))
        return -EINVAL;
    if (end < a[0])
        return -ENOMEM;
    for (vm_va va = a[0]; va < end; va = to) {
        if (!vm_space_piece(k, t->space, va, end, &v, &to)) {
            hole = -ENOMEM;
            to = next_mapped(k, t, va, end);
            continue;
        }
        if ((a[2] & MS_INVALIDATE) && (v.flags & VM_VMA_LOCKED))
            return -EBUSY;
        if (v.file && v.backing == VM_BACKING_SHARED && (a[2] & MS_SYNC)) {
            vm_machine_drain(k);
            vm_engine_sync_file(k->engine, v.file & VM_FILE_NUMBER_MAX);
        }
    }
    return hole;
}
