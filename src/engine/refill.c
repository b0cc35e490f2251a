/* refill.c - walks whose loads go through a TLB themselves, and TLBs that the kernel refills.
 *
 * Tables in kernel virtual memory. A walk loads the page's entry by a kernel address, which the
 * TLBs translate like a program's: where one has the page of the table, the loads before it, which
 * translate that page, are not made; else they are, and the TLBs take it (a double miss). Its tag
 * is global, and it has no rights, so that a program that names a kernel address is not let in.
 *
 * Refill by software (MIPS). A miss is a trap to a short handler, which loads the entry and writes
 * it to the TLB without a look at it:
 *
 *      present        the touch is repeated, and hits
 *      not present    the entry is in, invalid; the repeated touch traps to the general handler,
 *                     which resolves the fault and writes the entry once more, in its place
 *      a first write  the entry does not let the write through: it traps as modified; the kernel
 *                     marks the page dirty
 *
 * With marks = at-once the handler sets the referenced bit as it loads the entry, where the table
 * has one; with trap that is a trap of its own. Every scheme can be refilled so: the handler makes
 * the loads of its walk.
 *
 * MIPS R4000 Microprocessor User's Manual, 2nd edition, ch. 4 (tlbwr, tlbwi, wired entries) and ch.
 * 5 (TLB refill, invalid and modified exceptions); Jacob & Mudge, "A look at several memory
 * management units, TLB-refill mechanisms, and page table organizations", ASPLOS 1998 (what the
 * handlers cost).
 *
 * Not here: the handlers' own instructions as references; their price is [price] refill_ns.
 */
#include "base/assert.h"
#include "engine/machine.h"

/* A write that the kernel must let through. */
static void trap_modified(struct vm_engine *m)
{
    m->counts.modified_traps++;
    TELL(m, .kind = VM_TAP_TRAP, .trap = VM_TRAP_MODIFIED);
}

static bool by_software(const struct vm_engine *m)
{
    return m->config.refill == VM_REFILL_SOFTWARE;
}

bool vm_refill_check(const struct vm_config *c, struct vm_error *e)
{
    if (c->refill == VM_REFILL_HARDWARE || c->marks != VM_MARKS_ON_LEAVING)
        return true;
    return vm_fail(e, VM_EMACHINE,
                   "marks on-leaving with refill by software: the hardware would write a table "
                   "that only the kernel reads: expected marks at-once or trap");
}

/* ---- tables in kernel virtual memory ---- */

static void install_table_page(struct vm_engine *m, uint64_t tag, vm_pa at)
{
    struct vm_tlb_entry entry = {
        .value = vm_tlb_value((vm_pfn)(at >> m->page_shift), 0, VM_PROT_GLOBAL), .end = 1};
    vm_levels_install(m, VM_READ, m->plan.levels, tag, entry);
}

uint32_t vm_refill_nested(struct vm_engine *m, const struct vm_walk *w)
{
    uint32_t n = 0, listed = w->nloads < VM_WALK_LOADS ? w->nloads : VM_WALK_LOADS;
    struct tlb_hit hit;
    while (n < listed && w->load[n].role == VM_LOAD_NESTED)
        n++;
    if (n == 0 || n == listed || m->plan.levels == 0)
        return 0; /* of a walk that ended there, the TLBs do not have the page */
    const struct vm_walk_load *load = &w->load[n];
    uint64_t tag = vm_page_key(load->kva, m->page_shift, VM_ASID_KERNEL);
    vm_mmu_cool(m); /* what follows changes whose use was the last in a set */
    if (vm_levels_search(m, tag, VM_READ, &hit)) {
        VM_ASSERT(vm_tlb_pfn(hit.entry.value) == load->at >> m->page_shift);
        vm_levels_install(m, VM_READ, hit.level, hit.tag, hit.entry);
        m->counts.nested_hits++;
        return n;
    }
    m->counts.nested_misses++;
    m->counts.refills += by_software(m);
    if (by_software(m))
        TELL(m, .kind = VM_TAP_TRAP, .trap = VM_TRAP_REFILL_TABLE);
    install_table_page(m, tag, load->at);
    return 0;
}

/* ---- refill by software ---- */

void vm_refill_begin(struct vm_engine *m)
{
    m->refilled = by_software(m);
    m->counts.refills += by_software(m);
    if (by_software(m))
        TELL(m, .kind = VM_TAP_TRAP, .trap = VM_TRAP_REFILL);
}

unsigned vm_refill_mode(const struct vm_engine *m)
{
    bool at_once = m->config.marks == VM_MARKS_AT_ONCE && !by_software(m);
    return at_once ? VM_MODE_USER : VM_MODE_USER | VM_MODE_MARK_TRAPS;
}

bool vm_refill_kernel_marks(const struct vm_engine *m)
{
    return m->config.marks == VM_MARKS_TRAP || by_software(m);
}

bool vm_refill_marks(struct vm_engine *m, vm_va va, enum vm_access access, struct vm_walk *w)
{
    bool modified = access == VM_WRITE && !w->dirty;
    if (by_software(m) && modified)
        trap_modified(m);
    if (!by_software(m) || modified || m->config.marks != VM_MARKS_AT_ONCE)
        return false;
    vm_marks_set(m, va, VM_READ);
    m->counts.walk_stores++;
    TELL(m, .kind = VM_TAP_MARK, .mark = {VM_MARK_BY_REFILL, m->cpu->asid, va});
    w->fault = VM_WALK_OK;
    return true;
}

void vm_refill_refused(struct vm_engine *m, vm_va va, enum vm_access access,
                       const struct vm_walk *w)
{
    if (!by_software(m) || w->missing || w->fault == VM_WALK_BOUNDS)
        return; /* the handler's own load trapped, or the address is an error: nothing was put in */
    bool was_put_in = m->refilled;
    m->refilled = false;
    if (w->fault == VM_WALK_DENIED && access == VM_WRITE)
        trap_modified(m);
    if (!was_put_in || w->fault != VM_WALK_ABSENT)
        return;
    m->counts.invalid_traps++;
    TELL(m, .kind = VM_TAP_TRAP, .trap = VM_TRAP_INVALID);
    uint64_t tag = va >> m->page_shift << 12 | m->cpu->tag_asid;
    struct vm_tlb_entry invalid = {.value = vm_tlb_value(VM_NOFRAME, 0, VM_PROT_NONE), .end = 1};
    vm_levels_install(m, access, m->plan.levels, tag, invalid);
}

void vm_refill_end(struct vm_engine *m, uint64_t tag, unsigned order)
{
    for (size_t i = 0; i < m->plan.n && order > 0 && by_software(m); i++)
        if (m->orders[i] & 1)
            vm_tlb_invalidate(&m->cpu->tlb[i], tag, 0);
}
