/* Huge pages, law by law, in memories of a few frames: a huge page has four base pages. */
#include "oracle/space_world.h"
#include "space/memory.h"
#include "unit/test.h"

#include <string.h>

#define PAGE UINT64_C(4096)

enum { READ = VM_PROT_READ, WRITE = VM_PROT_WRITE, RW = READ | WRITE, PARTS = 4 };

/* fifo, so that who leaves is plain. */
static void open_plan(struct space_world *w, enum vm_huge_pages pages, uint32_t nframes,
                      enum vm_tables tables)
{
    struct space_plan plan = {
        .scheme = "two-level:dir=10,table=2",
        .policy = "fifo",
        .nframes = nframes,
        .tables = tables,
        .stray = VM_STRAY_FAULTS,
        .huge = {.pages = pages, .order = 2, .scan_pages = 1000, .empty_max = 1},
    };
    assert_true(space_world_open(w, &plan));
}

static void open_apart(struct space_world *w, enum vm_huge_pages pages, uint32_t nframes)
{
    open_plan(w, pages, nframes, VM_TABLES_APART);
}

static void event(struct space_world *w, enum vm_event_kind kind, vm_asid asid, unsigned first,
                  unsigned n, uint8_t prot, uint8_t detail)
{
    assert_true(space_world_event(w, (struct vm_event){.kind = (uint8_t)kind,
                                                       .asid = asid,
                                                       .child = (vm_asid)(asid + 1),
                                                       .va = first * PAGE,
                                                       .bytes = n * PAGE,
                                                       .prot = prot,
                                                       .detail = detail}));
    space_world_check(w);
}

static void map(struct space_world *w, unsigned first, unsigned n, enum vm_backing backing)
{
    event(w, VM_EVENT_MAP, 0, first, n, RW, (uint8_t)backing);
}

static void fork_space(struct space_world *w)
{
    event(w, VM_EVENT_FORK, 0, 0, 1, 0, 0);
}

static struct touch touch(struct space_world *w, vm_asid asid, unsigned page, enum vm_access access)
{
    struct touch t = space_world_touch(w, asid, page * PAGE, access);
    assert_int_equal(t.outcome, TOUCH_DONE);
    space_world_check(w);
    return t;
}

static void touch_pages(struct space_world *w, unsigned first, unsigned n, enum vm_access access)
{
    for (unsigned page = first; page < first + n; page++)
        touch(w, 0, page, access);
}

static unsigned order_of(const struct space_world *w, vm_asid asid, unsigned page)
{
    return space_world_pte(w, asid, page * PAGE).order;
}

static bool is_present(const struct space_world *w, vm_asid asid, unsigned page)
{
    return space_world_pte(w, asid, page * PAGE).state == VM_PTE_PRESENT;
}

static void assert_empty(const struct space_world *w)
{
    assert_int_equal(w->memory->nused, 0);
    assert_int_equal(w->memory->nresident, 0);
    assert_int_equal(w->memory->ntables, 0);
    assert_int_equal(w->memory->huge.nreserved, 0);
    assert_int_equal(w->counts.huge_untouched, 0);
}

static void end(struct space_world *w)
{
    event(w, VM_EVENT_EXIT, 0, 0, 1, 0, 0);
    event(w, VM_EVENT_EXIT, 1, 0, 1, 0, 0);
    assert_empty(w);
    space_world_close(w);
}

/* ---- fault ---- */

static void a_first_touch_brings_the_whole_region(void **unused)
{
    (void)unused;
    struct space_world w;
    open_apart(&w, VM_HUGE_FAULT, 16);
    map(&w, 4, 8, VM_BACKING_ANON);
    struct touch t = touch(&w, 0, 6, VM_WRITE);
    assert_int_equal(t.nfaults, 1);
    assert_int_equal(t.pfn % PARTS, 2);
    assert_int_equal(t.order, 2);
    assert_int_equal(vm_memory_unit(w.memory, t.pfn), t.pfn - 2);
    assert_int_equal(touch(&w, 0, 7, VM_READ).nfaults, 0);
    assert_int_equal(w.counts.huge_faults, 1);
    assert_int_equal(w.counts.demand_zero, 1);
    assert_int_equal(w.counts.page_copies, PARTS);
    assert_int_equal(vm_memory_space(w.memory, 0)->resident, PARTS);
    assert_int_equal(w.counts.huge_untouched, 2);
    assert_int_equal(w.counts.huge_untouched_peak, 3);
    end(&w);
}

