/* space_places.c - where a machine's pages lie, as its policy may ask: neighbours in the tables. */
#include "oracle/space_world.h"
#include "space/memory.h"
#include "test.h"

#include <string.h>

#define NPLACES 8

enum { RW = VM_PROT_READ | VM_PROT_WRITE };

static void opened(struct space_world *w, const char *scheme, const char *policy, uint32_t nframes,
                   struct vm_huge_config huge)
{
    struct space_plan plan = {.scheme = scheme,
                              .policy = policy,
                              .nframes = nframes,
                              .tables = VM_TABLES_APART,
                              .stray = VM_STRAY_FAULTS,
                              .huge = huge,
                              .page_shift = strcmp(scheme, "vax") == 0 ? 9 : 12};
    assert_true(space_world_open(w, &plan));
}

static void event(struct space_world *w, enum vm_event_kind kind, vm_asid asid, unsigned first,
                  unsigned n)
{
    unsigned shift = w->memory->c.page_shift;
    assert_true(space_world_event(w, (struct vm_event){.kind = (uint8_t)kind,
                                                       .asid = asid,
                                                       .child = (vm_asid)(asid + 1),
                                                       .va = (vm_va)first << shift,
                                                       .bytes = (uint64_t)n << shift,
                                                       .prot = RW,
                                                       .detail = VM_BACKING_ANON}));
    space_world_check(w);
}

static vm_pfn touch(struct space_world *w, vm_asid asid, unsigned page)
{
    struct touch t = space_world_touch(w, asid, (vm_va)page << w->memory->c.page_shift, VM_WRITE);
    assert_int_equal(t.outcome, TOUCH_DONE);
    space_world_check(w);
    return t.pfn;
}

static uint64_t place(const struct space_world *w, vm_asid asid, unsigned page)
{
    const struct vm_policy_host *host = &w->memory->policy_host;
    return host->place(host->host, vm_page_key((vm_va)page << w->memory->c.page_shift,
                                               w->memory->c.page_shift, asid));
}

/* Of the n <= NPLACES places from the page's on; what is behind them is left alone. */
static void ask(const struct space_world *w, vm_asid asid, unsigned page, size_t n,
                vm_pfn frame[NPLACES])
{
    const struct vm_policy_host *host = &w->memory->policy_host;
    for (size_t i = 0; i < NPLACES; i++)
        frame[i] = 12345;
    host->frames(host->host, place(w, asid, page), n, frame);
    for (size_t i = n; i < NPLACES; i++)
        assert_int_equal(frame[i], 12345);
}

static bool is_present(const struct space_world *w, vm_asid asid, unsigned page)
{
    return space_world_pte(w, asid, (vm_va)page << w->memory->c.page_shift).state == VM_PTE_PRESENT;
}

/* ---- which frames ---- */

static void neighbours(const char *scheme, vm_asid asid)
{
    struct space_world w;
    vm_pfn frame[NPLACES];
    opened(&w, scheme, "fifo", 4, (struct vm_huge_config){0});
    event(&w, VM_EVENT_MAP, asid, 16, 8);
    touch(&w, asid, 17); /* the oldest, which goes */
    vm_pfn third = touch(&w, asid, 19), second = touch(&w, asid, 18);
    vm_pfn last = touch(&w, asid, 23), again = touch(&w, asid, 20);
    ask(&w, asid, 16, NPLACES, frame);
    const vm_pfn is[NPLACES] = {VM_NOFRAME, VM_NOFRAME, second,     third,
                                again,      VM_NOFRAME, VM_NOFRAME, last};
    assert_memory_equal(frame, is, sizeof is);
    ask(&w, asid, 18, 2, frame);
    assert_int_equal(frame[0], second);
    assert_int_equal(frame[1], third);
    space_world_close(&w);
}

static void neighbours_are_found_in_the_tables_of_every_kind(void **unused)
{
    (void)unused;
    static const char *const scheme[] = {"two-level:dir=10,table=2",
                                         "sv39",
                                         "x86-64",
                                         "linear:bits=24",
                                         "clustered",
                                         "inverted",
                                         "vax"};
    for (size_t i = 0; i < sizeof scheme / sizeof scheme[0]; i++)
        for (vm_asid asid = 0; asid < 4; asid += 3)
            neighbours(scheme[i], asid);
}

static void spaces_do_not_adjoin(void **unused)
{
    (void)unused;
    struct space_world w;
    vm_pfn frame[NPLACES];
    opened(&w, "sv39", "fifo", 4, (struct vm_huge_config){0});
    event(&w, VM_EVENT_MAP, 0, 0, 4);
    event(&w, VM_EVENT_MAP, 1, 0, 4);
    vm_pfn here = touch(&w, 0, 1), there = touch(&w, 1, 1);
    ask(&w, 0, 1, 1, frame);
    assert_int_equal(frame[0], here);
    ask(&w, 1, 1, 1, frame);
    assert_int_equal(frame[0], there);
    assert_in_range(place(&w, 1, 0) - place(&w, 0, 0), UINT64_C(1) << 20, UINT64_MAX);
    space_world_close(&w);
}

static void behind_the_end_of_the_space_nothing_is(void **unused)
{
    (void)unused;
    static const char *const scheme[] = {"two-level:dir=10,table=2", "linear:bits=24"};
    for (size_t i = 0; i < sizeof scheme / sizeof scheme[0]; i++) {
        struct space_world w;
        vm_pfn frame[NPLACES];
        opened(&w, scheme[i], "fifo", 4, (struct vm_huge_config){0});
        event(&w, VM_EVENT_MAP, 0, 4092, 4); /* 24 bits are 4,096 pages */
        event(&w, VM_EVENT_MAP, 0, 0, 4);
        vm_pfn last = touch(&w, 0, 4095);
        touch(&w, 0, 0);
        ask(&w, 0, 4094, NPLACES, frame);
        assert_int_equal(frame[1], last);
        for (size_t k = 0; k < NPLACES; k++)
            assert_true(k == 1 || frame[k] == VM_NOFRAME);
        ask(&w, 0, 4096, NPLACES, frame);
        for (size_t k = 0; k < NPLACES; k++)
            assert_int_equal(frame[k], VM_NOFRAME);
        space_world_close(&w);
    }
}

