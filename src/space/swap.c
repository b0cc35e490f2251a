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

#define FILES_BEGIN (UINT64_C(1) << 62)
#define NAMED_BEGIN (FILES_BEGIN + (UINT64_C(1) << 61))
#define NAMED_SHIFT 41 /* 2^20 named files of 2 TiB */

/* Slots lie on the device one after the other; files apart, a file's pages by their numbers. */
uint64_t vm_swap_position(const struct vm_memory *m, vm_slot s)
{
    return (uint64_t)s << m->c.page_shift;
}

uint64_t vm_swap_file_position(const struct vm_memory *m, uint32_t home, uint64_t page)
{
    uint64_t at = page << m->c.page_shift;
    if (!vm_file_is_named(home))
        return FILES_BEGIN + at % (NAMED_BEGIN - FILES_BEGIN);
    return NAMED_BEGIN + ((uint64_t)(home & VM_FILE_NUMBER_MAX) << NAMED_SHIFT) +
           at % (UINT64_C(1) << NAMED_SHIFT);
}

uint64_t vm_home_position(const struct vm_memory *m, vm_pfn f)
{
    uint32_t home = m->frame[f].home;
    return home & VM_HOME_FILE ? vm_swap_file_position(m, home, vm_frame_file_page(m, f))
                               : vm_swap_position(m, home);
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

static uint64_t page_bytes(const struct vm_memory *m)
{
    return UINT64_C(1) << m->c.page_shift;
}

void vm_swap_read(struct vm_memory *m, vm_slot s, uint64_t page_key)
{
    if (!vm_ahead_has(m, page_key))
        vm_swap_read_at(m, vm_swap_position(m, s), page_bytes(m));
}

void vm_swap_read_file(struct vm_memory *m, uint32_t home, uint64_t page, uint64_t page_key)
{
    if (!vm_ahead_has(m, page_key))
        vm_swap_read_at(m, vm_swap_file_position(m, home, page), page_bytes(m));
}

void vm_swap_write(struct vm_memory *m, vm_slot s)
{
    vm_swap_write_at(m, vm_swap_position(m, s), page_bytes(m));
    vm_slot_note_written(m, s);
}

void vm_home_write(struct vm_memory *m, vm_pfn f)
{
    vm_contents_save(m, f);
    if (m->frame[f].home & VM_HOME_FILE)
        vm_swap_write_at(m, vm_home_position(m, f), page_bytes(m));
    else
        vm_swap_write(m, m->frame[f].home);
}