static void files_and_regions_that_are_not_all_mapped_stay_small(void **unused)
{
    (void)unused;
    struct space_world w;
    open_apart(&w, VM_HUGE_FAULT, 16);
    map(&w, 4, 4, VM_BACKING_FILE);
    map(&w, 9, 5, VM_BACKING_ANON);
    assert_int_equal(touch(&w, 0, 4, VM_READ).order, 0);
    assert_int_equal(touch(&w, 0, 9, VM_READ).order, 0);
    assert_int_equal(touch(&w, 0, 13, VM_READ).order, 0);
    map(&w, 8, 1, VM_BACKING_ANON); /* now [8, 14) is one mapping, but a page is there */
    assert_int_equal(touch(&w, 0, 10, VM_READ).order, 0);
    assert_int_equal(w.counts.huge_faults + w.counts.huge_misses, 0);
    end(&w);
}

static void without_a_free_run_a_base_page_comes(void **unused)
{
    (void)unused;
    struct space_world w;
    open_apart(&w, VM_HUGE_FAULT, 7);
    map(&w, 0, 12, VM_BACKING_ANON);
    assert_int_equal(touch(&w, 0, 0, VM_READ).order, 2);
    assert_int_equal(touch(&w, 0, 4, VM_READ).order, 0);
    assert_int_equal(w.counts.huge_misses, 1);
    assert_int_equal(w.counts.evictions, 0);
    end(&w);
}

/* ---- reserve ---- */

static void a_full_reservation_is_one_page_without_a_copy(void **unused)
{
    (void)unused;
    struct space_world w;
    open_apart(&w, VM_HUGE_RESERVE, 16);
    map(&w, 0, 8, VM_BACKING_ANON);
    vm_pfn head = touch(&w, 0, 1, VM_WRITE).pfn - 1;
    assert_int_equal(head % PARTS, 0);
    assert_int_equal(touch(&w, 0, 3, VM_READ).pfn, head + 3);
    assert_int_equal(touch(&w, 0, 4, VM_READ).pfn / PARTS == head / PARTS, false);
    assert_int_equal(touch(&w, 0, 0, VM_READ).pfn, head);
    assert_int_equal(order_of(&w, 0, 0), 0);
    assert_int_equal(w.memory->nunits, 4);
    assert_int_equal(touch(&w, 0, 2, VM_READ).pfn, head + 2);
    assert_int_equal(order_of(&w, 0, 0), 2);
    assert_int_equal(w.memory->nunits, 2);
    assert_int_equal(w.counts.promotions, 1);
    assert_int_equal(w.counts.page_copies, 5); /* zeroing each */
    assert_int_equal(w.counts.huge_untouched_peak, 0);
    assert_true(w.memory->bits[head] & VM_FRAME_DIRTY);
    end(&w);
}

static void what_is_set_aside_is_not_in_use(void **unused)
{
    (void)unused;
    struct space_world w;
    open_apart(&w, VM_HUGE_RESERVE, 16);
    map(&w, 0, 8, VM_BACKING_ANON);
    touch(&w, 0, 0, VM_READ);
    assert_int_equal(w.memory->nused - w.memory->ntables, 1);
    assert_int_equal(vm_memory_resident(w.memory), 1);
    end(&w);
}

/* Three reservations of twelve frames; the one that waits longest for a page goes first. */
static void when_memory_is_short_the_least_lately_populated_goes(void **unused)
{
    (void)unused;
    struct space_world w;
    open_apart(&w, VM_HUGE_RESERVE, 12);
    map(&w, 0, 16, VM_BACKING_ANON);
    vm_pfn run[3];
    for (unsigned r = 0; r < 3; r++)
        run[r] = touch(&w, 0, r * PARTS, VM_READ).pfn;
    touch(&w, 0, 1, VM_READ);
    assert_int_equal(touch(&w, 0, 12, VM_READ).pfn / PARTS, run[1] / PARTS);
    assert_int_equal(w.counts.reservation_breaks, 1);
    assert_int_equal(w.counts.evictions, 0);
    touch_pages(&w, 2, 2, VM_READ);
    assert_int_equal(order_of(&w, 0, 0), 2);
    touch_pages(&w, 9, 3, VM_READ);
    assert_int_equal(order_of(&w, 0, 8), 2);
    touch_pages(&w, 5, 1, VM_READ); /* the frames of region 1 that were given up */
    assert_int_equal(order_of(&w, 0, 4), 0);
    assert_int_equal(w.counts.evictions, 0);
    end(&w);
}

