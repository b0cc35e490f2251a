/* Pages that are read before they are asked for, in a small memory. */
#include "oracle/space_world.h"
#include "space/memory.h"
#include "unit/test.h"

#define PAGE  4096
#define BASE  UINT64_C(0x400000)
#define PAGES 32

static void open_world(struct space_world *w, const char *readahead)
{
    struct space_plan plan = {.scheme = "x86-64",
                              .policy = "lru",
                              .nframes = 16,
                              .tables = VM_TABLES_APART,
                              .readahead = readahead};
    assert_true(space_world_open(w, &plan));
}

static enum vm_fault_kind touch(struct space_world *w, unsigned page, enum vm_access access)
{
    struct touch t = space_world_touch(w, 1, BASE + (vm_va)page * PAGE, access);
    space_world_check(w);
    assert_int_equal(t.outcome, TOUCH_DONE);
    assert_int_equal(t.nfaults, 1);
    return t.kind;
}

/* Written in order, so that they lie in order in their slots; the last 16 stay. */
static void write_all(struct space_world *w)
{
    for (unsigned page = 0; page < PAGES; page++)
        touch(w, page, VM_WRITE);
    assert_int_equal(w->counts.writebacks, PAGES - 16);
}

static void without_readahead_each_page_is_read_by_its_fault(void **unused)
{
    (void)unused;
    struct space_world w;
    open_world(&w, NULL);
    write_all(&w);
    for (unsigned page = 0; page < 8; page++)
        assert_int_equal(touch(&w, page, VM_READ), VM_FAULT_SWAP_IN);
    assert_int_equal(w.counts.readaheads, 0);
    space_world_close(&w);
}

/* A quarter of the sixteen resident pages at once: the fault's window of 8 is cut to 4 others. */
static void what_was_read_ahead_is_a_soft_fault_and_no_transfer(void **unused)
{
    (void)unused;
    struct space_world w;
    open_world(&w, "vma");
    write_all(&w);
    assert_int_equal(touch(&w, 0, VM_READ), VM_FAULT_SWAP_IN);
    assert_int_equal(w.counts.readaheads, 4);
    uint64_t reads = w.reads;
    for (unsigned page = 1; page <= 4; page++)
        assert_int_equal(touch(&w, page, page % 2 ? VM_READ : VM_WRITE), VM_FAULT_SOFT);
    assert_int_equal(w.counts.readahead_hits, 4);
    assert_int_equal(w.reads, reads);
    assert_int_equal(touch(&w, 5, VM_READ), VM_FAULT_SWAP_IN);
    space_world_close(&w);
}

/* Four hits: the next window is of eight places, aligned, of which four at most are brought. */
static void places_on_the_device_are_pages_again(void **unused)
{
    (void)unused;
    struct space_world w;
    open_world(&w, "cluster");
    write_all(&w);
    touch(&w, 9, VM_READ);
    assert_int_equal(w.counts.readaheads, 4);
    unsigned soft = 0;
    for (unsigned page = 0; page < 16; page++)
        soft += page != 9 && touch(&w, page, VM_READ) == VM_FAULT_SOFT;
    assert_true(soft >= 4 && soft <= w.counts.readaheads);
    assert_int_equal(soft, w.counts.readahead_hits);
    space_world_close(&w);
}

static uint64_t read_requests(const struct space_world *w)
{
    return w->memory->queue.counts.requests[VM_TRANSFER_READ];
}

static void neighbours_on_the_device_are_one_request(void **unused)
{
    (void)unused;
    struct space_world w;
    open_world(&w, "vma");
    write_all(&w);
    uint64_t requests = read_requests(&w), reads = w.reads;
    touch(&w, 0, VM_READ);
    assert_int_equal(w.reads - reads, 5);
    assert_int_equal(read_requests(&w) - requests, 1);
    space_world_close(&w);
}

static void a_page_that_came_in_vain_leaves_without_a_transfer(void **unused)
{
    (void)unused;
    struct space_world w;
    open_world(&w, "vma");
    write_all(&w);
    touch(&w, 0, VM_READ);
    uint64_t drops = w.counts.clean_drops;
    for (unsigned page = 40; page < 56; page++)
        touch(&w, page, VM_READ);
    assert_int_equal(w.counts.clean_drops - drops, 5); /* page 0 too */
    assert_int_equal(w.counts.readahead_hits, 0);
    assert_int_equal(touch(&w, 1, VM_READ), VM_FAULT_SWAP_IN);
    space_world_close(&w);
}

