/* fault.c - the fault path: from a touch that the tables could not translate to an entry that can.
 *
 *   may_touch      the VMA, made by first touch where that is the rule; its protection
 *   resolve        huge pages first (huge.c): a write to one that was shared, a first touch
 *   resolve_mapped what needs no new frame: a page taken over from former sharers, or mapped again
 *                  from the frame that still has it, as its slot or its file knows
 *   resolve_filled a frame (which may evict anything, so the entry is looked at again after it),
 *                  filled by what the entry says
 */
#include "base/assert.h"
#include "space/memory.h"
#include "space/segment.h"

#include <string.h>

#define FIRST_TOUCH_SHIFT 21 /* 2 MiB: what one leaf table maps on x86-64 and Sv39 */

static bool first_touch(struct vm_memory *m, struct vm_fault *f, struct vm_error *e)
{
    vm_va top_page = UINT64_MAX << m->c.page_shift; /* [top_page, 2^64) cannot be half open */
    if (m->c.stray == VM_STRAY_FAULTS || f->va >= top_page || f->va < m->c.scheme->va_first) {
        f->kind = VM_FAULT_VIOLATION;
        return true;
    }
    f->vma = vm_vma_first_touch(&m->space[f->asid], f->va, m->c.page_shift, FIRST_TOUCH_SHIFT,
                                m->c.scheme->va_first, e);
    return f->vma;
}

/* Fills f->vma, or f->kind with the reason why the touch is not allowed (and leaves f->vma NULL).
 */
static bool may_touch(struct vm_memory *m, struct vm_fault *f, struct vm_error *e)
{
    f->vma = NULL;
    f->kind = VM_FAULT_KILLED;
    if (m->space[f->asid].killed)
        return true;
    f->vma = vm_vma_find(&m->space[f->asid], f->va);
    if (!f->vma)
        return first_touch(m, f, e);
    if (f->vma->prot & vm_access_needs(f->access))
        return true;
    f->vma = NULL;
    f->kind = VM_FAULT_DENIED;
    return true;
}

static void set_present(struct vm_memory *m, struct vm_fault *f, vm_pfn pfn, uint8_t prot)
{
    struct vm_pte pte = {.state = VM_PTE_PRESENT, .prot = prot, .pfn = pfn};
    m->c.scheme->set(m->scheme, f->asid, f->va, pte);
    f->pfn = pfn;
}

static uint8_t without_write(uint8_t prot)
{
    return prot & (uint8_t)~VM_PROT_WRITE;
}

/* The entry is present but does not allow the access that the VMA allows: it was shared. Nobody
 * shares it any more: it becomes writable where it is. */
static void take_over(struct vm_memory *m, struct vm_fault *f, vm_pfn pfn)
{
    set_present(m, f, pfn, f->vma->prot);
    m->c.shootdown(m->c.host, vm_memory_key(m, f->va, f->asid));
    f->kind = VM_FAULT_COW;
}

/* A mapping of `v` may write to it: it is its one mapper, or all may, to the file. */
static bool is_own(const struct vm_memory *m, const struct vm_vma *v, vm_pfn pfn)
{
    if (m->frame[pfn].home & VM_HOME_SHARED)
        return v->backing == VM_BACKING_SHARED;
    return vm_frame_users(m, pfn) == 1;
}

/* The frame that has the page already, though its entry does not say so, or VM_NOFRAME: that of its
 * slot, or of its page of the file. */
static vm_pfn find_cached(struct vm_memory *m, const struct vm_fault *f, struct vm_pte pte)
{
    if (pte.state == VM_PTE_PRESENT)
        return VM_NOFRAME;
    if (pte.state == VM_PTE_SWAPPED && pte.slot != VM_SLOT_FILE)
        return vm_slot_frame(m, pte.slot);
    uint32_t home = vm_file_home(f->vma);
    return home ? vm_page_cache_find(m, home, vm_file_page(m, f->vma, f->va)) : VM_NOFRAME;
}

bool vm_memory_has(const struct vm_memory *m, vm_asid asid, vm_va va)
{
    if (!vm_memory_space(m, asid))
        return false;
    const struct vm_vma *v = vm_vma_find(&m->space[asid], va);
    struct vm_pte pte = m->c.scheme->get(m->scheme, asid, va);
    if (pte.state == VM_PTE_PRESENT)
        return true;
    if (pte.state == VM_PTE_SWAPPED && pte.slot != VM_SLOT_FILE)
        return vm_slot_frame(m, pte.slot) != VM_NOFRAME;
    uint32_t home = v ? vm_file_home(v) : 0;
    return home && vm_page_cache_look(m, home, vm_file_page(m, v, va)) != VM_NOFRAME;
}

