/* event.c - what a program asks of its address space: map, unmap, protect, fork, exec, exit. (What
 * it advises is advise.c's.)
 *
 * Fork copies mappings, not pages: parent and child map the same frames read-only, or point to the
 * same swap slots, until one of them writes (fault.c).
 */
#include "base/assert.h"
#include "space/memory.h"
#include "space/segment.h"

#include <string.h>

/* What the entry of the page `key` led to has one entry less. */
static void release_entry(struct vm_memory *m, uint64_t key, const struct vm_pte *pte)
{
    if (pte->state == VM_PTE_PRESENT)
        vm_frame_unmap(m, pte->pfn, key);
    else if (pte->slot == VM_SLOT_FILE)
        vm_file_unref(m, key);
    else
        vm_slot_unref(m, pte->slot);
}

vm_va vm_next_entry(const struct vm_memory *m, vm_asid asid, vm_va va, vm_va end,
                    struct vm_pte *pte)
{
    va = m->c.scheme->next(m->scheme, asid, va, end);
    if (va < end)
        *pte = m->c.scheme->get(m->scheme, asid, va);
    return va;
}

static void release_strip(struct vm_memory *m, vm_asid asid, const struct vm_strip *strip)
{
    vm_table_page_visit(m, asid, strip->va, VM_TRANSFER_WRITE);
    vm_strip_empty(m, asid, strip);
    vm_strip_shootdown(m, asid, strip);
    for (uint32_t i = 0; i < strip->n; i++)
        release_entry(m, vm_strip_key(m, asid, strip, i), &strip->pte[i]);
}

void vm_release_pages(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end)
{
    struct vm_strip strip;
    if (m->seg) {
        vm_segments_zero(m, asid, start, end);
        return;
    }
    for (vm_va va = start; vm_strip_next(m, asid, va, end, &strip); va = vm_strip_end(m, &strip))
        release_strip(m, asid, &strip);
}

/* Never mapped is what lies below the scheme's first address, and the last page of the 64-bit
 * space, whose end has no number. */
bool vm_event_range(const struct vm_memory *m, const struct vm_event *event, vm_va *start,
                    vm_va *end, struct vm_error *e)
{
    vm_va mask = ~UINT64_C(0) << m->c.page_shift, last = event->va + (event->bytes - 1);
    if (event->bytes == 0 || last < event->va)
        return vm_fail(e, VM_EINPUT,
                       "an event on %llu bytes at 0x%llx: expected at least one byte, and an end "
                       "below 2^64",
                       (unsigned long long)event->bytes, (unsigned long long)event->va);
    vm_va va_first = m->c.scheme->va_first;
    *start = event->va < va_first ? va_first : event->va & mask;
    *end = last >= mask ? mask : (last & mask) + ~mask + 1;
    if (*start >= *end)
        return vm_fail(e, VM_EINPUT, "an event at 0x%llx: the %s page cannot be mapped",
                       (unsigned long long)event->va, event->va < va_first ? "first" : "last");
    return true;
}

bool vm_event_own_range(struct vm_memory *m, const struct vm_event *event, vm_va *start, vm_va *end,
                        struct vm_error *e)
{
    if (!vm_event_range(m, event, start, end, e))
        return false;
    vm_reserve_break(m, event->asid, *start, *end);
    if (vm_huge_split_at(m, event->asid, *start) && vm_huge_split_at(m, event->asid, *end))
        return true;
    *e = m->out;
    return false;
}

/* The rights that a mapping has when these are asked for: with any of them it can be read, for no
 * page table can say on every architecture that it cannot (x86-64: at all; RISC-V: W without R),
 * and has what comes with reading (VAX: fetching). Were it left to the tables, a touch would be
 * allowed or denied by whether the page is present. */
static uint8_t granted(const struct vm_memory *m, uint8_t prot)
{
    prot &= VM_PROT_ALL | VM_PROT_GLOBAL;
    return prot & VM_PROT_ALL ? prot | VM_PROT_READ | m->c.scheme->with_read : prot;
}

/* Segments follow their VMAs; pages have done so already. */
static bool fit(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end)
{
    if (m->seg)
        vm_segments_fit(m, asid, start, end);
    return true;
}

/* Huge pages have no home: where there are any, only what must be a file's is. */
static uint32_t unnamed_file(struct vm_memory *m, uint8_t backing)
{
    bool has = backing == VM_BACKING_UNKNOWN ? m->c.huge.pages == VM_HUGE_NEVER
                                             : backing != VM_BACKING_ANON;
    return has ? vm_file_new(m) : 0;
}

