/* The flusher's law: what two wakes an age apart found dirty is written, and stays. */
#include "oracle/space_world.h"
#include "space/memory.h"
#include "unit/test.h"

#define PAGE UINT64_C(4096)

/* Pages 1 to 8, of eight frames. */
static void open_pages(struct space_world *w, enum vm_backing backing, struct space_plan plan)
{
    plan.scheme = "sv39";
    plan.policy = "fifo";
    plan.nframes = 8;
    plan.tables = VM_TABLES_APART;
    plan.stray = VM_STRAY_FAULTS;
    assert_true(space_world_open(w, &plan));
    assert_true(space_world_event(w, (struct vm_event){.kind = VM_EVENT_MAP,
                                                       .va = PAGE,
                                                       .bytes = 8 * PAGE,
                                                       .prot = VM_PROT_READ | VM_PROT_WRITE,
                                                       .detail = (uint8_t)backing}));
}

static struct touch touch(struct space_world *w, unsigned page, enum vm_access access)
{
    struct touch t = space_world_touch(w, 0, page * PAGE, access);
    assert_int_equal(t.outcome, TOUCH_DONE);
    space_world_check(w);
    return t;
}

/* It is `ns` later, and the host looks. */
static void pass(struct space_world *w, uint64_t ns)
{
    w->time_ns += ns;
    vm_memory_flush(w->memory);
    space_world_check(w);
}

/* The host of these tests looks every third step too: the periods are longer than any of them. */
static void open_flushed(struct space_world *w, enum vm_flush_pages flush, enum vm_backing backing)
{
    open_pages(w, backing,
               (struct space_plan){.flush_ns = 100, .flush_age_ns = 250, .flush = flush});
}

static void a_page_is_written_when_two_wakes_an_age_apart_found_it_dirty(void **unused)
{
    (void)unused;
    struct space_world w;
    open_flushed(&w, VM_FLUSH_SHARED, VM_BACKING_SHARED);
    vm_pfn pfn = touch(&w, 1, VM_WRITE).pfn;
    pass(&w, 99);
    assert_int_equal(w.counts.flush_wakes, 0);
    pass(&w, 1); /* found, at 100 */
    pass(&w, 100);
    touch(&w, 1, VM_WRITE); /* again; it is as old as before */
    touch(&w, 2, VM_WRITE);
    pass(&w, 100); /* 300: page 1 is 200 old, page 2 is found */
    assert_int_equal(w.counts.flush_wakes, 3);
    assert_int_equal(w.file_writes, 0);
    pass(&w, 100);
    assert_int_equal(w.file_writes, 1);
    assert_int_equal(w.counts.flushes, 1);
    assert_int_equal(w.waits_ns[VM_WAIT_WRITE], 0);
    assert_false(space_world_pte(&w, 0, PAGE).dirty);
    assert_int_equal(touch(&w, 1, VM_READ).pfn, pfn);
    assert_int_equal(w.counts.faults, 2);
    space_world_close(&w);
}

static void a_page_that_was_clean_in_between_is_young_again(void **unused)
{
    (void)unused;
    struct space_world w;
    open_flushed(&w, VM_FLUSH_SHARED, VM_BACKING_SHARED);
    vm_pfn pfn = touch(&w, 1, VM_WRITE).pfn;
    pass(&w, 100);
    assert_true(vm_policy_clean(w.memory, pfn));
    touch(&w, 1, VM_WRITE);
    pass(&w, 250); /* found, at 350 */
    assert_int_equal(w.counts.flushes, 0);
    pass(&w, 249);
    assert_int_equal(w.counts.flushes, 0);
    pass(&w, 100);
    assert_int_equal(w.counts.flushes, 1);
    space_world_close(&w);
}

static void a_fault_wakes_the_flusher_too(void **unused)
{
    (void)unused;
    struct space_world w;
    open_flushed(&w, VM_FLUSH_SHARED, VM_BACKING_SHARED);
    touch(&w, 1, VM_WRITE);
    pass(&w, 100);
    w.time_ns += 250;
    touch(&w, 2, VM_READ);
    assert_int_equal(w.counts.flushes, 1);
    space_world_close(&w);
}

static void own_pages_are_flushed_only_by_wish_and_side_by_side(void **unused)
{
    (void)unused;
    for (enum vm_flush_pages flush = VM_FLUSH_SHARED; flush <= VM_FLUSH_ALL; flush++) {
        struct space_world w;
        open_flushed(&w, flush, VM_BACKING_ANON);
        for (unsigned page = 1; page <= 4; page++)
            touch(&w, page, page == 3 ? VM_READ : VM_WRITE);
        pass(&w, 100);
        pass(&w, 250);
        assert_int_equal(w.counts.flush_wakes, 2);
        assert_int_equal(w.writes, flush == VM_FLUSH_ALL ? 3 : 0);
        assert_int_equal(w.requests, flush == VM_FLUSH_ALL);
        assert_int_equal(w.memory->slots_used, w.writes);
        space_world_close(&w);
    }
}

static void what_swap_has_no_slot_for_stays_dirty_and_nobody_dies_of_it(void **unused)
{
    (void)unused;
    struct space_world w;
    open_pages(&w, VM_BACKING_ANON,
               (struct space_plan){
                   .nslots = 2, .oom = VM_OOM_KILL, .flush_ns = 100, .flush = VM_FLUSH_ALL});
    for (unsigned page = 1; page <= 4; page++)
        touch(&w, page, VM_WRITE);
    pass(&w, 100);
    assert_int_equal(w.counts.flushes, 2);
    assert_false(w.memory->starved);
    struct vm_event gone = {.kind = VM_EVENT_UNMAP, .va = PAGE, .bytes = PAGE};
    assert_true(space_world_event(&w, gone));
    pass(&w, 100);
    assert_int_equal(w.counts.flushes, 3);
    space_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_written_when_two_wakes_an_age_apart_found_it_dirty),
        cmocka_unit_test(a_page_that_was_clean_in_between_is_young_again),
        cmocka_unit_test(a_fault_wakes_the_flusher_too),
        cmocka_unit_test(own_pages_are_flushed_only_by_wish_and_side_by_side),
        cmocka_unit_test(what_swap_has_no_slot_for_stays_dirty_and_nobody_dies_of_it),
    };
    return cmocka_run_group_tests_name("flusher", tests, NULL, NULL);
}
