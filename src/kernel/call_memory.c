/* call_memory.c - system calls on memory: brk, mmap and what belongs to it.
 *
 * A mapping is an event; its pages come when they are touched, so that MAP_POPULATE, mlock and
 * MADV_WILLNEED are touches made ahead. mremap that moves copies pages as a program would.
 *
 * Sources: mmap(2), mremap(2), madvise(2), mincore(2) of Linux's man-pages 6.03. Not here: pages
 * that are locked are brought, and may leave again; MAP_HUGETLB and MADV_HUGEPAGE ask for what
 * --huge-pages gives to all.
 */
#include "kernel/kernel.h"

#include <linux/mman.h>
#include <string.h>
#include <sys/mman.h>

static uint64_t page_bytes(const struct kernel *k)
{
    return UINT64_C(1) << k->parts.page_shift;
}

static uint64_t page_up(const struct kernel *k, uint64_t bytes)
{
    return (bytes + page_bytes(k) - 1) & ~(page_bytes(k) - 1);
}

static bool is_aligned(const struct kernel *k, vm_va va)
{
    return !(va & (page_bytes(k) - 1));
}

/* All of [va, va + bytes) may be a program's. */
static bool is_below(const struct kernel *k, vm_va va, uint64_t bytes)
{
    return va <= k->user_end && bytes <= k->user_end - va;
}

static unsigned prot_of(uint64_t prot)
{
    return (prot & PROT_READ ? VM_PROT_READ : 0) | (prot & PROT_WRITE ? VM_PROT_WRITE : 0) |
           (prot & PROT_EXEC ? VM_PROT_FETCH : 0);
}

int64_t vm_call_brk(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct address_space *s = t->space;
    vm_va old = page_up(k, s->brk), new = page_up(k, a[0]);
    if (a[0] < s->brk_first || a[0] >= k->user_end)
        return (int64_t)s->brk;
    if (new > old &&
        (!vm_space_is_free(k, s, old, new - old) ||
         vm_space_map(k, s, old, new - old, VM_PROT_READ | VM_PROT_WRITE, false, NULL, 0)))
        return (int64_t)s->brk;
    if (new < old)
        vm_space_unmap(k, s, new, old - new);
    s->brk = a[0];
    return (int64_t)s->brk;
}

/* ---- mmap ---- */

/* Where mappings go that have no place of their own: below the room that the stack may grow to. */
static vm_va mappings_end(const struct address_space *s)
{
    return s->stack_low - (UINT64_C(1) << 20);
}

/* 0: there is no room; else where, or -errno. */
static int64_t choose_place(struct kernel *k, struct thread *t, vm_va hint, uint64_t bytes,
                            uint64_t flags)
{
    bool is_free = vm_space_is_free(k, t->space, hint, bytes);
    bool fits = hint >= page_bytes(k) && hint < k->user_end && bytes <= k->user_end - hint;
    if (flags & MAP_FIXED_NOREPLACE)
        return !is_aligned(k, hint) || !fits ? -EINVAL : is_free ? (int64_t)hint : -EEXIST;
    if (flags & MAP_FIXED)
        return !is_aligned(k, hint) ? -EINVAL : fits ? (int64_t)hint : -ENOMEM;
    hint &= ~(page_bytes(k) - 1);
    if (hint && fits && is_free)
        return (int64_t)hint;
    vm_va found = vm_space_gap(k, t->space, bytes, mappings_end(t->space));
    return found ? (int64_t)found : -ENOMEM;
}

