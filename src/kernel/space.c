/* space.c - the address spaces of programs.
 *
 *   0         user_end / 3 (position-independent programs)      stack_low   stack_top  user_end
 *   |  program | heap ->    ...     <- mappings                | <- stack |  trampoline |
 *
 * What is mapped where is space/'s (struct vm_space): this file finds room, keeps to the limits and
 * asks the machine by events, which it counts as those of a trace. Pages come at first touch.
 *
 * Invariants
 *  1. Page 0 is never mapped, nor is anything from user_end on.
 *  2. A space has an ASID of its own from its beginning to its end.
 */
#include "base/assert.h"
#include "kernel/kernel.h"

#include <stdlib.h>

#define MAPPINGS_MAX 65530 /* of a space, as Linux's vm.max_map_count */

/* ---- beginning and ending ---- */

static vm_asid free_asid(struct kernel *k)
{
    for (unsigned tries = 0; tries < FILES_ASID; tries++) {
        vm_asid asid = k->asid_next;
        k->asid_next = asid + 1 == FILES_ASID ? 1 : (vm_asid)(asid + 1);
        if (!k->of_asid[asid])
            return asid;
    }
    return 0;
}

struct address_space *vm_space_open(struct kernel *k)
{
    vm_asid asid = free_asid(k);
    struct address_space *s = asid ? calloc(1, sizeof *s) : NULL;
    struct vm_error e;
    if (!s)
        return NULL;
    s->view = vm_rv64_view_open(&e);
    if (!s->view) {
        free(s);
        return NULL;
    }
    s->asid = asid;
    k->of_asid[asid] = s;
    return s;
}

void vm_space_leave(struct kernel *k, struct address_space *s)
{
    VM_ASSERT(s->users > 0);
    if (--s->users)
        return;
    vm_machine_drain(k);
    vm_check_close_space(s);
    k->of_asid[s->asid] = NULL; /* nobody asks its view again, which need not forget page by page */
    vm_machine_event(k, &(struct vm_event){.kind = VM_EVENT_EXIT, .asid = s->asid});
    vm_rv64_view_close(s->view);
    if (s->program)
        vm_inode_release(k, s->program);
    free(s);
}

void vm_spaces_close(struct kernel *k)
{
    for (uint32_t asid = 0; asid <= VM_ASID_MAX; asid++)
        if (k->of_asid[asid]) {
            vm_check_close_space(k->of_asid[asid]);
            vm_rv64_view_close(k->of_asid[asid]->view);
            free(k->of_asid[asid]);
            k->of_asid[asid] = NULL;
        }
}

bool vm_space_clear(struct kernel *k, struct address_space *s)
{
    s->future = MAPS_FREE;
    vm_check_close_space(s);
    return vm_machine_event(k, &(struct vm_event){.kind = VM_EVENT_EXEC, .asid = s->asid});
}

/* ---- what is where ---- */

const struct vm_space *vm_space_of(const struct kernel *k, const struct address_space *s)
{
    static const struct vm_space empty;
    const struct vm_space *space = vm_memory_space(k->parts.memory, s->asid);
    return space ? space : &empty;
}

