/* program.c - a machine that runs programs: what a kernel and its processors ask of it beside
 * running batches.
 *
 * A processor translates ahead of the machine: it keeps translations that it has seen, makes its
 * accesses with them, and tells of these later, a batch at a time. That is exact for counts, since
 * the order is kept, and for contents, by two rules:
 *
 *  1. No translation outlives the entry it was made of (forget).
 *  2. What a batch may still do to pages, evict, clean and bring them, moves their newest bytes. So
 *     the only thing that must not wait is the first write to a clean page: evicted before the
 *     machine knows of the write, it would be dropped (vm_place.rights).
 */
#include "base/assert.h"
#include "engine/machine.h"
#include "engine/parts.h"

static bool can_run(const struct vm_config *c, struct vm_error *e)
{
    struct vm_parts p;
    if (!vm_parts_find(&p, c, e))
        return false;
    if (p.policy->future != VM_FUTURE_UNUSED)
        return vm_fail(e, VM_EMACHINE,
                       "policy %s must know what comes: expected another one where programs run, "
                       "or a trace of the program (replay)",
                       p.policy->name);
    if (p.scheme->unit == VM_UNIT_SEGMENT)
        return vm_fail(e, VM_EMACHINE,
                       "scheme %s has segments: expected one of pages where programs run",
                       p.scheme->name);
    return true;
}

struct vm_engine *vm_engine_open_programs(const struct vm_config *c,
                                          const struct vm_programs *programs, struct vm_error *e)
{
    return can_run(c, e) ? vm_engine_open_with(c, NULL, programs, VM_STRAY_FAULTS, NULL, e) : NULL;
}

/* The accesses that the page's entry allows and that would not make it dirty, or touched. */
static unsigned rights_of(const struct vm_engine *m, struct vm_pte pte, vm_pfn pfn)
{
    unsigned rights = pte.prot & VM_PROT_ALL;
    if (pte.order > 0 && !(m->bits[pfn] & VM_FRAME_TOUCHED))
        return 0;
    if (!(m->bits[vm_unit(m, pfn)] & VM_FRAME_DIRTY))
        rights &= ~(unsigned)VM_PROT_WRITE;
    return rights;
}

/* The page's present entry, and the frame that its base page of va has; false: it is absent. */
static bool find(const struct vm_engine *m, vm_asid asid, vm_va va, struct vm_pte *pte, vm_pfn *pfn)
{
    if (!vm_memory_space(m->memory, asid))
        return false;
    *pte = m->scheme->get(m->scheme_state, asid, va);
    *pfn = pte->pfn + ((vm_pfn)(va >> m->page_shift) & (vm_pfn)((UINT64_C(1) << pte->order) - 1));
    return pte->state == VM_PTE_PRESENT;
}

bool vm_engine_look(struct vm_engine *m, vm_asid asid, vm_va va, struct vm_place *out)
{
    struct vm_pte pte;
    vm_pfn pfn;
    if (!find(m, asid, va, &pte, &pfn))
        return false;
    out->bytes = vm_memory_frame(m->memory, pfn);
    out->prot = pte.prot & VM_PROT_ALL;
    out->rights = rights_of(m, pte, pfn);
    return true;
}

static void begin(struct vm_engine *m)
{
    vm_clock_begin(m);
    vm_mmu_settle(m);
    m->last_touch = NO_TOUCH;
}

/* Absent, or not writable as it is: the fault path, as after a walk that found that. */
static bool bring(struct vm_engine *m, struct vm_fault *f, struct vm_error *e)
{
    if (!vm_memory_use_space(m->memory, f->asid, e) || !vm_memory_fault(m->memory, f, e))
        return false;
    TELL(m, .kind = VM_TAP_FAULT, .fault = f);
    if (!f->vma)
        return vm_fail(e, VM_EINPUT, "address 0x%llx of space %u: expected a mapping of it",
                       (unsigned long long)f->va, f->asid);
    m->counts.kernel_faults++;
    return true;
}

/* The base page in `pfn` is used, and nobody has told the policy so. */
static void note_touch(struct vm_engine *m, vm_pfn pfn, enum vm_access access)
{
    vm_pfn unit = vm_unit(m, pfn);
    m->bits[unit] |= m->marks[access];
    if (m->policy->touch_kind == VM_TOUCH_ORDER || m->policy->touch_kind == VM_TOUCH_EACH)
        m->policy->touch(m->policy_state, &unit, 1);
}

bool vm_engine_reach(struct vm_engine *m, vm_asid asid, vm_va va, enum vm_access access,
                     struct vm_place *out, struct vm_error *e)
{
    struct vm_fault f = {.asid = asid, .va = va, .access = access};
    struct vm_pte pte;
    vm_pfn pfn;
    bool told = false;
    begin(m);
    while (!find(m, asid, va, &pte, &pfn) || !(pte.prot & vm_access_needs(access))) {
        if (!bring(m, &f, e))
            return false;
        told |= f.told;
    }
    if (!told) /* being told was the touch; the policy may have cleared the referenced bit */
        note_touch(m, pfn, access);
    if (pte.order > 0 && !(m->bits[pfn] & VM_FRAME_TOUCHED))
        vm_memory_note_touched(m->memory, pfn); /* else a split would forget it */
    return vm_engine_look(m, asid, va, out);
}

void vm_engine_flush(struct vm_engine *m)
{
    begin(m);
    vm_memory_flush(m->memory);
}

void vm_engine_sync_file(struct vm_engine *m, uint32_t file)
{
    begin(m);
    vm_memory_sync_file(m->memory, file);
}

void vm_engine_drop_file(struct vm_engine *m, uint32_t file)
{
    begin(m);
    vm_memory_drop_file(m->memory, file);
}
