/* processors.c - a machine of several processors against plain lists of what each has in its TLB:
 * the same misses, fills and shootdowns, and interrupts for those who may have a page and nobody
 * else.
 */
#include "base/random.h"
#include "engine/machine.h"
#include "oracle/naive_processors.h"
#include "rounds.h"
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 4096, STEPS = 400 };

struct world {
    struct vm_random random;
    struct vm_programs programs;
    struct vm_engine *m;
    struct naive_processors naive;
};

static uint64_t below(struct world *w, uint64_t n)
{
    return vm_random_below(&w->random, n);
}

static void forget_nothing(void *host, uint64_t page_key, uint32_t n)
{
    (void)host, (void)page_key;
    (void)n;
}

static void forget_no_space(void *host, vm_asid asid)
{
    (void)host, (void)asid;
}

static struct vm_tlb_config draw_tlb(struct world *w)
{
    static const uint32_t ways[] = {1, 2, 4};
    struct vm_tlb_config c = {.level = 1, .ways = ways[below(w, 3)]};
    c.entries = c.ways << below(w, 4);
    c.replace = below(w, 2) ? VM_TLB_FIFO : VM_TLB_LRU;
    return c;
}

static void world_open(struct world *w, unsigned seed)
{
    struct vm_config c;
    struct vm_error e;
    vm_random_seed(&w->random, seed);
    struct vm_tlb_config tlb = draw_tlb(w);
    unsigned ncpus = 1 + (unsigned)below(w, NAIVE_CPUS);
    bool tagged = below(w, 3);
    vm_config_init(&c);
    strcpy(c.scheme, below(w, 2) ? "sv39" : "x86-64");
    strcpy(c.policy, below(w, 2) ? "clock" : "lru");
    c.tlb_tags = tagged ? VM_TLB_TAGS_ASID : VM_TLB_TAGS_FLUSH;
    c.memory_bytes = 1024 * PAGE;
    snprintf(c.tlb, sizeof c.tlb, "l1=%u/%u:%s", tlb.entries, tlb.ways,
             vm_tlb_replace_names[tlb.replace]);
    snprintf(c.walk_caches, sizeof c.walk_caches, "%s", below(w, 2) ? "p1=4" : "none");
    w->programs = (struct vm_programs){
        .forget = forget_nothing, .forget_space = forget_no_space, .processors = ncpus};
    w->m = vm_engine_open_programs(&c, &w->programs, &e);
    assert_non_null(w->m);
    naive_processors_open(&w->naive, ncpus, tagged, &tlb);
}

static vm_va address(unsigned page)
{
    return (vm_va)(page + NAIVE_CPU_FIRST) * PAGE;
}

/* ---- steps ---- */

static void carry_out(struct world *w, struct vm_event event)
{
    struct vm_error e;
    if (!vm_engine_run(w->m, &(struct vm_batch){.nevents = 1, .event = &event}, &e))
        fail_msg("%s", e.text);
}

static unsigned draw_space(struct world *w)
{
    return 1 + (unsigned)below(w, NAIVE_CPU_SPACES);
}

/* Pages [*first, *end). */
static void draw_range(struct world *w, unsigned *first, unsigned *end)
{
    *first = (unsigned)below(w, NAIVE_CPU_PAGES);
    *end = *first + 1 + (unsigned)below(w, 4);
    *end = *end < NAIVE_CPU_PAGES ? *end : NAIVE_CPU_PAGES;
}

static void touch_some(struct world *w)
{
    vm_va va[16];
    uint16_t meta[16];
    struct vm_error e;
    uint32_t n = 1 + (uint32_t)below(w, 16);
    for (uint32_t i = 0; i < n; i++) {
        unsigned page = (unsigned)below(w, NAIVE_CPU_PAGES);
        bool write = below(w, 3) == 0;
        va[i] = address(page) + below(w, PAGE / 8) * 8;
        meta[i] = vm_ref_meta(write ? VM_WRITE : VM_READ, 8);
        naive_processors_touch(&w->naive, page, write);
    }
    struct vm_batch b = {.nrefs = n, .va = va, .meta = meta};
    assert_true(vm_engine_run(w->m, &b, &e));
}

