/* table_page.c - pages of tables that leave memory and come back, one at a time, by hand.
 *
 * paged-linear with 24 bits: a table of eight pages, each for 512 pages; the kernel's table takes a
 * frame. So of five frames some are the kernel's, one or two of the table, and the rest of pages.
 */
#include "oracle/space_world.h"
#include "space/memory.h"
#include "test.h"

#define PAGE UINT64_C(4096)
#define FAR  (512 * PAGE) /* its entry is in the next page of the table */

static void opened(struct space_world *w, const char *scheme, uint32_t nframes, unsigned shift)
{
    struct space_plan plan = {.scheme = scheme,
                              .policy = "fifo",
                              .nframes = nframes,
                              .stray = VM_STRAY_MAPS,
                              .page_shift = shift};
    assert_true(space_world_open(w, &plan));
}

static struct touch touch(struct space_world *w, vm_va va, enum vm_access access)
{
    struct touch t = space_world_touch(w, 0, va, access);
    space_world_check(w);
    return t;
}

/* Page 0 is written and pushed out by four far pages, and so is its page of the table. */
static void push_out(struct space_world *w)
{
    opened(w, "paged-linear:bits=24,processes=2", 5, 12);
    assert_int_equal(touch(w, 0, VM_WRITE).nfaults, 1);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(touch(w, FAR + i * PAGE, VM_WRITE).nfaults, 1);
    assert_int_equal(w->memory->ntables_out, 1);
}

static void a_table_page_leaves_when_its_last_present_page_has_left(void **unused)
{
    (void)unused;
    struct space_world w;
    opened(&w, "paged-linear:bits=24,processes=2", 5, 12);
    touch(&w, 0, VM_WRITE);
    touch(&w, FAR, VM_WRITE); /* all five: the kernel's, two of the table, two pages */
    assert_int_equal(w.memory->ntables, 3);
    touch(&w, FAR + PAGE, VM_WRITE);
    assert_int_equal(w.counts.evictions, 1); /* page 0, the oldest: its table page is loose now */
    assert_int_equal(w.memory->ntables_loose, 1);
    assert_int_equal(w.counts.table_evictions, 0);
    touch(&w, FAR + 2 * PAGE, VM_WRITE);
    touch(&w, FAR + 3 * PAGE, VM_WRITE);
    assert_int_equal(w.counts.table_evictions, 1);
    assert_int_equal(w.memory->ntables, 2);
    assert_int_equal(w.memory->ntables_out, 1);
    space_world_close(&w);
}

static void its_fault_comes_before_the_page_s_own(void **unused)
{
    (void)unused;
    struct space_world w;
    push_out(&w);
    struct touch t = touch(&w, 0, VM_READ);
    assert_int_equal(t.ntables, 1);
    assert_int_equal(t.nfaults, 1);
    assert_int_equal(t.kind, VM_FAULT_SWAP_IN);
    assert_int_equal(w.counts.table_faults, 1);
    assert_int_equal(w.memory->ntables_loose, 0);
    assert_int_equal(touch(&w, 0, VM_READ).ntables, 0);
    space_world_close(&w);
}

/* Into a buffer of the kernel, without a frame. */
static void an_event_reads_and_writes_a_table_page_where_it_lies(void **unused)
{
    (void)unused;
    struct space_world w;
    push_out(&w);
    uint64_t reads = w.reads, writes = w.writes;
    struct vm_event unmap = {.kind = VM_EVENT_UNMAP, .va = 0, .bytes = PAGE};
    assert_true(space_world_event(&w, unmap));
    space_world_check(&w);
    assert_int_equal(w.counts.table_reads, 1);
    assert_int_equal(w.counts.table_writes, 1);
    assert_int_equal(w.reads - reads, 1);
    assert_int_equal(w.writes - writes, 1);
    assert_int_equal(w.memory->ntables_out, 0); /* trimmed: it was empty then */
    space_world_close(&w);
}

static void an_event_reads_a_table_page_once_for_all_its_entries(void **unused)
{
    (void)unused;
    struct space_world w;
    opened(&w, "paged-linear:bits=24,processes=2", 6, 12);
    for (unsigned i = 0; i < 9; i++)
        touch(&w, i < 3 ? i * PAGE : FAR + i * PAGE, VM_WRITE);
    assert_int_equal(w.memory->ntables_out, 1);
    struct vm_event unmap = {.kind = VM_EVENT_UNMAP, .va = 0, .bytes = 3 * PAGE};
    assert_true(space_world_event(&w, unmap));
    assert_int_equal(w.counts.table_reads, 1);
    assert_int_equal(w.counts.table_writes, 1);
    space_world_close(&w);
}