static void a_change_of_a_part_gives_the_reservation_up(void **unused)
{
    (void)unused;
    static const enum vm_event_kind kinds[] = {VM_EVENT_UNMAP,  VM_EVENT_PROTECT, VM_EVENT_MAP,
                                               VM_EVENT_ADVISE, VM_EVENT_FORK,    VM_EVENT_EXIT};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct space_world w;
        open_apart(&w, VM_HUGE_RESERVE, 16);
        map(&w, 0, 8, VM_BACKING_ANON);
        touch(&w, 0, 0, VM_READ);
        touch(&w, 0, 4, VM_READ);
        event(&w, kinds[i], 0, 2, 1, READ,
              kinds[i] == VM_EVENT_ADVISE ? VM_ADVICE_DONTNEED : VM_BACKING_ANON);
        assert_int_equal(w.counts.reservation_breaks, kinds[i] >= VM_EVENT_FORK ? 2 : 1);
        end(&w);
    }
}

/* ---- collapse ---- */

static void scan(struct space_world *w)
{
    assert_true(vm_memory_scan(w->memory, &w->error));
    space_world_check(w);
}

static void a_scan_copies_base_pages_into_a_run(void **unused)
{
    (void)unused;
    struct space_world w;
    open_apart(&w, VM_HUGE_COLLAPSE, 16);
    map(&w, 0, 12, VM_BACKING_ANON);
    touch_pages(&w, 0, 2, VM_READ); /* two are too few: at most one may be absent */
    touch_pages(&w, 4, 3, VM_WRITE);
    scan(&w);
    assert_int_equal(order_of(&w, 0, 0), 0);
    assert_int_equal(order_of(&w, 0, 4), 2);
    assert_int_equal(w.counts.promotions, 1);
    assert_int_equal(w.counts.huge_copies, 3);
    assert_int_equal(w.counts.page_copies, 5 + PARTS);
    assert_int_equal(w.counts.huge_untouched, 1);
    assert_int_equal(vm_memory_resident(w.memory), 2 + PARTS);
    assert_int_equal(touch(&w, 0, 7, VM_READ).nfaults, 0);
    assert_int_equal(w.counts.huge_untouched, 0);
    end(&w);
}

static void shared_and_swapped_pages_are_not_collapsed(void **unused)
{
    (void)unused;
    struct space_world w;
    open_apart(&w, VM_HUGE_COLLAPSE, 16);
    map(&w, 0, 4, VM_BACKING_ANON);
    touch_pages(&w, 0, 4, VM_WRITE);
    fork_space(&w);
    scan(&w);
    assert_int_equal(w.counts.promotions, 0);
    event(&w, VM_EVENT_EXIT, 1, 0, 1, 0, 0);
    map(&w, 100, 14, VM_BACKING_ANON);
    touch_pages(&w, 100, 13, VM_READ); /* page 0 is swapped */
    assert_false(is_present(&w, 0, 0));
    scan(&w);
    assert_int_equal(order_of(&w, 0, 1), 0);
    end(&w);
}

static void a_scan_goes_on_where_the_last_one_ended(void **unused)
{
    (void)unused;
    struct space_world w;
    struct space_plan plan = {.scheme = "two-level:dir=10,table=2",
                              .policy = "fifo",
                              .nframes = 64,
                              .tables = VM_TABLES_APART,
                              .stray = VM_STRAY_FAULTS,
                              .huge = {VM_HUGE_COLLAPSE, 2, 4, 0}};
    assert_true(space_world_open(&w, &plan));
    map(&w, 0, 12, VM_BACKING_ANON);
    touch_pages(&w, 0, 12, VM_READ);
    fork_space(&w);
    event(&w, VM_EVENT_EXIT, 1, 0, 1, 0, 0);
    for (unsigned i = 1; i <= 3; i++) {
        scan(&w);
        assert_int_equal(w.counts.promotions, i);
        assert_int_equal(order_of(&w, 0, (i - 1) * PARTS), 2);
    }
    end(&w);
}

