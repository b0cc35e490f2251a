/* swap.c - a page's home, and the transfers to and from it, for which the process waits.
 *
 * A slot and a file are alike here: where the contents of a page are while it has no frame, and
 * where a clean frame's page need not be written again.
 */
#include "base/assert.h"
#include "space/memory.h"

/* One gathered transfer at most, so that reads behind it need not wait for long. Linux writes
 * swap in clusters of as many pages of 4 KiB (SWAPFILE_CLUSTER, mm/swapfile.c). */
#define CLUSTER_BYTES (UINT64_C(256) * 4096)

void vm_home_leave(struct vm_memory *m, vm_pfn f)
{
    if (m->frame[f].home & VM_HOME_FILE)
        vm_page_cache_remove(m, f);
    else if (m->frame[f].home)
        vm_slot_detach(m, f);
}

uint64_t vm_swap_file_position(const struct vm_memory *m, uint64_t page_key)
{
    return (UINT64_C(1) << 62) + vm_key_va(page_key, m->c.page_shift) % (UINT64_C(1) << 61);
}

/* Slots lie on the device one after the other; a file's pages lie apart, by their address. */
uint64_t vm_swap_position(const struct vm_memory *m, vm_slot s, uint64_t page_key)
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
    if (!m->gather.bytes)
        return;
    uint64_t done_ns = vm_queue_submit(&m->queue, VM_TRANSFER_WRITE, m->gather.at, m->gather.bytes,
                                       m->c.now(m->c.host));
    if (done_ns > m->gather.done_ns)
        m->gather.done_ns = done_ns;
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
    m->gather.done_ns = 0;
}

uint64_t vm_swap_gathered(struct vm_memory *m)
{
    write_gathered(m);
    m->gather.on = false;
    return m->gather.done_ns;
}

void vm_swap_write_at(struct vm_memory *m, uint64_t at, uint64_t bytes)
{
    if (m->gather.on)
        gather(m, at, bytes);
    else
        transfer(m, VM_TRANSFER_WRITE, at, bytes, VM_WAIT_WRITE);
}

/* ---- pages ---- */

void vm_swap_read(struct vm_memory *m, vm_slot s, uint64_t page_key)
{
    if (!vm_ahead_has(m, page_key))
        vm_swap_read_at(m, vm_swap_position(m, s, page_key), UINT64_C(1) << m->c.page_shift);
}

void vm_swap_write(struct vm_memory *m, vm_slot s, uint64_t page_key)
{
    vm_swap_write_at(m, vm_swap_position(m, s, page_key), UINT64_C(1) << m->c.page_shift);
    if (s != VM_SLOT_FILE)
        vm_slot_note_written(m, s);
}

void vm_home_write(struct vm_memory *m, vm_pfn f)
{
    const struct vm_frame *frame = &m->frame[f];
    vm_swap_write(m, frame->home & VM_HOME_FILE ? VM_SLOT_FILE : frame->home, frame->owner);
}