/* No more than memory has room for: more would only push out what has just come. */
static void populate(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes)
{
    uint64_t most = (uint64_t)k->parts.nframes << k->parts.page_shift;
    for (vm_va end = va + (bytes < most ? bytes : most); va < end && !k->failed;
         va += page_bytes(k)) {
        const struct vm_vma *v = vm_space_find(k, t->space, va);
        uint64_t tval;
        enum vm_access access = v && (v->prot & VM_PROT_WRITE) ? VM_WRITE : VM_READ;
        struct refusal why;
        if (!v || !(v->prot & vm_access_needs(access)))
            return;
        uint16_t meta = vm_ref_meta(access, 1);
        if (!vm_trap_allows(k, t, va, meta, &why) ||
            !vm_machine_touch(k, t->space->asid, va, meta, &tval))
            return;
    }
}

/* What is mapped: NULL and *error 0 for zeros of the process's own. */
static struct inode *source_of(struct kernel *k, struct thread *t, const uint64_t *a, bool shared,
                               int64_t *error)
{
    *error = 0;
    if (!(a[3] & MAP_ANONYMOUS))
        return vm_fd_inode(k, t, (int)a[4], prot_of(a[2]), shared, error);
    if (!shared)
        return NULL;
    struct inode *zeros = vm_inode_anonymous(k, page_up(k, a[1]));
    *error = zeros ? 0 : -ENOMEM;
    return zeros;
}

int64_t vm_call_mmap(struct kernel *k, struct thread *t, const uint64_t *a)
{
    uint64_t bytes = page_up(k, a[1]), type = a[3] & MAP_TYPE;
    bool shared = type == MAP_SHARED || type == MAP_SHARED_VALIDATE,
         anonymous = a[3] & MAP_ANONYMOUS;
    int64_t error;
    if (a[1] == 0 || (!shared && type != MAP_PRIVATE) || (!anonymous && !is_aligned(k, a[5])))
        return -EINVAL;
    if (bytes < a[1] || bytes >= k->user_end)
        return -ENOMEM;
    if (!anonymous && a[5] > INT64_MAX - bytes)
        return -EOVERFLOW;
    struct inode *inode = source_of(k, t, a, shared, &error);
    if (error)
        return error;
    int64_t va = choose_place(k, t, a[0], bytes, a[3]);
    uint64_t file_page = anonymous ? 0 : a[5] >> k->parts.page_shift;
    if (va > 0 && (error = vm_space_map(k, t->space, (vm_va)va, bytes, prot_of(a[2]), shared, inode,
                                        file_page)))
        va = error;
    if (inode && anonymous)
        vm_inode_release(k, inode); /* its mappings keep it */
    if (va > 0 && (a[3] & (MAP_POPULATE | MAP_LOCKED)))
        populate(k, t, (vm_va)va, bytes);
    return va;
}

int64_t vm_call_munmap(struct kernel *k, struct thread *t, const uint64_t *a)
{
    if (!is_aligned(k, a[0]) || a[1] == 0 || a[1] > k->user_end)
        return -EINVAL;
    return vm_space_unmap(k, t->space, a[0], page_up(k, a[1]));
}

int64_t vm_call_mprotect(struct kernel *k, struct thread *t, const uint64_t *a)
{
    if (!is_aligned(k, a[0]) || (a[2] & ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC)))
        return -EINVAL;
    if (a[1] == 0)
        return 0;
    if (a[1] > k->user_end)
        return -ENOMEM;
    return vm_space_protect(k, t->space, a[0], page_up(k, a[1]), prot_of(a[2]));
}

/* ---- mremap ---- */

/* A mapping like `v` at `to`, of what `v` has from `from` on. */
static int64_t map_alike(struct kernel *k, struct thread *t, const struct vm_vma *v, vm_va from,
                         vm_va to, uint64_t bytes)
{
    struct inode *inode = v->file ? vm_inode_by_number(k, v->file & VM_FILE_NUMBER_MAX) : NULL;
    uint64_t page = inode ? (from >> k->parts.page_shift) + v->file_delta : 0;
    return vm_space_map(k, t->space, to, bytes, v->prot, v->backing == VM_BACKING_SHARED, inode,
                        page);
}

