/* writeback.c - dirty pages on their way out: gathered to be written together, and written while
 * processes go on.
 *
 *     mapped --queue_page--> queued --flush--> written ... done --> free
 *               ^--------------'------------------'
 *                rescued: a soft fault
 *
 * A dirty victim loses its entries and waits, with a slot beside those of the others that wait
 * (the modified list). swap_cluster of them are written together. Until the write is done the
 * frame holds the page: a touch maps it again and nothing is read; before the write begins, nothing
 * is even written for it (lazy writing).
 *
 * Reclaim ahead of need: a fault that finds fewer than `low` frames free evicts until `high` are,
 * and waits for none of the writes. One that finds no frame reclaims for itself and waits: for the
 * frames that are being written (VM_WAIT_FRAME), or for its own writes (VM_WAIT_WRITE).
 *
 * Invariants (vm_writeback_check)
 *  1. Queued and written frames are unmapped, have a home, and are no longer the policy's; a
 *     written one is clean.
 *  2. Each is on its list once; those being written are in the order in which they are done.
 *
 * Levy & Lipman 1982 (the modified page list, written in clusters at its high limit); Gorman, ch.
 * 10 (kswapd, pages_low and pages_high); Linux mm/vmscan.c. Without clusters and watermarks nothing
 * here is used: a victim is written where it is found. Not here: a limit by time (flusher.c).
 */
#include "base/assert.h"
#include "space/memory.h"

static bool is_on(const struct vm_memory *m)
{
    return m->wb.links;
}

static uint32_t queued(const struct vm_memory *m)
{
    return m->c.nframes;
}

static uint32_t flying(const struct vm_memory *m)
{
    return m->c.nframes + 1;
}

static bool is_needed(const struct vm_memory *m)
{
    return !m->seg && (m->c.swap_cluster > 1 || m->c.watermark_high > 0);
}

size_t vm_writeback_bytes(const struct vm_memory *m)
{
    if (!is_needed(m))
        return 0;
    return vm_arena_room(sizeof(struct vm_links) * ((size_t)m->c.nframes + 2)) +
           vm_arena_room(sizeof(uint64_t) * m->c.nframes);
}

void vm_writeback_init(struct vm_memory *m, struct vm_arena *a)
{
    if (!is_needed(m))
        return;
    m->wb.links = vm_arena_take(a, sizeof *m->wb.links * ((size_t)m->c.nframes + 2));
    m->wb.done_ns = vm_arena_take(a, sizeof *m->wb.done_ns * m->c.nframes);
    vm_links_head(m->wb.links, queued(m));
    vm_links_head(m->wb.links, flying(m));
}

/* ---- waiting to be written ---- */

/* The page's home is a slot beside the last one given out, if nobody else's entry names its own;
 * or its file. False: swap is full (m->out). */
static bool find_place(struct vm_memory *m, vm_pfn f)
{
    vm_slot s = vm_frame_slot(&m->frame[f]);
    if (s && m->c.swap_cluster > 1 && vm_slot_refs(m, s) == 0)
        vm_slot_detach(m, f);
    return m->frame[f].home || vm_slot_take(m, f);
}

static bool queue_page(struct vm_memory *m, vm_pfn f)
{
    vm_home_settle(m, f);
    if (!find_place(m, f))
        return false;
    m->c.counts->queued++;
    m->c.left(m->c.host, &(struct vm_leaving){.pfn = f,
                                              .key = m->frame[f].owner,
                                              .why = VM_LEAVES_CHOSEN,
                                              .how = VM_LEFT_QUEUED,
                                              .slot = vm_frame_slot(&m->frame[f])});
    vm_take_entries(m, f);
    m->frame[f].sharers = VM_UNMAPPED | VM_UNMAPPED_QUEUED;
    vm_links_push_last(m->wb.links, queued(m), f);
    m->wb.nqueued++;
    return true;
}

