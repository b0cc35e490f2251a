/* alloc_frames.c - the machine's frames. */
#include <pagoda/frames.h>

#include "base/arena.h"
#include "test.h"

#include <math.h>
#include <string.h>

struct opened {
    struct vm_arena arena;
    struct vm_frames *frames;
};

static struct opened frames_open(uint32_t nframes, uint32_t ncolours)
{
    struct opened o;
    struct vm_error e;
    struct vm_frames_config c = {.nframes = nframes, .ncolours = ncolours};
    assert_true(vm_arena_open(&o.arena, vm_frames_size(&c), &e));
    void *block = vm_arena_take(&o.arena, o.arena.bytes);
    o.frames = vm_frames_init(block, &c);
    assert_int_equal(vm_frames_free(o.frames), nframes);
    return o;
}

static void frames_close(struct opened *o)
{
    vm_frames_check(o->frames);
    vm_arena_close(&o->arena);
}

static struct vm_free_blocks free_blocks(const struct opened *o)
{
    struct vm_free_blocks b;
    vm_frames_blocks(o->frames, &b);
    return b;
}

static void a_fresh_memory_fills_from_frame_0_up(void **unused)
{
    (void)unused;
    static const uint32_t nframes[] = {1, 2, 12, 13, 64, 100, 16384};
    for (size_t i = 0; i < sizeof nframes / sizeof nframes[0]; i++) {
        struct opened o = frames_open(nframes[i], 1);
        for (vm_pfn f = 0; f < nframes[i]; f++)
            assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 0), f);
        assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 0), VM_NOFRAME);
        frames_close(&o);
    }
}

static void a_free_frame_beside_others_is_kept_for_long_runs(void **unused)
{
    (void)unused;
    struct opened o = frames_open(64, 1);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 6), 0);
    vm_frames_give(o.frames, 0, 8);
    vm_frames_give(o.frames, 33, 1);
    vm_frames_give(o.frames, 20, 2);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 0), 33);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 0), 20);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 0), 21);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 3), 0);
    frames_close(&o);
}

static void frames_of_a_run_may_be_given_back_one_by_one(void **unused)
{
    (void)unused;
    struct opened o = frames_open(1024, 1);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 9), 0);
    for (vm_pfn f = 0; f < 512; f++)
        vm_frames_give(o.frames, f * 37 % 512, 1);
    assert_int_equal(free_blocks(&o).n[10], 1);
    frames_close(&o);
}

static void a_run_takes_no_more_than_it_needs(void **unused)
{
    (void)unused;
    struct opened o = frames_open(64, 1);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 0), 0);
    assert_int_equal(vm_frames_take_run(o.frames, VM_FRAME_FOR_PAGE, 5), 8);
    assert_int_equal(vm_frames_free(o.frames), 58);
    assert_true(vm_frames_is_free(o.frames, 13) && !vm_frames_is_free(o.frames, 12));
    assert_int_equal(vm_frames_take_run(o.frames, VM_FRAME_FOR_PAGE, 32), 32);
    assert_int_equal(vm_frames_take_run(o.frames, VM_FRAME_FOR_PAGE, 17), VM_NOFRAME);
    assert_int_equal(vm_frames_take_run(o.frames, VM_FRAME_FOR_PAGE, 16), 16);
    frames_close(&o);
}

static void frames_can_be_claimed_by_number_if_all_are_free(void **unused)
{
    (void)unused;
    struct opened o = frames_open(100, 1);
    assert_true(vm_frames_take_at(o.frames, 7, 40));
    assert_false(vm_frames_take_at(o.frames, 46, 10));
    assert_false(vm_frames_take_at(o.frames, 0, 8));
    assert_int_equal(vm_frames_free(o.frames), 60);
    for (vm_pfn f = 0; f < 100; f++)
        assert_int_equal(vm_frames_is_free(o.frames, f), f < 7 || f >= 47);
    assert_true(vm_frames_take_at(o.frames, 47, 53));
    assert_true(vm_frames_take_at(o.frames, 0, 7));
    assert_int_equal(vm_frames_free(o.frames), 0);
    frames_close(&o);
}

static void a_frame_has_the_colour_asked_for_while_there_is_one(void **unused)
{
    (void)unused;
    struct opened o = frames_open(64, 16);
    assert_int_equal(vm_frames_take_colour(o.frames, VM_FRAME_FOR_PAGE, 5), 5);
    assert_int_equal(vm_frames_take_colour(o.frames, VM_FRAME_FOR_PAGE, 5), 21);
    assert_int_equal(vm_frames_take_colour(o.frames, VM_FRAME_FOR_PAGE, 4),
                     4); /* from what the first has broken */
    assert_int_equal(vm_frames_take_colour(o.frames, VM_FRAME_FOR_PAGE, 5), 37);
    assert_int_equal(vm_frames_take_colour(o.frames, VM_FRAME_FOR_PAGE, 5), 53);
    vm_pfn any = vm_frames_take_colour(o.frames, VM_FRAME_FOR_PAGE, 5);
    assert_true(any < 64 && any % 16 != 5);
    frames_close(&o);
}