/* A page that is clean because swap has a copy would lose it: the huge page has no slot. */
static void what_only_swap_had_is_dirty_in_the_huge_page(void **unused)
{
    (void)unused;
    struct space_world w;
    open_apart(&w, VM_HUGE_COLLAPSE, 12);
    map(&w, 0, 4, VM_BACKING_ANON);
    map(&w, 100, 12, VM_BACKING_ANON);
    touch_pages(&w, 0, 1, VM_WRITE);
    touch_pages(&w, 100, 12, VM_READ); /* page 0 goes to swap */
    event(&w, VM_EVENT_UNMAP, 0, 100, 12, 0, 0);
    touch_pages(&w, 0, 4, VM_READ);
    assert_int_equal(w.counts.swap_ins, 1);
    scan(&w);
    assert_int_equal(order_of(&w, 0, 0), 2);
    vm_pfn head = space_world_pte(&w, 0, 0).pfn;
    assert_true(w.memory->bits[head] & VM_FRAME_DIRTY);
    assert_int_equal(w.memory->slots_used, 0);
    end(&w);
}

static void without_the_daemon_a_scan_is_nothing(void **unused)
{
    (void)unused;
    for (enum vm_huge_pages pages = VM_HUGE_FAULT; pages <= VM_HUGE_RESERVE; pages++) {
        struct space_world w;
        open_apart(&w, pages, 16);
        map(&w, 1, 6, VM_BACKING_ANON);
        touch_pages(&w, 1, 6, VM_READ);
        scan(&w);
        assert_int_equal(w.counts.huge_copies, 0);
        end(&w);
    }
}

/* ---- splitting ---- */

static void a_part_that_is_unmapped_splits_and_frees_what_was_never_touched(void **unused)
{
    (void)unused;
    struct space_world w;
    open_apart(&w, VM_HUGE_FAULT, 16);
    map(&w, 0, 4, VM_BACKING_ANON);
    touch(&w, 0, 1, VM_WRITE);
    touch(&w, 0, 2, VM_READ);
    event(&w, VM_EVENT_UNMAP, 0, 2, 1, 0, 0);
    assert_true(is_present(&w, 0, 1));
    assert_false(is_present(&w, 0, 0) || is_present(&w, 0, 2) || is_present(&w, 0, 3));
    assert_int_equal(w.counts.demotions, 1);
    assert_int_equal(w.counts.huge_freed, 2);
    assert_int_equal(vm_memory_resident(w.memory), 1);
    assert_true(w.memory->bits[space_world_pte(&w, 0, PAGE).pfn] & VM_FRAME_DIRTY);
    end(&w);
}

static void a_whole_huge_page_changes_its_rights_and_goes_as_one(void **unused)
{
    (void)unused;
    struct space_world w;
    open_apart(&w, VM_HUGE_FAULT, 16);
    map(&w, 0, 12, VM_BACKING_ANON);
    touch_pages(&w, 4, 1, VM_WRITE);
    event(&w, VM_EVENT_PROTECT, 0, 2, 8, READ, 0);
    assert_int_equal(order_of(&w, 0, 4), 2);
    assert_int_equal(space_world_touch(&w, 0, 4 * PAGE, VM_WRITE).outcome, TOUCH_DENIED);
    event(&w, VM_EVENT_ADVISE, 0, 4, 4, 0, VM_ADVICE_DONTNEED);
    assert_false(is_present(&w, 0, 4));
    assert_int_equal(w.counts.demotions, 0);
    assert_int_equal(vm_memory_resident(w.memory), 0);
    end(&w);
}

static void advice_that_does_nothing_splits_nothing(void **unused)
{
    (void)unused;
    struct space_world w;
    open_apart(&w, VM_HUGE_FAULT, 16);
    map(&w, 0, 4, VM_BACKING_ANON);
    touch(&w, 0, 0, VM_READ);
    event(&w, VM_EVENT_ADVISE, 0, 1, 1, 0, VM_ADVICE_DONTNEED - 1);
    assert_int_equal(order_of(&w, 0, 0), 2);
    end(&w);
}