static void change_mappings(struct world *w)
{
    unsigned first, end, space = draw_space(w), what = (unsigned)below(w, 16);
    bool write = below(w, 2);
    draw_range(w, &first, &end);
    struct vm_event event = {.asid = (vm_asid)space,
                             .va = address(first),
                             .bytes = (uint64_t)(end - first) * PAGE,
                             .prot = VM_PROT_READ | (write ? VM_PROT_WRITE : 0),
                             .detail = VM_BACKING_ANON};
    if (what < 4) {
        event.kind = VM_EVENT_UNMAP;
        naive_processors_unmap(&w->naive, space, first, end);
    } else if (what < 7) {
        event.kind = VM_EVENT_PROTECT;
        naive_processors_protect(&w->naive, space, first, end, write);
    } else if (what == 7) {
        event.kind = VM_EVENT_EXEC;
        naive_processors_exec(&w->naive, space);
    } else {
        event.kind = VM_EVENT_MAP;
        naive_processors_unmap(&w->naive, space, first, end);
        for (unsigned page = first; page < end; page++)
            naive_processors_map(&w->naive, space, page, write);
    }
    carry_out(w, event);
}

static void change_processor(struct world *w)
{
    unsigned cpu = (unsigned)below(w, w->naive.ncpus);
    vm_engine_processor(w->m, cpu);
    naive_processors_run_on(&w->naive, cpu);
}

static void change_space(struct world *w)
{
    unsigned space = draw_space(w);
    carry_out(w, (struct vm_event){.kind = VM_EVENT_SWITCH, .asid = (vm_asid)space});
    naive_processors_switch(&w->naive, space);
}

/* ---- what must be so ---- */

/* Every processor's TLB has what its list has, and nothing else. */
static void assert_same_pages(struct world *w)
{
    for (unsigned cpu = 0; cpu < w->naive.ncpus; cpu++)
        for (unsigned space = 0; space <= NAIVE_CPU_SPACES; space++)
            for (unsigned page = 0; page < NAIVE_CPU_PAGES; page++) {
                uint64_t tag = address(page) | (w->naive.tagged ? space : 0);
                bool has = vm_tlb_find(&w->m->processor[cpu].tlb[0], tag, 0) >= 0;
                assert_int_equal(has, NULL != naive_tlb_find(&w->naive.cpu[cpu].tlb, tag, 0));
            }
}

static void assert_same_counts(struct world *w)
{
    struct vm_counts n;
    struct vm_tlb_config config;
    struct vm_tlb_counts tlb, naive = naive_processors_counts(&w->naive);
    vm_engine_counts(w->m, &n);
    vm_engine_tlb(w->m, 0, &config, &tlb);
    assert_int_equal(n.tlb_misses, w->naive.misses);
    assert_int_equal(n.tlb_upgrades, w->naive.upgrades);
    assert_int_equal(n.shootdowns, w->naive.shootdowns);
    assert_int_equal(n.ipis, w->naive.ipis);
    assert_int_equal(tlb.lookups, n.touches);
    assert_int_equal(tlb.misses, w->naive.misses);
    assert_int_equal(tlb.fills, naive.fills);
    assert_int_equal(tlb.evictions, naive.evictions);
    assert_int_equal(tlb.invalidations, naive.invalidations);
    for (unsigned cpu = 0; cpu < w->naive.ncpus; cpu++)
        assert_int_equal(vm_engine_ipis(w->m, cpu), w->naive.cpu[cpu].ipis);
}

static void run_world(unsigned seed)
{
    static struct world w;
    world_open(&w, seed);
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned what = (unsigned)below(&w, 10);
        if (what < 2)
            change_processor(&w);
        if (what < 3 || w.naive.cpu[w.naive.current].space == 0)
            change_space(&w);
        else if (what < 5)
            change_mappings(&w);
        else
            touch_some(&w);
        assert_same_pages(&w);
    }
    assert_same_counts(&w);
    vm_engine_check(w.m);
    vm_engine_close(w.m);
}

