/* levels.c - the levels of TLBs: building them, searching them, filling them, what a touch counts.
 *
 * A level has, for each kind of access, one TLB or several of disjoint page sizes. The size of a
 * page is known only when its translation is found, so a search tries each size that any walk has
 * found so far; hardware does so at once, or one size after the other.
 *
 * A touch is charged to the TLB of each level that holds pages of the size that it turns out to
 * have: so hits and misses of a TLB add up to its lookups, and the misses of a level's TLBs to the
 * touches that go on to the next level, as long as the level holds that size at all. A touch that
 * has no translation counts as one of a base page.
 */
#include "engine/machine.h"

#include <string.h>

/* ---- building ---- */

static void plan_buffer(struct vm_engine *m)
{
    size_t i = m->plan.n;
    if (m->config.prefetch == VM_PREFETCH_NONE)
        return;
    m->plan.tlb[i] = (struct vm_tlb_config){
        .level = (unsigned)m->plan.levels + 1,
        .side = VM_TLB_UNIFIED,
        .entries = (uint32_t)m->config.prefetch_entries,
        .ways = (uint32_t)m->config.prefetch_entries,
        .replace = VM_TLB_FIFO,
        .hit_ns = i ? m->plan.tlb[i - 1].hit_ns : 0,
    };
    strcpy(m->plan.name[i], "pb");
    m->ntlbs++;
}

bool vm_levels_plan(struct vm_engine *m, uint64_t orders, struct vm_error *e)
{
    uint64_t entries = m->config.prefetch_entries;
    m->ntlbs = m->plan.n;
    if (m->config.prefetch != VM_PREFETCH_NONE && (entries == 0 || entries > 1 << 16))
        return vm_fail(e, VM_EMACHINE, "a prefetch buffer of %llu entries: expected 1 to 65536",
                       (unsigned long long)entries);
    plan_buffer(m);
    struct vm_tlb_plan all = m->plan;
    all.n = m->ntlbs;
    if (!vm_tlb_plan_fit(&all, m->page_shift, m->scheme->name, orders, e))
        return false;
    for (size_t i = 0; i < all.n; i++)
        all.tlb[i].bounded = m->scheme->unit == VM_UNIT_SEGMENT;
    memcpy(m->plan.tlb, all.tlb, sizeof all.tlb);
    return true;
}

size_t vm_levels_room(const struct vm_engine *m)
{
    size_t bytes = 0;
    for (size_t i = 0; i < m->ntlbs; i++)
        bytes += vm_arena_room(vm_tlb_size(&m->plan.tlb[i]));
    return bytes * m->nprocessors;
}

static void build_path(struct vm_engine *m, enum vm_access access)
{
    for (size_t i = 0; i < m->plan.n; i++) {
        const struct vm_tlb_config *c = &m->plan.tlb[i];
        if (!vm_tlb_serves(c, access))
            continue;
        struct tlb_level *level = &m->path[access][c->level - 1];
        level->tlb[level->n++] = (uint8_t)i;
    }
}

static void build_first(struct vm_engine *m, enum vm_access access)
{
    struct vm_tlb *t = m->plan.levels ? vm_levels_holder(m, 0, access, 0) : NULL;
    m->cpu->base1[access] = t;
    m->cpu->first[access] = t && vm_tlb_is_plain(t) ? t : &m->none;
    if (t && t->replace == VM_TLB_PLRU)
        m->hot_mask = 0;
}

/* Those of the current processor. */
static void build_processor(struct vm_engine *m)
{
    for (size_t i = 0; i < m->ntlbs; i++) {
        struct vm_tlb *t = &m->cpu->tlb[i];
        vm_tlb_init(t, &m->plan.tlb[i], m->config.seed + i,
                    vm_arena_take(&m->arena, vm_tlb_size(&m->plan.tlb[i])));
        if (m->config.marks == VM_MARKS_ON_LEAVING) {
            t->leaving = vm_marks_leaving;
            t->host = m;
        }
    }
    m->cpu->buffer = m->ntlbs > m->plan.n ? &m->cpu->tlb[m->plan.n] : NULL;
    for (enum vm_access a = 0; a < VM_ACCESSES; a++)
        build_first(m, a);
}

void vm_levels_build(struct vm_engine *m)
{
    static const struct vm_tlb_config none = {.entries = 1, .ways = 1, .replace = VM_TLB_FIFO};
    vm_tlb_init(&m->none, &none, 0, m->none_words);
    m->orders_seen = 1;
    m->hot_mask = HOT_SLOTS - 1;
    for (size_t i = 0; i < m->ntlbs; i++)
        m->orders[i] = m->plan.tlb[i].sizes >> m->page_shift;
    for (enum vm_access a = 0; a < VM_ACCESSES; a++)
        build_path(m, a);
    for (uint32_t n = m->nprocessors; n-- > 0;) {
        m->cpu = &m->processor[n];
        build_processor(m);
    }
}

/* ---- searching ---- */

