/* compact.c - a run of frames for a huge page, made by moving base pages out of its way.
 *
 *     before   |T.##|#..#|##.T|.#..|     T stays, # can move, . is free
 *     after    |T###|#..#|##.T|....|     one copy makes a run
 *
 * Where a take of a run fails though as many frames are free, and the fragmentation index says
 * that they are in pieces, the run that costs the fewest copies is emptied, the lowest of these: no
 * frame of it may be a table's, the store's, part of a huge page or of a reservation, of a page
 * that is locked, or of one that nothing maps. Its free frames are taken first, so that no page
 * moves from one place of it to another. A page that moves keeps its bits, its home and its
 * mappers; to the policy it is a newcomer.
 *
 * Where there is no such run, the next tries are put off: 1, then 2, 4, up to 64 of them, until one
 * has made a run.
 *
 * Linux, mm/compaction.c: the threshold (sysctl_extfrag_threshold, 500 of 1000) and the deferral
 * (COMPACT_MAX_DEFER_SHIFT) are its. It moves pages from one end of a zone to free frames of the
 * other, pageblock by pageblock, and puts them back at their places in the LRU lists. Not here: a
 * daemon that does it ahead of need.
 */
#include "base/assert.h"
#include "space/memory.h"

#define DEFER_SHIFT_MAX 6
#define FRAGMENTED      0.5 /* fragmentation index above which memory is in pieces, not lacking */

/* ---- one page ---- */

static bool is_movable(const struct vm_memory *m, vm_pfn f)
{
    return m->frame[f].owner < VM_FRAME_NO_PAGE && !vm_is_table_page(m, f) &&
           !vm_is_unmapped(m, f) && !vm_is_locked(m, f);
}

/* The entries of all mappers of `from` lead to `to`. */
static void move_entries(struct vm_memory *m, vm_pfn from, vm_pfn to)
{
    struct vm_mapper mapper = vm_mapper_first(m, from);
    do {
        vm_asid asid = vm_key_asid(mapper.key);
        vm_va va = vm_key_va(mapper.key, m->c.page_shift);
        m->c.shootdown(m->c.host, mapper.key); /* first: a TLB may owe its marks to the table */
        struct vm_pte pte = m->c.scheme->get(m->scheme, asid, va);
        VM_ASSERT(pte.state == VM_PTE_PRESENT && pte.order == 0 && pte.pfn == from);
        pte.pfn = to;
        m->c.scheme->set(m->scheme, asid, va, pte);
    } while (vm_mapper_next(m, &mapper));
}

/* The home of `from` is that of `to`, which has its owner. */
static void move_home(struct vm_memory *m, vm_pfn from, vm_pfn to)
{
    uint32_t home = m->frame[from].home;
    if (!home)
        return;
    if (home & VM_HOME_FILE) {
        uint64_t page = vm_frame_file_page(m, from);
        vm_page_cache_remove(m, from);
        vm_page_cache_add(m, to, home, page);
        return;
    }
    vm_slot_ref(m, home); /* lest it be freed in between */
    vm_slot_detach(m, from);
    vm_slot_attach(m, home, to);
    vm_slot_unref(m, home);
}

static void move_page(struct vm_memory *m, vm_pfn from, vm_pfn to)
{
    uint64_t key = m->frame[from].owner;
    vm_unit_remove(m, from);
    m->c.left(m->c.host,
              &(struct vm_leaving){
                  .pfn = from, .key = key, .why = VM_LEAVES_MOVED, .how = VM_LEFT_UNMAPPED});
    move_entries(m, from, to);
    vm_contents_copy(m, to, from);
    m->frame[to] = (struct vm_frame){.owner = key, .sharers = m->frame[from].sharers};
    m->bits[to] = m->bits[from];
    if (m->bits[to] & VM_FRAME_FOUND)
        m->flusher.found_ns[to] = m->flusher.found_ns[from];
    move_home(m, from, to);
    m->frame[from] = (struct vm_frame){.owner = VM_FRAME_FREE};
    m->bits[from] = 0;
    m->c.emptied(m->c.host, from, 1);
    vm_unit_insert(m, to, key);
    m->c.counts->page_copies++;
    m->c.counts->huge_copies++;
    m->huge.compactions.pages++;
}

/* ---- one run ---- */

/* Pages that must move for run `r`; UINT32_MAX: something in it stays. */
static uint32_t cost_of(const struct vm_memory *m, uint32_t r)
{
    uint32_t n = 0;
    vm_pfn first = r << m->huge.order;
    if (m->huge.run[r].state != VM_RUN_LOOSE || m->huge.npages > m->c.nframes - first)
        return UINT32_MAX;
    for (vm_pfn f = first; f < first + m->huge.npages; f++) {
        if (vm_frames_is_free(m->frames, f))
            continue;
        if (!is_movable(m, f))
            return UINT32_MAX;
        n++;
    }
    return n;
}

/* The run that costs least, or nruns: none can be had. */
static uint32_t cheapest(const struct vm_memory *m)
{
    uint32_t best = m->huge.nruns, least = UINT32_MAX;
    for (uint32_t r = 0; r < m->huge.nruns; r++) {
        uint32_t n = cost_of(m, r);
        if (n < least) {
            least = n;
            best = r;
        }
    }
    return best;
}

/* All of the run is taken. False: there was no frame for one of its pages, and what is no page's is
 * free again. */
static bool empty_run(struct vm_memory *m, vm_pfn first)
{
    vm_pfn end = first + m->huge.npages, f, to;
    for (f = first; f < end; f++)
        if (vm_frames_take_at(m->frames, f, 1))
            m->frame[f] =
                (struct vm_frame){.owner = VM_FRAME_FREE}; /* it may never have been used */
    for (f = first; f < end; f++) {
        if (!is_movable(m, f))
            continue;
        to = vm_frames_take(m->frames, VM_FRAME_FOR_PAGE, 0);
        if (to == VM_NOFRAME)
            break;
        move_page(m, f, to);
    }
    if (f == end)
        return true;
    for (f = first; f < end; f++)
        if (!is_movable(m, f))
            vm_frames_give(m->frames, f, 1);
    return false;
}

/* ---- when ---- */

static bool is_deferred(struct vm_compactions *c)
{
    if (c->put_off == 0)
        return false;
    c->put_off--;
    c->deferred++;
    return true;
}

static vm_pfn compact(struct vm_memory *m)
{
    struct vm_compactions *c = &m->huge.compactions;
    uint32_t r = cheapest(m);
    if (r < m->huge.nruns && empty_run(m, r << m->huge.order)) {
        c->runs++;
        c->shift = 0;
        return r << m->huge.order;
    }
    c->failures++;
    c->put_off = UINT32_C(1) << c->shift;
    c->shift += c->shift < DEFER_SHIFT_MAX;
    return VM_NOFRAME;
}

vm_pfn vm_compact_run(struct vm_memory *m, double index)
{
    if (m->c.compact != VM_COMPACT_NEEDED || index <= FRAGMENTED ||
        vm_frames_free_for(m->frames, VM_FRAME_FOR_PAGE) < m->huge.npages ||
        is_deferred(&m->huge.compactions))
        return VM_NOFRAME;
    return compact(m);
}

void vm_memory_compactions(const struct vm_memory *m, struct vm_compactions *out)
{
    *out = m->huge.compactions;
}
