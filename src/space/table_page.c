/* table_page.c - pages of page tables that leave memory and come back.
 *
 * A scheme whose tables lie in kernel virtual memory says which of their frames may be evicted
 * (struct vm_table_pager). Such a frame is the policy's like any other: its owner is the key of a
 * page of VM_ASID_KERNEL. It is read back by a fault of its own, before the fault on the page whose
 * entry it has.
 *
 *      pinned  --adopt-->  loose  --evicted-->  out (in a slot)
 *              <--pin----         <--fetch----
 *
 * Invariants (vm_memory_check)
 *  1. A pinned table frame has the owner VM_FRAME_TABLE; a loose one a key of VM_ASID_KERNEL, and
 *     the policy has it. Both count as table frames and not as resident pages.
 *  2. A fault on a table page evicts, but meets no other fault: what it evicts has its entries in
 *     tables that are pinned.
 *
 * At an event the kernel may meet entries in table pages that are out: it reads the page into a
 * buffer and, if it changes it, writes it back; one transfer each while it stays on that page. No
 * frame is taken for it. What a table page held lies with the scheme meanwhile; here are the slot,
 * the transfer and their prices.
 *
 * Tables apart never leave; nor does any table under a policy that reads the future, which knows
 * the program's touches only.
 *
 * Source: Levy & Lipman, "Virtual Memory Management in the VAX/VMS Operating System", IEEE
 * Computer 15(3) 1982.
 */
#include "base/assert.h"
#include "space/memory.h"

#include <string.h>

static uint64_t table_key(const struct vm_memory *m, vm_va kva)
{
    return vm_memory_key(m, kva, VM_ASID_KERNEL);
}

/* ---- which may leave ---- */

/* The policy gets the table page in `f`. */
static void let_go(struct vm_memory *m, vm_pfn f, vm_va kva)
{
    m->frame[f].owner = table_key(m, kva);
    m->bits[f] = VM_FRAME_REFERENCED & m->c.scheme->marks;
    m->ntables_loose++;
    vm_unit_insert(m, f, m->frame[f].owner);
}

static void hold_fast(struct vm_memory *m, vm_pfn f)
{
    VM_ASSERT(vm_is_table_page(m, f));
    vm_unit_remove(m, f);
    m->frame[f].owner = VM_FRAME_TABLE;
    m->bits[f] = 0;
    m->ntables_loose--;
}

static void adopt(void *host, vm_pfn f, vm_va kva)
{
    struct vm_memory *m = host;
    VM_ASSERT(f < m->c.nframes && m->frame[f].owner == VM_FRAME_TABLE);
    let_go(m, f, kva);
}

static void pin(void *host, vm_pfn f)
{
    hold_fast(host, f);
}

static void forget(void *host, vm_slot s)
{
    struct vm_memory *m = host;
    m->ntables_out--;
    vm_slot_unref(m, s);
}

void vm_table_page_unmapped(void *memory, vm_va kva)
{
    struct vm_memory *m = memory;
    m->c.shootdown(m->c.host, table_key(m, kva));
}

void vm_table_page_freed(struct vm_memory *m, vm_pfn f)
{
    if (f >= m->c.nframes)
        return;
    if (vm_is_table_page(m, f))
        hold_fast(m, f);
    vm_home_leave(m, f);
}

/* ---- leaving ---- */

void vm_table_page_leaves(struct vm_memory *m, vm_pfn f)
{
    vm_va kva = vm_key_va(m->frame[f].owner, m->c.page_shift);
    if (m->c.scheme->get(m->scheme, VM_ASID_KERNEL, kva).dirty)
        m->bits[f] |= VM_FRAME_DIRTY;
}