static void each_processor_has_what_its_list_has(void **unused)
{
    (void)unused;
    for (unsigned seed = 0; seed < test_rounds(2000); seed++)
        run_world(seed);
}

/* ---- by hand ---- */

static struct vm_engine *open_machine(struct world *w, unsigned ncpus, const char *cache)
{
    struct vm_config c;
    struct vm_error e;
    vm_config_init(&c);
    strcpy(c.cache, cache);
    w->programs = (struct vm_programs){
        .forget = forget_nothing, .forget_space = forget_no_space, .processors = ncpus};
    w->m = vm_engine_open_programs(&c, &w->programs, &e);
    assert_non_null(w->m);
    return w->m;
}

static void map_pages(struct world *w, vm_asid asid, unsigned n)
{
    carry_out(w, (struct vm_event){.kind = VM_EVENT_MAP,
                                   .asid = asid,
                                   .va = address(0),
                                   .bytes = (uint64_t)n * PAGE,
                                   .prot = VM_PROT_READ | VM_PROT_WRITE,
                                   .detail = VM_BACKING_ANON});
}

static void run_on(struct world *w, uint32_t cpu, vm_asid asid)
{
    vm_engine_processor(w->m, cpu);
    carry_out(w, (struct vm_event){.kind = VM_EVENT_SWITCH, .asid = asid});
}

static void touch(struct world *w, vm_va va, enum vm_access access)
{
    struct vm_error e;
    uint16_t meta = vm_ref_meta(access, 8);
    assert_true(vm_engine_run(w->m, &(struct vm_batch){.nrefs = 1, .va = &va, .meta = &meta}, &e));
}

/* Eight pages at once: one interrupt for each of the two others that ran the space. */
static void an_unmapped_range_interrupts_once_who_ran_its_space(void **unused)
{
    struct world w;
    struct vm_counts n;
    (void)unused;
    open_machine(&w, 4, "none");
    map_pages(&w, 1, 8);
    for (uint32_t cpu = 0; cpu < 3; cpu++) {
        run_on(&w, cpu, 1);
        for (unsigned page = 0; page < 8; page++)
            touch(&w, address(page), VM_WRITE);
    }
    run_on(&w, 3, 2);
    vm_engine_processor(w.m, 0);
    carry_out(&w, (struct vm_event){
                      .kind = VM_EVENT_UNMAP, .asid = 1, .va = address(0), .bytes = 8 * PAGE});
    vm_engine_counts(w.m, &n);
    assert_int_equal(n.shootdowns, 8);
    assert_int_equal(n.ipis, 2);
    assert_int_equal(vm_engine_ipis(w.m, 0), 0);
    assert_int_equal(vm_engine_ipis(w.m, 1), 1);
    assert_int_equal(vm_engine_ipis(w.m, 2), 1);
    assert_int_equal(vm_engine_ipis(w.m, 3), 0);
    vm_engine_processor(w.m, 1);
    touch(&w, address(3), VM_READ);
    vm_engine_counts(w.m, &n);
    assert_int_equal(n.violations, 1);
    vm_engine_close(w.m);
}

/* All writable translations of the parent must go, on every processor. */
static void after_a_fork_no_processor_writes_to_what_is_shared(void **unused)
{
    struct world w;
    struct vm_counts n;
    (void)unused;
    open_machine(&w, 3, "none");
    map_pages(&w, 1, 4);
    for (uint32_t cpu = 0; cpu < 3; cpu++) {
        run_on(&w, cpu, 1);
        for (unsigned page = 0; page < 4; page++)
            touch(&w, address(page), VM_WRITE);
    }
    carry_out(&w, (struct vm_event){.kind = VM_EVENT_FORK, .asid = 1, .child = 2});
    for (uint32_t cpu = 0; cpu < 3; cpu++) {
        vm_engine_processor(w.m, cpu);
        touch(&w, address(cpu), VM_WRITE);
    }
    vm_engine_counts(w.m, &n);
    assert_int_equal(n.cow_breaks, 3);
    assert_true(vm_engine_ipis(w.m, 0) >= 1 && vm_engine_ipis(w.m, 1) >= 1);
    vm_engine_check(w.m);
    vm_engine_close(w.m);
}

