/* alloc_zones.c - zones, groups and lists of the machine's frames, by hand. */
#include <pagoda/frames.h>

#include "base/arena.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 4096

struct opened {
    struct vm_arena arena;
    struct vm_frames *frames;
};

static struct opened frames_open(struct vm_frames_config c)
{
    struct opened o;
    struct vm_error e;
    c.ncolours = 1;
    c.processors = c.processors ? c.processors : 1;
    assert_true(vm_arena_open(&o.arena, vm_frames_size(&c), &e));
    o.frames = vm_frames_init(vm_arena_take(&o.arena, o.arena.bytes), &c);
    return o;
}

static void frames_close(struct opened *o)
{
    vm_frames_check(o->frames);
    vm_arena_close(&o->arena);
}

static struct vm_frames_config zones(const char *text, uint32_t nframes)
{
    struct vm_error e;
    struct vm_frames_config c = {.nframes = nframes};
    assert_true(vm_zones_parse(text, PAGE, c.zone, &c.nzones, &e));
    return c;
}

static struct vm_zone_state zone(const struct opened *o, unsigned i)
{
    struct vm_zone_state z;
    assert_true(vm_frames_zone(o->frames, i, &z));
    return z;
}

/* ---- zones ---- */

/* Linux, Documentation/admin-guide/sysctl/vm.rst, lowmem_reserve_ratio: a zone DMA whose
 * protection is (0, 2004, 2004, 2004). With 1355 pages free it is not used for a page that may be
 * had from the normal zone, whose pages are 2004 times the ratio of 256. */
static void a_low_zone_keeps_what_the_manual_of_linux_says(void **unused)
{
    (void)unused;
    struct opened o = frames_open(zones("dma:16MiB/256,normal", 4096 + 2004 * 256));
    struct vm_zone_state dma = zone(&o, 0);
    assert_int_equal(dma.kept[VM_FRAME_FOR_PAGE], 2004);
    assert_int_equal(dma.kept[VM_FRAME_FOR_DEVICE], 0);
    assert_true(vm_frames_take_at(o.frames, 4096, 2004 * 256));
    assert_true(vm_frames_take_at(o.frames, 0, 4096 - 1355));
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 0), VM_NOFRAME);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_DEVICE, 0), 4096 - 1355);
    dma = zone(&o, 0);
    assert_int_equal(dma.refusals, 1);
    assert_int_equal(dma.fallbacks, 0);
    frames_close(&o);
}

static void who_may_have_less_is_asked_for_less(void **unused)
{
    (void)unused;
    struct opened o = frames_open(zones("dma:64KiB/0,normal:64KiB/0,highmem:64KiB,movable", 64));
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 0), 48);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_KERNEL, 0), 16);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_LOOSE_TABLE, 0), 17);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_DEVICE, 0), 0);
    assert_int_equal(vm_frames_end_for(o.frames, VM_FRAME_FOR_KERNEL), 32);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_KERNEL, 4), VM_NOFRAME);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 4), 32);
    frames_close(&o);
}

static void pages_leave_the_kernel_its_part_of_each_zone(void **unused)
{
    (void)unused;
    struct vm_frames_config c = zones("normal:128KiB/0,movable", 64);
    c.min = 16;
    struct opened o = frames_open(c);
    assert_int_equal(vm_frames_free_for(o.frames, VM_FRAME_FOR_PAGE), 48);
    assert_int_equal(vm_frames_free_for(o.frames, VM_FRAME_FOR_KERNEL), 32);
    while (vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 0) != VM_NOFRAME)
        ;
    assert_int_equal(zone(&o, 0).nfree, 8);
    assert_int_equal(zone(&o, 1).nfree, 8);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_KERNEL, 0), 24);
    frames_close(&o);
}

static void a_memory_may_end_in_any_zone(void **unused)
{
    (void)unused;
    struct vm_zone_state z;
    struct opened o = frames_open(zones("dma:16MiB,dma32:4GiB,normal", 5000));
    assert_int_equal(zone(&o, 0).nframes, 4096);
    assert_int_equal(zone(&o, 1).nframes, 904);
    assert_string_equal(zone(&o, 1).name, "dma32");
    assert_false(vm_frames_zone(o.frames, 2, &z));
    frames_close(&o);
}

static void a_block_ends_where_its_zone_does(void **unused)
{
    (void)unused;
    struct opened o = frames_open(zones("normal:20KiB,highmem", 8));
    struct vm_free_blocks b;
    vm_frames_blocks(o.frames, &b);
    assert_int_equal(b.n[0], 2); /* 4 and 5 */
    assert_int_equal(b.n[1], 1); /* 6 */
    assert_int_equal(b.n[2], 1); /* 0 */
    assert_int_equal(b.n[3], 0);
    frames_close(&o);
}

