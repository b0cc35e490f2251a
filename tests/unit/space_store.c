/* Pages in slots that take frames of the machine's own memory: a device that keeps them there. */
#include "oracle/space_world.h"
#include "space/memory.h"
#include "unit/test.h"

#include <string.h>

#define PAGE UINT64_C(4096)

/* fifo: who came first leaves. Tables apart: frames hold pages, or the store. 64 pages of spaces 0
 * and 1 are mapped. */
static void open_kept(struct space_world *w, uint64_t kept, struct space_plan plan)
{
    plan.scheme = "sv39";
    plan.policy = "fifo";
    plan.nframes = plan.nframes ? plan.nframes : 8;
    plan.tables = VM_TABLES_APART;
    plan.stray = VM_STRAY_FAULTS;
    plan.kept = kept;
    assert_true(space_world_open(w, &plan));
    for (vm_asid asid = 0; asid < 2; asid++)
        assert_true(space_world_event(w, (struct vm_event){.kind = VM_EVENT_MAP,
                                                           .asid = asid,
                                                           .va = PAGE,
                                                           .bytes = 64 * PAGE,
                                                           .prot = VM_PROT_READ | VM_PROT_WRITE,
                                                           .detail = VM_BACKING_ANON}));
}

static struct touch touch(struct space_world *w, vm_asid asid, unsigned page, enum vm_access access)
{
    struct touch t = space_world_touch(w, asid, page * PAGE, access);
    space_world_check(w);
    return t;
}

static void write_pages(struct space_world *w, unsigned first, unsigned end)
{
    for (unsigned page = first; page < end; page++)
        assert_int_equal(touch(w, 0, page, VM_WRITE).outcome, TOUCH_DONE);
}

/* Of the memory: the tables lie apart. */
static uint64_t used_frames(const struct space_world *w)
{
    return w->memory->nused - w->memory->ntables;
}

static uint64_t store_frames(const struct space_world *w)
{
    return w->memory->store.nframes;
}

/* With a ratio of 2, r resident pages and s in slots fill 8 frames where r + ceil(s / 2) = 8. */
static void eight_frames_hold_fifteen_pages_of_half_a_frame(void **unused)
{
    (void)unused;
    static const struct {
        unsigned pages;
        uint64_t resident, store;
    } row[] = {{8, 8, 0},  {9, 7, 1},  {10, 6, 2}, {11, 5, 3},
               {12, 4, 4}, {13, 3, 5}, {14, 2, 6}, {15, 1, 7}};
    struct space_world w;
    open_kept(&w, PAGE / 2, (struct space_plan){0});
    unsigned next = 1;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        write_pages(&w, next, row[i].pages + 1);
        next = row[i].pages + 1;
        assert_int_equal(vm_memory_resident(w.memory), row[i].resident);
        assert_int_equal(store_frames(&w), row[i].store);
    }
    assert_int_equal(w.counts.store_frames_peak, 7);
    assert_int_equal(touch(&w, 0, 16, VM_WRITE).outcome, TOUCH_FAILED);
    assert_non_null(strstr(w.error.text, "log keeps the pages that left in 8 of 8 frames"));
    assert_non_null(strstr(w.error.hint, "--swap"));
    space_world_close(&w);
}

