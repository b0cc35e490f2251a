/* store.c - what pages in swap slots take of the machine's own memory, on a device that keeps them
 * there (compressed memory).
 *
 *      frames = ceil(pages that slots keep * bytes that the device keeps of each / bytes of a page)
 *
 * of each device by itself, and all of them in one list.
 *
 * The store's frames are taken from the same memory as pages and tables, and no policy has them: an
 * eviction of a dirty page frees one frame, and sometimes costs one. A page is kept from when its
 * write is done until its slot is freed: as it comes back, so that it is not in memory twice, and
 * is dirty then. Pages that others still need there, pages of tables, and what was read ahead,
 * cleaned or rescued are twice. A page of zeros was never written and takes nothing.
 *
 * Who evicts need not find a frame for the store before: a page that is kept takes no more than the
 * frame that it leaves, so the store may owe one frame until that one is free, and gets it then
 * (vm_frame_free, vm_reclaim_frame); another victim leaves for the page that it was wanted for. As
 * every victim is one page fewer, that ends: with a frame, or with none but the store's and tables'
 * (out of memory). A page that is written and stays where it is can pay with a free frame only; if
 * there is none, it is as if it had not been written.
 *
 * Invariants (vm_store_check)
 *  1. Between evictions the store has exactly the frames of the equation above.
 *  2. They are linked, each once; their owner is VM_FRAME_STORE.
 *
 * Gupta, "zram: Compressed RAM-based block devices" (Linux Documentation/admin-guide/blockdev,
 * mem_used_total); its allocator, zsmalloc, packs pages across frames. Linux 6.1 mm/memory.c,
 * do_swap_page (SWP_SYNCHRONOUS_IO: past the swap cache, the slot is freed). Not here: what packing
 * loses, pages that compress worse than others, a limit (mem_limit), and segments, whose slots take
 * nothing.
 */
#include "base/assert.h"
#include "space/memory.h"

uint64_t vm_store_kept(const struct vm_memory *m, enum vm_swap_level level)
{
    const struct vm_swap *swap = &m->swap[level];
    return swap->state ? m->c.swap[level].device->kept(swap->state, UINT64_C(1) << m->c.page_shift)
                       : 0;
}

/* Frames that so many pages on a device take. */
static uint64_t frames_of(const struct vm_memory *m, enum vm_swap_level level, uint64_t npages)
{
    uint64_t kept = vm_store_kept(m, level), page = UINT64_C(1) << m->c.page_shift;
    return kept ? npages * kept / page + (npages * kept % page != 0) : 0;
}

/* What one more page there takes, beside `npages`: a frame, or none. */
static uint64_t step_of(const struct vm_memory *m, enum vm_swap_level level, uint64_t npages)
{
    return frames_of(m, level, npages + 1) - frames_of(m, level, npages);
}

bool vm_store_owes(const struct vm_memory *m)
{
    return m->store.wanted > m->store.nframes;
}

void vm_store_add_frame(struct vm_memory *m, vm_pfn f)
{
    VM_ASSERT(vm_store_owes(m));
    m->frame[f] = (struct vm_frame){.owner = VM_FRAME_STORE, .sharers = m->store.first};
    m->bits[f] = 0;
    m->store.first = f + 1;
    if (++m->store.nframes > m->c.counts->store_frames_peak)
        m->c.counts->store_frames_peak = m->store.nframes;
}

void vm_store_pay(struct vm_memory *m)
{
    if (!vm_store_owes(m))
        return;
    vm_pfn f = vm_frames_take(m->frames, VM_FRAME_FOR_PAGE, 0);
    VM_ASSERT(f != VM_NOFRAME); /* vm_store_may_add said so */
    vm_frame_note_used(m, 1);
    vm_store_add_frame(m, f);
}

bool vm_store_may_add(const struct vm_memory *m, enum vm_swap_level level)
{
    uint64_t wanted = m->store.wanted + step_of(m, level, m->store.npages[level]);
    return wanted <= m->store.nframes || vm_frames_free_for(m->frames, VM_FRAME_FOR_PAGE) > 0;
}

void vm_store_add(struct vm_memory *m, enum vm_swap_level level)
{
    m->store.wanted += step_of(m, level, m->store.npages[level]++);
    VM_ASSERT(m->store.wanted <= m->store.nframes + 1);
}

void vm_store_remove(struct vm_memory *m, enum vm_swap_level level)
{
    VM_ASSERT(m->store.npages[level] > 0);
    m->store.wanted -= step_of(m, level, --m->store.npages[level]);
    while (m->store.nframes > m->store.wanted) {
        vm_pfn f = m->store.first - 1;
        m->store.first = m->frame[f].sharers;
        m->store.nframes--;
        vm_frame_free(m, f);
    }
}

void vm_store_check(const struct vm_memory *m)
{
    uint64_t n = 0;
    for (uint32_t link = m->store.first; link; link = m->frame[link - 1].sharers, n++)
        VM_ASSERT(m->frame[link - 1].owner == VM_FRAME_STORE && n < m->store.nframes);
    VM_ASSERT(n == m->store.nframes && n == m->store.wanted);
    for (int level = 0; level < VM_SWAP_LEVELS; level++)
        n -= frames_of(m, (enum vm_swap_level)level, m->store.npages[level]);
    VM_ASSERT(n == 0);
}
