/* segment_swap.c - where segments are when they are not in memory: runs of consecutive slots.
 *
 * A run is taken first-fit when a dirty segment leaves and has no copy that is long enough and its
 * own. It is read and written in one transfer.
 */
#include "base/assert.h"
#include "space/segment.h"

#define FIRST_SLOT (VM_SLOT_FILE + 1)

static struct vm_slot_run *run_of(const struct vm_memory *m, vm_slot s)
{
    return &m->seg->run[s];
}

static void free_if_unused(struct vm_memory *m, vm_slot s)
{
    struct vm_slot_run *run = run_of(m, s);
    if (run->refs || run->unit)
        return;
    m->seg->swap_fit->give(m->seg->swap, s - FIRST_SLOT, run->slots);
    vm_slots_note(m, 0, run->slots);
    run->slots = 0;
}

static vm_slot run_take(struct vm_memory *m, uint32_t pages)
{
    uint64_t at = m->seg->swap_fit->take(m->seg->swap, pages, 1);
    if (at == VM_ALLOC_NONE) {
        vm_fail(&m->out, VM_EMACHINE,
                "out of swap: no %u consecutive slots of %u, of which %llu are in use, for a "
                "segment that must leave memory",
                pages, m->swap[VM_SWAP_FAST].slots.n, (unsigned long long)m->slots_used);
        vm_hint(&m->out, "give more memory (--memory) or more swap (--swap-size)");
        return 0;
    }
    vm_slot s = FIRST_SLOT + (vm_slot)at;
    *run_of(m, s) = (struct vm_slot_run){.slots = pages};
    if (s >= m->seg->run_end)
        m->seg->run_end = s + 1;
    vm_slots_note(m, pages, 0);
    return s;
}

bool vm_unit_write(struct vm_memory *m, uint32_t u, uint32_t pages)
{
    struct vm_unit_state *unit = &m->seg->unit[u];
    if (unit->slot && (run_of(m, unit->slot)->refs || run_of(m, unit->slot)->slots < pages))
        vm_run_detach(m, u);
    if (!unit->slot) {
        vm_slot s = run_take(m, pages);
        if (!s)
            return false;
        vm_run_attach(m, s, u);
    }
    vm_swap_write_at(m, (uint64_t)unit->slot << m->c.page_shift,
                     (uint64_t)pages << m->c.page_shift);
    return true;
}

void vm_unit_read(struct vm_memory *m, vm_slot s, uint64_t key, uint32_t pages)
{
    uint64_t at = (uint64_t)s << m->c.page_shift;
    if (s == VM_SLOT_FILE)
        at = vm_swap_file_position(m, key);
    else if (pages > run_of(m, s)->slots)
        pages = run_of(m, s)->slots;
    vm_swap_read_at(m, at, (uint64_t)pages << m->c.page_shift);
}

void vm_run_ref(struct vm_memory *m, vm_slot s)
{
    if (s != VM_SLOT_FILE)
        run_of(m, s)->refs++;
}

void vm_run_unref(struct vm_memory *m, vm_slot s)
{
    if (s == VM_SLOT_FILE)
        return;
    VM_ASSERT(run_of(m, s)->refs > 0);
    run_of(m, s)->refs--;
    free_if_unused(m, s);
}

void vm_run_attach(struct vm_memory *m, vm_slot s, uint32_t u)
{
    VM_ASSERT(!m->seg->unit[u].slot && !run_of(m, s)->unit);
    m->seg->unit[u].slot = s;
    run_of(m, s)->unit = u + 1;
}

void vm_run_detach(struct vm_memory *m, uint32_t u)
{
    vm_slot s = m->seg->unit[u].slot;
    if (!s)
        return;
    VM_ASSERT(run_of(m, s)->unit == u + 1);
    m->seg->unit[u].slot = 0;
    run_of(m, s)->unit = 0;
    free_if_unused(m, s);
}
