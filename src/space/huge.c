/* huge.c - huge pages: one entry, one run of frames and one decision of the policy for many base
 * pages.
 *
 *     [huge] pages    a huge page is made
 *       fault         at the first touch of a region, of zeros           (vm_huge_fault)
 *       reserve       when every page of a reserved run has been touched (reserve.c)
 *       collapse      by a scan, of the pages that are there             (collapse.c)
 *
 * A region is 2^order base pages, aligned; it may become huge if it lies wholly in one VMA that is
 * no file's. The run of frames must be free: nothing is evicted for it, and moved only where the
 * configuration compacts (compact.c).
 *
 * A huge page is split into base pages when a part of it is unmapped, protected or given up, when a
 * writer must part from sharers after a fork, and when it is the policy's victim: base pages leave
 * memory, never huge ones. What was never touched is still zeros and is freed by the split.
 *
 * A split needs tables for the base pages, and may be made because no frame is free. So a huge page
 * promises frames to them as long as it lives, as Linux deposits a page table with each.
 *
 * Invariants
 *  1. run[i] is huge: its first frame's owner is the huge page's key, the others are
 *     VM_FRAME_TAIL. The policy has the first only; the referenced and dirty bits are the first's.
 *  2. A frame has VM_FRAME_TOUCHED only in a huge page; counts->huge_untouched is how many of those
 *     have not.
 *
 * Linux, Documentation/admin-guide/mm/transhuge.rst and mm/huge_memory.c. Not here: huge pages of
 * several sizes in one machine; huge pages of files.
 */
#include "base/assert.h"
#include "space/memory.h"
#include "space/segment.h"

/* ---- the arrays ---- */

static uint32_t run_count(const struct vm_memory *m)
{
    uint32_t npages = UINT32_C(1) << m->c.huge.order;
    return m->c.nframes / npages + (m->c.nframes % npages != 0);
}

static uint32_t bucket_count(uint32_t nruns)
{
    uint32_t n = 1;
    while (n < nruns)
        n *= 2;
    return n;
}

size_t vm_huge_bytes(const struct vm_memory *m)
{
    if (m->c.huge.pages == VM_HUGE_NEVER)
        return 0;
    uint32_t nruns = run_count(m);
    return vm_arena_room(sizeof(struct vm_run) * nruns) +
           vm_arena_room(sizeof(struct vm_links) * ((size_t)nruns + 1)) +
           vm_arena_room(sizeof(uint32_t) * bucket_count(nruns));
}

void vm_huge_init(struct vm_memory *m, uint32_t ntables, void *block)
{
    struct vm_huge *h = &m->huge;
    uint8_t *at = block;
    h->order = m->c.huge.order;
    h->npages = UINT32_C(1) << h->order;
    h->nruns = run_count(m);
    h->ntables = ntables;
    h->run = (struct vm_run *)at;
    at += vm_arena_room(sizeof *h->run * h->nruns);
    h->queue = (struct vm_links *)at;
    at += vm_arena_room(sizeof *h->queue * ((size_t)h->nruns + 1));
    h->bucket = (uint32_t *)at;
    h->mask = bucket_count(h->nruns) - 1;
    vm_links_head(h->queue, h->nruns);
}

/* ---- what a huge page is ---- */

static vm_va region_bytes(const struct vm_memory *m)
{
    return UINT64_C(1) << (m->c.page_shift + m->huge.order);
}

/* The base page of a huge page or region that `va` is in: its number there. */
static uint32_t page_in_region(const struct vm_memory *m, vm_va va)
{
    return (uint32_t)(va >> m->c.page_shift) & (m->huge.npages - 1);
}

bool vm_huge_fits(const struct vm_memory *m, const struct vm_vma *v, vm_va va)
{
    vm_va start = vm_huge_start(m, va);
    bool of_file = v->backing == VM_BACKING_FILE || v->backing == VM_BACKING_SHARED;
    return !of_file && start >= v->start && v->end - start >= region_bytes(m);
}

bool vm_huge_may(const struct vm_memory *m, const struct vm_vma *v, vm_va va)
{
    bool asked = m->c.huge.pages != VM_HUGE_ADVISED || (v->flags & VM_VMA_HUGE);
    return asked && !(v->flags & VM_VMA_SMALL) && vm_huge_fits(m, v, va);
}

