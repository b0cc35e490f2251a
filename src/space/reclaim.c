/* reclaim.c - pages that leave: their frames (evicted, given up), or only their entries (parked);
 * and pages that are cleaned and stay.
 *
 *     mapped  --evict-->  nobody's         the policy's victim, or a page it gives up (release)
 *             --park--->  unmapped         the policy keeps the frame; the next touch is soft
 *             --clean-->  mapped, clean    written home ahead of need
 *
 * What is unmapped is found by its home (space.h), so a page that is parked must have one: a file
 * for a clean page of a file, or a slot. A slot is taken without being written: the frame stays
 * dirty, as in Linux's swap cache; a page of zeros gets one that needs no transfer.
 *
 * What cannot be parked leaves instead: pages of tables, pages of no known file, segments. A huge
 * page is split, and its base pages are the policy's again.
 *
 * Sources: Levy & Lipman 1982 (space.h; parking is VMS's free and modified page lists); Gorman, ch.
 * 10 and 11.
 */
#include "base/assert.h"
#include "space/memory.h"
#include "space/segment.h"

/* ---- losing entries ---- */

/* What the entry of a clean page without a slot becomes: a page that its file still has, or an
 * anonymous page that was never written and is zero again when next touched. */
static struct vm_pte dropped_entry(struct vm_memory *m, uint64_t key)
{
    const struct vm_vma *v =
        vm_vma_find(&m->space[vm_key_asid(key)], vm_key_va(key, m->c.page_shift));
    VM_ASSERT(v);
    if (v->backing == VM_BACKING_ANON)
        return (struct vm_pte){.state = VM_PTE_EMPTY};
    return (struct vm_pte){.state = VM_PTE_SWAPPED, .prot = v->prot, .slot = VM_SLOT_FILE};
}

static void take_entry(struct vm_memory *m, uint64_t key, vm_slot s)
{
    vm_asid asid = vm_key_asid(key);
    struct vm_pte pte =
        s ? (struct vm_pte){.state = VM_PTE_SWAPPED, .slot = s} : dropped_entry(m, key);
    if (s) {
        vm_slot_ref(m, s);
        vm_ahead_note_slot(m, s, key);
    }
    m->c.scheme->set(m->scheme, asid, vm_key_va(key, m->c.page_shift), pte);
    m->space[asid].resident--;
    m->c.shootdown(m->c.host, key);
}

void vm_take_entries(struct vm_memory *m, vm_pfn f)
{
    struct vm_frame *frame = &m->frame[f];
    vm_slot s = vm_frame_slot(frame);
    if (vm_is_unmapped(m, f))
        return;
    take_entry(m, frame->owner, s);
    while (frame->sharers) {
        uint32_t node = frame->sharers;
        take_entry(m, m->sharer[node].owner, s);
        frame->sharers = m->sharer[node].next;
        vm_sharer_free(m, node);
    }
}

/* ---- eviction ---- */

/* The frame's home has its contents. False: that would be a slot, and swap is full (m->out). */
static bool write_home(struct vm_memory *m, vm_pfn f)
{
    vm_home_settle(m, f);
    if (!(m->bits[f] & VM_FRAME_DIRTY))
        return true;
    if (!m->frame[f].home && !vm_slot_take(m, f))
        return false;
    vm_home_write(m, f);
    if (vm_frame_slot(&m->frame[f]))
        vm_slot_store(m, m->frame[f].home);
    return true;
}

bool vm_evict(struct vm_memory *m, vm_pfn f, enum vm_leaves why)
{
    struct vm_frame *frame = &m->frame[f];
    struct vm_leaving leaving = {.pfn = f,
                                 .key = frame->owner,
                                 .why = why,
                                 .how = VM_LEFT_DROPPED,
                                 .ahead = vm_is_ahead(m, f)};
    bool table = vm_is_table_page(m, f);
    if (table)
        vm_table_page_leaves(m, f);
    if (!write_home(m, f))
        return false;
    if (m->bits[f] & VM_FRAME_DIRTY) {
        m->c.counts->writebacks++;
        leaving.how = VM_LEFT_WRITTEN;
    } else {
        m->c.counts->clean_drops++;
    }
    m->c.counts->evictions++;
    m->nresident -= !table;
    leaving.slot = vm_frame_slot(frame);
    m->c.left(m->c.host, &leaving);
    m->c.emptied(m->c.host, f, 1);
    if (table)
        vm_table_page_out(m, f, leaving.slot);
    else
        vm_take_entries(m, f);
    vm_home_leave(m, f);
    frame->sharers = 0;
    m->bits[f] = 0;
    return true;
}

/* The device that keeps pages in memory; the fast one, if both do. */
static const char *keeper(const struct vm_memory *m)
{
    return m->c.swap[vm_store_kept(m, VM_SWAP_FAST) ? VM_SWAP_FAST : VM_SWAP_SLOW].device->name;
}