/* The only mapper of `pfn` may not write any more: it is about to be shared. */
static void forbid_writes(struct vm_memory *m, vm_pfn pfn)
{
    uint64_t key = m->frame[pfn].owner;
    vm_va va = vm_key_va(key, m->c.page_shift);
    struct vm_pte pte = m->c.scheme->get(m->scheme, vm_key_asid(key), va);
    if (!(pte.prot & VM_PROT_WRITE) || (m->frame[pfn].home & VM_HOME_SHARED))
        return;
    pte.prot = without_write(pte.prot);
    m->c.scheme->set(m->scheme, vm_key_asid(key), va, pte);
    m->c.shootdown(m->c.host, key);
}

/* `key` maps `pfn` too. False: m->out. */
static bool join_mappers(struct vm_memory *m, vm_pfn pfn, uint64_t key)
{
    if (vm_is_unmapped(m, pfn)) {
        m->frame[pfn].owner = key;
        m->frame[pfn].sharers = 0;
        return true;
    }
    forbid_writes(m, pfn);
    return vm_frame_share(m, pfn, key);
}

/* A page that the policy has parked is touched. */
static void soften(struct vm_memory *m, struct vm_fault *f, vm_pfn pfn)
{
    bool dirty = f->access == VM_WRITE;
    m->bits[pfn] |= (VM_FRAME_REFERENCED & m->c.scheme->marks) | (dirty ? VM_FRAME_DIRTY : 0);
    m->c.settle(m->c.host);
    m->c.policy->soft(m->policy, pfn);
    f->told = true;
}

/* A page comes back that was on its way out: it is a newcomer to the policy. */
static void rescue(struct vm_memory *m, struct vm_fault *f, vm_pfn pfn)
{
    bool dirty = f->access == VM_WRITE;
    m->c.counts->rescues++;
    m->bits[pfn] |= (VM_FRAME_REFERENCED & m->c.scheme->marks) | (dirty ? VM_FRAME_DIRTY : 0);
    vm_unit_insert(m, pfn, m->frame[pfn].owner);
    f->inserted = f->told = true;
}

/* The page is in frame `pfn`: map it there. False: m->out. */
static bool map_cached(struct vm_memory *m, struct vm_fault *f, vm_pfn pfn, struct vm_pte pte)
{
    bool parked = vm_is_unmapped(m, pfn) && (m->frame[pfn].sharers & VM_UNMAPPED_PARKED);
    bool ahead = vm_is_ahead(m, pfn);
    uint32_t why = m->frame[pfn].sharers;
    bool leaving = vm_is_leaving(m, pfn);
    if (leaving)
        vm_writeback_rescue(m, pfn);
    if (!join_mappers(m, pfn, vm_memory_key(m, f->va, f->asid)))
        return false;
    if (pte.state == VM_PTE_SWAPPED && pte.slot != VM_SLOT_FILE)
        vm_slot_unref(m, pte.slot);
    set_present(m, f, pfn, is_own(m, f->vma, pfn) ? f->vma->prot : without_write(f->vma->prot));
    m->space[f->asid].resident++;
    f->kind = VM_FAULT_SOFT;
    f->ahead = ahead;
    if (ahead)
        vm_ahead_touched(m, f->asid, pfn, why);
    if (parked)
        soften(m, f, pfn);
    if (leaving)
        rescue(m, f, pfn);
    vm_lock_settle(m, pfn);
    return true;
}

/* Whether a write may go to frame `pfn`, which has the page that the entry names. */
static bool may_write(struct vm_memory *m, const struct vm_fault *f, vm_pfn pfn, struct vm_pte pte)
{
    uint32_t home = m->frame[pfn].home;
    if (home & VM_HOME_SHARED)
        return f->vma->backing == VM_BACKING_SHARED;
    if (!vm_is_unmapped(m, pfn))
        return false;
    if (home & VM_HOME_FILE)
        return !vm_file_is_awaited(m, home, vm_memory_key(m, f->va, f->asid));
    return vm_slot_refs(m, pte.slot) == 1;
}

/* Resolved without a new frame: *done, if it can be. False: m->out. */
static bool resolve_mapped(struct vm_memory *m, struct vm_fault *f, bool *done)
{
    struct vm_pte pte = m->c.scheme->get(m->scheme, f->asid, f->va);
    *done = pte.state == VM_PTE_PRESENT && is_own(m, f->vma, pte.pfn);
    if (*done) {
        take_over(m, f, pte.pfn);
        return true;
    }
    vm_pfn pfn = find_cached(m, f, pte);
    *done = pfn != VM_NOFRAME && (f->access != VM_WRITE || may_write(m, f, pfn, pte));
    return !*done || map_cached(m, f, pfn, pte);
}