vm_pfn vm_memory_unit(const struct vm_memory *m, vm_pfn pfn)
{
    if (m->seg)
        return vm_unit_of(m, pfn);
    return vm_huge_has(m, pfn) ? pfn & ~(m->huge.npages - 1) : pfn;
}

static void note_untouched(struct vm_memory *m, uint32_t n)
{
    struct vm_counts *c = m->c.counts;
    c->huge_untouched += n;
    if (c->huge_untouched > c->huge_untouched_peak)
        c->huge_untouched_peak = c->huge_untouched;
}

void vm_memory_note_touched(struct vm_memory *m, vm_pfn pfn)
{
    VM_ASSERT(vm_huge_has(m, pfn) && !(m->bits[pfn] & VM_FRAME_TOUCHED));
    m->bits[pfn] |= VM_FRAME_TOUCHED;
    m->c.counts->huge_untouched--;
}

static uint32_t count_untouched(const struct vm_memory *m, vm_pfn head)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->huge.npages; i++)
        n += !(m->bits[head + i] & VM_FRAME_TOUCHED);
    return n;
}

/* ---- making one ---- */

/* A run was not to be had, of an index that says why; or it can be had now. */
static vm_pfn miss(struct vm_memory *m, double index)
{
    struct vm_huge_misses *misses = &m->huge.misses;
    vm_pfn head = vm_compact_run(m, index);
    if (head != VM_NOFRAME)
        return head;
    m->c.counts->huge_misses++;
    if (index < 0) {
        misses->lacking++;
    } else {
        misses->fragmented++;
        misses->index += index;
    }
    return VM_NOFRAME;
}

vm_pfn vm_huge_run(struct vm_memory *m, uint32_t wanted)
{
    struct vm_free_blocks blocks;
    if (vm_frames_free(m->frames) < wanted)
        return miss(m, -1);
    vm_pfn head = vm_frames_take(m->frames, VM_FRAME_FOR_PAGE, m->huge.order);
    if (head != VM_NOFRAME)
        return head;
    vm_frames_blocks(m->frames, &blocks);
    /* Below 0 also where a run is there, and kept for others. */
    return miss(m, vm_fragmentation_index(&blocks, m->huge.order));
}

void vm_memory_huge_misses(const struct vm_memory *m, struct vm_huge_misses *out)
{
    *out = m->huge.misses;
}

vm_pfn vm_huge_take(struct vm_memory *m)
{
    vm_pfn head = vm_huge_run(m, m->huge.npages + m->huge.ntables);
    if (head == VM_NOFRAME)
        return head;
    for (uint32_t i = 0; i < m->huge.npages; i++) {
        m->frame[head + i] = (struct vm_frame){.owner = VM_FRAME_TAIL};
        m->bits[head + i] = 0;
    }
    vm_frame_note_used(m, m->huge.npages);
    return head;
}

bool vm_huge_make(struct vm_memory *m, vm_asid asid, const struct vm_vma *v, vm_va va, vm_pfn head)
{
    struct vm_run *run = &m->huge.run[head >> m->huge.order];
    uint64_t key = vm_memory_key(m, va, asid);
    /* Promise first, lest the upper tables take the frames; else those of the table it replaces. */
    run->promised = vm_frame_promise(m, m->huge.ntables);
    if (!m->c.scheme->ensure(m->scheme, asid, va, m->huge.order))
        return false;
    m->c.trimmed(m->c.host, asid, va, va + region_bytes(m)); /* the table that it replaces */
    if (!run->promised)
        run->promised = vm_frame_promise(m, m->huge.ntables);
    run->state = VM_RUN_HUGE;
    m->frame[head].owner = key;
    m->c.scheme->set(m->scheme, asid, va,
                     (struct vm_pte){.state = VM_PTE_PRESENT,
                                     .prot = v->prot,
                                     .order = (uint8_t)m->huge.order,
                                     .pfn = head});
    vm_unit_insert(m, head, key);
    note_untouched(m, count_untouched(m, head));
    return true;
}

