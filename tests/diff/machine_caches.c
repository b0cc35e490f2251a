/* Whole machines with caches on small random traces, against naive caches that listen to them.
 *
 * The listener takes from a machine's tap what it is told of translation: touches, walks with the
 * words that they read, frames that are emptied. From these and the trace it works out by
 * itself which lines are asked for, in which order, and asks naive caches. What the machine says
 * that its own caches answered, and all that they counted, must be the same; and the same without a
 * tap. */
#include "base/bits.h"
#include "engine/machine.h"
#include "oracle/machine_trace.h"
#include "oracle/naive_cache.h"
#include "rounds.h"
#include "unit/test.h"

#include <string.h>

enum { NO_FORKS = TRACE_PROTECTS | TRACE_MAPS, ALL_EVENTS = NO_FORKS | TRACE_FORKS };
enum { FRAMES = 1024 };  /* whose owners are known */
enum { ANSWERS = 2048 }; /* a reference of 9000 bytes in lines of 16 asks for 563 */

struct answer {
    vm_pa pa;
    enum vm_access access;
    bool table;
    unsigned level;
};

struct listener {
    struct naive_caches naive;
    struct vm_cache_plan plan;
    uint64_t page;  /* bytes */
    vm_va va, last; /* of the reference, from the touch that is being told */
    vm_va laid;     /* where the touch begins in the machine's address space */
    enum vm_access access;
    vm_asid asid;
    vm_pa place; /* of the touch's page, or NOWHERE */
    bool shares; /* two pages may have one frame: the trace forks */
    uint64_t owner[FRAMES];
    bool touching;
    struct answer expected[ANSWERS]; /* that the machine has not yet told of */
    size_t nexpected;
    uint64_t lines, tables;
    const struct vm_engine *engine; /* which says how many loads walk caches saved */
    uint64_t skips;
    struct vm_answers answers;
};

/* ---- what is to be answered ---- */

static void expect(struct listener *l, struct answer a)
{
    assert_true(l->nexpected < ANSWERS);
    l->expected[l->nexpected++] = a;
    ++*(a.table ? &l->tables : &l->lines);
    if (!a.table)
        ++(a.access == VM_FETCH ? l->answers.fetches : l->answers.data)[a.level];
}

static uint32_t line_bytes(const struct listener *l, enum vm_access access)
{
    for (size_t i = 0; i < l->plan.caches.n; i++) {
        const struct vm_cache_config *c = &l->plan.caches.cache[i];
        if (c->side != (access == VM_FETCH ? VM_CACHE_DATA : VM_CACHE_FETCH))
            return c->line_bytes; /* level 1 comes first */
    }
    fail();
    return 0;
}

#define OWNER_TABLE UINT64_MAX

/* A frame that another page is found in than before has been filled anew behind the caches' back:
 * lines of what it had must be gone. */
static void claim(struct listener *l, vm_pa pa, uint64_t owner)
{
    uint64_t frame = pa / l->page;
    if (l->shares || frame >= FRAMES || l->owner[frame] == owner)
        return;
    l->owner[frame] = owner;
    naive_caches_bring(&l->naive, frame * l->page, l->page);
}

/* The touch's translation is over: its part of the reference is accessed byte by byte. */
static void end_touch(struct listener *l)
{
    uint32_t line = line_bytes(l, l->access);
    vm_va va = l->va, line_before = UINT64_MAX;
    if (!l->touching)
        return;
    l->touching = false;
    do {
        if (l->place != NOWHERE && va / line != line_before) {
            vm_pa pa = l->place + va % l->page;
            vm_va laid = l->laid - l->va + va;
            claim(l, pa, 1 + laid / l->page * TRACE_SPACES + l->asid);
            unsigned level = naive_caches_access(&l->naive, laid, pa, l->asid, l->access);
            expect(l, (struct answer){pa / line * line, l->access, false, level});
            line_before = va / line;
        }
        va++;
    } while (va <= l->last && va % l->page);
    l->va = va;
}

static unsigned ask_table(struct listener *l, vm_pa at, enum vm_access access)
{
    claim(l, at, OWNER_TABLE);
    unsigned level = naive_caches_table(&l->naive, at, access);
    expect(l, (struct answer){at, access, true, level});
    return level;
}