/* The file of the mapping *v that the event makes. */
static void set_file(struct vm_memory *m, const struct vm_event *event, struct vm_vma *v)
{
    VM_ASSERT(event->file <= VM_FILE_NUMBER_MAX && (event->file == 0 || m->c.contents));
    if (event->file == 0) {
        v->file = unnamed_file(m, v->backing);
        return;
    }
    m->c.counts->file_maps++;
    v->file = VM_FILE_NAMED | event->file;
    v->file_delta = event->file_page - (v->start >> m->c.page_shift);
}

static bool map(struct vm_memory *m, const struct vm_event *event, struct vm_error *e)
{
    vm_va start, end;
    m->c.counts->maps++;
    if (!vm_event_own_range(m, event, &start, &end, e))
        return false;
    vm_release_pages(m, event->asid, start, end);
    struct vm_vma v = {.start = start,
                       .end = end,
                       .prot = granted(m, event->prot),
                       .backing = vm_event_backing(event),
                       .origin = VM_VMA_MAPPED};
    set_file(m, event, &v);
    return vm_vma_map(&m->space[event->asid], v, e) && fit(m, event->asid, start, end);
}

static bool unmap(struct vm_memory *m, const struct vm_event *event, struct vm_error *e)
{
    vm_va start, end;
    m->c.counts->unmaps++;
    if (!vm_event_own_range(m, event, &start, &end, e))
        return false;
    vm_release_pages(m, event->asid, start, end);
    m->c.scheme->trim(m->scheme, event->asid, start, end);
    m->c.trimmed(m->c.host, event->asid, start, end);
    return vm_vma_unmap(&m->space[event->asid], start, end, e) && fit(m, event->asid, start, end);
}

/* The rights of a present entry of `v` that is to have `prot`: a shared frame stays read-only, but
 * as the file. */
static uint8_t entry_prot(const struct vm_memory *m, const struct vm_vma *v, vm_pfn f, uint8_t prot)
{
    bool of_all = m->frame[f].home & VM_HOME_SHARED;
    bool own = of_all ? v->backing == VM_BACKING_SHARED : vm_frame_users(m, f) == 1;
    return own ? prot : prot & (uint8_t)~VM_PROT_WRITE;
}

static void protect_strip(struct vm_memory *m, vm_asid asid, struct vm_strip *strip, uint8_t prot)
{
    const struct vm_vma *v = NULL;
    for (uint32_t i = 0; i < strip->n; i++) {
        vm_va va = vm_key_va(vm_strip_key(m, asid, strip, i), m->c.page_shift);
        if (!v || va >= v->end) /* a strip may lie in several */
            v = vm_vma_find(&m->space[asid], va);
        if (strip->pte[i].state == VM_PTE_PRESENT)
            strip->pte[i].prot = entry_prot(m, v, strip->pte[i].pfn, prot);
    }
    vm_strip_set(m, asid, strip);
    vm_strip_shootdown(m, asid, strip);
}

static void protect_pages(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end, uint8_t prot)
{
    struct vm_strip strip;
    for (vm_va va = start; vm_strip_next(m, asid, va, end, &strip); va = vm_strip_end(m, &strip))
        protect_strip(m, asid, &strip, prot);
}

static bool protect(struct vm_memory *m, const struct vm_event *event, struct vm_error *e)
{
    vm_va start, end;
    uint8_t prot = granted(m, event->prot);
    m->c.counts->protects++;
    if (!vm_event_own_range(m, event, &start, &end, e))
        return false;
    if (!m->seg)
        protect_pages(m, event->asid, start, end, prot);
    return vm_vma_protect(&m->space[event->asid], start, end, prot, e) &&
           fit(m, event->asid, start, end);
}

/* Every page and mapping goes. */
static void clear(struct vm_memory *m, vm_asid asid)
{
    struct vm_space *s = &m->space[asid];
    vm_reserve_break(m, asid, 0, UINT64_MAX);
    if (m->seg)
        vm_segments_clear(m, asid);
    for (size_t i = 0; i < s->nvmas && !m->seg; i++)
        vm_release_pages(m, asid, s->vma[i].start, s->vma[i].end);
    VM_ASSERT(s->resident == 0);
    s->nvmas = 0;
}

void vm_space_empty(struct vm_memory *m, vm_asid asid)
{
    struct vm_space *s = &m->space[asid];
    vm_va end = s->nvmas ? s->vma[s->nvmas - 1].end : 0;
    clear(m, asid);
    if (end)
        m->c.scheme->trim(m->scheme, asid, 0, end);
    m->c.shootdown_space(m->c.host, asid);
}

