/* flusher.c - dirty pages that are written because they have been dirty for long: they stay, clean.
 *
 *     wakes      |-------- period --------|-------- period --------|
 *     a page   written              found dirty: F            still dirty, F at least `age` ago:
 *                                                             written, and clean again
 *
 * A daemon that wakes at the first look (a fault, or whenever the host looks) that comes a period
 * or more after its last wake. What it finds dirty and old enough is written in the order of its
 * places, side by side in one request; nobody waits for it. How old a page is, it knows from its
 * own wakes: since the first one that found it dirty, without which there would have to be a clock
 * for every page; so it is written up to a period later than at that age, and never before.
 *
 * Pages of shared files are written, whose owners expect their file to be up to date some time; or
 * all pages that can be, so that less is left to write when frames are needed. An anonymous page
 * takes a slot for it; where swap is full it stays dirty.
 *
 * Invariants (vm_flusher_check)
 *  1. A frame with VM_FRAME_FOUND is dirty, and found_ns has the wake that found it.
 *
 * Linux, mm/page-writeback.c (dirty_writeback_interval, dirty_expire_interval: 5 s and 30 s) and
 * fs/fs-writeback.c (wb_workfn, which is due again a period after it was done). Not here: huge
 * pages, segments, tables; pages that are queued, which leave with their cluster.
 */
#include "base/assert.h"
#include "space/memory.h"

#include <stdlib.h>

/* A page that is to be written, and where to. */
struct vm_flush {
    uint64_t at;
    vm_pfn pfn;
};

static bool is_on(const struct vm_memory *m)
{
    return m->c.flush_ns > 0 && !m->seg;
}

size_t vm_flusher_bytes(const struct vm_memory *m)
{
    if (!is_on(m))
        return 0;
    return vm_arena_room(sizeof(uint64_t) * m->c.nframes) +
           vm_arena_room(sizeof(struct vm_flush) * m->c.nframes);
}

void vm_flusher_init(struct vm_memory *m, struct vm_arena *a)
{
    if (!is_on(m))
        return;
    m->flusher.found_ns = vm_arena_take(a, sizeof(uint64_t) * m->c.nframes);
    m->flusher.list = vm_arena_take(a, sizeof(struct vm_flush) * m->c.nframes);
    m->flusher.next_ns = m->c.flush_ns;
}

/* ---- a wake ---- */

/* The frame holds a dirty page of those that are to be written some time. */
static bool is_wanted(const struct vm_memory *m, vm_pfn f)
{
    const struct vm_frame *frame = &m->frame[f];
    if (frame->owner >= VM_FRAME_NO_PAGE || !(m->bits[f] & VM_FRAME_DIRTY))
        return false;
    if (vm_is_table_page(m, f) || vm_huge_has(m, f) || vm_is_leaving(m, f))
        return false;
    return m->c.flush == VM_FLUSH_ALL || (frame->home & VM_HOME_SHARED);
}

static bool is_old(struct vm_memory *m, vm_pfn f, uint64_t now_ns)
{
    if (!(m->bits[f] & VM_FRAME_FOUND)) {
        m->bits[f] |= VM_FRAME_FOUND;
        m->flusher.found_ns[f] = now_ns;
    }
    return now_ns - m->flusher.found_ns[f] >= m->c.flush_age_ns;
}

/* Those without a place come first, and get slots one beside the other. */
static uint64_t place_of(const struct vm_memory *m, vm_pfn f)
{
    return m->frame[f].home ? vm_home_position(m, f) : 0;
}

static int by_place(const void *a, const void *b)
{
    const struct vm_flush *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

static void wake(struct vm_memory *m, uint64_t now_ns)
{
    struct vm_flush *list = m->flusher.list;
    uint32_t n = 0;
    m->c.counts->flush_wakes++;
    for (vm_pfn f = 0; f < m->c.nframes; f++)
        if (is_wanted(m, f) && is_old(m, f, now_ns))
            list[n++] = (struct vm_flush){place_of(m, f), f};
    qsort(list, n, sizeof list[0], by_place);
    vm_swap_gather(m);
    for (uint32_t i = 0; i < n; i++)
        m->c.counts->flushes += vm_page_clean(m, list[i].pfn);
    vm_swap_gathered(m);
}

void vm_memory_flush(struct vm_memory *m)
{
    if (!is_on(m))
        return;
    uint64_t now_ns = m->c.now(m->c.host, VM_SERVED_BY_DEVICE);
    if (now_ns < m->flusher.next_ns)
        return;
    m->c.settle(m->c.host); /* what is written to from here on is to be seen again */
    m->flusher.next_ns = now_ns + m->c.flush_ns;
    wake(m, now_ns);
}

void vm_flusher_check(const struct vm_memory *m)
{
    for (vm_pfn f = 0; is_on(m) && f < m->c.nframes; f++)
        if (m->bits[f] & VM_FRAME_FOUND)
            VM_ASSERT((m->bits[f] & VM_FRAME_DIRTY) &&
                      m->flusher.found_ns[f] + m->c.flush_ns <= m->flusher.next_ns);
}

/* ---- when it is asked for ---- */

void vm_memory_sync_file(struct vm_memory *m, uint32_t file)
{
    vm_swap_gather(m);
    for (uint32_t i = 0, n = vm_file_frames(m, file); i < n; i++)
        vm_page_clean(m, m->files.found[i]);
    vm_swap_gathered(m);
}
