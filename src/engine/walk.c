/* walk.c - the walk of the page table, what it costs, and the faults on its way.
 *
 * Walkers. With several of them walks are under way at once. Nothing here knows which walks could
 * be: that depends on instructions, which a trace does not have. So it is a bound, for touches that
 * come near each other. The touches are cut into windows of [tlb] walk_window; the walks of one
 * window, with `steps` steps in all and `longest` in the longest, take no less than
 * max(longest, steps / walkers). That is what walk_waits counts, and what a walk's price is scaled
 * by: walk_waits / walk_steps. One walker: all of it.
 */
#include "engine/machine.h"

/* ---- what a walk counts ---- */

uint64_t vm_walk_steps(const struct vm_walk *w, uint32_t from)
{
    uint32_t listed = w->nloads < VM_WALK_LOADS ? w->nloads : VM_WALK_LOADS;
    uint64_t steps = w->nloads - listed;
    for (uint32_t i = from; i < listed; i++)
        steps += i == from || w->load[i].step != w->load[i - 1].step;
    return steps;
}

uint64_t vm_walk_window_waits(const struct vm_engine *m)
{
    uint64_t shared = (m->window.steps + m->config.walkers - 1) / m->config.walkers;
    return shared > m->window.longest ? shared : m->window.longest;
}

void vm_walk_window_close(struct vm_engine *m)
{
    m->counts.walk_waits += vm_walk_window_waits(m);
    m->window = (struct walk_window){.number = m->touch / m->config.walk_window};
}

static uint64_t waits_so_far(const struct vm_engine *m)
{
    return m->counts.walk_waits + vm_walk_window_waits(m);
}

/* Answers how many of the steps other walks do not hide. */
static uint64_t note_steps(struct vm_engine *m, uint64_t steps)
{
    uint64_t number = m->touch / m->config.walk_window, before = waits_so_far(m);
    if (number != m->window.number)
        vm_walk_window_close(m);
    m->window.steps += steps;
    if (steps > m->window.longest)
        m->window.longest = steps;
    m->counts.walk_steps += steps;
    return waits_so_far(m) - before;
}

/* Answers how many of its first loads it did not make. */
static uint32_t count_walk(struct vm_engine *m, vm_va va, const struct vm_walk *w)
{
    size_t cache = VM_WALK_CACHES_MAX;
    uint32_t skipped = w->fault == VM_WALK_BOUNDS ? 0 : vm_walk_caches_use(m, va, w, &cache);
    if (w->nloads > 0 && w->load[0].role == VM_LOAD_NESTED)
        skipped = vm_refill_nested(m, w);
    uint64_t steps = vm_walk_steps(w, skipped);
    m->counts.walks++;
    m->counts.walk_loads += w->nloads - skipped;
    m->counts.walk_skips += skipped;
    m->counts.walk_stores += w->nstores;
    uint64_t waits = note_steps(m, steps);
    TELL(m, .kind = VM_TAP_WALK, .walk = {w, skipped, cache, steps, waits});
    return skipped;
}

/* ---- its outcome ---- */

struct vm_tlb_entry vm_walk_entry(const struct vm_walk *w)
{
    unsigned bits = w->prot;
    if (w->dirty && (w->prot & VM_PROT_WRITE))
        bits |= VM_TLB_DIRTY;
    if (w->fault == VM_WALK_UNMARKED)
        bits |= VM_TLB_OWES_REFERENCED;
    return (struct vm_tlb_entry){vm_tlb_value(w->pfn, w->order, bits), w->first, w->end};
}

bool vm_walk_neighbour(struct vm_engine *m, uint64_t tag, unsigned order, struct vm_tlb_entry *out)
{
    uint64_t page = (tag >> 12) ^ 1;
    if (page >= UINT64_C(1) << (64 - m->page_shift - order))
        return false;
    struct vm_pte pte =
        m->scheme->get(m->scheme_state, m->cpu->asid, page << (m->page_shift + order));
    bool marked = pte.accessed || !(m->scheme->marks & VM_FRAME_REFERENCED);
    if (pte.state != VM_PTE_PRESENT || pte.order != order || !(pte.prot & VM_PROT_ALL) || !marked ||
        (pte.prot & VM_PROT_GLOBAL))
        return false;
    unsigned bits = pte.prot | (pte.dirty && (pte.prot & VM_PROT_WRITE) ? VM_TLB_DIRTY : 0);
    *out = (struct vm_tlb_entry){vm_tlb_value(pte.pfn, order, bits), 0, 1u << order};
    return true;
}

/* ---- the walk ---- */

static void walk_once(struct vm_engine *m, vm_va va, enum vm_access access, struct vm_walk *w)
{
    m->scheme->walk(m->scheme_state, m->cpu->asid, va, access, vm_refill_mode(m), w);
    uint32_t skipped = count_walk(m, va, w);
    vm_data_walk(m, w, skipped);
}

/* The walk found a page of the table out of memory: bring it back. */
static bool ask_for_table(struct vm_engine *m, vm_va kva)
{
    struct vm_fault f;
    m->failed = !vm_memory_table_fault(m->memory, kva, &f, &m->error);
    if (!m->failed)
        TELL(m, .kind = VM_TAP_FAULT, .fault = &f);
    return !m->failed;
}

/* The kernel resolves the fault of *w, or refuses the touch: false. */
static bool ask_kernel(struct vm_engine *m, const struct vm_walk *w, struct vm_fault *f)
{
    bool inserted = f->inserted, told = f->told;
    if (w->missing)
        return ask_for_table(m, w->missing);
    if (w->fault == VM_WALK_BOUNDS) {
        m->counts.unnamed++;
        return false;
    }
    vm_mmu_kernel_begins(m);
    if (!vm_memory_fault(m->memory, f, &m->error)) {
        m->failed = true;
        return false;
    }
    TELL(m, .kind = VM_TAP_FAULT, .fault = f);
    if (!f->vma)
        return false;
    f->inserted |= inserted;
    f->told |= told;
    if (vm_refill_kernel_marks(m)) /* or the touch would trap once more */
        vm_marks_set(m, f->va, f->access);
    return true;
}

/* Nothing is left to do for the touch but to take the translation. */
static bool is_complete(struct vm_engine *m, vm_va va, enum vm_access access, struct vm_walk *w)
{
    if (w->fault != VM_WALK_UNMARKED)
        return w->fault == VM_WALK_OK;
    return m->config.marks == VM_MARKS_ON_LEAVING || vm_refill_marks(m, va, access, w);
}

enum walked vm_mmu_walk(struct vm_engine *m, vm_va va, enum vm_access access, struct vm_walk *w)
{
    struct vm_fault f = {.asid = m->cpu->asid, .va = va, .access = access};
    bool asked = false;
    for (;;) {
        walk_once(m, va, access, w);
        if (is_complete(m, va, access, w))
            return !asked ? WALKED : f.told ? WALKED_TOLD : WALKED_RESOLVED;
        if (w->fault == VM_WALK_UNMARKED) {
            m->counts.mark_traps++;
            vm_marks_set(m, va, access);
            TELL(m, .kind = VM_TAP_MARK, .mark = {VM_MARK_BY_TRAP, m->cpu->asid, va});
            continue;
        }
        vm_refill_refused(m, va, access, w);
        m->counts.touches_faulted += !asked;
        asked = true;
        if (!ask_kernel(m, w, &f))
            return WALKED_NOWHERE;
    }
}
