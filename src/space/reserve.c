/* reserve.c - reservations: a run of frames set aside for the huge page that a region may become.
 *
 *      region   | 0 | 1 |   | 3 |   |   |   |   |      touched pages lie at their places
 *      run      | 0 | 1 | . | 3 | . | . | . | . |      . is set aside for nobody else
 *
 * At the first touch of a region that may be huge (huge.c) and has nothing in it yet, an aligned
 * run is set aside. Its pages are base pages like others, each in the frame that has its number in
 * the run; when the last one has come they are made one page where they are, without a copy. If
 * memory is short before, the reservation whose last page came longest ago is given up: its other
 * frames are free, and its pages stay base pages. It is given up too when a part of the region
 * changes by itself (unmap, protect, fork), for then it will hardly become one page.
 *
 * Invariants
 *  1. run[r] is reserved: 1 <= populated < npages; the frames not populated are VM_FRAME_RESERVED,
 *     the others hold base pages of the region with one mapper and no slot.
 *  2. The queue has every reserved run once, and so have the buckets by their keys.
 *  3. Nobody is asked for a victim while there is a reservation; one whose page the policy gives
 *     up, parks or cleans ends. (So a populated page never leaves one.)
 *
 * Navarro, Iyer, Druschel & Cox, "Practical, transparent operating system support for superpages",
 * OSDI 2002, sections 4.2 to 4.8. Not here: their several sizes at once, and a reservation that
 * takes its run from an older one.
 */
#include "base/assert.h"
#include "base/random.h"
#include "space/memory.h"

#define NO_RUN UINT32_MAX

static vm_pfn head_of(const struct vm_memory *m, uint32_t r)
{
    return r << m->huge.order;
}

/* ---- by key ---- */

static uint32_t *bucket_of(const struct vm_memory *m, uint64_t key)
{
    return &m->huge.bucket[vm_mix64(key) & m->huge.mask];
}

static uint32_t find(const struct vm_memory *m, uint64_t key)
{
    for (uint32_t link = *bucket_of(m, key); link; link = m->huge.run[link - 1].next)
        if (m->huge.run[link - 1].key == key)
            return link - 1;
    return NO_RUN;
}

/* ---- its life ---- */

static void begin(struct vm_memory *m, uint32_t r, uint64_t key)
{
    uint32_t *bucket = bucket_of(m, key);
    m->huge.run[r] = (struct vm_run){.state = VM_RUN_RESERVED, .key = key, .next = *bucket};
    *bucket = r + 1;
    vm_links_push_last(m->huge.queue, m->huge.nruns, r);
    m->huge.nreserved += m->huge.npages;
    m->c.counts->reservations++;
    for (uint32_t i = 0; i < m->huge.npages; i++)
        m->frame[head_of(m, r) + i] = (struct vm_frame){.owner = VM_FRAME_RESERVED};
}

static void end(struct vm_memory *m, uint32_t r)
{
    uint32_t *link = bucket_of(m, m->huge.run[r].key);
    while (*link != r + 1)
        link = &m->huge.run[*link - 1].next;
    *link = m->huge.run[r].next;
    vm_links_remove(m->huge.queue, r);
    m->huge.run[r] = (struct vm_run){.state = VM_RUN_LOOSE};
}

/* The frames that no page has come to are free. */
static void give_up(struct vm_memory *m, uint32_t r)
{
    end(m, r);
    m->c.counts->reservation_breaks++;
    for (vm_pfn f = head_of(m, r); f < head_of(m, r) + m->huge.npages; f++) {
        if (m->frame[f].owner != VM_FRAME_RESERVED)
            continue;
        m->frame[f] = (struct vm_frame){.owner = VM_FRAME_FREE};
        m->huge.nreserved--;
        vm_frames_give(m->frames, f, 1);
    }
}

/* A run for the region of f, whose first page is `key`, or NO_RUN. */
static uint32_t reserve(struct vm_memory *m, const struct vm_fault *f, uint64_t key)
{
    vm_va start = vm_huge_start(m, f->va);
    vm_va behind = start + (UINT64_C(1) << (m->c.page_shift + m->huge.order));
    if (!vm_huge_may(m, f->vma, f->va) ||
        m->c.scheme->next(m->scheme, f->asid, start, behind) < behind)
        return NO_RUN;
    vm_pfn head = vm_huge_run(m, m->huge.npages);
    if (head == VM_NOFRAME)
        return NO_RUN;
    begin(m, head >> m->huge.order, key);
    return head >> m->huge.order;
}