static void sharers_keep_a_huge_page_until_one_writes(void **unused)
{
    (void)unused;
    struct space_world w;
    open_apart(&w, VM_HUGE_FAULT, 16);
    map(&w, 0, 4, VM_BACKING_ANON);
    touch_pages(&w, 0, 3, VM_WRITE);
    fork_space(&w);
    assert_int_equal(order_of(&w, 1, 0), 2);
    assert_int_equal(vm_memory_resident(w.memory), PARTS);
    assert_int_equal(vm_memory_space(w.memory, 1)->resident, PARTS);
    assert_int_equal(touch(&w, 1, 1, VM_READ).nfaults, 0);
    struct touch t = touch(&w, 1, 1, VM_WRITE);
    assert_int_equal(t.kind, VM_FAULT_COW);
    assert_int_equal(w.counts.demotions, 1);
    assert_int_equal(order_of(&w, 0, 0) + order_of(&w, 1, 0), 0);
    assert_int_equal(vm_memory_resident(w.memory), 4); /* three touched, one copied */
    assert_true(space_world_pte(&w, 0, 0).pfn == space_world_pte(&w, 1, 0).pfn);
    assert_true(space_world_pte(&w, 0, PAGE).pfn != space_world_pte(&w, 1, PAGE).pfn);
    assert_int_equal(touch(&w, 1, 3, VM_WRITE).kind, VM_FAULT_DEMAND_ZERO);
    end(&w);
}

static void the_last_sharer_takes_a_huge_page_over_whole(void **unused)
{
    (void)unused;
    struct space_world w;
    open_apart(&w, VM_HUGE_FAULT, 16);
    map(&w, 0, 4, VM_BACKING_ANON);
    touch(&w, 0, 0, VM_WRITE);
    fork_space(&w);
    event(&w, VM_EVENT_EXIT, 0, 0, 1, 0, 0);
    uint64_t copies = w.counts.page_copies, shootdowns = w.shootdowns;
    struct touch t = touch(&w, 1, 2, VM_WRITE);
    assert_int_equal(t.kind, VM_FAULT_COW);
    assert_int_equal(t.order, 2);
    assert_int_equal(w.counts.demotions, 0);
    assert_int_equal(w.counts.page_copies, copies);
    assert_int_equal(w.shootdowns, shootdowns + 1);
    end(&w);
}

/* ---- leaving memory ---- */

static void a_victim_is_split_and_what_was_never_touched_is_enough(void **unused)
{
    (void)unused;
    struct space_world w;
    open_apart(&w, VM_HUGE_FAULT, 8);
    map(&w, 0, 4, VM_BACKING_ANON);
    map(&w, 9, 6, VM_BACKING_ANON); /* no region wholly in it */
    touch_pages(&w, 0, 2, VM_WRITE);
    touch_pages(&w, 9, 3, VM_READ);
    touch_pages(&w, 12, 3, VM_READ); /* the fifth and sixth base page of eight frames */
    assert_int_equal(w.counts.demotions, 1);
    assert_int_equal(w.counts.huge_freed, 2);
    assert_int_equal(w.counts.evictions, 0);
    assert_int_equal(vm_memory_resident(w.memory), 8);
    end(&w);
}

static void base_pages_of_a_victim_leave_one_by_one_oldest_first(void **unused)
{
    (void)unused;
    struct space_world w;
    open_apart(&w, VM_HUGE_FAULT, 4);
    map(&w, 0, 4, VM_BACKING_ANON);
    map(&w, 9, 2, VM_BACKING_ANON);
    touch_pages(&w, 0, 4, VM_WRITE);
    touch(&w, 0, 9, VM_READ);
    assert_int_equal(w.counts.evictions, 1);
    assert_int_equal(w.counts.writebacks, 1);
    assert_false(is_present(&w, 0, 0));
    assert_true(is_present(&w, 0, 1) && order_of(&w, 0, 1) == 0);
    touch(&w, 0, 10, VM_READ);
    assert_false(is_present(&w, 0, 1));
    assert_int_equal(touch(&w, 0, 0, VM_READ).kind, VM_FAULT_SWAP_IN);
    end(&w);
}

static void base_pages_of_a_clean_victim_leave_without_a_transfer(void **unused)
{
    (void)unused;
    struct space_world w;
    open_apart(&w, VM_HUGE_FAULT, 4);
    map(&w, 0, 4, VM_BACKING_ANON);
    map(&w, 9, 1, VM_BACKING_ANON);
    touch_pages(&w, 0, 4, VM_READ);
    touch(&w, 0, 9, VM_READ);
    assert_int_equal(w.counts.clean_drops, 1);
    assert_int_equal(w.counts.writebacks, 0);
    end(&w);
}

/* A split needs a table when no frame is free: it was promised when the huge page was made. Of
 * twelve frames the root has one, the tables of pages 8 to 11 and 4 to 7 have two. */