static void a_fork_reads_the_parent_s_table_page_once(void **unused)
{
    (void)unused;
    struct space_world w;
    push_out(&w);
    assert_true(space_world_event(&w, (struct vm_event){.kind = VM_EVENT_FORK, .child = 1}));
    space_world_check(&w);
    assert_in_range(w.counts.table_reads, 1, 2);
    assert_int_equal(w.counts.table_writes, 0);
    assert_int_equal(space_world_pte(&w, 1, 0).slot, space_world_pte(&w, 0, 0).slot);
    space_world_close(&w);
}

static void tables_apart_never_leave(void **unused)
{
    (void)unused;
    struct space_world w;
    struct space_plan plan = {.scheme = "paged-linear:bits=24,processes=2",
                              .policy = "fifo",
                              .nframes = 2,
                              .tables = VM_TABLES_APART};
    assert_true(space_world_open(&w, &plan));
    for (unsigned i = 0; i < 6; i++)
        touch(&w, i * FAR, VM_WRITE);
    assert_int_equal(w.counts.table_evictions, 0);
    assert_int_equal(w.memory->ntables, 7);
    space_world_close(&w);
}

static void page_0_of_the_vax_is_never_mapped(void **unused)
{
    (void)unused;
    struct space_world w;
    opened(&w, "vax:virtualpagecnt=4096,processes=2", 16, 9);
    assert_int_equal(touch(&w, 0x1ff, VM_READ).outcome, TOUCH_VIOLATION);
    assert_int_equal(touch(&w, 0x200, VM_READ).outcome, TOUCH_DONE);
    struct vm_event map = {.kind = VM_EVENT_MAP, .bytes = 1024, .prot = VM_PROT_READ};
    assert_true(space_world_event(&w, map));
    assert_int_equal(vm_memory_space(w.memory, 0)->vma[0].start, 0x200);
    assert_int_equal(touch(&w, 0, VM_READ).outcome, TOUCH_VIOLATION);
    assert_int_equal(touch(&w, 0x200, VM_FETCH).outcome, TOUCH_DONE); /* fetches are reads */
    map.bytes = 512;
    assert_false(space_world_event(&w, map));
    assert_int_equal(w.error.code, VM_EINPUT);
    space_world_close(&w);
}

static void a_table_grows_where_it_is_if_the_next_frames_are_free(void **unused)
{
    (void)unused;
    for (enum vm_tables tables = VM_TABLES_INSIDE; tables <= VM_TABLES_APART; tables++) {
        struct space_world w;
        struct space_plan plan = {
            .scheme = "bounded:bits=24", .policy = "fifo", .nframes = 64, .tables = tables};
        assert_true(space_world_open(&w, &plan));
        if (tables == VM_TABLES_APART) { /* nothing is behind the table */
            touch(&w, 0, VM_READ);
            touch(&w, FAR, VM_READ);
            assert_int_equal(w.counts.table_moved_bytes, 0);
        }
        assert_true(vm_memory_use_space(w.memory, 1, &w.error));
        space_world_touch(&w, 1, 0, VM_READ); /* now another table is, or a page */
        touch(&w, 0, VM_READ);
        touch(&w, 6 * FAR, VM_READ);
        assert_true(w.counts.table_moved_bytes > 0);
        space_world_check(&w);
        space_world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_page_leaves_when_its_last_present_page_has_left),
        cmocka_unit_test(its_fault_comes_before_the_page_s_own),
        cmocka_unit_test(an_event_reads_and_writes_a_table_page_where_it_lies),
        cmocka_unit_test(an_event_reads_a_table_page_once_for_all_its_entries),
        cmocka_unit_test(a_fork_reads_the_parent_s_table_page_once),
        cmocka_unit_test(tables_apart_never_leave),
        cmocka_unit_test(page_0_of_the_vax_is_never_mapped),
        cmocka_unit_test(a_table_grows_where_it_is_if_the_next_frames_are_free),
    };
    return cmocka_run_group_tests_name("table_page", tests, NULL, NULL);
}
