/* call_memory.c - system calls on memory: brk, mmap and what belongs to it. (What is locked is
 * call_mlock.c's, what is advised call_advice.c's.)
 *
 * A mapping is an event; its pages come when they are touched, so that MAP_POPULATE and mlock are
 * touches made ahead. A mapping that moves takes its pages along.
 *
 * MAP_HUGETLB takes huge pages at once, of the machine's size (--huge-size) where it has any, and
 * keeps them: a huge page that is given up or evicted would be one no more.
 *
 * Sources: mmap(2), mremap(2), mprotect(2), brk(2) of Linux's man-pages 6.03.
 */
#include "kernel/kernel.h"

#include <fcntl.h>
#include <linux/mman.h>
#include <signal.h>
#include <sys/mman.h>

static unsigned prot_of(uint64_t prot)
{
    return (prot & PROT_READ ? VM_PROT_READ : 0) | (prot & PROT_WRITE ? VM_PROT_WRITE : 0) |
           (prot & PROT_EXEC ? VM_PROT_FETCH : 0);
}

/* What is mapped from now on is locked, if the process wished so: there may be so much of it. */
static bool may_lock_future(const struct kernel *k, const struct thread *t, uint64_t bytes)
{
    return t->space->future == MAPS_FREE ||
           (vm_lock_is_allowed(k, t, bytes) && vm_lock_has_room(k, bytes));
}

int64_t vm_call_brk(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct address_space *s = t->space;
    vm_va old = vm_page_up(k, s->brk), new = vm_page_up(k, a[0]);
    if (a[0] < s->brk_first || a[0] >= k->user_end)
        return (int64_t)s->brk;
    if (new > old &&
        (!vm_space_is_free(k, s, old, new - old) || !may_lock_future(k, t, new - old) ||
         vm_space_map(k, s, old, new - old, VM_PROT_READ | VM_PROT_WRITE, false, NULL, 0) ||
         vm_lock_new(k, t, old, new - old, MAPS_FREE)))
        return (int64_t)s->brk;
    if (new < old)
        vm_space_unmap(k, s, new, old - new);
    s->brk = a[0];
    return (int64_t)s->brk;
}

/* ---- where, and what ---- */

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
    bool fits = hint >= vm_page_bytes(k) && hint < k->user_end && bytes <= k->user_end - hint;
    if (flags & MAP_FIXED_NOREPLACE)
        return !vm_is_page(k, hint) || !fits ? -EINVAL : is_free ? (int64_t)hint : -EEXIST;
    if (flags & MAP_FIXED)
        return !vm_is_page(k, hint) ? -EINVAL : fits ? (int64_t)hint : -ENOMEM;
    hint &= ~(vm_page_bytes(k) - 1);
    if (hint && fits && is_free)
        return (int64_t)hint;
    vm_va found = vm_space_gap(k, t->space, bytes, mappings_end(t->space));
    return found ? (int64_t)found : -ENOMEM;
}

int64_t vm_touch_ahead(struct kernel *k, struct thread *t, vm_va va, enum vm_access access)
{
    uint16_t meta = vm_ref_meta(access, 1);
    struct refusal why;
    uint64_t tval;
    if (!vm_trap_allows(k, t, va, meta, &why))
        return why.signal == SIGBUS ? -EFAULT : why.code == SEGV_MAPERR ? -ENOMEM : -EACCES;
    return vm_machine_touch(k, t->space->asid, va, meta, &tval) ? 0 : -ENOMEM;
}

enum vm_access vm_access_ahead(const struct vm_vma *v)
{
    bool own = (v->prot & VM_PROT_WRITE) && v->backing != VM_BACKING_SHARED;
    return own ? VM_WRITE : v->prot & VM_PROT_READ ? VM_READ : VM_FETCH;
}

int64_t vm_populate(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes)
{
    uint64_t most = (uint64_t)k->parts.nframes << k->parts.page_shift;
    vm_va end = va + (bytes < most ? bytes : most), to;
    struct vm_vma v;
    for (; va < end; va = to) {
        if (!vm_space_piece(k, t->space, va, end, &v, &to))
            return -ENOMEM;
        for (; va < to; va += vm_page_bytes(k)) {
            int64_t error = vm_touch_ahead(k, t, va, vm_access_ahead(&v));
            if (error || k->failed)
                return error;
        }
    }
    return 0;
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
    struct inode *zeros = vm_inode_anonymous(k, vm_page_up(k, a[1]));
    *error = zeros ? 0 : -ENOMEM;
    return zeros;
}