static void a_split_in_a_full_memory_has_its_table_promised(void **unused)
{
    (void)unused;
    struct space_world w;
    open_plan(&w, VM_HUGE_FAULT, 12, VM_TABLES_INSIDE);
    map(&w, 0, 8, VM_BACKING_ANON);
    map(&w, 9, 2, VM_BACKING_ANON);
    touch(&w, 0, 9, VM_WRITE);
    assert_int_equal(w.memory->ntables, 2);
    touch_pages(&w, 0, 4, VM_WRITE);
    assert_int_equal(order_of(&w, 0, 0), 2);
    assert_int_equal(w.memory->ntables, 3);
    touch_pages(&w, 4, 3, VM_WRITE); /* a run and a promise more are not free */
    assert_int_equal(w.memory->nused, 12);
    touch(&w, 0, 10, VM_WRITE); /* page 9 leaves: fifo */
    touch(&w, 0, 7, VM_WRITE);  /* the huge page is split, its first page leaves */
    assert_int_equal(w.counts.demotions, 1);
    assert_int_equal(w.counts.evictions, 2);
    assert_int_equal(w.memory->ntables, 4); /* the promise is the table now */
    for (unsigned page = 0; page < 8; page++)
        touch(&w, 0, page, VM_READ);
    end(&w);
}

/* A run of four, root and table, and two frames for a page elsewhere: memory is full when the last
 * page of the region comes. Its table is free then, and promised. */
static void a_promotion_in_a_full_memory_promises_the_table_it_frees(void **unused)
{
    (void)unused;
    struct space_world w;
    open_plan(&w, VM_HUGE_RESERVE, 8, VM_TABLES_INSIDE);
    map(&w, 0, 4, VM_BACKING_ANON);
    map(&w, 9, 2, VM_BACKING_ANON);
    touch_pages(&w, 0, 3, VM_WRITE);
    touch(&w, 0, 9, VM_WRITE);
    touch(&w, 0, 3, VM_WRITE);
    vm_pfn head = space_world_pte(&w, 0, 0).pfn;
    assert_int_equal(order_of(&w, 0, 0), 2);
    assert_int_equal(w.memory->nused, 8);
    assert_true(w.memory->huge.run[head / PARTS].promised);
    touch(&w, 0, 10, VM_WRITE); /* page 9 leaves, then a base page of the huge one */
    touch(&w, 0, 9, VM_WRITE);
    assert_int_equal(w.counts.demotions, 1);
    end(&w);
}

/* ---- tables of several levels ---- */

enum { LARGE = 512 };

/* Frames 512 to 1023 for a huge page, and `nfree` more beside those of `pages`, which are touched:
 * in a VMA of their own, no region of which may be huge, from address 1 GiB on. */
static void open_large(struct space_world *w, unsigned npages)
{
    struct space_plan plan = {.scheme = "sv39",
                              .policy = "fifo",
                              .nframes = 2 * LARGE,
                              .tables = VM_TABLES_INSIDE,
                              .stray = VM_STRAY_FAULTS,
                              .huge = {VM_HUGE_FAULT, 9, 1, 1}};
    assert_true(space_world_open(w, &plan));
    map(w, LARGE * LARGE + 1, LARGE - 2, VM_BACKING_ANON);
    map(w, 0, LARGE, VM_BACKING_ANON);
    for (unsigned i = 0; i < npages; i++)
        assert_int_equal(space_world_touch(w, 0, (LARGE * LARGE + 1 + i) * PAGE, VM_WRITE).outcome,
                         TOUCH_DONE);
    space_world_check(w);
}

/* Root, two tables and 508 pages leave a run and one frame: it is promised, and the table above the
 * huge page takes that of a page. */
static void a_promise_comes_before_the_upper_tables(void **unused)
{
    (void)unused;
    struct space_world w;
    open_large(&w, LARGE - 4);
    assert_int_equal(touch(&w, 0, 0, VM_WRITE).order, 9);
    assert_true(w.memory->huge.run[1].promised);
    assert_int_equal(w.counts.evictions, 1);
    end(&w);
}

/* The child's root costs the oldest page its frame, and the table above the huge page costs that
 * page its wholeness: it is the next victim. */