enum vm_evicted vm_evict_lazily(struct vm_memory *m, vm_pfn f)
{
    bool at_once = !is_on(m) || vm_is_table_page(m, f) || !(m->bits[f] & VM_FRAME_DIRTY);
    if (at_once)
        return vm_evict(m, f, VM_LEAVES_CHOSEN) ? VM_EVICTED : VM_EVICT_FAILED;
    return queue_page(m, f) ? VM_EVICT_QUEUED : VM_EVICT_FAILED;
}

/* ---- being written ---- */

/* In the order of what is done first. */
static void fly(struct vm_memory *m, vm_pfn f, uint64_t done_ns)
{
    uint32_t at = m->wb.links[flying(m)].prev;
    m->wb.done_ns[f] = done_ns;
    while (at != flying(m) && m->wb.done_ns[at] > done_ns)
        at = m->wb.links[at].prev;
    vm_links_insert_after(m->wb.links, at, f);
    m->frame[f].sharers = VM_UNMAPPED | VM_UNMAPPED_WRITTEN;
    m->bits[f] &= (uint8_t) ~(VM_FRAME_DIRTY | VM_FRAME_FOUND);
    m->wb.nflying++;
}

static void submit(struct vm_memory *m, vm_pfn f)
{
    vm_home_write(m, f);
    m->c.counts->writebacks++;
    m->c.counts->evictions++;
    m->c.left(m->c.host, &(struct vm_leaving){.pfn = f,
                                              .key = m->frame[f].owner,
                                              .why = VM_LEAVES_WRITTEN,
                                              .how = VM_LEFT_WRITTEN,
                                              .slot = vm_frame_slot(&m->frame[f])});
}

/* The queued page of the least home above `after`, or the head. */
static uint32_t next_by_home(const struct vm_memory *m, uint32_t after)
{
    uint32_t best = queued(m);
    for (uint32_t f = m->wb.links[queued(m)].next; f != queued(m); f = m->wb.links[f].next)
        if (m->frame[f].home > after &&
            (best == queued(m) || m->frame[f].home < m->frame[best].home))
            best = f;
    return best;
}

/* Everything that waits is written, what lies side by side in one request; nobody waits for it.
 * (Pages of one shared file have one home: they are not in order.) */
static void flush(struct vm_memory *m)
{
    struct vm_links *links = m->wb.links;
    vm_swap_gather(m);
    for (uint32_t f = next_by_home(m, 0); f != queued(m) && !(m->frame[f].home & VM_HOME_FILE);
         f = next_by_home(m, m->frame[f].home))
        submit(m, f);
    for (uint32_t f = links[queued(m)].next; f != queued(m); f = links[f].next)
        if (m->frame[f].home & VM_HOME_FILE)
            submit(m, f);
    vm_swap_gathered(m);
    while (!vm_links_empty(links, queued(m))) {
        vm_pfn f = links[queued(m)].next;
        vm_links_remove(links, f);
        fly(m, f, m->swap[vm_home_level(m, f)].gathered_ns);
    }
    m->wb.nqueued = 0;
}

/* The write of `f` is done. */
static void store(struct vm_memory *m, vm_pfn f)
{
    if (vm_frame_slot(&m->frame[f]))
        vm_slot_store(m, m->frame[f].home);
}

/* It is, and nobody came for it: the frame is free, or the store's. */
static void land(struct vm_memory *m, vm_pfn f)
{
    vm_writeback_forget(m, f);
    store(m, f);
    m->c.emptied(m->c.host, f, 1);
    m->nresident--;
    vm_home_leave(m, f);
    vm_frame_free(m, f);
}

static void reap(struct vm_memory *m, uint64_t now_ns)
{
    while (m->wb.nflying) {
        vm_pfn f = m->wb.links[flying(m)].next;
        if (m->wb.done_ns[f] > now_ns)
            return;
        land(m, f);
    }
}

/* The process waits for the frames that are done first. */
static void wait_for_frames(struct vm_memory *m, enum vm_wait why)
{
    vm_pfn first = m->wb.links[flying(m)].next;
    uint64_t done_ns = m->wb.done_ns[first];
    m->c.counts->frame_waits += why == VM_WAIT_FRAME;
    vm_swap_wait(m, vm_home_level(m, first), done_ns, why);
    reap(m, done_ns);
}

