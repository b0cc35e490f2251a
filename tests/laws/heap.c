/* heap.c - what each kind of heap promises beyond the contract of all (include/pagoda/heap.h). */
#include "heap/objects.h"
#include "oracle/heap_world.h"
#include "rounds.h"
#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

#define STEPS  400
#define PIECES 4000

/* Play in many worlds of a heap; `hold` is asked after each step. */
static void in_worlds(const char *name, const char *text, bool (*hold)(const struct heap_world *w))
{
    struct heap_world *w = malloc(sizeof *w);
    struct vm_error e;
    const struct vm_heap_ops *ops = vm_heap_find(name, &e);
    assert_non_null(ops);
    for (unsigned seed = 0; seed < test_rounds(12); seed++) {
        heap_world_open(w, ops, text, (size_t)1 << 19, seed);
        for (unsigned i = 0; i < STEPS; i++) {
            heap_world_step(w);
            assert_null(w->wrong);
            if (!hold(w))
                fail_msg("%s:%s, seed %u, step %u", name, text, seed, i);
        }
        heap_world_close(w);
    }
    free(w);
}

/* Free pieces beside each other. */
static size_t neighbours(const struct heap_world *w)
{
    static struct vm_heap_piece piece[PIECES];
    size_t n = heap_world_pieces(w, piece, PIECES), found = 0;
    assert_in_range(n, 0, PIECES);
    for (size_t i = 1; i < n; i++)
        found += piece[i].kind == VM_HEAP_FREE && piece[i - 1].kind == VM_HEAP_FREE;
    return found;
}

static bool has_no_neighbours(const struct heap_world *w)
{
    return neighbours(w) == 0;
}

static void immediate_coalescing_leaves_no_two_free_blocks_side_by_side(void **unused)
{
    (void)unused;
    in_worlds("first-fit", NULL, has_no_neighbours);
    in_worlds("next-fit", "notes=header", has_no_neighbours);
    in_worlds("best-fit", "order=lifo,notes=header", has_no_neighbours);
    in_worlds("worst-fit", "order=size", has_no_neighbours);
    in_worlds("tree-fit", NULL, has_no_neighbours);
    in_worlds("tlsf", NULL, has_no_neighbours);
}

static void without_coalescing_they_stay(void **unused)
{
    (void)unused;
    struct heap_world *w = malloc(sizeof *w);
    struct vm_error e;
    for (unsigned k = 0; k < 2; k++) {
        heap_world_open(w, vm_heap_find("first-fit", &e),
                        k ? "coalesce=deferred,every=1000" : "coalesce=never", 1 << 16, 0);
        for (unsigned i = 0; i < 10; i++)
            heap_world_take(w, 100, 16);
        heap_world_give_all(w);
        assert_int_equal(neighbours(w), 10);
        /* All that there is: only deferred merging can bring it together. */
        bool taken = heap_world_take(w, (1 << 16) - 32, 16);
        assert_int_equal(taken, k);
        assert_null(w->wrong);
        heap_world_close(w);
    }
    free(w);
}

/* A free block of a buddy system is aligned to its length, and its buddy is not free and whole. */
static bool is_of_buddies(const struct heap_world *w)
{
    static struct vm_heap_piece piece[PIECES];
    size_t n = heap_world_pieces(w, piece, PIECES);
    for (size_t i = 0; i < n; i++) {
        size_t bytes = piece[i].bytes, buddy = piece[i].start ^ bytes;
        if ((bytes & (bytes - 1)) || piece[i].start % bytes)
            return false;
        for (size_t k = 0; k < n && piece[i].kind == VM_HEAP_FREE; k++)
            if (piece[k].start == buddy && piece[k].bytes == bytes && piece[k].kind == VM_HEAP_FREE)
                return false;
    }
    return true;
}

static void a_buddy_merges_only_with_its_buddy_and_always(void **unused)
{
    (void)unused;
    in_worlds("buddy", NULL, is_of_buddies);
}

