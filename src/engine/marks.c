/* marks.c - referenced and dirty bits of table entries that no walk sets.
 *
 *   on leaving   a TLB entry keeps what its page's entry is still to be marked with (VM_TLB_OWES),
 *                in the copy nearest to the processor. When that copy leaves, replaced or removed,
 *                the copy of the next level owes it; after the last one it is in the table.
 *   trap         a walk that finds a bit missing ends there; the kernel sets it, as RISC-V's Svade
 *                and MIPS's TLB-modified exception have it.
 *
 * What the policies see, the frames' own bits, is exact at all times: they are set at the touch,
 * however late the table learns of it. So marks of a page that has no entry any more are nobody's
 * loss: the kernel that took the entry has looked at the frame.
 *
 * RISC-V Privileged Architecture, 4.3.1 (A and D bits, Svade); Intel SDM vol. 3, 4.8.
 */
#include "base/assert.h"
#include "engine/machine.h"

/* The bits that an entry is to have beside those that it has. */
struct marks {
    bool accessed, dirty;
};

static void mark_page(struct vm_engine *m, vm_asid asid, vm_va va, struct marks marks)
{
    struct vm_pte pte = m->scheme->get(m->scheme_state, asid, va);
    VM_ASSERT(pte.state == VM_PTE_PRESENT);
    pte.accessed |= marks.accessed;
    pte.dirty |= marks.dirty;
    m->scheme->set(m->scheme_state, asid, va & -(UINT64_C(1) << (m->page_shift + pte.order)), pte);
}

static void mark_segment(struct vm_engine *m, vm_asid asid, vm_va va, struct marks marks)
{
    const struct vm_segment_ops *ops = m->scheme->segments;
    struct vm_segment segment = ops->get(m->scheme_state, asid, va);
    VM_ASSERT(segment.state == VM_PTE_PRESENT);
    segment.accessed |= marks.accessed;
    segment.dirty |= marks.dirty;
    ops->set(m->scheme_state, asid, va, segment);
}

static void mark(struct vm_engine *m, vm_asid asid, vm_va va, struct marks marks)
{
    (m->scheme->unit == VM_UNIT_SEGMENT ? mark_segment : mark_page)(m, asid, va, marks);
}

void vm_marks_set(struct vm_engine *m, vm_va va, enum vm_access access)
{
    mark(m, m->cpu->asid, va, (struct marks){true, access == VM_WRITE});
}

/* Whether the table still says what this translation of the base page of va does. */
static bool is_mapped(const struct vm_engine *m, vm_asid asid, vm_va va, uint64_t value)
{
    struct vm_pte pte = m->scheme->get(m->scheme_state, asid, va);
    if (pte.state != VM_PTE_PRESENT || m->scheme->unit == VM_UNIT_SEGMENT)
        return pte.state == VM_PTE_PRESENT;
    return pte.pfn == vm_tlb_pfn(value) && pte.order == vm_tlb_order(value);
}

void vm_marks_write(struct vm_engine *m, const struct processor *p, uint64_t tag,
                    const struct vm_tlb_entry *e)
{
    bool tagged = m->config.tlb_tags == VM_TLB_TAGS_ASID && (tag & 0xfff) != VM_TLB_GLOBAL;
    vm_asid asid = tagged ? vm_key_asid(tag) : p->asid;
    vm_va va =
        vm_key_va(tag, m->page_shift + vm_tlb_order(e->value)) + ((vm_va)e->first << m->page_shift);
    if (!vm_memory_space(m->memory, asid) || !is_mapped(m, asid, va, e->value))
        return;
    mark(m, asid, va,
         (struct marks){e->value & VM_TLB_OWES_REFERENCED, e->value & VM_TLB_OWES_DIRTY});
    m->counts.mark_stores++;
    TELL(m, .kind = VM_TAP_MARK, .mark = {VM_MARK_ON_LEAVING, asid, va});
}

/* The page's copy in a level beyond `level`, for whatever access; NULL: none. */
static uint64_t *next_copy(const struct vm_engine *m, struct processor *p, unsigned level,
                           uint64_t tag, unsigned order)
{
    for (unsigned next = level + 1; next <= m->plan.levels; next++)
        for (size_t i = 0; i < m->plan.n; i++) {
            if (m->plan.tlb[i].level != next || !(m->orders[i] >> order & 1))
                continue;
            int64_t at = vm_tlb_find(&p->tlb[i], tag, order);
            if (at >= 0)
                return &p->tlb[i].value[at];
        }
    return NULL;
}

/* The processor that has this TLB. */
static struct processor *owner(const struct vm_engine *m, const struct vm_tlb *t)
{
    ptrdiff_t offset = (const char *)t - (const char *)m->processor;
    return &m->processor[(size_t)offset / sizeof *m->processor];
}

void vm_marks_leaving(void *engine, const struct vm_tlb *t, uint64_t tag, struct vm_tlb_entry e)
{
    struct vm_engine *m = engine;
    struct processor *p = owner(m, t);
    size_t i = (size_t)(t - p->tlb);
    uint64_t *copy = next_copy(m, p, m->plan.tlb[i].level, tag, vm_tlb_order(e.value));
    if (!copy) {
        vm_marks_write(m, p, tag, &e);
        return;
    }
    VM_ASSERT(vm_tlb_pfn(*copy) == vm_tlb_pfn(e.value));
    *copy |= e.value & (VM_TLB_OWES | VM_TLB_DIRTY);
}

void vm_marks_owe_dirty(struct vm_engine *m, enum vm_access access, struct tlb_hit *hit)
{
    hit->entry.value &= ~(uint64_t)VM_TLB_OWES;
    hit->entry.value |= VM_TLB_DIRTY | VM_TLB_OWES_DIRTY;
    vm_levels_install(m, access, hit->level + 1, hit->tag, hit->entry);
}