/* Where the touch's base page is in a page of that order, which begins in frame `pfn`. */
static vm_pa place_in(const struct listener *l, vm_pfn pfn, unsigned order)
{
    return (pfn + l->laid / l->page % (UINT64_C(1) << order)) * l->page;
}

static void walked(struct listener *l, const struct vm_walk *w)
{
    unsigned farthest[VM_WALK_LOADS] = {0}; /* level of each step */
    unsigned steps = 0;
    assert_true(w->nloads <= VM_WALK_LOADS);
    uint64_t skips = l->engine->counts.walk_skips, skipped = skips - l->skips;
    l->skips = skips;
    for (uint32_t i = (uint32_t)skipped; i < w->nloads; i++) {
        unsigned level = ask_table(l, w->load[i].at, VM_READ), step = w->load[i].step;
        if (level > farthest[step])
            farthest[step] = level;
        steps = step + 1;
    }
    for (unsigned step = skipped ? w->load[skipped].step : 0; step < steps; step++)
        l->answers.walk_steps[farthest[step]]++;
    uint32_t leaf = 0; /* the last one */
    for (uint32_t i = 0; i < w->nloads; i++)
        leaf = w->load[i].role == VM_LOAD_LEAF ? i : leaf;
    for (uint32_t i = leaf + 1 - w->nstores; i <= leaf && w->nstores; i++)
        l->answers.walk_stores[ask_table(l, w->load[i].at, VM_WRITE)]++;
    if (w->fault == VM_WALK_OK)
        l->place = place_in(l, w->pfn, w->order);
}

static bool suffices(uint64_t value, enum vm_access access)
{
    uint64_t needs = vm_access_needs(access) | (access == VM_WRITE ? VM_TLB_DIRTY : 0);
    return (value & needs) == needs;
}

static void answered(struct listener *l, const struct vm_tap_event *e)
{
    if (!e->line.table)
        end_touch(l);
    assert_true(l->nexpected > 0);
    struct answer a = l->expected[0];
    assert_int_equal(e->line.pa, a.pa);
    assert_int_equal(e->line.access, a.access);
    assert_int_equal(e->line.table, a.table);
    assert_int_equal(e->line.level, a.level);
    memmove(l->expected, l->expected + 1, --l->nexpected * sizeof a);
}

static void told(void *host, const struct vm_tap_event *e)
{
    struct listener *l = host;
    switch (e->kind) {
    case VM_TAP_TOUCH:
        end_touch(l);
        assert_int_equal(l->nexpected, 0);
        assert_int_equal(e->touch.va % l->page, l->va % l->page);
        l->laid = e->touch.va;
        assert_int_equal(e->touch.access, l->access);
        l->asid = e->touch.asid;
        l->place = NOWHERE;
        l->touching = true;
        break;
    case VM_TAP_LOOKUP:
        if (e->lookup.hit && suffices(e->lookup.value, l->access))
            l->place = place_in(l, vm_tlb_pfn(e->lookup.value), vm_tlb_order(e->lookup.value));
        break;
    case VM_TAP_WALK:
        walked(l, e->walk.walk);
        break;
    case VM_TAP_EMPTIED:
        naive_caches_flush(&l->naive, e->emptied.first * l->page, e->emptied.n * l->page);
        break;
    case VM_TAP_LINE:
        answered(l, e);
        break;
    default:
        break;
    }
}

/* ---- playing ---- */

static void run(struct listener *l, struct vm_engine *m, const struct vm_batch *b)
{
    struct vm_error e = {0};
    if (!vm_engine_run(m, b, &e))
        fail_msg("%s", e.text);
    end_touch(l);
    assert_int_equal(l->nexpected, 0);
}

static void play_event(struct listener *l, struct vm_engine *m, struct vm_event v)
{
    v.at = 0;
    if (v.kind == VM_EVENT_SWITCH && v.asid != l->asid) {
        naive_caches_switch(&l->naive);
        l->asid = v.asid;
    }
    run(l, m, &(struct vm_batch){.nevents = 1, .event = &v});
}

static void play_ref(struct listener *l, struct vm_engine *m, vm_va va, uint16_t meta)
{
    l->va = va;
    l->last = va + vm_ref_bytes(meta) - 1;
    l->access = vm_ref_access(meta);
    run(l, m, &(struct vm_batch){.nrefs = 1, .va = &va, .meta = &meta});
    assert_int_equal(l->va, l->last + 1);
}

