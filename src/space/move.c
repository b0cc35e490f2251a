/* move.c - a mapping moves with its pages: mremap.
 *
 *     from |entry|entry| -----> to |entry|entry|       frames, slots and files stay where they are
 *
 * A page keeps its frame, its slot, its place in the policy and whoever shares it; only the entry
 * is elsewhere, and the frame's mapper has another name. A huge page moves whole where it comes to
 * lie aligned again, else it is split.
 *
 * A table may be wanted for each entry, which may evict pages, of this mapping too: an entry is
 * looked at after it has its new place.
 *
 * Source: mremap(2); Linux, mm/mremap.c.
 */
#include "base/assert.h"
#include "space/memory.h"

/* The frame's mapper `from` is `to` from now on. */
static void rename_mapper(struct vm_memory *m, vm_pfn f, uint64_t from, uint64_t to)
{
    struct vm_frame *frame = &m->frame[f];
    if (frame->owner == from) {
        frame->owner = to;
        return;
    }
    uint32_t node = frame->sharers;
    while (m->sharer[node].owner != from) {
        VM_ASSERT(node);
        node = m->sharer[node].next;
    }
    m->sharer[node].owner = to;
}

/* The entry at `from`, which is *pte, is at `to`, where its tables are. */
static void move_entry(struct vm_memory *m, vm_asid asid, vm_va from, vm_va to, struct vm_pte pte)
{
    uint64_t old = vm_memory_key(m, from, asid), new = vm_memory_key(m, to, asid);
    vm_table_page_visit(m, asid, from, VM_TRANSFER_WRITE);
    m->c.shootdown(m->c.host, old); /* first: a TLB may owe its marks to the table */
    if (pte.state == VM_PTE_PRESENT)
        pte = m->c.scheme->get(m->scheme, asid, from);
    m->c.scheme->set(m->scheme, asid, from,
                     (struct vm_pte){.state = VM_PTE_EMPTY, .order = pte.order});
    m->c.scheme->set(m->scheme, asid, to, pte);
    m->c.counts->remaps++;
    if (pte.state == VM_PTE_PRESENT)
        rename_mapper(m, pte.pfn, old, new);
    else if (pte.slot != VM_SLOT_FILE)
        vm_ahead_note_slot(m, pte.slot, new);
}

/* A huge page of [va, end) that would not lie aligned is split. False: m->out. */
static bool split_huge(struct vm_memory *m, vm_asid asid, vm_va va, vm_va end, vm_va distance)
{
    vm_va bytes = UINT64_C(1) << (m->c.page_shift + m->huge.order);
    struct vm_pte pte;
    if (!m->huge.run || !(distance & (bytes - 1)))
        return true;
    for (; (va = vm_next_entry(m, asid, va, end, &pte)) < end; va = vm_memory_behind(m, va, pte))
        if (pte.order && !vm_huge_demote(m, pte.pfn))
            return false;
    return true;
}

/* Every entry of [from, end) moves by `distance`. False: m->out, and those before have moved. */
static bool move_entries(struct vm_memory *m, vm_asid asid, vm_va from, vm_va end, vm_va distance)
{
    struct vm_pte pte;
    for (vm_va va = from; (va = vm_next_entry(m, asid, va, end, &pte)) < end;) {
        unsigned order = pte.order;
        if (!m->c.scheme->ensure(m->scheme, asid, va + distance, order))
            return false;
        pte = m->c.scheme->get(m->scheme, asid, va);
        if (pte.state != VM_PTE_EMPTY && pte.order != order)
            continue; /* it was split */
        if (pte.state != VM_PTE_EMPTY)
            move_entry(m, asid, va, va + distance, pte);
        va = vm_memory_behind(m, va, pte);
    }
    return true;
}

/* The mapping of `from` has one like it at `to`. */
static bool map_there(struct vm_memory *m, vm_asid asid, vm_va from, uint64_t bytes, vm_va to,
                      struct vm_error *e)
{
    struct vm_vma *found = vm_vma_find(&m->space[asid], from);
    VM_ASSERT(found && bytes <= found->end - from);
    struct vm_vma v = *found;
    v.start = to;
    v.end = to + bytes;
    v.faults = v.majors = 0;
    v.file_delta += (from >> m->c.page_shift) - (to >> m->c.page_shift);
    return vm_vma_map(&m->space[asid], v, e);
}

/* Nothing is left of [from, end) but, perhaps, its mapping. */
static bool leave(struct vm_memory *m, vm_asid asid, vm_va from, vm_va end, enum vm_move leaves,
                  struct vm_error *e)
{
    m->c.scheme->trim(m->scheme, asid, from, end);
    m->c.trimmed(m->c.host, asid, from, end);
    if (leaves == VM_MOVE_UNMAPS)
        return vm_vma_unmap(&m->space[asid], from, end, e);
    return vm_vma_flag(&m->space[asid], from, end, 0, (uint8_t)~VM_VMA_LOCKED, e);
}

bool vm_memory_move(struct vm_memory *m, vm_asid asid, vm_va from, uint64_t bytes, vm_va to,
                    enum vm_move leaves, struct vm_error *e)
{
    vm_va end = from + bytes, distance = to - from;
    VM_ASSERT(m->c.contents && !m->seg && (from + bytes <= to || to + bytes <= from));
    m->table_read = 0;
    m->c.settle(m->c.host);
    if (!map_there(m, asid, from, bytes, to, e))
        return false;
    vm_reserve_break(m, asid, from, end);
    for (;;) {
        if (vm_huge_split_at(m, asid, from) && vm_huge_split_at(m, asid, end) &&
            split_huge(m, asid, from, end, distance) && move_entries(m, asid, from, end, distance))
            return leave(m, asid, from, end, leaves, e);
        *e = m->out;
        if (!vm_oom_relieve(m))
            return false;
        if (m->space[asid].killed)
            return true;
    }
}