static void the_middle_halves_of_two_blocks_are_no_buddies(void **unused)
{
    (void)unused;
    struct heap_world *w = malloc(sizeof *w);
    struct vm_error e;
    heap_world_open(w, vm_heap_find("buddy", &e), "grow=4KiB,trim=0", 4096, 0);
    unsigned char *block[4];
    for (unsigned i = 0; i < 4; i++)
        block[i] = heap_world_take(w, 1024, 16);
    for (unsigned i = 0; i < 4; i++)
        assert_ptr_equal(block[i], w->env.base + i * 1024);
    assert_int_equal(w->ops->give(w->state, block[1], 0), VM_HEAP_FINE);
    assert_int_equal(w->ops->give(w->state, block[2], 0), VM_HEAP_FINE);
    assert_null(w->ops->take(w->state, 2048, 16, 0));
    assert_int_equal(w->ops->give(w->state, block[3], 0), VM_HEAP_FINE);
    assert_ptr_equal(w->ops->take(w->state, 2048, 16, 0), block[2]);
    heap_world_close(w);
    free(w);
}

static void classes_are_an_eighth_apart_at_most(void **unused)
{
    (void)unused;
    for (size_t bytes = 1; bytes <= OBJECT_BYTES_MAX; bytes++) {
        size_t holds = objects_bytes(objects_class(bytes));
        assert_in_range(holds, bytes, bytes <= 256 ? bytes + 15 : bytes + bytes / 8);
        assert_true(bytes == 1 || objects_class(bytes) >= objects_class(bytes - 1));
    }
    assert_int_equal(objects_class(OBJECT_BYTES_MAX), OBJECT_CLASSES - 1);
}

static void of_a_span_of_objects_an_eighth_is_left_over_at_most(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < OBJECT_CLASSES; i++) {
        struct object_class c;
        objects_init(&c, objects_bytes(i));
        size_t whole = (size_t)c.pages * VM_HEAP_GRAIN, used = (size_t)c.count * c.bytes;
        assert_in_range(used, whole - whole / 8, whole);
        assert_in_range(c.count, 1, SPAN_OBJECTS_MAX);
        for (uint64_t within = 0; within < whole; within++)
            assert_int_equal(within * c.inverse >> 40, within / c.bytes);
    }
}

/* TLSF's list holds a block at most a part longer than what was looked for, whoever is free. */
static void tlsf_looks_at_one_list_and_no_more(void **unused)
{
    (void)unused;
    struct heap_world *w = malloc(sizeof *w);
    struct vm_error e;
    struct vm_heap_usage before, after;
    heap_world_open(w, vm_heap_find("tlsf", &e), "trim=0", (size_t)1 << 20, 1);
    for (unsigned i = 0; i < 200; i++)
        heap_world_take(w, 1 + vm_random_below(&w->random, 2000), 16);
    for (unsigned i = 0; i < 100; i++)
        heap_world_give(w, vm_random_below(&w->random, w->nblocks));
    w->ops->usage(w->state, &before);
    for (unsigned i = 0; i < 50; i++)
        heap_world_take(w, 1 + vm_random_below(&w->random, 200), 16);
    w->ops->usage(w->state, &after);
    assert_int_equal(after.searched - before.searched, 50);
    assert_null(w->wrong);
    heap_world_close(w);
    free(w);
}

static void a_heap_that_is_all_given_back_gives_the_top_back(void **unused)
{
    (void)unused;
    static const char *const names[] = {"first-fit", "tree-fit", "tlsf", "buddy", "segregated"};
    struct heap_world *w = malloc(sizeof *w);
    struct vm_error e;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        heap_world_open(w, vm_heap_find(names[i], &e), "trim=64KiB", (size_t)1 << 22, 1);
        for (unsigned k = 0; k < 40; k++)
            assert_non_null(heap_world_take(w, 60000, 16));
        assert_true(w->end >= 40 * 60000);
        heap_world_give_all(w);
        assert_in_range(w->end, 0, 64 << 10);
        assert_true(w->shrinks > 0);
        assert_null(w->wrong);
        heap_world_close(w);
    }
    free(w);
}

static void a_block_that_was_swallowed_is_none(void **unused)
{
    (void)unused;
    static const char *const names[] = {"first-fit", "tree-fit", "tlsf"};
    struct heap_world *w = malloc(sizeof *w);
    struct vm_error e;
    for (size_t i = 0; i < 6; i++) {
        heap_world_open(w, vm_heap_find(names[i / 2], &e), "trim=0", 1 << 16, 1);
        unsigned char *low = heap_world_take(w, 100, 16), *high = heap_world_take(w, 100, 16);
        assert_non_null(heap_world_take(w, 100, 16));
        assert_int_equal(w->ops->give(w->state, i % 2 ? low : high, 0), VM_HEAP_FINE);
        assert_int_equal(w->ops->give(w->state, i % 2 ? high : low, 0), VM_HEAP_FINE);
        assert_int_equal(w->ops->give(w->state, high, 0), VM_HEAP_FREE_TWICE);
        while (w->ops->take(w->state, 200, 16, 0) != low)
            ;
        assert_int_equal(w->ops->give(w->state, high, 0), VM_HEAP_NOT_A_BLOCK);
        heap_world_close(w);
    }
    free(w);
}

