/* advise.c - what a program advises: what acts at once, and what is remembered with the mapping.
 *
 *   don't need              its pages are gone, as Linux has it for private mappings
 *   lock, unlock            lock.c
 *   cold                    no page of it was referenced lately, so far as that is asked
 *   page out                its own pages leave memory
 *   huge, small, collapse   huge pages may be made of it, may not, are made (huge.c, collapse.c)
 *   fork                    what a child gets of it (event.c)
 *
 *   of a file               a trace tells so which mappings are of the same pages (pgt.md)
 *
 * The rest is only counted. Segments know none but "don't need".
 *
 * Source: madvise(2) of Linux's man-pages.
 */
#include "base/assert.h"
#include "space/memory.h"

static bool dont_need(struct vm_memory *m, const struct vm_event *event, struct vm_error *e)
{
    vm_va start, end;
    if (!vm_event_own_range(m, event, &start, &end, e))
        return false;
    vm_release_pages(m, event->asid, start, end);
    return true;
}

/* A huge page is split first, for parts of it may not be meant. */
static bool lock(struct vm_memory *m, const struct vm_event *event, struct vm_error *e)
{
    vm_va start, end;
    return vm_event_own_range(m, event, &start, &end, e) &&
           vm_lock_range(m, event->asid, start, end, e);
}

static bool unlock(struct vm_memory *m, const struct vm_event *event, struct vm_error *e)
{
    vm_va start, end;
    return vm_event_own_range(m, event, &start, &end, e) &&
           vm_unlock_range(m, event->asid, start, end, e);
}

static void cool(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end)
{
    struct vm_pte pte;
    m->c.settle(m->c.host);
    for (vm_va va = start; (va = vm_next_entry(m, asid, va, end, &pte)) < end;
         va = vm_memory_behind(m, va, pte)) {
        if (pte.state != VM_PTE_PRESENT)
            continue;
        m->bits[pte.pfn] &= (uint8_t)~VM_FRAME_REFERENCED;
        pte.accessed = false;
        m->c.shootdown(m->c.host, vm_memory_key(m, va, asid));
        m->c.scheme->set(m->scheme, asid, va, pte);
    }
}

/* Pages that others map, or that are locked, stay. What cannot leave, for swap is full, stays too.
 */
static void page_out(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end)
{
    struct vm_pte pte;
    vm_swap_gather(m);
    for (vm_va va = start; (va = vm_next_entry(m, asid, va, end, &pte)) < end;
         va = vm_memory_behind(m, va, pte))
        if (pte.state == VM_PTE_PRESENT && pte.order == 0 && !m->frame[pte.pfn].sharers &&
            !vm_is_locked(m, pte.pfn) && !vm_frame_vacate(m, pte.pfn))
            break;
    m->starved = false; /* nobody needs it */
    vm_swap_gathered(m);
}

/* False: m->out. */
static bool collapse(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end)
{
    vm_va bytes = UINT64_C(1) << (m->c.page_shift + m->huge.order);
    vm_reserve_break(m, asid, start, end);
    for (vm_va va = vm_huge_start(m, start + bytes - 1); va < end && end - va >= bytes;
         va += bytes) {
        const struct vm_vma *v = vm_vma_find(&m->space[asid], va);
        if (v && vm_huge_may(m, v, va) && !vm_collapse_region(m, asid, v, va))
            return false;
    }
    return true;
}

/* Only a file's mapping is, and whole; what it had it has no more. */
static bool name_file(struct vm_memory *m, const struct vm_event *event, struct vm_error *e)
{
    vm_va start, end;
    if (!vm_event_own_range(m, event, &start, &end, e))
        return false;
    const struct vm_vma *found = vm_vma_find(&m->space[event->asid], start);
    bool of_file =
        found && (found->backing == VM_BACKING_FILE || found->backing == VM_BACKING_SHARED);
    if (!of_file || found->start > start || found->end != end || event->child == 0)
        return true;
    m->c.counts->file_maps++;
    struct vm_vma v = *found;
    v.file = VM_FILE_NAMED | event->child;
    v.file_delta = 0;
    vm_release_pages(m, event->asid, start, end);
    return vm_vma_map(&m->space[event->asid], v, e);
}

/* What is remembered of the advice, in place of what was: false, nothing is. */
static bool flags_of(unsigned advice, uint8_t *flags, uint8_t *kept)
{
    static const struct {
        uint8_t flags, clears;
    } rows[VM_ADVICES] = {
        [VM_ADVICE_HUGE] = {VM_VMA_HUGE, VM_VMA_SMALL},
        [VM_ADVICE_SMALL] = {VM_VMA_SMALL, VM_VMA_HUGE},
        [VM_ADVICE_DONT_FORK] = {VM_VMA_NOT_FORKED, 0},
        [VM_ADVICE_DO_FORK] = {0, VM_VMA_NOT_FORKED},
        [VM_ADVICE_WIPE_ON_FORK] = {VM_VMA_WIPED, 0},
        [VM_ADVICE_KEEP_ON_FORK] = {0, VM_VMA_WIPED},
        [VM_ADVICE_READ_ONLY] = {VM_VMA_READ_ONLY, 0},
    };
    if (advice >= VM_ADVICES || !(rows[advice].flags | rows[advice].clears))
        return false;
    *flags = rows[advice].flags;
    *kept = (uint8_t)~rows[advice].clears;
    return true;
}

static bool remember(struct vm_memory *m, const struct vm_event *event, struct vm_error *e)
{
    vm_va start, end;
    uint8_t flags, kept;
    if (!flags_of(event->detail, &flags, &kept))
        return vm_event_range(m, event, &start, &end, e);
    return vm_event_own_range(m, event, &start, &end, e) &&
           vm_vma_flag(&m->space[event->asid], start, end, flags, kept, e);
}

/* On pages [start, end), which have no segments. */
static bool act(struct vm_memory *m, const struct vm_event *event, struct vm_error *e)
{
    vm_va start, end;
    bool whole = event->detail == VM_ADVICE_COLLAPSE;
    if (!(whole ? vm_event_range(m, event, &start, &end, e)
                : vm_event_own_range(m, event, &start, &end, e)))
        return false;
    if (event->detail == VM_ADVICE_COLD)
        cool(m, event->asid, start, end);
    else if (event->detail == VM_ADVICE_PAGEOUT)
        page_out(m, event->asid, start, end);
    else if (m->huge.run && !collapse(m, event->asid, start, end)) {
        *e = m->out;
        return false;
    }
    return true;
}

bool vm_advise(struct vm_memory *m, const struct vm_event *event, struct vm_error *e)
{
    vm_va start, end;
    m->c.counts->advises++;
    if (event->detail == VM_ADVICE_DONTNEED)
        return dont_need(m, event, e);
    if (m->seg)
        return vm_event_range(m, event, &start, &end, e);
    switch (event->detail) {
    case VM_ADVICE_LOCK:
        return lock(m, event, e);
    case VM_ADVICE_UNLOCK:
        return unlock(m, event, e);
    case VM_ADVICE_OF_FILE:
        return name_file(m, event, e);
    case VM_ADVICE_COLD:
    case VM_ADVICE_PAGEOUT:
    case VM_ADVICE_COLLAPSE:
        return act(m, event, e);
    default:
        return remember(m, event, e);
    }
}