/* The page of one order, for its space or for every one. */
static bool look_for(struct vm_tlb *t, uint64_t tag, unsigned order, struct tlb_hit *hit)
{
    uint64_t own = vm_tlb_tag(tag, order);
    int64_t at = vm_tlb_find(t, own, order);
    if (at < 0 && t->nglobal)
        at = vm_tlb_find(t, vm_tlb_global(own), order);
    if (at < 0)
        return false;
    hit->tlb = t;
    hit->at = (uint64_t)at;
    hit->tag = vm_tlb_tag_at(t, hit->at);
    hit->entry = vm_tlb_entry_at(t, hit->at);
    uint64_t index = tag >> 12 & ((UINT64_C(1) << order) - 1);
    return index >= hit->entry.first && index < hit->entry.end;
}

bool vm_levels_holds(struct vm_engine *m, struct vm_tlb *t, uint64_t tag, struct tlb_hit *hit)
{
    uint64_t orders = m->orders[t - m->cpu->tlb] & m->orders_seen;
    for (; orders; orders &= orders - 1)
        if (look_for(t, tag, (unsigned)__builtin_ctzll(orders), hit))
            return true;
    return false;
}

bool vm_levels_look(struct vm_engine *m, struct vm_tlb *t, uint64_t tag, struct tlb_hit *hit)
{
    size_t i = (size_t)(t - m->cpu->tlb);
    bool found = vm_levels_holds(m, t, tag, hit);
    TELL(m, .kind = VM_TAP_LOOKUP,
         .lookup = {i, found ? hit->tag : tag, found, found ? hit->entry.value : 0, t});
    return found;
}

bool vm_levels_search(struct vm_engine *m, uint64_t tag, enum vm_access access, struct tlb_hit *hit)
{
    for (hit->level = 0; hit->level < m->plan.levels; hit->level++) {
        const struct tlb_level *l = &m->path[access][hit->level];
        for (unsigned k = 0; k < l->n; k++)
            if (vm_levels_look(m, &m->cpu->tlb[l->tlb[k]], tag, hit)) {
                vm_tlb_use(hit->tlb, hit->at);
                return true;
            }
    }
    return false;
}

/* ---- counting ---- */

void vm_levels_charge(struct vm_engine *m, enum vm_access access, unsigned order, size_t found)
{
    for (size_t level = 0; level < m->plan.levels && level <= found; level++) {
        struct vm_tlb *t = vm_levels_holder(m, level, access, order);
        bool derived = level == 0 && t == m->cpu->base1[access]; /* from the touches */
        m->elsewhere[access] += level == 0 && !derived;
        if (!t)
            continue;
        t->counts.lookups += !derived;
        t->counts.misses += level < found;
    }
}

/* ---- filling ---- */

uint64_t vm_levels_fill(struct vm_engine *m, struct vm_tlb *t, uint64_t tag,
                        struct vm_tlb_entry entry)
{
    uint64_t replaced = vm_tlb_fill(t, tag, entry);
    if (replaced != VM_TLB_EMPTY)
        vm_mmu_cool_entry(m, t, replaced, t->gone_order);
    return replaced;
}

/* The TLB has the page, at value[i]: this is its entry from now on. Answers the entry's value. */
static uint64_t renew(struct vm_engine *m, struct vm_tlb *t, uint64_t tag,
                      struct vm_tlb_entry entry, uint64_t i)
{
    uint64_t had = t->value[i];
    entry.value |= had & VM_TLB_OWES;
    vm_tlb_use(t, i);
    vm_tlb_set_entry(t, i, entry);
    if ((had ^ entry.value) & ~(uint64_t)VM_TLB_OWES)
        vm_mmu_cool_entry(m, t, vm_tlb_own_tag(t, tag), vm_tlb_order(had));
    return entry.value;
}

static void install(struct vm_engine *m, struct vm_tlb *t, uint64_t tag, struct vm_tlb_entry entry)
{
    int64_t i = vm_tlb_find(t, tag, vm_tlb_order(entry.value));
    uint64_t replaced = VM_TLB_EMPTY;
    if (i < 0)
        replaced = vm_levels_fill(m, t, tag, entry);
    else
        entry.value = renew(m, t, tag, entry, (uint64_t)i);
    TELL(m, .kind = VM_TAP_FILL,
         .fill = {(size_t)(t - m->cpu->tlb), tag, entry.value, replaced, t});
}

void vm_levels_install(struct vm_engine *m, enum vm_access access, size_t levels, uint64_t tag,
                       struct vm_tlb_entry entry)
{
    unsigned order = vm_tlb_order(entry.value);
    for (size_t level = 0; level < levels; level++) {
        struct vm_tlb *t = vm_levels_holder(m, level, access, order);
        if (!t)
            continue;
        install(m, t, tag, entry);
        entry.value &= ~(uint64_t)VM_TLB_OWES; /* one of them owes, the nearest */
    }
    if (entry.value & VM_TLB_OWES) /* none took it */
        vm_marks_write(m, m->cpu, tag, &entry);
}