/* A replacement on one processor: the page that leaves may be in another's TLB. */
static void an_evicted_page_is_in_no_processors_tlb(void **unused)
{
    struct world w = {0};
    struct vm_config c;
    struct vm_error e;
    (void)unused;
    vm_config_init(&c);
    c.memory_bytes = 32 * PAGE;
    w.programs = (struct vm_programs){
        .forget = forget_nothing, .forget_space = forget_no_space, .processors = 2};
    w.m = vm_engine_open_programs(&c, &w.programs, &e);
    assert_non_null(w.m);
    map_pages(&w, 1, 64);
    run_on(&w, 1, 1);
    run_on(&w, 0, 1);
    for (unsigned round = 0; round < 4; round++)
        for (unsigned page = 0; page < 64; page++) {
            vm_engine_processor(w.m, page / 8 % 2);
            touch(&w, address(page), page % 3 ? VM_READ : VM_WRITE);
            for (unsigned other = 0; other < 64; other++) {
                uint64_t key = vm_page_key(address(other), 12, 1);
                if (w.m->scheme->get(w.m->scheme_state, 1, address(other)).state == VM_PTE_PRESENT)
                    continue;
                for (unsigned cpu = 0; cpu < 2; cpu++)
                    for (size_t i = 0; i < w.m->ntlbs; i++)
                        assert_true(vm_tlb_find(&w.m->processor[cpu].tlb[i], key, 0) < 0);
            }
        }
    struct vm_counts n;
    vm_engine_counts(w.m, &n);
    assert_true(n.evictions > 100 && n.ipis > 50 && n.ipis <= n.faults);
    vm_engine_check(w.m);
    vm_engine_close(w.m);
}

/* ---- coherence ---- */

/* The textbook's states of a line in one processor's caches, which are large enough for all lines:
 * what each access does to all of them (Hennessy & Patterson, figure 5.5). */
enum state { INVALID, SHARED, MODIFIED };
enum { LINES = 64, MSI_CPUS = 3 };
struct msi {
    enum state of[MSI_CPUS][LINES];
    uint64_t misses, lost, shown;
};

static void msi_access(struct msi *s, unsigned cpu, unsigned line, bool write)
{
    s->misses += s->of[cpu][line] == INVALID;
    for (unsigned other = 0; other < MSI_CPUS; other++) {
        enum state *o = &s->of[other][line];
        if (other == cpu)
            continue;
        s->lost += write && *o != INVALID;
        s->shown += !write && *o == MODIFIED;
        *o = write ? INVALID : *o == MODIFIED ? SHARED : *o;
    }
    if (write)
        s->of[cpu][line] = MODIFIED;
    else if (s->of[cpu][line] == INVALID)
        s->of[cpu][line] = SHARED;
}