/* Swap is full behind the first page that came: its fault's process is killed for it. */
static void what_came_before_memory_ran_out_was_read(void **unused)
{
    (void)unused;
    struct space_world w;
    struct space_plan plan = {.scheme = "x86-64",
                              .policy = "lru",
                              .nframes = 16,
                              .nslots = 5,
                              .oom = VM_OOM_KILL,
                              .tables = VM_TABLES_APART,
                              .readahead = "vma"};
    assert_true(space_world_open(&w, &plan));
    for (unsigned page = 0; page < 20; page++)
        touch(&w, page, VM_WRITE);
    assert_int_equal(space_world_touch(&w, 1, BASE, VM_READ).outcome, TOUCH_KILLED);
    assert_int_equal(w.counts.readaheads, 1);
    space_world_check(&w);
    assert_int_equal(w.reads, 1);
    space_world_close(&w);
}

/* vms sets it aside like any other page, and its first touch is that all the same. */
static void a_page_that_came_and_is_parked_is_still_untouched(void **unused)
{
    (void)unused;
    struct space_world w;
    struct space_plan plan = {.scheme = "x86-64",
                              .policy = "vms:limit=3",
                              .nframes = 16,
                              .tables = VM_TABLES_APART,
                              .readahead = "vma"};
    assert_true(space_world_open(&w, &plan));
    for (unsigned page = 0; page < PAGES; page++)
        touch(&w, page, VM_WRITE);
    touch(&w, 0, VM_READ);
    assert_int_equal(w.counts.readaheads, 4);
    for (unsigned page = 1; page <= 4; page++)
        touch(&w, page, VM_READ);
    assert_int_equal(w.counts.readahead_hits, 4);
    space_world_close(&w);
}

static void give_up(struct space_world *w, unsigned page, unsigned end)
{
    struct vm_event e = {.kind = VM_EVENT_ADVISE,
                         .detail = VM_ADVICE_DONTNEED,
                         .asid = 1,
                         .va = BASE + (vm_va)page * PAGE,
                         .bytes = (uint64_t)(end - page) * PAGE};
    assert_true(space_world_event(w, e));
}

static void write_pages(struct space_world *w, unsigned page, unsigned end)
{
    for (; page < end; page++)
        touch(w, page, VM_WRITE);
}

/* Pages 41 to 45 are given up and written anew, and get lower slots, which are free by then: beside
 * page 40 they are no more. */
static void a_place_is_of_the_page_that_is_there_now(void **unused)
{
    (void)unused;
    struct space_world w;
    open_world(&w, "cluster");
    write_pages(&w, 0, 64);
    vm_slot slot = space_world_pte(&w, 1, BASE + 40 * PAGE).slot;
    give_up(&w, 41, 46);
    give_up(&w, 1, 30);
    write_pages(&w, 41, 46);
    write_pages(&w, 70, 86);
    assert_true(space_world_pte(&w, 1, BASE + 41 * PAGE).slot < slot - 7);
    touch(&w, 40, VM_READ);
    assert_true(w.counts.readaheads > 0);
    for (vm_pfn f = 0; f < 16; f++)
        if (vm_is_ahead(w.memory, f))
            assert_in_range(w.memory->frame[f].home, slot & ~7u, slot | 7);
    space_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_readahead_each_page_is_read_by_its_fault),
        cmocka_unit_test(what_was_read_ahead_is_a_soft_fault_and_no_transfer),
        cmocka_unit_test(places_on_the_device_are_pages_again),
        cmocka_unit_test(neighbours_on_the_device_are_one_request),
        cmocka_unit_test(a_page_that_came_in_vain_leaves_without_a_transfer),
        cmocka_unit_test(what_came_before_memory_ran_out_was_read),
        cmocka_unit_test(a_page_that_came_and_is_parked_is_still_untouched),
        cmocka_unit_test(a_place_is_of_the_page_that_is_there_now),
    };
    return cmocka_run_group_tests_name("ahead", tests, NULL, NULL);
}