/* Nobody is left who could leave: m->out. */
static void refuse(struct vm_memory *m)
{
    m->starved = true;
    if (m->store.nframes == 0) {
        vm_fail(&m->out, VM_EMACHINE,
                "out of memory: page tables hold %llu of %u frames and no page is left to evict",
                (unsigned long long)m->ntables, m->c.nframes);
        vm_hint(&m->out, "give more memory (--memory), or keep tables outside it (--tables apart)");
        return;
    }
    vm_fail(&m->out, VM_EMACHINE,
            "out of memory: %s keeps the pages that left in %llu of %u frames, page tables hold "
            "%llu, and no page is left to evict",
            keeper(m), (unsigned long long)m->store.nframes, m->c.nframes,
            (unsigned long long)m->ntables);
    vm_hint(&m->out, "give more memory (--memory), or swap to a device outside it (--swap)");
}

bool vm_unit_victim(struct vm_memory *m, uint64_t incoming, vm_pfn *victim, vm_pfn *freed)
{
    while (m->nunits > 0) {
        m->c.settle(m->c.host);
        *victim = m->c.policy->victim(m->policy, incoming);
        m->nunits--;
        VM_ASSERT(*victim < m->c.nframes && m->frame[*victim].owner < VM_FRAME_NO_PAGE);
        if (!vm_huge_has(m, *victim))
            return true;
        m->c.parted(m->c.host, *victim);
        if (!vm_huge_split(m, *victim))
            return false;
        *freed = vm_frames_take(m->frames, vm_frame_use_of(incoming), 0);
        if (*freed != VM_NOFRAME)
            return true;
    }
    refuse(m);
    return false;
}

/* The victim's frame, if it is nobody's at once: *f; or VM_NOFRAME: the store has it; or it is
 * queued, and others may be free soon; or it is free, for it is not where such a page belongs.
 * False: m->out. */
static bool take_victim(struct vm_memory *m, uint64_t incoming, vm_pfn *f)
{
    vm_pfn victim;
    *f = VM_NOFRAME;
    if (!vm_unit_victim(m, incoming, &victim, f))
        return false;
    if (*f != VM_NOFRAME) {
        vm_frame_note_used(m, 1);
        return true;
    }
    enum vm_evicted how = vm_evict_lazily(m, victim);
    if (how == VM_EVICTED && vm_store_owes(m))
        vm_store_add_frame(m, victim);
    else if (how == VM_EVICTED && vm_frames_suits(m->frames, vm_frame_use_of(incoming), victim))
        *f = victim;
    else if (how == VM_EVICTED)
        vm_frame_free(m, victim);
    else if (how == VM_EVICT_FAILED)
        vm_unit_stays(m, victim);
    return how != VM_EVICT_FAILED;
}

vm_pfn vm_reclaim_frame(struct vm_memory *m, uint64_t incoming)
{
    vm_pfn f = VM_NOFRAME;
    enum vm_frame_use use = vm_frame_use_of(incoming);
    m->c.counts->direct_reclaims++;
    while (f == VM_NOFRAME) {
        bool last = m->nunits == 0;
        if ((!last || !vm_writeback_wait(m, last)) && !take_victim(m, incoming, &f))
            return VM_NOFRAME;
        if (f == VM_NOFRAME && !last)
            vm_writeback_wait(m, false);
        if (f == VM_NOFRAME && (f = vm_frames_take(m->frames, use, 0)) != VM_NOFRAME)
            vm_frame_note_used(m, 1);
    }
    m->frame[f] = (struct vm_frame){.owner = VM_FRAME_FREE};
    return f;
}

/* ---- what policies wish ---- */

/* The policy, which does not have `f`, wants it gone. Where swap is full it stays, and is a
 * newcomer again. False: it stays. */
static bool give_up(struct vm_memory *m, vm_pfn f)
{
    vm_reserve_break_at(m, f);
    if (vm_evict(m, f, VM_LEAVES_GIVEN)) {
        vm_frame_free(m, f);
        m->c.counts->releases++;
        return true;
    }
    vm_unit_stays(m, f);
    return false;
}

bool vm_policy_release(struct vm_memory *m, uint64_t incoming)
{
    for (;;) {
        m->c.settle(m->c.host);
        vm_pfn f = m->c.policy->release(m->policy, incoming);
        if (f == VM_NOFRAME)
            return true;
        if (m->seg) {
            m->c.counts->releases++;
            if (!vm_unit_leave(m, f, VM_LEAVES_GIVEN))
                return false;
            continue;
        }
        m->nunits--;
        if (vm_huge_has(m, f)) {
            m->c.parted(m->c.host, f);
            if (!vm_huge_split(m, f))
                return false;
        } else if (!give_up(m, f)) {
            return true;
        }
    }
}