/* Private pages are copied, those that there are: absent ones are zeros, or the file's. */
static int64_t copy_pages(struct kernel *k, struct thread *t, vm_va from, vm_va to, uint64_t bytes)
{
    uint8_t piece[1 << VM_RV64_PAGE_SHIFT];
    for (uint64_t done = 0; done < bytes; done += sizeof piece) {
        if (!vm_machine_has(k, t->space, from + done))
            continue;
        if (vm_user_read(k, t, piece, from + done, sizeof piece) ||
            vm_user_write(k, t, to + done, piece, sizeof piece))
            return -ENOMEM;
    }
    return 0;
}

static int64_t move(struct kernel *k, struct thread *t, const struct vm_vma *mapping, vm_va from,
                    uint64_t old, uint64_t new, vm_va to)
{
    struct vm_vma v = *mapping;
    unsigned prot = v.prot;
    uint64_t kept = old < new ? old : new;
    bool copies = v.backing != VM_BACKING_SHARED;
    v.prot |= copies ? VM_PROT_WRITE : 0;
    int64_t error = map_alike(k, t, &v, from, to, new);
    if (!error && copies)
        error = copy_pages(k, t, from, to, kept);
    if (!error && v.prot != prot)
        error = vm_space_protect(k, t->space, to, new, prot);
    if (!error)
        error = vm_space_unmap(k, t->space, from, old);
    return error ? error : (int64_t)to;
}

int64_t vm_call_mremap(struct kernel *k, struct thread *t, const uint64_t *a)
{
    vm_va from = a[0];
    uint64_t old = page_up(k, a[1]), new = page_up(k, a[2]);
    const struct vm_vma *v = vm_space_find(k, t->space, from);
    if (!is_aligned(k, from) || new == 0 || new >= k->user_end || old == 0 ||
        (a[3] & ~(uint64_t)(MREMAP_MAYMOVE | MREMAP_FIXED)))
        return -EINVAL;
    if (!v || old > v->end - from)
        return -EFAULT;
    if (a[3] & MREMAP_FIXED) {
        bool apart = a[4] + new <= from || from + old <= a[4];
        if (!(a[3] & MREMAP_MAYMOVE) || !is_aligned(k, a[4]) || !apart)
            return -EINVAL;
        return move(k, t, v, from, old, new, a[4]);
    }
    if (new <= old) {
        int64_t error = new < old ? vm_space_unmap(k, t->space, from + new, old - new) : 0;
        return error ? error : (int64_t)from;
    }
    bool can_grow = from + old == v->end && vm_space_is_free(k, t->space, v->end, new - old) &&
                    from + new <= mappings_end(t->space);
    if (can_grow && map_alike(k, t, v, v->end, v->end, new - old) == 0)
        return (int64_t)from;
    vm_va to = vm_space_gap(k, t->space, new, mappings_end(t->space));
    if (!(a[3] & MREMAP_MAYMOVE) || !to)
        return -ENOMEM;
    return move(k, t, v, from, old, new, to);
}

/* ---- advice ---- */

/* The part of [va, end) that one mapping has: false: none has it. */
static bool next_piece(const struct kernel *k, const struct thread *t, vm_va va, vm_va end,
                       struct vm_vma *v, vm_va *to)
{
    const struct vm_vma *found = vm_space_find(k, t->space, va);
    if (!found)
        return false;
    *v = *found;
    *to = v->end < end ? v->end : end;
    return true;
}

static int64_t advise(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes,
                      enum vm_advice advice)
{
    return vm_machine_event(k, &(struct vm_event){.kind = VM_EVENT_ADVISE,
                                                  .asid = t->space->asid,
                                                  .va = va,
                                                  .bytes = bytes,
                                                  .detail = (uint8_t)advice})
               ? 0
               : -ENOMEM;
}