static bool exec(struct vm_memory *m, const struct vm_event *event)
{
    m->c.counts->execs++;
    vm_space_empty(m, event->asid);
    m->space[event->asid].image = unnamed_file(m, VM_BACKING_UNKNOWN);
    return true;
}

static void close_space(struct vm_memory *m, vm_asid asid)
{
    clear(m, asid);
    m->c.scheme->close(m->scheme, asid);
    m->c.shootdown_space(m->c.host, asid);
    m->space[asid].open = m->space[asid].killed = false;
}

/* The parent's strip from strip->va on, where it has an entry, and the tables for the same of the
 * child. Making them may evict the page, or split it, so that the strip is read after: until it
 * fits. A page that was clean, anonymous and evicted is in none: strip->n is 0 then. False: m->out.
 */
static bool fork_tables(struct vm_memory *m, vm_asid parent, vm_asid child, vm_va end,
                        struct vm_strip *strip)
{
    unsigned order = m->c.scheme->get(m->scheme, parent, strip->va).order;
    for (;; order = strip->pte[0].order) {
        if (!m->c.scheme->ensure(m->scheme, child, strip->va, order))
            return false;
        vm_table_page_visit(m, parent, strip->va, VM_TRANSFER_READ);
        bool there = vm_strip_get(m, parent, end, strip);
        strip->n = there ? strip->n : 0;
        if (strip->pte[0].order == order)
            return true;
    }
}

/* The entry of the parent's page that is about to be the child's too: who writes to it gets a page
 * of his own, unless it is the file's. */
static uint8_t forked_prot(const struct vm_memory *m, const struct vm_vma *v,
                           const struct vm_pte *pte)
{
    bool of_all = v->backing == VM_BACKING_SHARED && (m->frame[pte->pfn].home & VM_HOME_SHARED);
    return of_all ? pte->prot : pte->prot & (uint8_t)~VM_PROT_WRITE;
}

/* What the entry of the page `key` leads to is the child's page too; *pte as the parent's is to be
 * from now on, *changed if it is another. False: m->out. */
static bool share_entry(struct vm_memory *m, const struct vm_vma *v, uint64_t key, vm_asid child,
                        struct vm_pte *pte, bool *changed)
{
    uint8_t before = pte->prot;
    if (pte->state == VM_PTE_SWAPPED) {
        if (pte->slot != VM_SLOT_FILE)
            vm_slot_ref(m, pte->slot);
        return true;
    }
    if (!vm_frame_share(m, pte->pfn, (key & ~UINT64_C(0xfff)) | child))
        return false;
    m->space[child].resident += vm_huge_pages_of(m, pte->pfn);
    if (pte->prot & VM_PROT_GLOBAL) /* its TLB entries outlive those of the space */
        m->c.shootdown(m->c.host, key);
    pte->prot = forked_prot(m, v, pte);
    *changed |= pte->prot != before;
    return true;
}

/* The strip of the parent's `v` becomes the child's too. False: m->out. */
static bool fork_strip(struct vm_memory *m, const struct vm_vma *v, vm_asid parent, vm_asid child,
                       struct vm_strip *strip)
{
    uint32_t done = 0, n = strip->n;
    bool changed = false;
    while (done < n && share_entry(m, v, vm_strip_key(m, parent, strip, done), child,
                                   &strip->pte[done], &changed))
        done++;
    strip->n = done;
    if (changed)
        vm_strip_set(m, parent, strip);
    for (uint32_t i = 0; i < done; i++)
        if (strip->pte[i].state == VM_PTE_PRESENT)
            strip->pte[i].accessed = strip->pte[i].dirty = false;
    vm_strip_set(m, child, strip);
    return done == n;
}

static bool fork_vma(struct vm_memory *m, const struct vm_vma *v, vm_asid parent, vm_asid child)
{
    struct vm_strip strip;
    vm_va va = v->start;
    for (; (strip.va = m->c.scheme->next(m->scheme, parent, va, v->end)) < v->end;
         va = vm_strip_end(m, &strip))
        if (!fork_tables(m, parent, child, v->end, &strip) ||
            !fork_strip(m, v, parent, child, &strip))
            return false;
    return true;
}

static bool fork_pages(struct vm_memory *m, vm_asid parent, vm_asid child)
{
    const struct vm_space *s = &m->space[parent];
    vm_reserve_break(m, parent, 0, UINT64_MAX);
    for (size_t i = 0; i < s->nvmas; i++)
        if (!(s->vma[i].flags & (VM_VMA_NOT_FORKED | VM_VMA_WIPED)) &&
            !fork_vma(m, &s->vma[i], parent, child))
            return false;
    return true;
}

