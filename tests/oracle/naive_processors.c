/* naive_processors.c - see naive_processors.h. */
#include "oracle/naive_processors.h"

enum { MAY_WRITE = 1, DIRTY = 2 };

void naive_processors_open(struct naive_processors *n, unsigned ncpus, bool tagged,
                           const struct vm_tlb_config *tlb)
{
    *n = (struct naive_processors){.ncpus = ncpus, .tagged = tagged};
    for (unsigned cpu = 0; cpu < ncpus; cpu++)
        naive_tlb_open(&n->cpu[cpu].tlb, tlb);
}

static uint64_t tag_of(const struct naive_processors *n, unsigned space, unsigned page)
{
    return (uint64_t)(page + NAIVE_CPU_FIRST) << 12 | (n->tagged ? space : 0);
}

void naive_processors_run_on(struct naive_processors *n, unsigned cpu)
{
    n->current = cpu;
}

static bool is_anything(const struct naive_tlb *t, const struct naive_tlb_entry *e, uint64_t arg,
                        unsigned order)
{
    (void)t, (void)e, (void)arg, (void)order;
    return true;
}

void naive_processors_switch(struct naive_processors *n, unsigned space)
{
    struct naive_cpu *c = &n->cpu[n->current];
    if (c->space == space)
        return;
    c->space = space;
    n->space[space].ran_on[n->current] = true;
    if (!n->tagged)
        naive_tlb_drop(&c->tlb, is_anything, 0, 0);
}

static bool answers(const struct naive_tlb_entry *e, struct naive_tlb *t, uint64_t tag, bool write)
{
    uint64_t value = *naive_tlb_value(t, (struct naive_tlb_entry *)e, tag);
    return !write || (value & (MAY_WRITE | DIRTY)) == (MAY_WRITE | DIRTY);
}

void naive_processors_touch(struct naive_processors *n, unsigned page, bool write)
{
    struct naive_cpu *c = &n->cpu[n->current];
    uint64_t tag = tag_of(n, c->space, page);
    struct naive_tlb_entry *e = naive_tlb_find(&c->tlb, tag, 0);
    typeof(n->space[0].page[0]) *p = &n->space[c->space].page[page];
    if (e) {
        naive_tlb_use(&c->tlb, e);
        if (answers(e, &c->tlb, tag, write))
            return;
        n->upgrades++;
    } else {
        n->misses++;
    }
    if (!p->mapped || (write && !p->may_write))
        return;
    p->there = true;
    p->dirty |= write;
    uint64_t value = (p->may_write ? MAY_WRITE : 0) | (p->dirty && p->may_write ? DIRTY : 0);
    if (e) {
        *naive_tlb_value(&c->tlb, e, tag) = value;
        naive_tlb_use(&c->tlb, e);
    } else {
        naive_tlb_fill(&c->tlb, naive_tlb_place(&c->tlb, tag, 0), tag, 0, value);
    }
}

void naive_processors_map(struct naive_processors *n, unsigned space, unsigned page, bool write)
{
    n->space[space].page[page].mapped = true;
    n->space[space].page[page].may_write = write;
}

/* ---- what all must forget ---- */

static bool may_have(const struct naive_processors *n, unsigned cpu, unsigned space)
{
    return n->tagged ? n->space[space].ran_on[cpu] : n->cpu[cpu].space == space;
}

static void interrupt(struct naive_processors *n, unsigned space)
{
    for (unsigned cpu = 0; cpu < n->ncpus; cpu++)
        if (cpu != n->current && may_have(n, cpu, space)) {
            n->cpu[cpu].ipis++;
            n->ipis++;
        }
}

static void forget(struct naive_processors *n, unsigned space, unsigned page)
{
    unsigned had = 0;
    for (unsigned cpu = 0; cpu < n->ncpus; cpu++)
        if (n->tagged || n->cpu[cpu].space == space)
            had += naive_tlb_drop(&n->cpu[cpu].tlb, naive_tlb_is, tag_of(n, space, page), 0);
    n->shootdowns += had > 0;
}

/* Answers whether any was there. */
static bool forget_all(struct naive_processors *n, unsigned space, unsigned first, unsigned end)
{
    bool any = false;
    for (unsigned page = first; page < end; page++)
        if (n->space[space].page[page].there) {
            forget(n, space, page);
            any = true;
        }
    return any;
}

static void take_away(struct naive_processors *n, unsigned space, unsigned first, unsigned end)
{
    for (unsigned page = first; page < end; page++)
        n->space[space].page[page] = (typeof(n->space[0].page[0])){0};
}

void naive_processors_unmap(struct naive_processors *n, unsigned space, unsigned first,
                            unsigned end)
{
    if (forget_all(n, space, first, end))
        interrupt(n, space);
    take_away(n, space, first, end);
}

void naive_processors_protect(struct naive_processors *n, unsigned space, unsigned first,
                              unsigned end, bool write)
{
    if (forget_all(n, space, first, end))
        interrupt(n, space);
    for (unsigned page = first; page < end; page++)
        n->space[space].page[page].may_write = write;
}

void naive_processors_exec(struct naive_processors *n, unsigned space)
{
    forget_all(n, space, 0, NAIVE_CPU_PAGES);
    interrupt(n, space);
    take_away(n, space, 0, NAIVE_CPU_PAGES);
    for (unsigned cpu = 0; cpu < n->ncpus; cpu++)
        n->space[space].ran_on[cpu] = n->cpu[cpu].space == space;
}

struct vm_tlb_counts naive_processors_counts(const struct naive_processors *n)
{
    struct vm_tlb_counts sum = {0};
    for (unsigned cpu = 0; cpu < n->ncpus; cpu++) {
        sum.fills += n->cpu[cpu].tlb.counts.fills;
        sum.evictions += n->cpu[cpu].tlb.counts.evictions;
        sum.invalidations += n->cpu[cpu].tlb.counts.invalidations;
    }
    return sum;
}