static void what_cannot_be_zones_is_told(void **unused)
{
    (void)unused;
    static const char *const wrong[][2] = {
        {"dam:1MiB,normal", "unknown zone \"dam\""},
        {"dma,normal", "has no size"},
        {"dma:1MiB,normal:2MiB", "has a size"},
        {"normal:1MiB,dma", "zone dma behind normal"},
        {"normal:1MiB,normal", "zone normal behind normal"},
        {"highmem", "page tables cannot lie in it"},
        {"dma:5KiB,normal", "whole pages of 4096 bytes"},
        {"dma:0,normal", "whole pages of 4096 bytes"},
        {"dma:1MiB/x,normal", "ratio"},
        {"", "unknown zone"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct vm_error e = {0};
        struct vm_zone_config zone[VM_ZONES_MAX];
        unsigned n;
        assert_false(vm_zones_parse(wrong[i][0], PAGE, zone, &n, &e));
        assert_int_equal(e.code, VM_EUSAGE);
        assert_non_null(strstr(e.text, wrong[i][1]));
    }
}

/* ---- groups ---- */

/* Fills a memory of 4096 frames, each 16th for the kernel, and gives all pages back: runs of 64
 * that are there then. */
static uint64_t runs_left(unsigned block_order)
{
    struct opened o =
        frames_open((struct vm_frames_config){.nframes = 4096, .block_order = block_order});
    bool page[4096] = {false};
    for (unsigned i = 0; i < 4096; i++) {
        enum vm_frame_use use = i % 16 ? VM_FRAME_FOR_PAGE : VM_FRAME_FOR_KERNEL;
        page[vm_frames_take(o.frames, use, 0)] = use == VM_FRAME_FOR_PAGE;
    }
    for (vm_pfn f = 0; f < 4096; f++)
        if (page[f])
            vm_frames_give(o.frames, f, 1);
    uint64_t runs = vm_frames_available(o.frames, 6);
    frames_close(&o);
    return runs;
}

/* 256 frames are four pageblocks of 64; all over the memory, they are in each. */
static void what_stays_lies_together(void **unused)
{
    (void)unused;
    assert_int_equal(runs_left(0), 0);
    assert_int_equal(runs_left(6), 60);
}

static void a_pageblock_that_came_free_is_anybodys(void **unused)
{
    (void)unused;
    struct opened o = frames_open((struct vm_frames_config){.nframes = 64, .block_order = 3});
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_KERNEL, 0), 0);
    assert_int_equal(zone(&o, 0).pageblocks[VM_GROUP_UNMOVABLE], 1);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 0), 8);
    vm_frames_give(o.frames, 0, 1);
    assert_int_equal(zone(&o, 0).pageblocks[VM_GROUP_MOVABLE], 8);
    assert_int_equal(zone(&o, 0).blocks.n[3], 1);
    frames_close(&o);
}

/* ---- lists ---- */

static void a_list_gets_and_gives_batches(void **unused)
{
    (void)unused;
    struct vm_list_counts c;
    struct opened o = frames_open(
        (struct vm_frames_config){.nframes = 64, .list_high = 4, .list_batch = 2, .processors = 2});
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 0), 0); /* refilled: 0 and 1 */
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 0), 1);
    vm_frames_processor(o.frames, 1);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 0), 2);
    vm_frames_processor(o.frames, 0);
    assert_true(vm_frames_take_at(o.frames, 8, 5));
    for (vm_pfn f = 8; f < 12; f++)
        vm_frames_give(o.frames, f, 1);
    assert_int_equal(zone(&o, 0).nlisted, 5); /* four, and the other's one */
    vm_frames_give(o.frames, 12, 1);          /* one too many: the first two go */
    assert_int_equal(zone(&o, 0).nlisted, 4);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 0), 12);
    assert_true(vm_frames_lists(o.frames, 0, &c));
    assert_int_equal(c.hits, 2);
    assert_int_equal(c.refills, 1);
    assert_int_equal(c.refilled, 2);
    assert_int_equal(c.drains, 1);
    assert_int_equal(c.drained, 2);
    assert_true(vm_frames_lists(o.frames, 1, &c));
    assert_int_equal(c.hits + c.drains, 0);
    assert_false(vm_frames_lists(o.frames, 2, &c));
    frames_close(&o);
}

static void no_frame_is_out_of_reach_in_anothers_list(void **unused)
{
    (void)unused;
    struct opened o = frames_open(
        (struct vm_frames_config){.nframes = 8, .list_high = 8, .list_batch = 8, .processors = 2});
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 0), 0);
    assert_int_equal(zone(&o, 0).nlisted, 7);
    vm_frames_processor(o.frames, 1);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 2), 4);
    assert_int_equal(zone(&o, 0).nlisted, 0);
    for (vm_pfn f = 1; f < 4; f++)
        assert_true(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 0) < 4);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 0), VM_NOFRAME);
    frames_close(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_low_zone_keeps_what_the_manual_of_linux_says),
        cmocka_unit_test(who_may_have_less_is_asked_for_less),
        cmocka_unit_test(pages_leave_the_kernel_its_part_of_each_zone),
        cmocka_unit_test(a_memory_may_end_in_any_zone),
        cmocka_unit_test(a_block_ends_where_its_zone_does),
        cmocka_unit_test(what_cannot_be_zones_is_told),
        cmocka_unit_test(what_stays_lies_together),
        cmocka_unit_test(a_pageblock_that_came_free_is_anybodys),
        cmocka_unit_test(a_list_gets_and_gives_batches),
        cmocka_unit_test(no_frame_is_out_of_reach_in_anothers_list),
    };
    return cmocka_run_group_tests_name("alloc_zones", tests, NULL, NULL);
}