int64_t vm_call_madvise(struct kernel *k, struct thread *t, const uint64_t *a)
{
    vm_va end = a[0] + page_up(k, a[1]), to;
    struct vm_vma v;
    if (!is_aligned(k, a[0]))
        return -EINVAL;
    if (!is_below(k, a[0], a[1]))
        return -ENOMEM;
    for (vm_va va = a[0]; va < end; va = to) {
        if (!next_piece(k, t, va, end, &v, &to))
            return -ENOMEM;
        switch (a[2]) {
        case MADV_NORMAL:
            advise(k, t, va, to - va, VM_ADVICE_NORMAL);
            break;
        case MADV_RANDOM:
            advise(k, t, va, to - va, VM_ADVICE_RANDOM);
            break;
        case MADV_SEQUENTIAL:
            advise(k, t, va, to - va, VM_ADVICE_SEQUENTIAL);
            break;
        case MADV_WILLNEED:
            advise(k, t, va, to - va, VM_ADVICE_WILLNEED);
            populate(k, t, va, to - va);
            break;
        case MADV_DONTNEED:
        case MADV_FREE: /* which allows it to act at once */
            if (advise(k, t, va, to - va, VM_ADVICE_DONTNEED))
                return -ENOMEM;
            break;
        case MADV_DONTFORK:
        case MADV_HUGEPAGE:
        case MADV_NOHUGEPAGE:
        case MADV_DONTDUMP:
        case MADV_DODUMP:
            advise(k, t, va, to - va, VM_ADVICE_OTHER);
            break;
        default:
            return -EINVAL;
        }
    }
    return 0;
}

int64_t vm_call_mincore(struct kernel *k, struct thread *t, const uint64_t *a)
{
    if (!is_aligned(k, a[0]))
        return -EINVAL;
    if (!is_below(k, a[0], a[1]) || !vm_space_is_mapped(k, t->space, a[0], page_up(k, a[1])))
        return -ENOMEM;
    vm_va out = a[2];
    for (vm_va va = a[0], end = a[0] + a[1]; va < end; va += page_bytes(k), out++) {
        uint8_t here = vm_machine_has_present(k, t->space, va);
        if (vm_user_write(k, t, out, &here, 1))
            return -EFAULT;
    }
    return 0;
}

int64_t vm_call_mlock(struct kernel *k, struct thread *t, const uint64_t *a)
{
    vm_va start = a[0] & ~(page_bytes(k) - 1);
    uint64_t bytes = page_up(k, a[0] + a[1] - start);
    if (!is_below(k, a[0], a[1]) || !vm_space_is_mapped(k, t->space, start, bytes))
        return -ENOMEM;
    populate(k, t, start, bytes);
    return 0;
}

int64_t vm_call_munlock(struct kernel *k, struct thread *t, const uint64_t *a)
{
    (void)k;
    (void)t;
    (void)a;
    return 0;
}

int64_t vm_call_mlockall(struct kernel *k, struct thread *t, const uint64_t *a)
{
    return vm_call_munlock(k, t, a);
}

int64_t vm_call_munlockall(struct kernel *k, struct thread *t, const uint64_t *a)
{
    return vm_call_munlock(k, t, a);
}

int64_t vm_call_msync(struct kernel *k, struct thread *t, const uint64_t *a)
{
    uint64_t kinds = MS_ASYNC | MS_SYNC | MS_INVALIDATE;
    vm_va end = a[0] + page_up(k, a[1]), to;
    struct vm_vma v;
    if (!is_aligned(k, a[0]) || (a[2] & ~kinds) || (a[2] & MS_ASYNC && a[2] & MS_SYNC))
        return -EINVAL;
    if (!is_below(k, a[0], a[1]))
        return -ENOMEM;
    for (vm_va va = a[0]; va < end; va = to) {
        if (!next_piece(k, t, va, end, &v, &to))
            return -ENOMEM;
        if (v.file && v.backing == VM_BACKING_SHARED) {
            vm_machine_drain(k);
            vm_engine_sync_file(k->engine, v.file & VM_FILE_NUMBER_MAX);
        }
    }
    return 0;
}