static void fill_with_zeros(struct vm_memory *m, struct vm_fault *f, vm_pfn pfn)
{
    f->kind = VM_FAULT_DEMAND_ZERO;
    m->c.counts->page_copies++;
    vm_contents_zero(m, pfn);
}

/* Fill frame `pfn` from swap slot `s` and say whether it may be written: where other entries still
 * need the slot, a reader's frame becomes the clean copy that they all share; a writer's is its
 * own. A page that takes memory in its slot is not kept there as well: the slot is freed. */
static bool fill_from_slot(struct vm_memory *m, struct vm_fault *f, vm_pfn pfn, vm_slot s)
{
    bool shared = vm_slot_refs(m, s) > 1;
    bool keeps = vm_store_kept(m, vm_slot_level(m, s)) > 0;
    vm_pfn cached = vm_slot_frame(m, s);
    if (cached != VM_NOFRAME) { /* copied from there: the page is its own now */
        f->kind = VM_FAULT_COW;
        vm_contents_copy(m, pfn, cached);
        m->c.counts->page_copies++;
        vm_slot_unref(m, s);
        return true;
    }
    if (vm_slot_is_zero(m, s)) {
        fill_with_zeros(m, f, pfn);
    } else {
        f->kind = VM_FAULT_SWAP_IN;
        vm_swap_read(m, s, vm_memory_key(m, f->va, f->asid));
        vm_contents_load(m, pfn, s);
    }
    bool taken_out = !shared && f->kind == VM_FAULT_SWAP_IN && keeps;
    if (!taken_out && (!shared || f->access != VM_WRITE))
        vm_slot_attach(m, s, pfn);
    vm_slot_unref(m, s);
    return !shared || f->access == VM_WRITE;
}

/* Fill frame `pfn` with the page of a file: from the frame that has it, or from the device. */
static void fill_from_file(struct vm_memory *m, struct vm_fault *f, vm_pfn pfn, struct vm_pte pte)
{
    uint32_t home = vm_file_home(f->vma);
    uint64_t page = vm_file_page(m, f->vma, f->va);
    vm_pfn cached = find_cached(m, f, pte);
    if (cached != VM_NOFRAME) {
        f->kind = VM_FAULT_COW;
        m->c.counts->page_copies++;
        vm_contents_copy(m, pfn, cached);
        return;
    }
    f->kind = VM_FAULT_FILE_IN;
    vm_swap_read_file(m, home, page, vm_memory_key(m, f->va, f->asid));
    vm_contents_load_file(m, pfn, home, page);
}

/* Fill frame `pfn` with what the entry says; answers whether the page may be written at once. */
static bool fill(struct vm_memory *m, struct vm_fault *f, vm_pfn pfn, struct vm_pte pte)
{
    uint64_t key = vm_memory_key(m, f->va, f->asid);
    switch (pte.state) {
    case VM_PTE_EMPTY:
        if (vm_file_is_named(f->vma->file))
            break;
        fill_with_zeros(m, f, pfn);
        return true;
    case VM_PTE_PRESENT: /* shared copy-on-write */
        f->kind = VM_FAULT_COW;
        m->c.counts->page_copies++;
        vm_contents_copy(m, pfn, pte.pfn);
        m->c.shootdown(m->c.host, key);
        vm_frame_unmap(m, pte.pfn, key);
        return true;
    case VM_PTE_SWAPPED:
        break;
    }
    if (pte.state == VM_PTE_SWAPPED && pte.slot != VM_SLOT_FILE)
        return fill_from_slot(m, f, pfn, pte.slot);
    fill_from_file(m, f, pfn, pte);
    return true;
}

/* A clean page of a file can be found by its other mappers; a shared one always. */
static void note_file(struct vm_memory *m, const struct vm_fault *f, vm_pfn pfn)
{
    uint32_t home = m->frame[pfn].home ? 0 : vm_file_home(f->vma);
    bool shared = f->vma->backing == VM_BACKING_SHARED;
    if (home && (shared || !(m->bits[pfn] & VM_FRAME_DIRTY)))
        vm_page_cache_add(m, pfn, home, vm_file_page(m, f->vma, f->va));
}

/* A frame from the reservation of the page's region, or any other. */
static vm_pfn get_frame(struct vm_memory *m, const struct vm_fault *f)
{
    vm_pfn pfn = VM_NOFRAME;
    if (m->c.huge.pages == VM_HUGE_RESERVE)
        pfn = vm_reserve_get(m, f);
    return pfn == VM_NOFRAME ? vm_frame_get(m, f->va, vm_memory_key(m, f->va, f->asid)) : pfn;
}

