/* swap.c - a page's home, and the transfers to and from it, priced by the device.
 *
 * A slot and a file are alike here: where the contents of a page are while it has no frame, and
 * where a clean frame's page need not be written again.
 */
#include "base/assert.h"
#include "space/memory.h"

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
static uint64_t position(const struct vm_memory *m, vm_slot s, uint64_t page_key)
{
    if (s == VM_SLOT_FILE)
        return vm_swap_file_position(m, page_key);
    return (uint64_t)s << m->c.page_shift;
}

void vm_swap_read(struct vm_memory *m, vm_slot s, uint64_t page_key)
{
    m->read_ns += m->c.device->transfer(m->device, VM_TRANSFER_READ, position(m, s, page_key),
                                        UINT64_C(1) << m->c.page_shift);
}

void vm_swap_write(struct vm_memory *m, vm_slot s, uint64_t page_key)
{
    m->write_ns += m->c.device->transfer(m->device, VM_TRANSFER_WRITE, position(m, s, page_key),
                                         UINT64_C(1) << m->c.page_shift);
    if (s != VM_SLOT_FILE)
        vm_slot_note_written(m, s);
}

void vm_home_write(struct vm_memory *m, vm_pfn f)
{
    const struct vm_frame *frame = &m->frame[f];
    vm_swap_write(m, frame->home & VM_HOME_FILE ? VM_SLOT_FILE : frame->home, frame->owner);
}