/* ---- huge pages that are asked for ---- */

/* 0: the machine has none. */
static uint64_t huge_bytes(const struct kernel *k)
{
    const struct vm_config *c = &k->out->machine.config;
    return c->huge_pages == VM_HUGE_NEVER ? 0 : c->huge_bytes;
}

/* The length of what is mapped; 0: it would be too long, or huge pages are wanted and there are
 * none of the size that is wanted. */
static uint64_t bytes_of(const struct kernel *k, const uint64_t *a)
{
    unsigned order = (unsigned)(a[3] >> MAP_HUGE_SHIFT) & MAP_HUGE_MASK;
    uint64_t huge = huge_bytes(k), unit = a[3] & MAP_HUGETLB ? huge : vm_page_bytes(k);
    if ((a[3] & MAP_HUGETLB) && (!huge || (order && UINT64_C(1) << order != huge)))
        return 0;
    uint64_t bytes = (a[1] + unit - 1) / unit * unit;
    return bytes >= a[1] && bytes < k->user_end ? bytes : 0;
}

/* All of a new mapping becomes huge pages, which stay: 0, or -ENOMEM. */
static int64_t make_huge(struct kernel *k, struct thread *t, vm_va va, uint64_t bytes)
{
    int64_t error = vm_space_advise(k, t->space, va, bytes, VM_ADVICE_HUGE);
    for (uint64_t done = 0; done < bytes && !error; done += huge_bytes(k))
        error = vm_touch_ahead(k, t, va + done, VM_READ);
    if (!error)
        error = vm_space_advise(k, t->space, va, bytes, VM_ADVICE_COLLAPSE);
    if (!error && !vm_machine_has_huge(k, t->space, va, bytes))
        error = -ENOMEM;
    return error ? error : vm_space_advise(k, t->space, va, bytes, VM_ADVICE_LOCK);
}

/* ---- mmap ---- */

/* What a request can be refused for before anything is done: 0 or -errno. */
static int64_t check_request(const struct kernel *k, const struct thread *t, const uint64_t *a,
                             uint64_t bytes)
{
    uint64_t type = a[3] & MAP_TYPE;
    bool shared = type == MAP_SHARED || type == MAP_SHARED_VALIDATE, huge = a[3] & MAP_HUGETLB;
    if (a[1] == 0 || (!shared && type != MAP_PRIVATE) ||
        (!(a[3] & MAP_ANONYMOUS) && !vm_is_page(k, a[5])) ||
        (huge && (shared || !(a[3] & MAP_ANONYMOUS))))
        return -EINVAL;
    if (!bytes)
        return -ENOMEM;
    if (!(a[3] & MAP_ANONYMOUS) && a[5] > INT64_MAX - bytes)
        return -EOVERFLOW;
    bool locks = (a[3] & MAP_LOCKED) || t->space->future != MAPS_FREE;
    return locks && !(vm_lock_is_allowed(k, t, bytes) && vm_lock_has_room(k, bytes)) ? -EAGAIN : 0;
}

/* Where huge pages may begin, if it is for them. */
static int64_t choose_place_for(struct kernel *k, struct thread *t, const uint64_t *a,
                                uint64_t bytes)
{
    uint64_t huge = huge_bytes(k);
    if (!(a[3] & MAP_HUGETLB))
        return choose_place(k, t, a[0], bytes, a[3]);
    if (a[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE))
        return a[0] & (huge - 1) ? -EINVAL : choose_place(k, t, a[0], bytes, a[3]);
    int64_t va = choose_place(k, t, 0, bytes + huge, a[3]);
    return va > 0 ? (int64_t)(((uint64_t)va + huge - 1) & ~(huge - 1)) : va;
}

/* What is written to a shared mapping goes to its file: is that open for reading only? */
static bool is_read_only(const struct thread *t, const uint64_t *a)
{
    const struct open_file *f = a[3] & MAP_ANONYMOUS ? NULL : vm_fd_file(t, (uint32_t)a[4]);
    return f && (a[3] & MAP_TYPE) != MAP_PRIVATE && (f->flags & O_ACCMODE) == O_RDONLY;
}