vm_pfn vm_reserve_get(struct vm_memory *m, const struct vm_fault *f)
{
    uint64_t key = vm_memory_key(m, vm_huge_start(m, f->va), f->asid);
    uint32_t r = find(m, key);
    if (r == NO_RUN && (r = reserve(m, f, key)) == NO_RUN)
        return VM_NOFRAME;
    vm_pfn pfn = head_of(m, r) + ((uint32_t)(f->va >> m->c.page_shift) & (m->huge.npages - 1));
    VM_ASSERT(m->frame[pfn].owner == VM_FRAME_RESERVED);
    m->frame[pfn] = (struct vm_frame){.owner = VM_FRAME_FREE};
    m->huge.nreserved--;
    m->huge.run[r].populated++;
    vm_links_remove(m->huge.queue, r);
    vm_links_push_last(m->huge.queue, m->huge.nruns, r);
    vm_frame_note_used(m, 1);
    return pfn;
}

/* The pages of a full run lose their entries and their places with the policy; together they have
 * the bits of a huge page. */
static void join(struct vm_memory *m, vm_asid asid, vm_va va, vm_pfn head)
{
    uint8_t bits = 0;
    for (uint32_t i = 0; i < m->huge.npages; i++, va += UINT64_C(1) << m->c.page_shift) {
        vm_unit_remove(m, head + i);
        bits |= m->bits[head + i];
        m->bits[head + i] = VM_FRAME_TOUCHED;
        m->frame[head + i] = (struct vm_frame){.owner = VM_FRAME_TAIL};
        m->c.scheme->set(m->scheme, asid, va, (struct vm_pte){.state = VM_PTE_EMPTY});
        m->c.shootdown(m->c.host, vm_memory_key(m, va, asid));
    }
    m->bits[head] |= bits;
}

bool vm_reserve_fill(struct vm_memory *m, const struct vm_fault *f, vm_pfn pfn)
{
    uint32_t r = pfn >> m->huge.order;
    if (m->huge.run[r].state != VM_RUN_RESERVED || m->huge.run[r].populated < m->huge.npages)
        return true;
    vm_va va = vm_huge_start(m, f->va);
    end(m, r);
    join(m, f->asid, va, head_of(m, r));
    m->c.counts->promotions++;
    return vm_huge_make(m, f->asid, f->vma, va, head_of(m, r));
}

bool vm_reserve_break_first(struct vm_memory *m)
{
    if (!m->huge.run || vm_links_empty(m->huge.queue, m->huge.nruns))
        return false;
    give_up(m, m->huge.queue[m->huge.nruns].next);
    return true;
}

void vm_reserve_break_at(struct vm_memory *m, vm_pfn f)
{
    if (m->huge.run && m->huge.run[f >> m->huge.order].state == VM_RUN_RESERVED)
        give_up(m, f >> m->huge.order);
}

void vm_reserve_break(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end_va)
{
    if (!m->huge.run)
        return;
    vm_va last = (UINT64_C(1) << (m->c.page_shift + m->huge.order)) - 1;
    for (uint32_t r = m->huge.queue[m->huge.nruns].next, next; r != m->huge.nruns; r = next) {
        vm_va va = vm_key_va(m->huge.run[r].key, m->c.page_shift);
        next = m->huge.queue[r].next;
        if (vm_key_asid(m->huge.run[r].key) == asid && va < end_va && va + last >= start)
            give_up(m, r);
    }
}

/* ---- the check ---- */

static void check_run(const struct vm_memory *m, uint32_t r)
{
    const struct vm_run *run = &m->huge.run[r];
    uint32_t populated = 0;
    for (uint32_t i = 0; i < m->huge.npages; i++) {
        const struct vm_frame *frame = &m->frame[head_of(m, r) + i];
        if (frame->owner == VM_FRAME_RESERVED)
            continue;
        populated++;
        VM_ASSERT(frame->owner == run->key + ((uint64_t)i << 12) && !frame->home &&
                  !frame->sharers);
    }
    VM_ASSERT(populated == run->populated && populated >= 1 && populated < m->huge.npages);
    VM_ASSERT(find(m, run->key) == r);
}

void vm_reserve_check(const struct vm_memory *m)
{
    uint32_t nqueued = 0, nreserved = 0;
    for (uint32_t r = m->huge.queue[m->huge.nruns].next; r != m->huge.nruns;
         r = m->huge.queue[r].next, nqueued++)
        VM_ASSERT(m->huge.run[r].state == VM_RUN_RESERVED);
    for (uint32_t r = 0; r < m->huge.nruns; r++) {
        if (m->huge.run[r].state != VM_RUN_RESERVED)
            continue;
        check_run(m, r);
        nreserved++;
    }
    VM_ASSERT(nqueued == nreserved);
}