static void lines_are_coherent_as_the_textbook_has_it(void **unused)
{
    struct world w;
    struct msi s = {0};
    struct vm_cache_config config;
    struct vm_cache_counts n;
    (void)unused;
    vm_random_seed(&w.random, 5);
    open_machine(&w, MSI_CPUS, "l1=64KiB/1024 l2=256KiB/16");
    map_pages(&w, 1, 1);
    for (uint32_t cpu = 0; cpu < MSI_CPUS; cpu++)
        run_on(&w, cpu, 1);
    touch(&w, address(0), VM_WRITE); /* so that its walk is the last but the others' first */
    msi_access(&s, MSI_CPUS - 1, 0, true);
    for (unsigned i = 0; i < 20000; i++) {
        unsigned cpu = (unsigned)below(&w, MSI_CPUS), line = (unsigned)below(&w, LINES);
        bool write = below(&w, 3) == 0;
        vm_engine_processor(w.m, cpu);
        touch(&w, address(0) + line * 64, write ? VM_WRITE : VM_READ);
        msi_access(&s, cpu, line, write);
    }
    for (unsigned cpu = 0; cpu < MSI_CPUS; cpu++)
        for (unsigned line = 0; line < LINES; line++) {
            const struct vm_cache *c = &w.m->processor[cpu].caches.cache[0];
            struct vm_pte pte = w.m->scheme->get(w.m->scheme_state, 1, address(0));
            vm_pa pa = (vm_pa)pte.pfn * PAGE + line * 64;
            int64_t at = vm_cache_find_line(c, pa);
            enum state now = at < 0 ? INVALID : c->line[at] & VM_CACHE_DIRTY ? MODIFIED : SHARED;
            assert_int_equal(now, s.of[cpu][line]);
        }
    vm_engine_cache(w.m, 0, &config, &n);
    uint64_t tables = w.m->table_lines;
    assert_true(tables < 100);
    assert_in_range(n.lost, s.lost, s.lost + tables);
    assert_in_range(n.shown, s.shown, s.shown + tables);
    assert_in_range(n.misses, s.misses, s.misses + tables);
    vm_engine_check(w.m);
    vm_engine_close(w.m);
}

/* Small caches, of which the last is shared or none is: a line that one processor has dirty is in
 * no other's own caches. */
static void a_dirty_line_is_in_one_processors_caches(void **unused)
{
    static const char *const caches[] = {
        "l1i=1KiB/2 l1d=1KiB/2 l2=4KiB/4 l3=16KiB/4", "l1=512/2:plru l2=2KiB/2:random",
        "l1d=1KiB/4:vivt l1i=1KiB/4 l2=4KiB/4 l3=8KiB/8", "l1=1KiB/2:through l2=4KiB/4",
        "l1=1KiB/2:line=32 l2=4KiB/4:line=128"};
    (void)unused;
    for (size_t k = 0; k < sizeof caches / sizeof caches[0]; k++) {
        struct world w;
        vm_random_seed(&w.random, k);
        open_machine(&w, 3, caches[k]);
        map_pages(&w, 1, 4);
        for (uint32_t cpu = 0; cpu < 3; cpu++)
            run_on(&w, cpu, 1);
        for (unsigned i = 0; i < 3000; i++) {
            vm_engine_processor(w.m, (uint32_t)below(&w, 3));
            vm_va va = address((unsigned)below(&w, 4)) + below(&w, 256) * 16;
            touch(&w, va, below(&w, 4) ? VM_READ : VM_WRITE);
            vm_pa pa = (vm_pa)w.m->scheme->get(w.m->scheme_state, 1, va).pfn * PAGE + va % PAGE;
            unsigned dirty = 0, has = 0;
            for (uint32_t cpu = 0; cpu < 3; cpu++) {
                const struct vm_caches *h = &w.m->processor[cpu].caches;
                bool its = false, soiled = false;
                for (size_t c = 0; c < h->n; c++) {
                    int64_t at = vm_cache_find_line(&h->cache[c], pa);
                    bool own = w.m->cache_plan.caches.cache[c].level < w.m->shared_level;
                    its |= own && at >= 0;
                    soiled |= own && at >= 0 && (h->cache[c].line[at] & VM_CACHE_DIRTY);
                }
                has += its;
                dirty += soiled;
            }
            assert_true(dirty == 0 || (dirty == 1 && has == 1));
        }
        struct vm_counts n;
        vm_engine_counts(w.m, &n);
        vm_engine_check(w.m);
        vm_engine_close(w.m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_processor_has_what_its_list_has),
        cmocka_unit_test(an_unmapped_range_interrupts_once_who_ran_its_space),
        cmocka_unit_test(after_a_fork_no_processor_writes_to_what_is_shared),
        cmocka_unit_test(an_evicted_page_is_in_no_processors_tlb),
        cmocka_unit_test(lines_are_coherent_as_the_textbook_has_it),
        cmocka_unit_test(a_dirty_line_is_in_one_processors_caches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