/* The mapping is there: what else was asked of it. */
static int64_t furnish(struct kernel *k, struct thread *t, const uint64_t *a, vm_va va,
                       uint64_t bytes)
{
    if (a[3] & MAP_HUGETLB) {
        int64_t error = make_huge(k, t, va, bytes);
        if (error)
            vm_space_unmap(k, t->space, va, bytes);
        return error;
    }
    if (is_read_only(t, a) && vm_space_advise(k, t->space, va, bytes, VM_ADVICE_READ_ONLY))
        return -ENOMEM;
    if (a[3] & MAP_POPULATE)
        vm_populate(k, t, va, bytes);
    return vm_lock_new(k, t, va, bytes, a[3] & MAP_LOCKED ? MAPS_LOCKED : MAPS_FREE);
}

int64_t vm_call_mmap(struct kernel *k, struct thread *t, const uint64_t *a)
{
    uint64_t bytes = bytes_of(k, a);
    bool shared = (a[3] & MAP_TYPE) != MAP_PRIVATE, anonymous = a[3] & MAP_ANONYMOUS;
    int64_t error = check_request(k, t, a, bytes);
    if (error)
        return error;
    struct inode *inode = source_of(k, t, a, shared, &error);
    if (error)
        return error;
    int64_t va = choose_place_for(k, t, a, bytes);
    uint64_t file_page = anonymous ? 0 : a[5] >> k->parts.page_shift;
    bool counts = !(a[3] & MAP_NORESERVE) || k->c->overcommit == VM_OVERCOMMIT_NEVER;
    if (va > 0 && (error = (counts ? vm_space_map : vm_space_map_unpromised)(
                       k, t->space, (vm_va)va, bytes, prot_of(a[2]), shared, inode, file_page)))
        va = error;
    if (inode && anonymous)
        vm_inode_release(k, inode); /* its mappings keep it */
    if (va > 0 && (error = furnish(k, t, a, (vm_va)va, bytes)))
        va = error;
    return va;
}

int64_t vm_call_munmap(struct kernel *k, struct thread *t, const uint64_t *a)
{
    if (!vm_is_page(k, a[0]) || a[1] == 0 || a[1] > k->user_end)
        return -EINVAL;
    return vm_space_unmap(k, t->space, a[0], vm_page_up(k, a[1]));
}

int64_t vm_call_mprotect(struct kernel *k, struct thread *t, const uint64_t *a)
{
    vm_va end = a[0] + vm_page_up(k, a[1]), to;
    struct vm_vma v;
    if (!vm_is_page(k, a[0]) || (a[2] & ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC)))
        return -EINVAL;
    if (a[1] == 0)
        return 0;
    if (!vm_is_below(k, a[0], a[1]))
        return -ENOMEM;
    for (vm_va va = a[0]; va < end; va = to) { /* what lies before a hole has changed by then */
        if (!vm_space_piece(k, t->space, va, end, &v, &to))
            return -ENOMEM;
        if ((a[2] & PROT_WRITE) && (v.flags & VM_VMA_READ_ONLY))
            return -EACCES;
        int64_t error = vm_space_protect(k, t->space, va, to - va, prot_of(a[2]));
        if (error)
            return error;
    }
    return 0;
}

/* ---- mremap ---- */

/* More of `v` at `to`, which is what `v` has, or would have, from `from` on. */
static int64_t map_alike(struct kernel *k, struct thread *t, const struct vm_vma *v, vm_va from,
                         vm_va to, uint64_t bytes)
{
    struct inode *inode = v->file ? vm_inode_by_number(k, v->file & VM_FILE_NUMBER_MAX) : NULL;
    uint64_t page = inode ? (from >> k->parts.page_shift) + v->file_delta : 0;
    int64_t error =
        vm_space_map(k, t->space, to, bytes, v->prot, v->backing == VM_BACKING_SHARED, inode, page);
    if (!error && (v->flags & VM_VMA_READ_ONLY))
        error = vm_space_advise(k, t->space, to, bytes, VM_ADVICE_READ_ONLY);
    if (error || !(v->flags & VM_VMA_LOCKED))
        return error;
    return vm_lock_new(k, t, to, bytes, MAPS_LOCKED);
}

/* What mremap asks for, in whole pages. */
struct remap {
    vm_va from, to; /* to: where MREMAP_FIXED wants it */
    uint64_t old, new;
    uint64_t flags;
};