static bool fork_vmas(struct vm_memory *m, vm_asid parent, vm_asid child, struct vm_error *e)
{
    for (size_t i = 0; i < m->space[parent].nvmas; i++) {
        struct vm_vma v = m->space[parent].vma[i];
        v.faults = v.majors = 0;
        v.flags &= (uint8_t)~VM_VMA_LOCKED;
        if (v.flags & VM_VMA_NOT_FORKED)
            continue;
        if (!vm_vma_map(&m->space[child], v, e))
            return false;
    }
    return true;
}

static bool fork_check(const struct vm_event *event, struct vm_error *e)
{
    if (event->child <= VM_ASID_MAX && event->child != event->asid)
        return true;
    return vm_fail(e, VM_EINPUT,
                   "a fork of address space %u into %u: expected another one, at most %u",
                   event->asid, event->child, VM_ASID_MAX);
}

/* The child begins as the parent is. *e is m->out where memory is wanting. */
static bool fork_once(struct vm_memory *m, const struct vm_event *event, struct vm_error *e)
{
    if (m->space[event->child].open)
        close_space(m, event->child);
    if (!vm_memory_use_space(m, event->child, e) || !fork_vmas(m, event->asid, event->child, e))
        return false;
    m->space[event->child].image = m->space[event->asid].image;
    bool done = (m->seg ? vm_segments_fork : fork_pages)(m, event->asid, event->child);
    m->c.shootdown_space(m->c.host, event->asid); /* its entries have lost the right to write */
    if (!done)
        *e = m->out;
    return done;
}

/* What is killed for it may be the child, or the parent, which then has no child that lives. */
static bool fork_space(struct vm_memory *m, const struct vm_event *event, struct vm_error *e)
{
    struct vm_space *parent = &m->space[event->asid], *child = &m->space[event->child];
    m->c.counts->forks++;
    if (!fork_check(event, e))
        return false;
    bool done = fork_once(m, event, e);
    while (!done && vm_oom_relieve(m))
        done = parent->killed || (child->open && child->killed) || fork_once(m, event, e);
    if (done && parent->killed) {
        if (child->open)
            close_space(m, event->child);
        if (!vm_memory_use_space(m, event->child, e))
            return false;
        child->killed = true;
    }
    return done;
}

/* Of a process that was killed: it is counted, and changes nothing; an exit ends it. */
static bool event_of_killed(struct vm_memory *m, const struct vm_event *event, struct vm_error *e)
{
    struct vm_counts *c = m->c.counts;
    uint64_t *const count[VM_EVENT_KINDS] = {
        [VM_EVENT_MAP] = &c->maps,         [VM_EVENT_UNMAP] = &c->unmaps,
        [VM_EVENT_PROTECT] = &c->protects, [VM_EVENT_ADVISE] = &c->advises,
        [VM_EVENT_FORK] = &c->forks,       [VM_EVENT_EXEC] = &c->execs,
        [VM_EVENT_EXIT] = &c->exits};
    if (event->kind < VM_EVENT_KINDS && count[event->kind])
        ++*count[event->kind];
    if (event->kind == VM_EVENT_EXIT)
        close_space(m, event->asid);
    if (event->kind != VM_EVENT_FORK)
        return true;
    if (!fork_check(event, e))
        return false;
    if (m->space[event->child].open)
        close_space(m, event->child);
    if (!vm_memory_use_space(m, event->child, e))
        return false;
    m->space[event->child].killed = true;
    return true;
}

bool vm_memory_event(struct vm_memory *m, const struct vm_event *event, struct vm_error *e)
{
    if (!vm_memory_use_space(m, event->asid, e))
        return false;
    m->table_read = 0;
    if (m->space[event->asid].killed)
        return event_of_killed(m, event, e);
    switch ((enum vm_event_kind)event->kind) {
    case VM_EVENT_MAP:
        return map(m, event, e);
    case VM_EVENT_UNMAP:
        return unmap(m, event, e);
    case VM_EVENT_PROTECT:
        return protect(m, event, e);
    case VM_EVENT_ADVISE:
        return vm_advise(m, event, e);
    case VM_EVENT_FORK:
        return fork_space(m, event, e);
    case VM_EVENT_EXEC:
        return exec(m, event);
    case VM_EVENT_EXIT:
        m->c.counts->exits++;
        close_space(m, event->asid);
        return true;
    case VM_EVENT_SWITCH:
    case VM_EVENT_ALLOC:
    case VM_EVENT_FREE:
    case VM_EVENT_RESIZE:
        return true;
    }
    return vm_fail(e, VM_EINPUT, "an event of kind %u: expected 1 to %u", event->kind,
                   VM_EVENT_KINDS - 1);
}
