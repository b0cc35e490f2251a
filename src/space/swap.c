/* swap.c - the swap map: which slots are used, by how many entries, and which frame still has a
 * slot's page; and the transfers, for which the process waits.
 *
 * A slot is taken when a dirty page without one is evicted, and kept while an entry is swapped to
 * it or a frame holds its clean copy: a page that comes back and is not written to again leaves
 * without a transfer. Copy-on-write siblings share a slot: slot_refs counts their entries.
 */
#include "base/assert.h"
#include "space/memory.h"

/* One gathered transfer at most, so that reads behind it need not wait for long. Linux writes
 * swap in clusters of as many pages of 4 KiB (SWAPFILE_CLUSTER, mm/swapfile.c). */
#define CLUSTER_BYTES (UINT64_C(256) * 4096)

static uint32_t first_slot(void)
{
    return VM_SLOT_FILE + 1;
}

vm_slot vm_swap_take(struct vm_memory *m)
{
    vm_slot s = m->slot_head;
    if (s)
        m->slot_head = m->slot_refs[s];
    else if (m->slot_fresh < m->nslots)
        s = first_slot() + m->slot_fresh++;
    else {
        vm_fail(&m->out, VM_EMACHINE,
                "out of swap: all %u slots are in use and a dirty page must leave memory",
                m->nslots);
        vm_hint(&m->out, "give more memory (--memory) or more swap (--swap-size)");
        return 0;
    }
    m->slot_refs[s] = 0;
    if (++m->slots_used > m->c.counts->slots_peak)
        m->c.counts->slots_peak = m->slots_used;
    return s;
}

static void free_if_unused(struct vm_memory *m, vm_slot s)
{
    if (m->slot_refs[s] || m->slot_frame[s])
        return;
    m->slot_refs[s] = m->slot_head;
    m->slot_head = s;
    m->slots_used--;
}

void vm_swap_unref(struct vm_memory *m, vm_slot s)
{
    if (s == VM_SLOT_FILE)
        return;
    VM_ASSERT(m->slot_refs[s] > 0);
    m->slot_refs[s]--;
    free_if_unused(m, s);
}

void vm_swap_detach(struct vm_memory *m, vm_pfn f)
{
    vm_slot s = m->frame[f].slot;
    if (!s)
        return;
    VM_ASSERT(m->slot_frame[s] == f + 1);
    m->frame[f].slot = 0;
    m->slot_frame[s] = 0;
    free_if_unused(m, s);
}

uint64_t vm_swap_file_position(const struct vm_memory *m, uint64_t page_key)
{
    return (UINT64_C(1) << 62) + vm_key_va(page_key, m->c.page_shift) % (UINT64_C(1) << 61);
}

/* Slots lie on the device one after the other; a file's pages lie apart, by their address. */
static uint64_t position(const struct vm_memory *m, vm_slot s, uint64_t page_key)
{
    if (s == VM_SLOT_FILE)
        return vm_swap_file_position(m, page_key);
    return (uint64_t)s << m->c.page_shift;
}

static void transfer(struct vm_memory *m, enum vm_transfer kind, uint64_t at, uint64_t bytes,
                     enum vm_wait why)
{
    uint64_t now = m->c.now(m->c.host);
    m->c.wait(m->c.host, vm_queue_submit(&m->queue, kind, at, bytes, now), why);
}

void vm_swap_read_at(struct vm_memory *m, uint64_t at, uint64_t bytes)
{
    transfer(m, VM_TRANSFER_READ, at, bytes, VM_WAIT_READ);
}

/* ---- writes that nobody waits for ---- */

static void write_gathered(struct vm_memory *m)
{
    if (m->gather.bytes)
        vm_queue_submit(&m->queue, VM_TRANSFER_WRITE, m->gather.at, m->gather.bytes,
                        m->c.now(m->c.host));
    m->gather.bytes = 0;
}

static void gather(struct vm_memory *m, uint64_t at, uint64_t bytes)
{
    if (m->gather.at + m->gather.bytes != at || m->gather.bytes + bytes > CLUSTER_BYTES)
        write_gathered(m);
    if (m->gather.bytes == 0)
        m->gather.at = at;
    m->gather.bytes += bytes;
}

void vm_swap_gather(struct vm_memory *m)
{
    VM_ASSERT(!m->gather.on && m->gather.bytes == 0);
    m->gather.on = true;
}

void vm_swap_gathered(struct vm_memory *m)
{
    write_gathered(m);
    m->gather.on = false;
}

void vm_swap_write_at(struct vm_memory *m, uint64_t at, uint64_t bytes)
{
    if (m->gather.on)
        gather(m, at, bytes);
    else
        transfer(m, VM_TRANSFER_WRITE, at, bytes, VM_WAIT_WRITE);
}

void vm_swap_read(struct vm_memory *m, vm_slot s, uint64_t page_key)
{
    vm_swap_read_at(m, position(m, s, page_key), UINT64_C(1) << m->c.page_shift);
}

void vm_swap_write(struct vm_memory *m, vm_slot s)
{
    vm_swap_write_at(m, position(m, s, 0), UINT64_C(1) << m->c.page_shift);
}