static void compare(const struct listener *l, const struct machine_outcome *o)
{
    assert_int_equal(o->ncaches, l->plan.caches.n);
    for (size_t i = 0; i < o->ncaches; i++) {
#define SAME(field, what) assert_int_equal(o->cache[i].field, l->naive.cache[i].counts.field);
        VM_CACHE_COUNTS(SAME)
#undef SAME
    }
    assert_int_equal(o->counts.lines, l->lines);
    assert_int_equal(o->counts.table_lines, l->tables);
    assert_int_equal(o->counts.memory_reads, l->naive.memory_reads);
    assert_int_equal(o->counts.memory_writes, l->naive.memory_writes);
    assert_memory_equal(&o->answers, &l->answers, sizeof l->answers);
    assert_int_equal(l->naive.old_reads, 0);
}

static void play(const struct vm_config *c, const struct machine_trace *t)
{
    static struct listener l;
    struct vm_error e = {0};
    memset(&l, 0, sizeof l);
    assert_true(vm_cache_plan_parse(&l.plan, c->cache, &e));
    l.plan.caches.tables_level =
        c->cache_walks == VM_WALKS_MEMORY ? VM_CACHE_LEVELS + 1 : (unsigned)c->cache_walks + 1;
    l.answers.levels = l.plan.caches.levels;
    l.page = c->page_bytes;
    naive_caches_open(&l.naive, &l.plan.caches, vm_log2(l.page), c->seed);
    struct vm_engine *m = vm_engine_open(c, VM_STRAY_MAPS, NULL, &e);
    if (!m)
        fail_msg("%s", e.text);
    l.engine = m;
    for (uint32_t k = 0; k < t->nevents; k++)
        l.shares |= t->event[k].kind == VM_EVENT_FORK;
    vm_engine_listen(m, &(struct vm_tap){&l, told});
    for (uint32_t i = 0, k = 0; i < t->nrefs; i++) {
        for (; k < t->nevents && t->event[k].at == i; k++)
            play_event(&l, m, t->event[k]);
        play_ref(&l, m, t->va[i], t->meta[i]);
    }
    vm_engine_check(m);
    struct machine_outcome tapped = machine_outcome(m), untapped = machine_play(c, t, 4096);
    vm_engine_close(m);
    compare(&l, &tapped);
    assert_memory_equal(&tapped, &untapped, sizeof tapped);
}

/* A trace without the events after its last reference, which this way of playing leaves out. */
static void fill(struct machine_trace *t, unsigned events, uint64_t seed)
{
    machine_trace_fill(t, events, seed);
    while (t->nevents && t->event[t->nevents - 1].at >= t->nrefs)
        t->nevents--;
}

static void play_many(const char *const *caches, size_t n, uint64_t seed)
{
    static const char *const tlbs[] = {"none", "l1=1", "l1i=2/1 l1d=8:plru l2=16/4:fifo",
                                       "l1i=4 l1d=4/2 l2=16/4"};
    static const char *const walks[] = {"l1", "l2", "l3", "memory"};
    static const char *const schemes[] = {"x86-64", "ech", "linear:bits=24", "inverted",
                                          "clustered"};
    static const char *const policies[] = {"lru", "clock", "fifo", "lfu", "random"};
    struct machine_trace t;
    for (unsigned i = test_rounds(12); i-- > 0;)
        for (size_t k = 0; k < n; k++) {
            bool inside = i % 3 == 0;
            struct vm_config c = machine_config(policies[i % 5], (inside ? 40 : 12) + i % 7);
            machine_set(&c, "cache", caches[k]);
            machine_set(&c, "cache-walks", walks[(i + k) % 4]);
            machine_set(&c, "tlb", tlbs[i % 4]);
            machine_set(&c, "scheme", inside ? "x86-64" : schemes[i % 5]);
            machine_set(&c, "tables", inside ? "inside" : "apart");
            machine_set(&c, "walk-caches", i % 10 == 5 ? "p1=4/2 p2=2 p3=1" : "none");
            fill(&t, i % 2 ? ALL_EVENTS : i % 4 ? TRACE_PROTECTS : NO_FORKS, seed + i);
            play(&c, &t);
        }
}

/* ---- laws ---- */