void vm_table_page_out(struct vm_memory *m, vm_pfn f, vm_slot s)
{
    uint64_t key = m->frame[f].owner;
    struct vm_pte pte = {.state = s ? VM_PTE_SWAPPED : VM_PTE_EMPTY, .slot = s};
    m->c.counts->table_evictions++;
    m->ntables--;
    m->ntables_loose--;
    if (s) {
        vm_slot_ref(m, s);
        m->ntables_out++;
    }
    m->c.scheme->set(m->scheme, VM_ASID_KERNEL, vm_key_va(key, m->c.page_shift), pte);
    memset(m->physical + ((size_t)f << m->c.page_shift), 0, (size_t)1 << m->c.page_shift);
    m->c.shootdown(m->c.host, key);
}

/* ---- coming back ---- */

/* Fill `f` from the slot of the table page at kva, and keep the slot as its clean copy. */
static void fill(struct vm_memory *m, vm_pfn f, vm_va kva)
{
    struct vm_pte pte = m->c.scheme->get(m->scheme, VM_ASID_KERNEL, kva);
    VM_ASSERT(pte.state == VM_PTE_SWAPPED && vm_slot_refs(m, pte.slot) == 1);
    vm_swap_read(m, pte.slot, table_key(m, kva));
    vm_slot_attach(m, pte.slot, f);
    m->c.scheme->set(m->scheme, VM_ASID_KERNEL, kva,
                     (struct vm_pte){.state = VM_PTE_PRESENT, .pfn = f});
    vm_slot_unref(m, pte.slot);
    m->ntables_out--;
}

/* VM_NOFRAME: m->out. */
static vm_pfn bring(struct vm_memory *m, vm_va kva, uint64_t *count)
{
    vm_pfn f = vm_frame_get(m, kva, vm_memory_key(m, kva, VM_ASID_KERNEL));
    if (f == VM_NOFRAME)
        return f;
    fill(m, f, kva);
    ++*count;
    if (++m->ntables > m->c.counts->table_frames_peak)
        m->c.counts->table_frames_peak = m->ntables;
    let_go(m, f, kva);
    return f;
}

static bool fetch(void *host, vm_va kva)
{
    struct vm_memory *m = host;
    return bring(m, kva, &m->c.counts->table_reads) != VM_NOFRAME;
}

const struct vm_table_pager *vm_table_pager(const struct vm_memory *m)
{
    static const struct vm_table_pager pager = {
        .adopt = adopt, .pin = pin, .fetch = fetch, .forget = forget};
    return m->c.tables == VM_TABLES_INSIDE && !m->c.future ? &pager : NULL;
}

bool vm_memory_table_fault(struct vm_memory *m, vm_va kva, struct vm_fault *f, struct vm_error *e)
{
    *f = (struct vm_fault){
        .asid = VM_ASID_KERNEL, .va = kva, .access = VM_READ, .kind = VM_FAULT_SWAP_IN};
    f->pfn = bring(m, kva, &m->c.counts->table_faults);
    while (f->pfn == VM_NOFRAME) {
        *e = m->out;
        if (!vm_oom_relieve(m))
            return false;
        if (m->c.scheme->get(m->scheme, VM_ASID_KERNEL, kva).state != VM_PTE_SWAPPED)
            break; /* it was of the process that was killed */
        f->pfn = bring(m, kva, &m->c.counts->table_faults);
    }
    return true;
}

/* ---- events ---- */

void vm_table_page_visit(struct vm_memory *m, vm_asid asid, vm_va va, enum vm_transfer kind)
{
    struct vm_walk walk;
    if (m->ntables_out == 0)
        return;
    m->c.scheme->walk(m->scheme, asid, va, VM_READ, VM_MODE_USER | VM_MODE_MARK_TRAPS, &walk);
    if (!walk.missing || walk.missing == m->table_read)
        return;
    m->table_read = walk.missing;
    vm_slot s = m->c.scheme->get(m->scheme, VM_ASID_KERNEL, walk.missing).slot;
    m->c.counts->table_reads++;
    vm_swap_read(m, s, table_key(m, walk.missing));
    if (kind == VM_TRANSFER_WRITE) {
        m->c.counts->table_writes++;
        vm_swap_write(m, s);
    }
}