static void colours_of_memory_that_has_not_all_of_them(void **unused)
{
    (void)unused;
    struct opened o = frames_open(3, 8);
    assert_int_equal(vm_frames_take_colour(o.frames, VM_FRAME_FOR_PAGE, 2), 2);
    assert_int_equal(vm_frames_take_colour(o.frames, VM_FRAME_FOR_PAGE, 7), 0);
    assert_int_equal(vm_frames_take_colour(o.frames, VM_FRAME_FOR_PAGE, 7), 1);
    assert_int_equal(vm_frames_take_colour(o.frames, VM_FRAME_FOR_PAGE, 7), VM_NOFRAME);
    frames_close(&o);
}

/* A machine's /proc/buddyinfo, zone DMA, and what its kernel said to it in extfrag/unusable_index
 * (mm/vmstat.c of Linux, which computes Gorman & Whitcroft's index to three places). */
static void the_unusable_index_is_linuxs(void **unused)
{
    (void)unused;
    static const uint32_t blocks[] = {1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 3};
    static const int thousandths[] = {0, 0, 0, 1, 3, 7, 15, 31, 31, 96, 225};
    struct opened o = frames_open(32768, 1);
    vm_pfn at = 0;
    assert_true(vm_frames_take_at(o.frames, 0, 32768));
    for (unsigned k = 0; k < 11; k++)
        for (uint32_t i = 0; i < blocks[k]; i++) {
            vm_frames_give(o.frames, at, UINT32_C(1) << k);
            at += UINT32_C(2) << 10; /* its buddy stays taken */
        }
    struct vm_free_blocks b = free_blocks(&o);
    for (unsigned k = 0; k < 11; k++) {
        assert_int_equal(b.n[k], blocks[k]);
        assert_int_equal((int)(vm_unusable_index(&b, k) * 1000), thousandths[k]);
    }
    frames_close(&o);
}

static void of_no_free_frames_none_is_unusable(void **unused)
{
    (void)unused;
    struct opened o = frames_open(8, 1);
    struct vm_free_blocks b = free_blocks(&o);
    assert_true(vm_unusable_index(&b, 3) == 0);
    assert_true(vm_unusable_index(&b, 4) == 1);
    assert_int_equal(vm_frames_take(o.frames, VM_FRAME_FOR_PAGE, 3), 0);
    b = free_blocks(&o);
    assert_true(vm_unusable_index(&b, 4) == 0);
    frames_close(&o);
}

/* /proc/buddyinfo and extfrag/extfrag_index of a zone that Robert M. Harris fragmented on purpose,
 * in "mm, compaction: correct the bounds of __fragmentation_index()" (linux-mm, February 2018).
 */
static void the_fragmentation_index_is_linuxs(void **unused)
{
    (void)unused;
    static const int pieces[] = {-1000, 500, 750, 875, 937, 969, 984, 992, 996, 998, 999};
    static const int lacking[] = {-1000, -500, -250, -125, -62, -31, -15, -7, -3, -1, 0};
    struct vm_free_blocks many = {.n = {1983}}, one = {.n = {1}}, none = {{0}};
    for (unsigned k = 0; k < 11; k++) {
        /* the kernel divides whole numbers twice: a thousandth may be between */
        assert_true(fabs(vm_fragmentation_index(&many, k) * 1000 - pieces[k]) <= 1);
        assert_int_equal((int)(vm_fragmentation_index(&one, k) * 1000), lacking[k]);
        assert_true(vm_fragmentation_index(&none, k) == 0);
    }
}

/* 64 blocks of 1 and 64 of 4 frames are 320: a run of 16 fails in 1 - (1 + 320 / 16) / 128. */
static void an_index_by_hand(void **unused)
{
    (void)unused;
    struct vm_free_blocks b = {.n = {64, 0, 64}};
    assert_true(vm_fragmentation_index(&b, 4) == 1 - 21.0 / 128);
    assert_true(vm_fragmentation_index(&b, 2) == -1);
    assert_true(vm_unusable_index(&b, 2) == 64.0 / 320);
    assert_int_equal(vm_blocks_of_order(&b, 1), 128);
    assert_int_equal(vm_blocks_of_order(&b, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_memory_fills_from_frame_0_up),
        cmocka_unit_test(a_free_frame_beside_others_is_kept_for_long_runs),
        cmocka_unit_test(frames_of_a_run_may_be_given_back_one_by_one),
        cmocka_unit_test(a_run_takes_no_more_than_it_needs),
        cmocka_unit_test(frames_can_be_claimed_by_number_if_all_are_free),
        cmocka_unit_test(a_frame_has_the_colour_asked_for_while_there_is_one),
        cmocka_unit_test(colours_of_memory_that_has_not_all_of_them),
        cmocka_unit_test(the_unusable_index_is_linuxs),
        cmocka_unit_test(the_fragmentation_index_is_linuxs),
        cmocka_unit_test(an_index_by_hand),
        cmocka_unit_test(of_no_free_frames_none_is_unusable),
    };
    return cmocka_run_group_tests_name("alloc_frames", tests, NULL, NULL);
}