/* Behind the end nothing can be read: a link to there, which a program wrote, is not followed. */
static void no_link_leads_to_the_end_of_the_region(void **unused)
{
    (void)unused;
    static const char *const names[] = {"first-fit", "tree-fit", "tlsf"};
    struct heap_world *w = malloc(sizeof *w);
    struct vm_error e;
    for (size_t i = 0; i < 3 * 2; i++) {
        heap_world_open(w, vm_heap_find(names[i / 2], &e), "trim=0", 1 << 16, 1);
        size_t *block[4];
        for (size_t k = 0; k < 4; k++)
            block[k] = heap_world_take(w, 100, 16);
        assert_int_equal(w->ops->give(w->state, block[0], 0), VM_HEAP_FINE);
        assert_int_equal(w->ops->give(w->state, block[2], 0), VM_HEAP_FINE);
        block[0][i % 2] = block[2][i % 2] = w->end;
        for (size_t k = 0; k < 3; k++)
            w->ops->take(w->state, 100, 16, 0);
        heap_world_close(w);
    }
    free(w);
}

/* What is left at the top is measured from where the smallest block would end. */
static void the_end_moves_down_when_just_as_much_is_free(void **unused)
{
    (void)unused;
    struct heap_world *w = malloc(sizeof *w);
    struct vm_error e;
    for (size_t more = 0; more <= 16; more += 16) {
        heap_world_open(w, vm_heap_find("first-fit", &e), "grow=64KiB,trim=64KiB", 1 << 20, 1);
        assert_non_null(heap_world_take(w, (64 << 10) - 56 + more, 16));
        assert_non_null(heap_world_take(w, (64 << 10) - 56, 16));
        assert_int_equal(w->end, 128 << 10);
        heap_world_give(w, 1);
        assert_int_equal(w->end, (more ? 128 : 96) << 10);
        heap_world_inspect(w);
        assert_null(w->wrong);
        heap_world_close(w);
    }
    free(w);
}

static void spans_that_are_kept_are_given_up_before_a_request_fails(void **unused)
{
    (void)unused;
    static const char *const names[] = {"segregated", "slab"};
    struct heap_world *w = malloc(sizeof *w);
    struct vm_error e;
    for (size_t i = 0; i < 2; i++) {
        heap_world_open(w, vm_heap_find(names[i], &e), NULL, 1 << 20, 1);
        for (size_t bytes = 16; bytes < 4000; bytes += bytes / 4) {
            assert_non_null(heap_world_take(w, bytes, 16));
            heap_world_give(w, 0);
        }
        assert_non_null(heap_world_take(w, 1 << 20, 16));
        assert_null(w->wrong);
        heap_world_close(w);
    }
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(immediate_coalescing_leaves_no_two_free_blocks_side_by_side),
        cmocka_unit_test(without_coalescing_they_stay),
        cmocka_unit_test(a_buddy_merges_only_with_its_buddy_and_always),
        cmocka_unit_test(the_middle_halves_of_two_blocks_are_no_buddies),
        cmocka_unit_test(classes_are_an_eighth_apart_at_most),
        cmocka_unit_test(of_a_span_of_objects_an_eighth_is_left_over_at_most),
        cmocka_unit_test(tlsf_looks_at_one_list_and_no_more),
        cmocka_unit_test(a_heap_that_is_all_given_back_gives_the_top_back),
        cmocka_unit_test(a_block_that_was_swallowed_is_none),
        cmocka_unit_test(no_link_leads_to_the_end_of_the_region),
        cmocka_unit_test(the_end_moves_down_when_just_as_much_is_free),
        cmocka_unit_test(spans_that_are_kept_are_given_up_before_a_request_fails),
    };
    return cmocka_run_group_tests_name("laws_heap", tests, NULL, NULL);
}
