/* machines.h - small machines that have run a random trace, to be held against each other. */
#ifndef LAWS_MACHINES_H
#define LAWS_MACHINES_H

#include "engine/machine.h"
#include "oracle/machine_trace.h"
#include "unit/test.h"

#define PAGE UINT64_C(4096)

enum { ALL_EVENTS = TRACE_PROTECTS | TRACE_MAPS | TRACE_FORKS };

static const char *const plans[] = {
    "none",
    "l1=4/2:fifo",
    "l1i=4 l1d=4/2 l2=16/4",
    "l1i=2/1 l1d=8:plru l2=16/4:random",
    "l1i=4 l1l=8/2:xor l1s=2 l2=16/2:xor:fifo",
    "l1=16/4 l2=8:pair",
    "l1=8/2:xor l2=16/2",
    "l1=8/2:pair",
};
enum { NPLANS = sizeof plans / sizeof plans[0] };

static inline bool wants_huge(unsigned i)
{
    return i / 4 % 4 == 1 && i % 5;
}

/* Mappings made by first touch are large enough for huge pages. */
static inline unsigned some_events(unsigned i)
{
    return wants_huge(i) ? TRACE_FORKS : ALL_EVENTS;
}

static inline struct vm_config some_config(unsigned i)
{
    static const char *const policies[] = {"lru", "clock", "fifo", "aging"};
    struct vm_config c = machine_config(policies[i % 4], 6 + i % 40);
    machine_set(&c, "tlb", plans[i % NPLANS]);
    machine_set(&c, "tlb-tags", i / NPLANS % 2 ? "flush" : "asid");
    machine_set(&c, "scheme", i % 5 ? "x86-64" : "sv32");
    if (wants_huge(i)) { /* room for three huge pages, of six that are wanted, or one */
        static const char *const huge[] = {"fault", "reserve", "collapse"};
        machine_set(&c, "huge", huge[i / 16 % 3]);
        machine_set(&c, "huge-scan-touches", "200");
        c.memory_bytes = 1700 * PAGE;
    }
    return c;
}

/* A machine that has run the trace; the caller closes it. */
static inline struct vm_engine *ran(const struct vm_config *c, const struct machine_trace *t,
                                    const struct vm_tap *tap)
{
    struct vm_error e = {0};
    struct vm_batch b = {t->nrefs, t->nevents, t->va, t->meta, t->event};
    struct vm_engine *m = vm_engine_open(c, VM_STRAY_MAPS, NULL, &e);
    if (!m)
        fail_msg("%s", e.text);
    vm_engine_listen(m, tap);
    if (!vm_engine_run(m, &b, &e))
        fail_msg("%s", e.text);
    vm_engine_check(m);
    return m;
}

static inline struct machine_outcome outcome(struct vm_engine *m)
{
    struct machine_outcome out = {.ntlbs = vm_engine_ntlbs(m)};
    struct vm_tlb_config tlb;
    vm_engine_counts(m, &out.counts);
    for (size_t i = 0; i < out.ntlbs; i++)
        vm_engine_tlb(m, i, &tlb, &out.tlb[i]);
    return out;
}

static inline void assert_same_counts(const struct vm_counts *a, const struct vm_counts *b)
{
#define SAME(field, what)                                                                          \
    if (a->field != b->field)                                                                      \
        fail_msg("%s: %llu, %llu", #field, (unsigned long long)a->field,                           \
                 (unsigned long long)b->field);
    VM_COUNTS(SAME)
#undef SAME
}

static inline void assert_same_tlb(const struct vm_tlb_counts *a, const struct vm_tlb_counts *b)
{
    assert_int_equal(a->lookups, b->lookups);
    assert_int_equal(a->misses, b->misses);
    assert_int_equal(a->fills, b->fills);
    assert_int_equal(a->evictions, b->evictions);
    assert_int_equal(a->invalidations, b->invalidations);
}

static inline void assert_same_tlbs(const struct machine_outcome *a,
                                    const struct machine_outcome *b)
{
    for (size_t i = 0; i < a->ntlbs; i++)
        assert_same_tlb(&a->tlb[i], &b->tlb[i]);
}

static inline void flush(struct vm_engine *m)
{
    for (size_t i = 0; i < m->ntlbs; i++)
        for (unsigned who = 0; who <= VM_TLB_GLOBAL; who++)
            vm_tlb_invalidate_space(&m->cpu->tlb[i], (vm_asid)who);
    vm_mmu_cool(m);
}

#endif