/* Get a frame, fill it, map it and tell the policy. False: m->out. */
static bool resolve_filled(struct vm_memory *m, struct vm_fault *f)
{
    if (!vm_ahead_read(m, f) || !vm_policy_release(m, vm_memory_key(m, f->va, f->asid)))
        return false;
    vm_pfn pfn = get_frame(m, f);
    if (pfn == VM_NOFRAME)
        return false;
    /* Getting the frame may have evicted the very page that was shared: look now, not before. */
    struct vm_pte pte = m->c.scheme->get(m->scheme, f->asid, f->va);
    uint64_t key = vm_memory_key(m, f->va, f->asid);
    bool writable = fill(m, f, pfn, pte);
    m->frame[pfn].owner = key;
    /* A copy, or a page whose slot was freed, is dirty even if it is only read so far: its content
     * is nowhere else. */
    bool dirty = f->access == VM_WRITE || f->kind == VM_FAULT_COW ||
                 (f->kind == VM_FAULT_SWAP_IN && !m->frame[pfn].home);
    m->bits[pfn] = (VM_FRAME_REFERENCED & m->c.scheme->marks) | (dirty ? VM_FRAME_DIRTY : 0);
    note_file(m, f, pfn);
    writable = writable && is_own(m, f->vma, pfn);
    set_present(m, f, pfn, writable ? f->vma->prot : without_write(f->vma->prot));
    m->space[f->asid].resident++;
    m->nresident++;
    vm_unit_insert(m, pfn, key);
    f->inserted = f->told = true;
    return m->c.huge.pages != VM_HUGE_RESERVE || vm_reserve_fill(m, f, pfn);
}

/* A touch that the VMA allows, of a page that is not present or was shared. False: m->out. */
static bool resolve(struct vm_memory *m, struct vm_fault *f)
{
    bool done = false;
    struct vm_pte pte = m->c.scheme->get(m->scheme, f->asid, f->va);
    if (pte.order && !vm_huge_write(m, f, pte.pfn, &done))
        return false;
    bool at_once = m->c.huge.pages == VM_HUGE_FAULT || m->c.huge.pages == VM_HUGE_ADVISED;
    if (at_once && !done && !vm_huge_fault(m, f, &done))
        return false;
    return done || (m->c.scheme->ensure(m->scheme, f->asid, f->va, 0) &&
                    resolve_mapped(m, f, &done) && (done || resolve_filled(m, f)));
}

void vm_fault_count_refused(struct vm_memory *m, const struct vm_fault *f)
{
    m->c.counts->violations += f->kind == VM_FAULT_VIOLATION;
    m->c.counts->denials += f->kind == VM_FAULT_DENIED;
    m->c.counts->oom_touches += f->kind == VM_FAULT_KILLED;
}

void vm_fault_count(struct vm_memory *m, const struct vm_fault *f)
{
    struct vm_counts *c = m->c.counts;
    f->vma->faults++;
    f->vma->majors += f->kind == VM_FAULT_SWAP_IN || f->kind == VM_FAULT_FILE_IN;
    c->faults++;
    switch (f->kind) {
    case VM_FAULT_DEMAND_ZERO:
        c->demand_zero++;
        break;
    case VM_FAULT_SOFT:
        c->soft_faults++;
        break;
    case VM_FAULT_COW:
        c->cow_breaks++;
        break;
    case VM_FAULT_SWAP_IN:
        c->swap_ins++;
        break;
    case VM_FAULT_FILE_IN:
        c->file_ins++;
        break;
    case VM_FAULT_VIOLATION:
    case VM_FAULT_DENIED:
    case VM_FAULT_KILLED:
        VM_ASSERT(!"a resolved fault is of a resolved kind");
    }
}

/* The policy, which was told of a touch, may wish to park pages. */
static bool wishes(struct vm_memory *m, const struct vm_fault *f, struct vm_error *e)
{
    if (vm_policy_park(m, vm_memory_unit(m, f->pfn)))
        return true;
    *e = m->out;
    return false;
}

bool vm_memory_fault(struct vm_memory *m, struct vm_fault *f, struct vm_error *e)
{
    f->inserted = f->told = f->ahead = false;
    f->pfn = VM_NOFRAME;
    vm_memory_flush(m);
    if (m->seg)
        return vm_segment_fault(m, f, e) && (!f->told || wishes(m, f, e));
    do {
        if (!may_touch(m, f, e))
            return false;
        if (!f->vma) {
            vm_fault_count_refused(m, f);
            return true;
        }
        if (resolve(m, f)) {
            vm_fault_count(m, f);
            return !f->told || wishes(m, f, e);
        }
        *e = m->out;
    } while (vm_oom_relieve(m));
    return false;
}