bool vm_huge_fault(struct vm_memory *m, struct vm_fault *f, bool *made)
{
    vm_va va = vm_huge_start(m, f->va), end = va + region_bytes(m);
    *made = false;
    if (!vm_huge_may(m, f->vma, va) || m->c.scheme->next(m->scheme, f->asid, va, end) < end)
        return true;
    vm_pfn head = vm_huge_take(m);
    if (head == VM_NOFRAME)
        return true;
    f->pfn = head + page_in_region(m, f->va);
    f->kind = VM_FAULT_DEMAND_ZERO;
    m->bits[head] =
        (VM_FRAME_REFERENCED & m->c.scheme->marks) | (f->access == VM_WRITE ? VM_FRAME_DIRTY : 0);
    m->bits[f->pfn] |= VM_FRAME_TOUCHED;
    for (uint32_t i = 0; i < m->huge.npages; i++)
        vm_contents_zero(m, head + i);
    if (!vm_huge_make(m, f->asid, f->vma, va, head))
        return false;
    m->space[f->asid].resident += m->huge.npages;
    m->nresident += m->huge.npages;
    m->c.counts->page_copies += m->huge.npages;
    m->c.counts->huge_faults++;
    f->inserted = f->told = *made = true;
    return true;
}

/* ---- splitting one ---- */

static vm_va mapper_va(const struct vm_memory *m, struct vm_mapper mapper, uint32_t page)
{
    return vm_key_va(mapper.key, m->c.page_shift) + ((vm_va)page << m->c.page_shift);
}

static uint64_t mapper_key(struct vm_mapper mapper, uint32_t page)
{
    return mapper.key + ((uint64_t)page << 12);
}

/* Every mapper's huge entry goes; its base pages that were never touched are no pages any more. */
static void split_entries(struct vm_memory *m, struct vm_mapper mapper, uint32_t untouched)
{
    do {
        vm_asid asid = vm_key_asid(mapper.key);
        m->c.scheme->set(m->scheme, asid, mapper_va(m, mapper, 0),
                         (struct vm_pte){.state = VM_PTE_EMPTY, .order = (uint8_t)m->huge.order});
        m->c.shootdown(m->c.host, mapper.key);
        m->space[asid].resident -= untouched;
    } while (vm_mapper_next(m, &mapper));
}

/* The frames of what was never touched are free; those of the others are VM_FRAME_TAIL. */
static void split_frames(struct vm_memory *m, struct vm_mapper owner, vm_pfn head)
{
    m->frame[head] = (struct vm_frame){.owner = VM_FRAME_TAIL};
    for (uint32_t i = 0; i < m->huge.npages; i++) {
        if (m->bits[head + i] & VM_FRAME_TOUCHED)
            continue;
        m->c.left(m->c.host, &(struct vm_leaving){.pfn = head + i,
                                                  .key = mapper_key(owner, i),
                                                  .why = VM_LEAVES_UNUSED,
                                                  .how = VM_LEFT_UNMAPPED});
        vm_frame_free(m, head + i);
        m->nresident--;
        m->c.counts->huge_freed++;
        m->c.counts->huge_untouched--;
    }
}

/* The tables for the base pages of every mapper. They may cost others their frames, not these: the
 * policy does not have them. False: m->out. */
static bool split_tables(struct vm_memory *m, struct vm_mapper mapper, vm_pfn head)
{
    do
        for (uint32_t i = 0; i < m->huge.npages; i++)
            if (m->frame[head + i].owner == VM_FRAME_TAIL &&
                !m->c.scheme->ensure(m->scheme, vm_key_asid(mapper.key), mapper_va(m, mapper, i),
                                     0))
                return false;
    while (vm_mapper_next(m, &mapper));
    return true;
}

static void set_base_entry(struct vm_memory *m, struct vm_mapper mapper, uint32_t i, vm_pfn f,
                           uint8_t forbidden)
{
    vm_asid asid = vm_key_asid(mapper.key);
    vm_va va = mapper_va(m, mapper, i);
    uint8_t prot = vm_vma_find(&m->space[asid], va)->prot & (uint8_t)~forbidden;
    m->c.scheme->set(m->scheme, asid, va,
                     (struct vm_pte){.state = VM_PTE_PRESENT, .prot = prot, .pfn = f});
}

/* Base page `i`, in frame `f`, is a page of its own. False: m->out. */
static bool split_page(struct vm_memory *m, struct vm_mapper mapper, uint32_t i, vm_pfn f,
                       uint8_t bits)
{
    uint64_t key = mapper_key(mapper, i);
    uint8_t forbidden = mapper.rest ? VM_PROT_WRITE : 0;
    m->frame[f].owner = key;
    m->bits[f] = bits;
    set_base_entry(m, mapper, i, f, forbidden);
    while (vm_mapper_next(m, &mapper)) {
        if (!vm_frame_share(m, f, mapper_key(mapper, i)))
            return false;
        set_base_entry(m, mapper, i, f, forbidden);
    }
    vm_unit_insert(m, f, key);
    return true;
}