/* The number of the first mapping that ends after `va`. */
static size_t first_after(const struct vm_space *space, vm_va va)
{
    size_t low = 0, high = space->nvmas;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (space->vma[middle].end > va)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

const struct vm_vma *vm_space_find(const struct kernel *k, const struct address_space *s, vm_va va)
{
    const struct vm_space *space = vm_space_of(k, s);
    size_t i = first_after(space, va);
    return i < space->nvmas && space->vma[i].start <= va ? &space->vma[i] : NULL;
}

bool vm_space_is_free(const struct kernel *k, const struct address_space *s, vm_va va,
                      uint64_t bytes)
{
    const struct vm_space *space = vm_space_of(k, s);
    size_t i = first_after(space, va);
    return i == space->nvmas || space->vma[i].start >= va + bytes;
}

vm_va vm_space_gap(const struct kernel *k, const struct address_space *s, uint64_t bytes,
                   vm_va below)
{
    const struct vm_space *space = vm_space_of(k, s);
    vm_va end = below;
    for (size_t i = space->nvmas; i-- > 0;) {
        const struct vm_vma *v = &space->vma[i];
        if (v->start >= below)
            continue;
        if (v->end < end && end - v->end >= bytes)
            return end - bytes;
        end = v->start < end ? v->start : end;
    }
    return end >= bytes + vm_page_bytes(k) ? end - bytes : 0;
}

/* ---- what is promised ---- */

/* Pages of a mapping that may come to need memory or swap of their own. */
static uint64_t promise_of(const struct kernel *k, uint64_t bytes, unsigned prot, bool shared,
                           bool anonymous)
{
    bool own = shared ? anonymous : prot & VM_PROT_WRITE;
    return own ? bytes >> k->parts.page_shift : 0;
}

static uint64_t promised_to(const struct kernel *k, const struct address_space *s)
{
    uint64_t pages = 0;
    const struct vm_space *space = vm_space_of(k, s);
    for (size_t i = 0; i < space->nvmas; i++) {
        const struct vm_vma *v = &space->vma[i];
        pages += promise_of(k, v->end - v->start, v->prot, v->backing == VM_BACKING_SHARED,
                            v->backing == VM_BACKING_ANON);
    }
    return pages;
}

static uint64_t promised(const struct kernel *k)
{
    uint64_t pages = 0;
    for (unsigned asid = 1; asid < FILES_ASID; asid++)
        if (k->of_asid[asid])
            pages += promised_to(k, k->of_asid[asid]);
    return pages;
}

/* As Linux's vm.overcommit_memory has it: 1, 2 with a ratio of 100, and 0, which refuses only what
 * by itself is more than there is. */
static bool may_promise(const struct kernel *k, uint64_t pages)
{
    uint64_t all = k->parts.nframes + (k->out->machine.config.swap_bytes >> k->parts.page_shift);
    switch (k->c->overcommit) {
    case VM_OVERCOMMIT_ALWAYS:
        return true;
    case VM_OVERCOMMIT_GUESS:
        return pages <= all;
    case VM_OVERCOMMIT_NEVER:
        break;
    }
    return promised(k) + pages <= all;
}

struct address_space *vm_space_fork(struct kernel *k, const struct address_space *from)
{
    if (k->c->overcommit == VM_OVERCOMMIT_NEVER && !may_promise(k, promised_to(k, from)))
        return NULL;
    struct address_space *s = vm_space_open(k);
    if (!s)
        return NULL;
    vm_asid asid = s->asid;
    struct vm_rv64_view *view = s->view;
    *s = *from;
    s->users = 0;
    s->future = MAPS_FREE;
    s->asid = asid;
    s->view = view;
    vm_check_fork(k, s, from);
    if (s->program)
        vm_inode_hold(s->program);
    vm_machine_event(k,
                     &(struct vm_event){.kind = VM_EVENT_FORK, .asid = from->asid, .child = asid});
    return s;
}

/* ---- mapping ---- */

static bool is_range(const struct kernel *k, vm_va va, uint64_t bytes)
{
    return bytes > 0 && !((va | bytes) & (vm_page_bytes(k) - 1)) && va >= vm_page_bytes(k) &&
           va < k->user_end && bytes <= k->user_end - va;
}

static int64_t answer(struct kernel *k, const struct vm_event *event)
{
    return vm_machine_event(k, event) ? 0 : -ENOMEM;
}

int64_t vm_space_map(struct kernel *k, struct address_space *s, vm_va va, uint64_t bytes,
                     unsigned prot, bool shared, struct inode *inode, uint64_t file_page)
{
    if (!may_promise(k, promise_of(k, bytes, prot, shared, !inode)))
        return -ENOMEM;
    return vm_space_map_unpromised(k, s, va, bytes, prot, shared, inode, file_page);
}

int64_t vm_space_map_unpromised(struct kernel *k, struct address_space *s, vm_va va, uint64_t bytes,
                                unsigned prot, bool shared, struct inode *inode, uint64_t file_page)
{
    if (!is_range(k, va, bytes) || vm_space_of(k, s)->nvmas >= MAPPINGS_MAX)
        return -ENOMEM;
    struct vm_event event = {
        .kind = VM_EVENT_MAP,
        .asid = s->asid,
        .va = va,
        .bytes = bytes,
        .prot = (uint8_t)prot,
        .detail = !inode   ? VM_BACKING_ANON
                  : shared ? VM_BACKING_SHARED
                           : VM_BACKING_FILE,
        .file = inode ? inode->number : 0,
        .file_page = file_page,
    };
    vm_check_mapped(s, va, bytes);
    return answer(k, &event);
}

int64_t vm_space_unmap(struct kernel *k, struct address_space *s, vm_va va, uint64_t bytes)
{
    if (!is_range(k, va, bytes))
        return -EINVAL;
    return answer(
        k, &(struct vm_event){.kind = VM_EVENT_UNMAP, .asid = s->asid, .va = va, .bytes = bytes});
}

/* Whether all of [va, va + bytes) is mapped. */
bool vm_space_is_mapped(const struct kernel *k, const struct address_space *s, vm_va va,
                        uint64_t bytes)
{
    for (vm_va end = va + bytes; va < end;) {
        const struct vm_vma *v = vm_space_find(k, s, va);
        if (!v)
            return false;
        va = v->end;
    }
    return true;
}

bool vm_space_piece(const struct kernel *k, const struct address_space *s, vm_va va, vm_va end,
                    struct vm_vma *v, vm_va *to)
{
    const struct vm_vma *found = vm_space_find(k, s, va);
    if (!found)
        return false;
    *v = *found;
    *to = v->end < end ? v->end : end;
    return true;
}

/* Pages of [va, end) that get a right to write of their own, which was not promised them. */
static uint64_t newly_promised(const struct kernel *k, const struct address_space *s, vm_va va,
                               vm_va end, unsigned prot)
{
    struct vm_vma v;
    uint64_t pages = 0;
    for (vm_va to; va < end && vm_space_piece(k, s, va, end, &v, &to); va = to) {
        bool shared = v.backing == VM_BACKING_SHARED, anonymous = v.backing == VM_BACKING_ANON;
        uint64_t before = promise_of(k, to - va, v.prot, shared, anonymous),
                 after = promise_of(k, to - va, prot, shared, anonymous);
        pages += after > before ? after - before : 0;
    }
    return pages;
}

int64_t vm_space_advise(struct kernel *k, struct address_space *s, vm_va va, uint64_t bytes,
                        enum vm_advice advice)
{
    return answer(k, &(struct vm_event){.kind = VM_EVENT_ADVISE,
                                        .asid = s->asid,
                                        .va = va,
                                        .bytes = bytes,
                                        .detail = (uint8_t)advice});
}

int64_t vm_space_protect(struct kernel *k, struct address_space *s, vm_va va, uint64_t bytes,
                         unsigned prot)
{
    if (!is_range(k, va, bytes) || !vm_space_is_mapped(k, s, va, bytes) ||
        !may_promise(k, newly_promised(k, s, va, va + bytes, prot)))
        return -ENOMEM;
    return answer(k, &(struct vm_event){.kind = VM_EVENT_PROTECT,
                                        .asid = s->asid,
                                        .va = va,
                                        .bytes = bytes,
                                        .prot = (uint8_t)prot});
}

bool vm_space_grow_stack(struct kernel *k, struct address_space *s, vm_va va)
{
    if (va < s->stack_low || va >= s->stack_top)
        return false;
    const struct vm_space *space = vm_space_of(k, s);
    size_t i = first_after(space, va);
    vm_va page = va & ~(vm_page_bytes(k) - 1);
    if (i == space->nvmas || space->vma[i].start <= va || space->vma[i].end > s->stack_top)
        return false;
    const struct vm_vma stack = space->vma[i];
    if (stack.start > s->stack_top ||
        vm_space_map(k, s, page, stack.start - page, stack.prot, false, NULL, 0) != 0)
        return false;
    return !(stack.flags & VM_VMA_LOCKED) ||
           vm_space_advise(k, s, page, stack.start - page, VM_ADVICE_LOCK) == 0;
}