/* More may be mapped of `v` than there is: 0 or -errno. */
static int64_t may_grow(const struct kernel *k, const struct thread *t, const struct vm_vma *v,
                        const struct remap *r)
{
    uint64_t more = r->new > r->old ? r->new - r->old : 0;
    if (r->old > v->end - r->from)
        return -EFAULT;
    bool locks = (v->flags & VM_VMA_LOCKED) && more;
    return locks && !(vm_lock_is_allowed(k, t, more) && vm_lock_has_room(k, more)) ? -EAGAIN : 0;
}

/* It is at `to`, where nothing is, from now on, or there too: where that is, or -errno. */
static int64_t move(struct kernel *k, struct thread *t, const struct vm_vma *v,
                    const struct remap *r, vm_va to)
{
    uint64_t kept = r->old < r->new ? r->old : r->new;
    enum vm_move leaves = r->flags & MREMAP_DONTUNMAP ? VM_MOVE_LEAVES_MAPPED : VM_MOVE_UNMAPS;
    if (r->old == 0) { /* the same pages of the same file once more */
        int64_t error = map_alike(k, t, v, r->from, to, r->new);
        return error ? error : (int64_t)to;
    }
    int64_t error =
        r->new > kept ? map_alike(k, t, v, r->from + kept, to + kept, r->new - kept) : 0;
    if (!error)
        error = vm_machine_move(k, t->space, r->from, kept, to, leaves);
    return error ? error : (int64_t)to;
}

/* To a place that is given, or, where it leaves its old one mapped, to any. */
static int64_t move_to(struct kernel *k, struct thread *t, struct remap r)
{
    bool fixed = r.flags & MREMAP_FIXED;
    if (!vm_is_page(k, r.to) || (fixed && (!vm_is_below(k, r.to, r.new) ||
                                           (r.from + r.old > r.to && r.to + r.new > r.from))))
        return -EINVAL;
    if (fixed)
        vm_space_unmap(k, t->space, r.to, r.new);
    if (r.old > r.new) {
        vm_space_unmap(k, t->space, r.from + r.new, r.old - r.new);
        r.old = r.new;
    }
    const struct vm_vma *found = vm_space_find(k, t->space, r.from);
    struct vm_vma v = found ? *found : (struct vm_vma){0};
    int64_t error = !found ? -EFAULT : may_grow(k, t, &v, &r);
    vm_va to = fixed ? r.to : vm_space_gap(k, t->space, r.new, mappings_end(t->space));
    return error ? error : to ? move(k, t, &v, &r, to) : -ENOMEM;
}

/* Where it is, if there is room behind it; else somewhere else, if that is allowed. */
static int64_t grow(struct kernel *k, struct thread *t, const struct vm_vma *v,
                    const struct remap *r)
{
    uint64_t more = r->new - r->old;
    int64_t error = may_grow(k, t, v, r);
    if (error)
        return error;
    if (r->old && r->from + r->old == v->end && vm_space_is_free(k, t->space, v->end, more) &&
        r->from + r->new <= mappings_end(t->space) && map_alike(k, t, v, v->end, v->end, more) == 0)
        return (int64_t)r->from;
    vm_va to = vm_space_gap(k, t->space, r->new, mappings_end(t->space));
    return (r->flags & MREMAP_MAYMOVE) && to ? move(k, t, v, r, to) : -ENOMEM;
}

static bool is_request(const struct kernel *k, const struct remap *r)
{
    uint64_t known = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
    bool moves = r->flags & MREMAP_MAYMOVE;
    return !(r->flags & ~known) && (moves || !(r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))) &&
           (!(r->flags & MREMAP_DONTUNMAP) || r->old == r->new) && vm_is_page(k, r->from) &&
           r->new > 0 && r->new < k->user_end && r->old < k->user_end;
}

int64_t vm_call_mremap(struct kernel *k, struct thread *t, const uint64_t *a)
{
    struct remap r = {a[0], a[4], vm_page_up(k, a[1]), vm_page_up(k, a[2]), a[3]};
    if (!is_request(k, &r))
        return -EINVAL;
    const struct vm_vma *found = vm_space_find(k, t->space, r.from);
    if (!found)
        return -EFAULT;
    struct vm_vma v = *found;
    if (r.old == 0 && v.backing != VM_BACKING_SHARED)
        return -EINVAL;
    if (r.flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
        return move_to(k, t, r);
    if (r.new > r.old)
        return grow(k, t, &v, &r);
    int64_t error = r.new < r.old ? vm_space_unmap(k, t->space, r.from + r.new, r.old - r.new) : 0;
    return error ? error : (int64_t)r.from;
}
