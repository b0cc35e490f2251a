/* alloc_buddy.c - the binary buddy system as a range allocator. */
#include "oracle/alloc_world.h"

#include "test.h"

static void buddy_open(struct alloc_world *w, uint64_t units)
{
    struct vm_error e;
    alloc_world_open(w, vm_alloc_find("buddy", &e), units, 0);
}

static void buddy_close(struct alloc_world *w)
{
    alloc_world_inspect(w);
    assert_null(w->wrong);
    alloc_world_close(w);
}

static void expect_free(const struct alloc_world *w, const uint64_t (*block)[2], size_t n)
{
    uint64_t units, at = 0;
    for (size_t i = 0; i < n; i++, at += units) {
        at = w->ops->next_free(w->state, at, &units);
        assert_int_equal(at, block[i][0]);
        assert_int_equal(units, block[i][1]);
    }
    assert_int_equal(w->ops->next_free(w->state, at, &units), VM_ALLOC_NONE);
}

/* Stallings, "Operating Systems: Internals and Design Principles", figure "Example of Buddy
 * System": 1 MB in units of 8 KB, requests of 100, 240, 64, 256 KB, then 75 KB. */
static void the_example_of_stallings(void **unused)
{
    (void)unused;
    enum { K = 8 };
    struct alloc_world w;
    buddy_open(&w, 1024 / K);
    assert_int_equal(w.ops->take(w.state, 13, 1), 0);       /* A: 100 KB in 128 */
    assert_int_equal(w.ops->take(w.state, 240 / K, 1), 32); /* B: in 256 */
    assert_int_equal(w.ops->take(w.state, 64 / K, 1), 16);  /* C */
    assert_int_equal(w.ops->take(w.state, 256 / K, 1), 64); /* D */
    expect_free(&w, (const uint64_t[][2]){{24, 8}, {96, 32}}, 2);
    w.ops->give(w.state, 32, 240 / K);
    w.ops->give(w.state, 0, 13);
    expect_free(&w, (const uint64_t[][2]){{0, 16}, {24, 8}, {32, 32}, {96, 32}}, 4);
    assert_int_equal(w.ops->take(w.state, 10, 1), 0); /* E: 75 KB in 128 */
    w.ops->give(w.state, 16, 64 / K);
    expect_free(&w, (const uint64_t[][2]){{16, 16}, {32, 32}, {96, 32}}, 3);
    w.ops->give(w.state, 0, 10);
    expect_free(&w, (const uint64_t[][2]){{0, 64}, {96, 32}}, 2);
    w.ops->give(w.state, 64, 256 / K);
    expect_free(&w, (const uint64_t[][2]){{0, 128}}, 1);
    alloc_world_close(&w);
}

static void buddy_merges_only_with_its_buddy(void **unused)
{
    (void)unused;
    struct alloc_world w;
    buddy_open(&w, 16);
    for (uint64_t at = 0; at < 16; at += 4)
        assert_int_equal(alloc_world_take(&w, 4, 1), at);
    alloc_world_give(&w, 1, 4, 4); /* beside 8, but not its buddy */
    alloc_world_give(&w, 2, 8, 4);
    expect_free(&w, (const uint64_t[][2]){{4, 4}, {8, 4}}, 2);
    assert_int_equal(w.ops->take(w.state, 8, 1), VM_ALLOC_NONE);
    alloc_world_close(&w);
}

static void what_a_block_holds_beyond_the_run_is_internal(void **unused)
{
    (void)unused;
    struct alloc_world w;
    struct vm_alloc_usage u;
    buddy_open(&w, 64);
    alloc_world_take(&w, 5, 1);
    alloc_world_take(&w, 3, 16);
    w.ops->usage(w.state, &u);
    assert_int_equal(u.internal_units, 3 + 13);
    assert_int_equal(u.free_units, 64 - 8 - 16);
    buddy_close(&w);
}

static void a_run_grows_in_its_block_and_into_free_buddies_above(void **unused)
{
    (void)unused;
    struct alloc_world w;
    buddy_open(&w, 32);
    assert_int_equal(alloc_world_take(&w, 3, 1), 0);
    assert_true(alloc_world_extend(&w, 0, 1)); /* to the end of its block of 4 */
    assert_true(alloc_world_extend(&w, 0, 5)); /* over 4 and 8 into a block of 16 */
    assert_int_equal(alloc_world_take(&w, 9, 1), 16);
    assert_false(alloc_world_extend(&w, 0, 8)); /* its buddy is taken */
    assert_true(alloc_world_extend(&w, 0, 7));
    assert_false(alloc_world_extend(&w, 1, 8)); /* it is the upper half */
    assert_true(alloc_world_extend(&w, 1, 7));
    buddy_close(&w);
}

/* 13 = 8 + 4 + 1: three roots, opened lowest first. */
static void a_range_that_is_no_power_of_two_is_taken_from_0_up(void **unused)
{
    (void)unused;
    struct alloc_world w;
    buddy_open(&w, 13);
    expect_free(&w, (const uint64_t[][2]){{0, 8}, {8, 4}, {12, 1}}, 3);
    for (uint64_t at = 0; at < 13; at++)
        assert_int_equal(alloc_world_take(&w, 1, 1), at);
    buddy_close(&w);
}

static void a_small_run_comes_from_the_smallest_block(void **unused)
{
    (void)unused;
    struct alloc_world w;
    buddy_open(&w, 32);
    alloc_world_take(&w, 8, 1);
    alloc_world_take(&w, 2, 1); /* leaves 10 of 2 and 12 of 4 */
    assert_int_equal(alloc_world_take(&w, 4, 1), 12);
    assert_int_equal(alloc_world_take(&w, 1, 1), 10);
    assert_int_equal(alloc_world_take(&w, 1, 1), 11);
    assert_int_equal(alloc_world_take(&w, 1, 1), 16);
    buddy_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_stallings),
        cmocka_unit_test(buddy_merges_only_with_its_buddy),
        cmocka_unit_test(what_a_block_holds_beyond_the_run_is_internal),
        cmocka_unit_test(a_run_grows_in_its_block_and_into_free_buddies_above),
        cmocka_unit_test(a_range_that_is_no_power_of_two_is_taken_from_0_up),
        cmocka_unit_test(a_small_run_comes_from_the_smallest_block),
    };
    return cmocka_run_group_tests_name("alloc_buddy", tests, NULL, NULL);
}
