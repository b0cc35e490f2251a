/* swap.c - a page's home, and the transfers to and from it, for which the process waits.
 *
 * A slot and a file are alike here: where the contents of a page are while it has no frame, and
 * where a clean frame's page need not be written again. Places of all devices are one space of
 * bytes, in which slots of the slow device lie far behind those of the fast one, and files behind
 * both: only a request looks which device it is for.
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

/* Slots lie on their device one after the other; a file's pages lie apart, by their address. */
uint64_t vm_swap_position(const struct vm_memory *m, vm_slot s, uint64_t page_key)
{
    if (s == VM_SLOT_FILE)
        return vm_swap_file_position(m, page_key);
    return (uint64_t)s << m->c.page_shift;
}

/* ---- the devices ---- */

/* Above all slots lie files. */
static enum vm_swap_level level_at(const struct vm_memory *m, uint64_t at)
{
    uint64_t place = at >> m->c.page_shift;
    return place < 2 * VM_SLOT_SLOW ? vm_slot_level(m, (vm_slot)place) : VM_SWAP_FAST;
}

static enum vm_server server_of(const struct vm_memory *m, enum vm_swap_level level)
{
    return m->c.swap[level].device->server;
}

static void count_slow(struct vm_memory *m, enum vm_transfer kind, uint64_t bytes)
{
    uint64_t *n = kind == VM_TRANSFER_READ ? &m->c.counts->slow_reads : &m->c.counts->slow_writes;
    *n += bytes >> m->c.page_shift;
}

static uint64_t submit(struct vm_memory *m, enum vm_swap_level level, enum vm_transfer kind,
                       uint64_t at, uint64_t bytes, uint64_t now_ns)
{
    if (level == VM_SWAP_SLOW) {
        at -= (uint64_t)VM_SLOT_SLOW << m->c.page_shift;
        count_slow(m, kind, bytes);
    }
    return vm_queue_submit(&m->swap[level].queue, kind, at, bytes, now_ns);
}

uint64_t vm_swap_submit(struct vm_memory *m, enum vm_transfer kind, uint64_t at, uint64_t bytes)
{
    enum vm_swap_level level = level_at(m, at);
    return submit(m, level, kind, at, bytes, m->c.now(m->c.host, server_of(m, level)));
}

static void wait_until(struct vm_memory *m, enum vm_server server, uint64_t now_ns,
                       uint64_t done_ns, enum vm_wait why)
{
    if (done_ns > now_ns)
        m->c.wait(m->c.host, done_ns - now_ns, server, why);
}

void vm_swap_wait(struct vm_memory *m, enum vm_swap_level level, uint64_t done_ns, enum vm_wait why)
{
    enum vm_server server = server_of(m, level);
    wait_until(m, server, m->c.now(m->c.host, server), done_ns, why);
}

enum vm_swap_level vm_home_level(const struct vm_memory *m, vm_pfn f)
{
    return vm_slot_level(m, vm_frame_slot(&m->frame[f]));
}

static void transfer(struct vm_memory *m, enum vm_transfer kind, uint64_t at, uint64_t bytes,
                     enum vm_wait why)
{
    enum vm_swap_level level = level_at(m, at);
    enum vm_server server = server_of(m, level);
    uint64_t now = m->c.now(m->c.host, server);
    wait_until(m, server, now, submit(m, level, kind, at, bytes, now), why);
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
    struct vm_swap *swap = &m->swap[level_at(m, m->gather.at)];
    uint64_t done_ns = vm_swap_submit(m, VM_TRANSFER_WRITE, m->gather.at, m->gather.bytes);
    if (done_ns > swap->gathered_ns)
        swap->gathered_ns = done_ns;
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
    for (int level = 0; level < VM_SWAP_LEVELS; level++)
        m->swap[level].gathered_ns = 0;
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

/* ---- pages ---- */

void vm_swap_read(struct vm_memory *m, vm_slot s, uint64_t page_key)
{
    if (!vm_ahead_has(m, s, page_key))
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
