/* oom.c - out of memory and swap: a process is killed, if that is the rule.
 *
 * The one that holds the most memory goes, of equals the youngest: it frees the most, and what ran
 * longest has the most to lose. It holds its resident set, and what the device keeps in memory of
 * its pages in slots: compressed memory may have taken all of everybody. (Linux weighs resident
 * set, swap and page tables of a process, without age: mm/oom_kill.c, oom_badness.) All its pages
 * and mappings are gone at once; its address space stays until it exits, empty, and what it touches
 * from then on is refused.
 *
 * A step of the kernel that failed for want of a frame or slot is taken back by whoever began it,
 * and begun again after the kill. Huge pages and segments cannot take every step back, so they and
 * this rule do not go together (vm_reclaim_plan).
 */
#include "base/assert.h"
#include "space/memory.h"

/* What the device takes of memory for an entry's page. */
static uint64_t kept_of(const struct vm_memory *m, struct vm_pte pte)
{
    bool stored =
        pte.state == VM_PTE_SWAPPED && pte.slot != VM_SLOT_FILE && !vm_slot_is_zero(m, pte.slot);
    return stored ? vm_store_kept(m, vm_slot_level(m, pte.slot)) : 0;
}

/* Of its pages in slots. */
static uint64_t stored_bytes(const struct vm_memory *m, vm_asid asid)
{
    const struct vm_space *s = &m->space[asid];
    uint64_t bytes = 0;
    for (size_t i = 0; m->store.nframes && i < s->nvmas; i++)
        for (vm_va va = s->vma[i].start, end = s->vma[i].end;
             (va = m->c.scheme->next(m->scheme, asid, va, end)) < end;) {
            struct vm_pte pte = m->c.scheme->get(m->scheme, asid, va);
            bytes += kept_of(m, pte);
            va = vm_memory_behind(m, va, pte);
        }
    return bytes;
}

static uint64_t held_bytes(const struct vm_memory *m, vm_asid asid)
{
    uint64_t page = UINT64_C(1) << m->c.page_shift;
    return m->space[asid].resident * page + stored_bytes(m, asid);
}

/* Whom to kill, or NULL: nobody holds anything. */
static struct vm_space *choose(struct vm_memory *m, vm_asid *asid)
{
    struct vm_space *worst = NULL;
    uint64_t most = 0;
    for (unsigned i = 0; i < m->asid_end; i++) {
        struct vm_space *s = &m->space[i];
        uint64_t bytes = s->open ? held_bytes(m, (vm_asid)i) : 0;
        if (bytes == 0 || bytes < most || (bytes == most && s->born < worst->born))
            continue;
        worst = s;
        most = bytes;
        *asid = (vm_asid)i;
    }
    return worst;
}

bool vm_oom_relieve(struct vm_memory *m)
{
    vm_asid asid = 0;
    struct vm_space *s = m->starved && m->c.oom == VM_OOM_KILL ? choose(m, &asid) : NULL;
    m->starved = false;
    if (!s)
        return false;
    m->c.counts->oom_kills++;
    m->c.counts->oom_pages += s->resident;
    vm_space_empty(m, asid);
    s->killed = true;
    return true;
}