/* 9 pages of 1000 bytes are 9000: three frames of 4096. */
static void bytes_are_rounded_to_frames_over_all_pages_not_each(void **unused)
{
    (void)unused;
    static const uint64_t frames[] = {0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
    struct space_world w;
    open_kept(&w, 1000, (struct space_plan){.nframes = 12});
    for (unsigned page = 1; page <= 21; page++) {
        write_pages(&w, page, page + 1);
        assert_int_equal(store_frames(&w), frames[w.memory->store.npages[VM_SWAP_FAST]]);
    }
    assert_int_equal(w.memory->store.npages[VM_SWAP_FAST], 12);
    space_world_close(&w);
}

static void a_page_that_takes_its_whole_size_makes_no_room(void **unused)
{
    (void)unused;
    struct space_world w;
    open_kept(&w, PAGE, (struct space_plan){0});
    write_pages(&w, 1, 9);
    assert_int_equal(touch(&w, 0, 9, VM_WRITE).outcome, TOUCH_FAILED);
    assert_int_equal(w.counts.evictions, 8);
    space_world_close(&w);
}

static void clean_pages_take_nothing(void **unused)
{
    (void)unused;
    struct space_world w;
    open_kept(&w, PAGE, (struct space_plan){0});
    for (unsigned page = 1; page < 40; page++)
        assert_int_equal(touch(&w, 0, page, VM_READ).outcome, TOUCH_DONE);
    assert_int_equal(w.counts.store_frames_peak, 0);
    assert_int_equal(vm_memory_resident(w.memory), 8);
    space_world_close(&w);
}

/* Pages 1 to 4 of ten are in slots of two frames. For 1 two pages leave, as the fifth takes a
 * third frame; then 2 to 6 are in slots. */
static void a_page_that_comes_back_leaves_the_store_and_is_dirty(void **unused)
{
    (void)unused;
    struct space_world w;
    open_kept(&w, PAGE / 2, (struct space_plan){0});
    write_pages(&w, 1, 11);
    assert_int_equal(w.memory->store.npages[VM_SWAP_FAST], 4);
    struct touch t = touch(&w, 0, 1, VM_READ);
    assert_int_equal(t.kind, VM_FAULT_SWAP_IN);
    assert_true(vm_memory_bits(w.memory)[t.pfn] & VM_FRAME_DIRTY);
    assert_int_equal(w.counts.evictions, 6);
    assert_int_equal(w.memory->store.npages[VM_SWAP_FAST], 5);
    assert_int_equal(store_frames(&w), 3);
    assert_true(space_world_event(
        &w, (struct vm_event){.kind = VM_EVENT_UNMAP, .va = PAGE, .bytes = 4 * PAGE}));
    space_world_check(&w);
    assert_int_equal(w.memory->store.npages[VM_SWAP_FAST], 2);
    assert_int_equal(store_frames(&w), 1);
    assert_int_equal(used_frames(&w), 5); /* 7 to 10, and a frame for 5 and 6 */
    assert_true(space_world_event(&w, (struct vm_event){.kind = VM_EVENT_EXIT}));
    space_world_check(&w);
    assert_int_equal(used_frames(&w), 0);
    space_world_close(&w);
}

static void a_page_that_others_need_in_its_slot_stays_in_the_store(void **unused)
{
    (void)unused;
    struct space_world w;
    open_kept(&w, PAGE / 2, (struct space_plan){.nframes = 6});
    write_pages(&w, 1, 2);
    assert_true(space_world_event(&w, (struct vm_event){.kind = VM_EVENT_FORK, .child = 1}));
    write_pages(&w, 2, 8); /* 1 and another one leave */
    assert_int_equal(w.memory->store.npages[VM_SWAP_FAST], 2);
    assert_int_equal(touch(&w, 1, 1, VM_READ).kind, VM_FAULT_SWAP_IN);
    assert_int_equal(w.memory->store.npages[VM_SWAP_FAST], 4);
    space_world_close(&w);
}

static void a_page_is_cleaned_where_a_frame_is_free_for_it(void **unused)
{
    (void)unused;
    struct space_world w;
    open_kept(&w, PAGE / 2, (struct space_plan){.nframes = 4});
    write_pages(&w, 1, 4);
    vm_pfn third = space_world_pte(&w, 0, 3 * PAGE).pfn;
    assert_true(vm_policy_clean(w.memory, space_world_pte(&w, 0, 1 * PAGE).pfn));
    space_world_check(&w);
    assert_int_equal(used_frames(&w), 4); /* the store has the last one */
    assert_true(vm_policy_clean(w.memory, space_world_pte(&w, 0, 2 * PAGE).pfn));
    assert_false(vm_policy_clean(w.memory, third)); /* that would be half a frame too much */
    space_world_check(&w);
    assert_int_equal(w.writes, 2);
    space_world_close(&w);
}

/* Watermarks of 1 and 2 in 4 frames: at the fifth page 1 and 2 are being written and the process
 * waits for 1, whose frame is the store's, and then 2, whose frame it gets. */
static void frames_that_were_written_pay_for_their_pages(void **unused)
{
    (void)unused;
    struct space_world w;
    open_kept(&w, PAGE / 2, (struct space_plan){.nframes = 4, .low = 1, .high = 2});
    write_pages(&w, 1, 6);
    assert_int_equal(store_frames(&w), 1);
    assert_int_equal(w.memory->store.npages[VM_SWAP_FAST], 2);
    assert_int_equal(vm_memory_resident(w.memory), 3);
    space_world_close(&w);
}

/* As above, but 1 is touched while it is being written and no frame is free: it is dirty again, and
 * the store has nothing of it. */
static void a_rescued_page_that_the_store_has_no_frame_for_is_dirty_again(void **unused)
{
    (void)unused;
    struct space_world w;
    open_kept(&w, PAGE / 2, (struct space_plan){.nframes = 4, .low = 1, .high = 2});
    write_pages(&w, 1, 5);
    vm_writeback_ahead(w.memory); /* none is free: 1 and 2 are being written */
    vm_pfn first = vm_slot_frame(w.memory, space_world_pte(&w, 0, PAGE).slot);
    assert_true(w.memory->frame[first].sharers & VM_UNMAPPED_WRITTEN);
    assert_false(vm_memory_bits(w.memory)[first] & VM_FRAME_DIRTY);
    assert_int_equal(touch(&w, 0, 1, VM_READ).kind, VM_FAULT_SOFT);
    assert_true(vm_memory_bits(w.memory)[first] & VM_FRAME_DIRTY);
    assert_int_equal(w.memory->store.npages[VM_SWAP_FAST], 0);
    space_world_close(&w);
}

/* Space 0 has nothing in frames, but the most that the store keeps. */
static void who_is_killed_is_whose_pages_take_the_most_memory(void **unused)
{
    (void)unused;
    struct space_world w;
    open_kept(&w, PAGE / 2, (struct space_plan){.oom = VM_OOM_KILL});
    write_pages(&w, 1, 13);
    for (unsigned page = 1; page < 4; page++)
        assert_int_equal(touch(&w, 1, page, VM_WRITE).outcome, TOUCH_DONE);
    assert_int_equal(w.counts.oom_kills, 0);
    assert_int_equal(touch(&w, 1, 4, VM_WRITE).outcome, TOUCH_DONE); /* the sixteenth page */
    assert_int_equal(w.counts.oom_kills, 1);
    assert_int_equal(touch(&w, 0, 1, VM_READ).outcome, TOUCH_KILLED);
    for (unsigned page = 1; page <= 4; page++)
        assert_int_equal(touch(&w, 1, page, VM_READ).outcome, TOUCH_DONE);
    space_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_frames_hold_fifteen_pages_of_half_a_frame),
        cmocka_unit_test(bytes_are_rounded_to_frames_over_all_pages_not_each),
        cmocka_unit_test(a_page_that_takes_its_whole_size_makes_no_room),
        cmocka_unit_test(clean_pages_take_nothing),
        cmocka_unit_test(a_page_that_comes_back_leaves_the_store_and_is_dirty),
        cmocka_unit_test(a_page_that_others_need_in_its_slot_stays_in_the_store),
        cmocka_unit_test(a_page_is_cleaned_where_a_frame_is_free_for_it),
        cmocka_unit_test(frames_that_were_written_pay_for_their_pages),
        cmocka_unit_test(a_rescued_page_that_the_store_has_no_frame_for_is_dirty_again),
        cmocka_unit_test(who_is_killed_is_whose_pages_take_the_most_memory),
    };
    return cmocka_run_group_tests_name("unit_space_store", tests, NULL, NULL);
}