/* The page in `f` has a home, by which it can be found without an entry. False: it has none. */
static bool find_home(struct vm_memory *m, vm_pfn f)
{
    uint64_t key = m->frame[f].owner;
    vm_home_settle(m, f);
    if (vm_is_table_page(m, f) || m->frame[f].home)
        return !vm_is_table_page(m, f);
    bool dirty = m->bits[f] & VM_FRAME_DIRTY;
    if (!dirty && dropped_entry(m, key).state != VM_PTE_EMPTY)
        return false;
    if (!vm_slot_take(m, f))
        return false;
    if (!dirty)
        vm_slot_note_zero(m, m->frame[f].home);
    return true;
}

static void park_frame(struct vm_memory *m, vm_pfn f)
{
    m->c.counts->parks++;
    m->c.left(m->c.host, &(struct vm_leaving){.pfn = f,
                                              .key = m->frame[f].owner,
                                              .why = VM_LEAVES_GIVEN,
                                              .how = VM_LEFT_PARKED,
                                              .slot = vm_frame_slot(&m->frame[f]),
                                              .ahead = vm_is_ahead(m, f)});
    vm_take_entries(m, f);
    m->frame[f].sharers =
        VM_UNMAPPED | VM_UNMAPPED_PARKED | (m->frame[f].sharers & VM_UNMAPPED_AHEAD);
    m->bits[f] &= (uint8_t)~VM_FRAME_REFERENCED;
}

/* *parked: or it has left, or been split. */
static bool park(struct vm_memory *m, vm_pfn f, bool *parked)
{
    *parked = true;
    if (m->seg)
        return vm_unit_expel(m, f);
    if (vm_huge_has(m, f))
        return vm_huge_demote(m, f);
    vm_reserve_break_at(m, f);
    if (find_home(m, f)) {
        park_frame(m, f);
        return true;
    }
    vm_unit_remove(m, f);
    *parked = give_up(m, f);
    return true;
}

bool vm_policy_park(struct vm_memory *m, vm_pfn touched)
{
    bool parked = true;
    while (parked) {
        m->c.settle(m->c.host);
        vm_pfn f = m->c.policy->park(m->policy);
        if (f == VM_NOFRAME)
            return true;
        if (f == touched) { /* or the touch, which is under way, would fault for ever */
            m->c.policy->soft(m->policy, f);
            return true;
        }
        if (!park(m, f, &parked))
            return false;
    }
    return true;
}

bool vm_memory_tick(struct vm_memory *m, uint64_t *after, struct vm_error *e)
{
    *after = m->c.policy->tick(m->policy);
    if (vm_policy_release(m, VM_NOPAGE) && vm_policy_park(m, VM_NOFRAME))
        return true;
    *e = m->out;
    return false;
}

/* No entry and no TLB of a page in `f` says any more that it was written. */
static void clean_entries(struct vm_memory *m, vm_pfn f)
{
    struct vm_mapper mapper = vm_mapper_first(m, f);
    if (vm_is_unmapped(m, f))
        return;
    do {
        vm_asid asid = vm_key_asid(mapper.key);
        vm_va va = vm_key_va(mapper.key, m->c.page_shift);
        m->c.shootdown(m->c.host, mapper.key); /* first: an entry may owe its mark to the table */
        struct vm_pte pte = m->c.scheme->get(m->scheme, asid, va);
        pte.dirty = false;
        m->c.scheme->set(m->scheme, asid, va, pte);
    } while (vm_mapper_next(m, &mapper));
}

bool vm_page_clean(struct vm_memory *m, vm_pfn f)
{
    if (m->seg || vm_huge_has(m, f) || vm_is_table_page(m, f) || !(m->bits[f] & VM_FRAME_DIRTY))
        return false;
    vm_reserve_break_at(m, f);
    vm_home_settle(m, f);
    if (!(m->frame[f].home & VM_HOME_FILE) && !vm_slot_may_store(m, m->frame[f].home))
        return false;
    if (!write_home(m, f)) {
        m->starved = false; /* nobody needs it now */
        return false;
    }
    vm_store_pay(m);
    m->c.counts->cleanings++;
    clean_entries(m, f);
    m->bits[f] &= (uint8_t) ~(VM_FRAME_DIRTY | VM_FRAME_FOUND);
    m->c.cleaned(m->c.host, f, m->frame[f].owner, vm_frame_slot(&m->frame[f]));
    return true;
}

bool vm_policy_clean(void *memory, vm_pfn f)
{
    struct vm_memory *m = memory;
    vm_swap_gather(m); /* nobody waits for it */
    bool cleaned = vm_page_clean(m, f);
    vm_swap_gathered(m);
    return cleaned;
}