static void physical_caches_are_asked_as_naive_ones(void **unused)
{
    (void)unused;
    static const char *const caches[] = {
        "l1=512/2:line=32",
        "l1=16KiB/4:through",
        "l1i=1KiB/2 l1d=1KiB/4:plru l2=8KiB/4",
        "l1i=1KiB/1:line=16 l1d=1KiB/4:line=16:through l2=2KiB/4:line=32 l3=16KiB/8",
        "l1=256/1 l2=512/2:fifo l3=1KiB/4:random l4=8KiB/8@20",
    };
    play_many(caches, sizeof caches / sizeof caches[0], 100);
}

static void virtually_indexed_caches_are_asked_as_naive_ones(void **unused)
{
    (void)unused;
    static const char *const caches[] = {
        "l1=16KiB/1:vipt",
        "l1i=8KiB/1:vipt l1d=16KiB/2:vipt:plru l2=16KiB/8",
        "l1i=1KiB/1:vipt:random l1d=8KiB/1:vipt:through l2=16KiB/2",
    };
    play_many(caches, sizeof caches / sizeof caches[0], 200);
}

static void virtual_caches_are_asked_as_naive_ones(void **unused)
{
    (void)unused;
    static const char *const caches[] = {
        "l1=16KiB/1:vivt",
        "l1=1KiB/2:vivt:flush l2=8KiB/4",
        "l1i=8KiB/2:vivt:untagged l1d=8KiB/1:vivt:untagged l2=16KiB/8",
        "l1i=8KiB/1:vivt:flush l1d=16KiB/4:vivt:flush:plru",
    };
    play_many(caches, sizeof caches / sizeof caches[0], 300);
}

/* Where translation is another: by registers, by segments that move, through kernel virtual memory
 * whose pages leave too. */
static void other_translations_ask_as_naive_ones(void **unused)
{
    (void)unused;
    static const char *const schemes[] = {"base-bounds",    "segmentation", "segment-table",
                                          "paged-segments", "vax",          "mips",
                                          "paged-linear"};
    static const char *const caches[] = {"l1i=1KiB/2 l1d=1KiB/4:plru l2=8KiB/4",
                                         "l1=8KiB/1:vipt l2=16KiB/2"};
    struct machine_trace t;
    for (unsigned i = test_rounds(8); i-- > 0;)
        for (size_t k = 0; k < sizeof schemes / sizeof schemes[0]; k++) {
            struct vm_config c = machine_config(i % 2 ? "lru" : "clock", 120);
            machine_set(&c, "scheme", schemes[k]);
            if (!strcmp(schemes[k], "vax"))
                machine_set(&c, "page", "512");
            machine_set(&c, "cache", caches[i % 2]);
            machine_set(&c, "tables", k < 4 ? "inside" : "apart");
            machine_set(&c, "compact", "needed");
            /* Mappings that come and go can make a segment longer than memory. */
            fill(&t, k >= 3 && i % 4 < 2 ? ALL_EVENTS : TRACE_PROTECTS, 400 + i);
            play(&c, &t);
        }
}

/* Pages that are made of many, and fall apart again. */
static void huge_pages_are_asked_for_as_naive_ones(void **unused)
{
    (void)unused;
    static const char *const pages[] = {"fault", "reserve", "collapse"};
    struct machine_trace t;
    for (unsigned i = test_rounds(12); i-- > 0;) {
        struct vm_config c = machine_config(i % 2 ? "lru" : "clock", 2048 + i);
        machine_set(&c, "huge", pages[i % 3]);
        machine_set(&c, "huge-scan-touches", "100");
        machine_set(&c, "cache", "l1i=1KiB/2 l1d=16KiB/2:vipt:plru l2=16KiB/4");
        fill(&t, i % 2 ? ALL_EVENTS : NO_FORKS, 500 + i);
        play(&c, &t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(physical_caches_are_asked_as_naive_ones),
        cmocka_unit_test(virtually_indexed_caches_are_asked_as_naive_ones),
        cmocka_unit_test(virtual_caches_are_asked_as_naive_ones),
        cmocka_unit_test(other_translations_ask_as_naive_ones),
        cmocka_unit_test(huge_pages_are_asked_for_as_naive_ones),
    };
    return cmocka_run_group_tests_name("diff_machine_caches", tests, NULL, NULL);
}