static void a_huge_page_that_the_childs_table_splits_is_forked_in_parts(void **unused)
{
    (void)unused;
    struct space_world w;
    open_large(&w, 1);
    for (unsigned page = 0; page < LARGE; page++)
        assert_int_equal(space_world_touch(&w, 0, page * PAGE, VM_WRITE).outcome, TOUCH_DONE);
    for (unsigned i = 1; w.memory->nused < 2 * LARGE; i++)
        space_world_touch(&w, 0, (LARGE * LARGE + 1 + i) * PAGE, VM_WRITE);
    assert_int_equal(order_of(&w, 0, 0), 9);
    assert_int_equal(w.counts.evictions, 0);
    fork_space(&w);
    assert_int_equal(w.counts.demotions, 1);
    assert_int_equal(order_of(&w, 1, LARGE - 1), 0);
    assert_int_not_equal(space_world_pte(&w, 1, (LARGE - 1) * PAGE).state, VM_PTE_EMPTY);
    end(&w);
}

/* Where a table takes two frames in a row, the one that is promised is not enough. The huge page
 * that is split at that moment has the highest frames, and is not what makes room. */
static void a_split_claims_frames_for_its_table_from_others(void **unused)
{
    (void)unused;
    enum { PAGES = 1024 };
    struct space_world w;
    struct space_plan plan = {.scheme = "two-level:dir=8,table=10,entry=8",
                              .policy = "fifo",
                              .nframes = 2 * PAGES,
                              .tables = VM_TABLES_INSIDE,
                              .stray = VM_STRAY_FAULTS,
                              .nslots = 64,
                              .huge = {VM_HUGE_FAULT, 10, 1, 1}};
    assert_true(space_world_open(&w, &plan));
    map(&w, 0, PAGES, VM_BACKING_ANON);
    map(&w, PAGES + 1, PAGES - 2, VM_BACKING_ANON);
    for (unsigned page = 0; page < PAGES; page++)
        space_world_touch(&w, 0, page * PAGE, VM_READ);
    for (unsigned page = PAGES + 1; w.counts.evictions == 0; page++)
        assert_int_equal(space_world_touch(&w, 0, page * PAGE, VM_READ).outcome, TOUCH_DONE);
    space_world_check(&w);
    assert_int_equal(w.counts.demotions, 1);
    assert_int_equal(w.memory->ntables, 1 + 2 + 2);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_touch_brings_the_whole_region),
        cmocka_unit_test(files_and_regions_that_are_not_all_mapped_stay_small),
        cmocka_unit_test(without_a_free_run_a_base_page_comes),
        cmocka_unit_test(a_full_reservation_is_one_page_without_a_copy),
        cmocka_unit_test(what_is_set_aside_is_not_in_use),
        cmocka_unit_test(when_memory_is_short_the_least_lately_populated_goes),
        cmocka_unit_test(a_change_of_a_part_gives_the_reservation_up),
        cmocka_unit_test(a_scan_copies_base_pages_into_a_run),
        cmocka_unit_test(shared_and_swapped_pages_are_not_collapsed),
        cmocka_unit_test(a_scan_goes_on_where_the_last_one_ended),
        cmocka_unit_test(what_only_swap_had_is_dirty_in_the_huge_page),
        cmocka_unit_test(without_the_daemon_a_scan_is_nothing),
        cmocka_unit_test(a_part_that_is_unmapped_splits_and_frees_what_was_never_touched),
        cmocka_unit_test(a_whole_huge_page_changes_its_rights_and_goes_as_one),
        cmocka_unit_test(advice_that_does_nothing_splits_nothing),
        cmocka_unit_test(sharers_keep_a_huge_page_until_one_writes),
        cmocka_unit_test(the_last_sharer_takes_a_huge_page_over_whole),
        cmocka_unit_test(a_victim_is_split_and_what_was_never_touched_is_enough),
        cmocka_unit_test(base_pages_of_a_victim_leave_one_by_one_oldest_first),
        cmocka_unit_test(base_pages_of_a_clean_victim_leave_without_a_transfer),
        cmocka_unit_test(a_split_in_a_full_memory_has_its_table_promised),
        cmocka_unit_test(a_promotion_in_a_full_memory_promises_the_table_it_frees),
        cmocka_unit_test(a_promise_comes_before_the_upper_tables),
        cmocka_unit_test(a_split_claims_frames_for_its_table_from_others),
        cmocka_unit_test(a_huge_page_that_the_childs_table_splits_is_forked_in_parts),
    };
    return cmocka_run_group_tests_name("unit_space_huge", tests, NULL, NULL);
}
