/* scheme_flat.c - flat tables with length registers: when they grow, where to, and what moves.
 *
 * A table page of 4 KiB has 512 words of 8 bytes. Tables take frames 0x100, 0x101, ... in turn.
 */
#include "oracle/scheme_world.h"

#include "test.h"

#include <string.h>

#define TABLES 0x100
#define PAGE   UINT64_C(4096)
#define TOP    UINT64_C(0xfffff000) /* the last page of 32 bits */

static struct scheme_world *opened(const char *spec, bool extends)
{
    struct scheme_world *w = world_open(spec, TABLES, 2);
    w->extends = extends;
    assert_true(w->ops->open(w->state, 0));
    return w;
}

static void world_end(struct scheme_world *w)
{
    w->ops->check(w->state);
    w->ops->close(w->state, 0);
    world_close(w);
}

static void map(struct scheme_world *w, vm_va va, vm_pfn pfn)
{
    assert_true(w->ops->ensure(w->state, 0, va, 0));
    w->ops->set(w->state, 0, va, pte_present(pfn, VM_PROT_READ));
}

static void assert_walk(struct scheme_world *w, vm_va va, enum vm_walk_fault fault, vm_pa at)
{
    struct vm_walk walk;
    w->ops->walk(w->state, 0, va, VM_READ, VM_MODE_USER, &walk);
    assert_int_equal(walk.fault, fault);
    assert_int_equal(walk.nloads, at != 0);
    if (at)
        assert_int_equal(walk.load[0].at, at);
}

static void a_page_beyond_the_length_is_absent_without_a_load(void **unused)
{
    (void)unused;
    struct scheme_world *w = opened("bounded", true);
    assert_walk(w, 0, VM_WALK_ABSENT, 0); /* there is no table yet */
    assert_int_equal(w->ntaken, 0);
    map(w, 3 * PAGE, 7);
    assert_walk(w, 3 * PAGE, VM_WALK_OK, 0x100018);
    assert_walk(w, 2 * PAGE, VM_WALK_ABSENT, 0x100010);
    assert_walk(w, 4 * PAGE, VM_WALK_ABSENT, 0);
    assert_walk(w, TOP + PAGE, VM_WALK_BOUNDS, 0);
    world_end(w);
}

static void a_table_that_cannot_grow_in_place_moves_with_its_words(void **unused)
{
    (void)unused;
    struct scheme_world *w = opened("bounded", false);
    map(w, 3 * PAGE, 7);
    map(w, 511 * PAGE, 8);
    assert_int_equal(w->ntaken, 1);
    assert_int_equal(w->moved_bytes, 0);
    map(w, 512 * PAGE, 9); /* a second frame: from 0x100 to 0x101 */
    assert_int_equal(w->ntaken, 2);
    assert_int_equal(w->moved_bytes, 512 * 8);
    assert_walk(w, 3 * PAGE, VM_WALK_OK, 0x101018);
    assert_walk(w, 512 * PAGE, VM_WALK_OK, 0x102000);
    map(w, 1024 * PAGE, 10); /* three are needed: room for four, and the words of 513 pages move */
    assert_int_equal(w->ntaken, 4);
    assert_int_equal(w->moved_bytes, (512 + 513) * 8);
    assert_int_equal(w->ops->get(w->state, 0, 511 * PAGE).pfn, 8);
    world_end(w);
}

static void a_table_that_can_grow_in_place_stays(void **unused)
{
    (void)unused;
    struct scheme_world *w = opened("bounded", true);
    map(w, 3 * PAGE, 7);
    map(w, 512 * PAGE, 9);
    assert_int_equal(w->moved_bytes, 0);
    assert_walk(w, 3 * PAGE, VM_WALK_OK, 0x100018);
    assert_walk(w, 512 * PAGE, VM_WALK_OK, 0x101000);
    assert_true(w->ops->open(w->state, 1));
    assert_true(w->ops->ensure(w->state, 1, 0, 0)); /* frame 0x102: in the way of the next growth */
    map(w, 1024 * PAGE, 10);
    assert_int_equal(w->moved_bytes, 513 * 8);
    assert_walk(w, 3 * PAGE, VM_WALK_OK, 0x103018);
    w->ops->close(w->state, 1);
    world_end(w);
}

/* One page at the top makes a bounded table as long as a linear one; of two, each stays short. */
static void a_stack_at_the_top_is_dear_with_one_table_and_cheap_with_two(void **unused)
{
    (void)unused;
    struct scheme_world *one = opened("bounded", true), *two = opened("two-way", true);
    map(one, 0, 1);
    map(one, TOP, 2);
    assert_int_equal(world_footprint(one, 0), 2048);
    map(two, 0, 1);
    map(two, TOP, 2);
    map(two, TOP - 2 * PAGE, 3);
    assert_int_equal(world_footprint(two, 0), 2);
    assert_walk(two, 0, VM_WALK_OK, 0x100000);
    assert_walk(two, TOP, VM_WALK_OK, 0x101000);
    assert_walk(two, TOP - 2 * PAGE, VM_WALK_OK, 0x101010);
    assert_walk(two, TOP - PAGE, VM_WALK_ABSENT, 0x101008);
    assert_walk(two, TOP - 3 * PAGE, VM_WALK_ABSENT, 0);
    world_end(one);
    world_end(two);
}

static void trim_shortens_to_the_highest_entry(void **unused)
{
    (void)unused;
    struct scheme_world *w = opened("bounded", true);
    map(w, 10 * PAGE, 1);
    map(w, 5000 * PAGE, 2);
    assert_int_equal(w->ntaken, 16); /* ten frames of words */
    w->ops->set(w->state, 0, 5000 * PAGE, (struct vm_pte){.state = VM_PTE_EMPTY});
    assert_walk(w, 4999 * PAGE, VM_WALK_ABSENT, 0x100000 + 4999 * 8);
    w->ops->trim(w->state, 0, 5000 * PAGE, 5001 * PAGE);
    assert_int_equal(w->ntaken, 1);
    assert_walk(w, 4999 * PAGE, VM_WALK_ABSENT, 0);
    assert_walk(w, 11 * PAGE, VM_WALK_ABSENT, 0);
    assert_walk(w, 10 * PAGE, VM_WALK_OK, 0x100050);
    world_end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_beyond_the_length_is_absent_without_a_load),
        cmocka_unit_test(a_table_that_cannot_grow_in_place_moves_with_its_words),
        cmocka_unit_test(a_table_that_can_grow_in_place_stays),
        cmocka_unit_test(a_stack_at_the_top_is_dear_with_one_table_and_cheap_with_two),
        cmocka_unit_test(trim_shortens_to_the_highest_entry),
    };
    return cmocka_run_group_tests_name("scheme_flat", tests, NULL, NULL);
}