static void a_huge_page_is_in_the_first_of_its_places(void **unused)
{
    (void)unused;
    struct space_world w;
    vm_pfn frame[NPLACES];
    opened(&w, "two-level:dir=10,table=2", "fifo", 16,
           (struct vm_huge_config){
               .pages = VM_HUGE_FAULT, .order = 2, .scan_pages = 1000, .empty_max = 1});
    event(&w, VM_EVENT_MAP, 0, 4, 5);
    vm_pfn huge = touch(&w, 0, 5) - 1, small = touch(&w, 0, 8);
    assert_true(vm_huge_has(w.memory, huge));
    ask(&w, 0, 2, NPLACES, frame);
    const vm_pfn is[NPLACES] = {VM_NOFRAME, VM_NOFRAME, huge,  VM_NOFRAME,
                                VM_NOFRAME, VM_NOFRAME, small, VM_NOFRAME};
    assert_memory_equal(frame, is, sizeof is);
    ask(&w, 0, 6, 3, frame);
    assert_int_equal(frame[0], huge);
    assert_int_equal(frame[1], VM_NOFRAME);
    assert_int_equal(frame[2], small);
    space_world_close(&w);
}

static void of_segments_none_adjoins_another(void **unused)
{
    (void)unused;
    struct space_world w;
    vm_pfn frame[NPLACES];
    opened(&w, "segmentation", "fifo", 16, (struct vm_huge_config){0});
    event(&w, VM_EVENT_MAP, 0, 0, 1);
    touch(&w, 0, 0);
    ask(&w, 0, 0, NPLACES, frame);
    for (size_t i = 0; i < NPLACES; i++)
        assert_int_equal(frame[i], VM_NOFRAME);
    space_world_close(&w);
}

/* The child has the page, in the frame that came in for the parent. */
static void of_a_space_that_has_gone_nothing_is_there(void **unused)
{
    (void)unused;
    struct space_world w;
    vm_pfn frame[NPLACES];
    opened(&w, "sv39", "fifo", 4, (struct vm_huge_config){0});
    event(&w, VM_EVENT_MAP, 0, 0, 4);
    vm_pfn shared = touch(&w, 0, 1);
    event(&w, VM_EVENT_FORK, 0, 0, 1);
    event(&w, VM_EVENT_EXIT, 0, 0, 1);
    ask(&w, 0, 0, 4, frame);
    assert_int_equal(frame[1], VM_NOFRAME);
    ask(&w, 1, 0, 4, frame);
    assert_int_equal(frame[1], shared);
    space_world_close(&w);
}

/* ---- who asks ---- */

/* Which of pages 0 to 7 are in memory after 0 to 3 came and 0 and 3 were touched again, and then 4
 * to 7 came. The window around page 0 has page 3, which so joins the youngest before 4 does; else
 * it is found at the end of its generation, when 4 and 5 have come, and is younger than they. */
static unsigned mglru_leaves(const char *policy)
{
    struct space_world w;
    unsigned in = 0;
    opened(&w, "sv39", policy, 4, (struct vm_huge_config){0});
    event(&w, VM_EVENT_MAP, 0, 0, 8);
    for (unsigned page = 0; page < 4; page++)
        touch(&w, 0, page);
    touch(&w, 0, 0);
    touch(&w, 0, 3);
    for (unsigned page = 4; page < 8; page++)
        touch(&w, 0, page);
    for (unsigned page = 0; page < 8; page++)
        in |= (unsigned)is_present(&w, 0, page) << page;
    space_world_close(&w);
    return in;
}

static void mglru_looks_around_in_the_tables(void **unused)
{
    (void)unused;
    assert_int_equal(mglru_leaves("mglru:load=clear,walk=none,window=8"), 0xf0);
    assert_int_equal(mglru_leaves("mglru:load=clear,walk=none,window=1"), 0xe8);
}

/* Frames that a parent brought in, found referenced when it has gone. */
static void mglru_outlives_the_space_that_a_page_came_to(void **unused)
{
    (void)unused;
    struct space_world w;
    opened(&w, "sv39", "mglru:walk=none", 4, (struct vm_huge_config){0});
    event(&w, VM_EVENT_MAP, 0, 0, 8);
    for (unsigned page = 0; page < 4; page++)
        touch(&w, 0, page);
    event(&w, VM_EVENT_FORK, 0, 0, 1);
    event(&w, VM_EVENT_EXIT, 0, 0, 1);
    for (unsigned page = 4; page < 8; page++)
        touch(&w, 1, page);
    assert_int_equal(w.counts.evictions, 4);
    space_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_are_found_in_the_tables_of_every_kind),
        cmocka_unit_test(spaces_do_not_adjoin),
        cmocka_unit_test(behind_the_end_of_the_space_nothing_is),
        cmocka_unit_test(a_huge_page_is_in_the_first_of_its_places),
        cmocka_unit_test(of_segments_none_adjoins_another),
        cmocka_unit_test(of_a_space_that_has_gone_nothing_is_there),
        cmocka_unit_test(mglru_looks_around_in_the_tables),
        cmocka_unit_test(mglru_outlives_the_space_that_a_page_came_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