bool vm_writeback_wait(struct vm_memory *m, bool last)
{
    if (!is_on(m))
        return false;
    if (m->wb.nflying) {
        wait_for_frames(m, VM_WAIT_FRAME);
        return true;
    }
    if (m->wb.nqueued == 0 || (m->wb.nqueued < m->c.swap_cluster && !last))
        return false;
    flush(m);
    wait_for_frames(m, VM_WAIT_WRITE);
    return true;
}

/* ---- coming back ---- */

void vm_writeback_forget(struct vm_memory *m, vm_pfn f)
{
    bool written = m->frame[f].sharers & VM_UNMAPPED_WRITTEN;
    vm_links_remove(m->wb.links, f);
    m->wb.nflying -= written;
    m->wb.nqueued -= !written;
    m->frame[f].sharers = VM_UNMAPPED;
}

void vm_writeback_rescue(struct vm_memory *m, vm_pfn f)
{
    bool written = m->frame[f].sharers & VM_UNMAPPED_WRITTEN;
    vm_slot s = vm_frame_slot(&m->frame[f]);
    vm_writeback_forget(m, f);
    if (!written)
        return;
    if (s && !vm_slot_may_store(m, s)) {
        m->bits[f] |= VM_FRAME_DIRTY;
        return;
    }
    store(m, f);
    vm_store_pay(m);
}

/* ---- ahead of need ---- */

/* One more page leaves. False: nobody is left, or swap is full. */
static bool evict_ahead(struct vm_memory *m)
{
    vm_pfn victim, freed = VM_NOFRAME;
    if (m->nunits == 0 || !vm_unit_victim(m, VM_NOPAGE, &victim, &freed))
        return false;
    if (freed != VM_NOFRAME) { /* a huge page was split */
        vm_frames_give(m->frames, freed, 1);
        return true;
    }
    enum vm_evicted how = vm_evict_lazily(m, victim);
    if (how == VM_EVICT_FAILED) {
        vm_unit_stays(m, victim);
        return false;
    }
    m->c.counts->background_evictions++;
    if (how == VM_EVICTED)
        vm_frame_free(m, victim);
    else if (m->wb.nqueued >= m->c.swap_cluster)
        flush(m);
    return true;
}

static bool is_below_high(const struct vm_memory *m)
{
    return vm_frames_free_for(m->frames, VM_FRAME_FOR_PAGE) + m->wb.nflying < m->c.watermark_high;
}

void vm_writeback_ahead(struct vm_memory *m)
{
    if (!is_on(m))
        return;
    reap(m, m->c.now(m->c.host, VM_SERVED_BY_DEVICE));
    if (vm_frames_free_for(m->frames, VM_FRAME_FOR_PAGE) >= m->c.watermark_low)
        return;
    m->c.counts->background_wakes++;
    while (is_below_high(m))
        if (!vm_reserve_break_first(m) && !evict_ahead(m))
            break;
    if (is_below_high(m) && m->wb.nqueued)
        flush(m);
}

/* ---- the check ---- */

static uint32_t check_list(const struct vm_memory *m, uint32_t head, uint32_t state)
{
    uint32_t n = 0;
    for (uint32_t f = m->wb.links[head].next; f != head; f = m->wb.links[f].next, n++) {
        VM_ASSERT(m->frame[f].sharers == (VM_UNMAPPED | state) && m->frame[f].home);
        VM_ASSERT(state == VM_UNMAPPED_QUEUED || !(m->bits[f] & VM_FRAME_DIRTY));
        VM_ASSERT(head == queued(m) || m->wb.links[f].next == head ||
                  m->wb.done_ns[f] <= m->wb.done_ns[m->wb.links[f].next]);
    }
    return n;
}

uint32_t vm_writeback_check(const struct vm_memory *m)
{
    if (!is_on(m))
        return 0;
    VM_ASSERT(check_list(m, queued(m), VM_UNMAPPED_QUEUED) == m->wb.nqueued);
    VM_ASSERT(check_list(m, flying(m), VM_UNMAPPED_WRITTEN) == m->wb.nflying);
    return m->wb.nqueued + m->wb.nflying;
}