bool vm_huge_split(struct vm_memory *m, vm_pfn head)
{
    struct vm_run *run = &m->huge.run[head >> m->huge.order];
    struct vm_mapper mapper = vm_mapper_first(m, head);
    uint8_t bits = m->bits[head] & (VM_FRAME_REFERENCED | VM_FRAME_DIRTY);
    uint32_t promised = run->promised;
    VM_ASSERT(run->state == VM_RUN_HUGE);
    *run = (struct vm_run){.state = VM_RUN_LOOSE};
    m->c.counts->demotions++;
    split_entries(m, mapper, count_untouched(m, head));
    split_frames(m, mapper, head);
    vm_frame_unpromise(m, promised);
    if (!split_tables(m, mapper, head))
        return false;
    for (uint32_t i = 0; i < m->huge.npages; i++)
        if (m->frame[head + i].owner == VM_FRAME_TAIL && !split_page(m, mapper, i, head + i, bits))
            return false;
    vm_frame_free_sharers(m, mapper.rest);
    return true;
}

bool vm_huge_demote(struct vm_memory *m, vm_pfn head)
{
    vm_unit_remove(m, head);
    return vm_huge_split(m, head);
}

bool vm_huge_split_at(struct vm_memory *m, vm_asid asid, vm_va va)
{
    if (!m->huge.run || va == vm_huge_start(m, va))
        return true;
    struct vm_pte pte = m->c.scheme->get(m->scheme, asid, va);
    return pte.order == 0 || vm_huge_demote(m, pte.pfn);
}

/* ---- the rest of its life ---- */

bool vm_huge_write(struct vm_memory *m, struct vm_fault *f, vm_pfn head, bool *taken)
{
    *taken = vm_frame_users(m, head) == 1;
    if (!*taken)
        return vm_huge_demote(m, head);
    vm_va va = vm_huge_start(m, f->va);
    m->c.scheme->set(m->scheme, f->asid, va,
                     (struct vm_pte){.state = VM_PTE_PRESENT,
                                     .prot = f->vma->prot,
                                     .order = (uint8_t)m->huge.order,
                                     .pfn = head});
    m->c.shootdown(m->c.host, vm_memory_key(m, va, f->asid));
    f->pfn = head + page_in_region(m, f->va);
    f->kind = VM_FAULT_COW;
    return true;
}

void vm_huge_free(struct vm_memory *m, vm_pfn head)
{
    struct vm_run *run = &m->huge.run[head >> m->huge.order];
    VM_ASSERT(run->state == VM_RUN_HUGE);
    m->c.counts->huge_untouched -= count_untouched(m, head);
    vm_frame_unpromise(m, run->promised);
    *run = (struct vm_run){.state = VM_RUN_LOOSE};
    for (uint32_t i = 0; i < m->huge.npages; i++)
        vm_frame_free(m, head + i);
    m->nresident -= m->huge.npages;
}

/* ---- the check ---- */

static void check_huge(const struct vm_memory *m, vm_pfn head)
{
    uint32_t npromised = 0;
    VM_ASSERT(m->frame[head].owner < VM_FRAME_NO_PAGE);
    for (uint32_t i = 1; i < m->huge.npages; i++)
        VM_ASSERT(m->frame[head + i].owner == VM_FRAME_TAIL &&
                  !(m->bits[head + i] & ~VM_FRAME_TOUCHED));
    for (uint32_t f = m->huge.run[head >> m->huge.order].promised; f; f = m->frame[f - 1].sharers) {
        VM_ASSERT(m->frame[f - 1].owner == VM_FRAME_TABLE);
        npromised++;
    }
    VM_ASSERT(npromised == 0 || npromised == m->huge.ntables);
}

void vm_huge_check(const struct vm_memory *m)
{
    uint64_t untouched = 0;
    for (vm_pfn f = 0; f < m->c.nframes; f++)
        VM_ASSERT(vm_huge_has(m, f) || !(m->bits[f] & VM_FRAME_TOUCHED));
    for (uint32_t r = 0; r < m->huge.nruns; r++) {
        vm_pfn head = r << m->huge.order;
        if (m->huge.run[r].state != VM_RUN_HUGE)
            continue;
        check_huge(m, head);
        untouched += count_untouched(m, head);
    }
    VM_ASSERT(untouched == m->c.counts->huge_untouched);
}
