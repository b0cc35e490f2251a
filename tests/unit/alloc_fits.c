/* alloc_fits.c - the textbooks' examples of first, next, best and worst fit. */
#include "oracle/alloc_world.h"

#include "test.h"

/* A range whose free blocks have these lengths, in this order, with one taken unit in between; each
 * world is one unit for each unit of the example. */
struct holes {
    struct alloc_world w;
    uint64_t start[16];
};

static void holes_open(struct holes *h, const char *fit, const uint64_t *units, size_t n)
{
    struct vm_error e;
    alloc_world_open(&h->w, vm_alloc_find(fit, &e), NAIVE_UNITS, 0);
    uint64_t all = alloc_world_take(&h->w, NAIVE_UNITS, 1), at = all;
    assert_int_equal(all, 0);
    for (size_t i = 0; i < n; i++) {
        h->start[i] = at;
        h->w.ops->give(h->w.state, at, units[i]);
        at += units[i] + 1;
    }
    assert_true(at <= NAIVE_UNITS);
}

/* Take each of the lengths; from[i] is the hole that it must come from, or NONE. */
static void holes_serve(struct holes *h, const uint64_t *units, const int *from, size_t n,
                        const uint64_t *hole_units)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t start = h->w.ops->take(h->w.state, units[i], 1);
        if (from[i] < 0) {
            assert_int_equal(start, VM_ALLOC_NONE);
            continue;
        }
        uint64_t hole = h->start[from[i]];
        assert_in_range(start, hole, hole + hole_units[from[i]] - 1);
    }
    h->w.ops->check(h->w.state);
    alloc_world_close(&h->w);
}

/* Tanenbaum & Bos, "Modern Operating Systems", 4th ed., chapter 3, problem on holes in memory order
 * 10, 4, 20, 18, 7, 9, 12 and 15 MB, and requests for 12, 10 and 9 MB. */
static void holes_of_tanenbaum_and_bos(void **unused)
{
    (void)unused;
    static const uint64_t hole[] = {10, 4, 20, 18, 7, 9, 12, 15}, asked[] = {12, 10, 9};
    static const struct {
        const char *fit;
        int from[3];
    } row[] = {
        {"first-fit", {2, 0, 3}}, /* 20, 10, 18 */
        {"best-fit", {6, 0, 5}},  /* 12, 10, 9 */
        {"worst-fit", {2, 3, 7}}, /* 20, 18, 15 */
        {"next-fit", {2, 3, 5}},  /* 20, 18, 9: where 18 had 8 left */
    };
    for (size_t i = 0; i < 4; i++) {
        struct holes h;
        holes_open(&h, row[i].fit, hole, 8);
        holes_serve(&h, asked, row[i].from, 3, hole);
    }
}

/* Silberschatz, Galvin & Gagne, "Operating System Concepts", exercise on partitions of 100, 500,
 * 200, 300 and 600 KB and processes of 212, 417, 112 and 426 KB; here in units of 10 KB, rounded
 * so that every comparison comes out the same. */
static void partitions_of_silberschatz_galvin_and_gagne(void **unused)
{
    (void)unused;
    static const uint64_t hole[] = {10, 50, 20, 30, 60}, asked[] = {22, 42, 12, 43};
    static const struct {
        const char *fit;
        int from[4];
    } row[] = {
        {"first-fit", {1, 4, 1, -1}}, /* 426 KB must wait */
        {"best-fit", {3, 1, 2, 4}},   /* the only one that serves all */
        {"worst-fit", {4, 1, 4, -1}},
    };
    for (size_t i = 0; i < 3; i++) {
        struct holes h;
        holes_open(&h, row[i].fit, hole, 5);
        holes_serve(&h, asked, row[i].from, 4, hole);
    }
}

static void next_fit_goes_round(void **unused)
{
    (void)unused;
    static const uint64_t hole[] = {8, 8, 8}, asked[] = {3, 6, 5, 4, 2, 3, 2, 1};
    static const int from[] = {0, 1, 2, 0, 1, 2, -1, 0};
    struct holes h;
    holes_open(&h, "next-fit", hole, 3);
    holes_serve(&h, asked, from, 8, hole);
}

/* Behind the last run, even if what was taken has come back and the block begins before it. */
static void next_fit_begins_in_the_block_around_the_rover(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct alloc_world w;
    alloc_world_open(&w, vm_alloc_find("next-fit", &e), 64, 0);
    assert_int_equal(alloc_world_take(&w, 16, 1), 0);
    assert_int_equal(alloc_world_take(&w, 16, 1), 16);
    alloc_world_give(&w, 1, 16, 16);
    assert_int_equal(alloc_world_take(&w, 8, 1), 16);
    alloc_world_close(&w);
}

static void an_aligned_run_leaves_a_gap_that_stays_free(void **unused)
{
    (void)unused;
    static const char *const fits[] = {"first-fit", "next-fit", "best-fit", "worst-fit"};
    for (size_t i = 0; i < 4; i++) {
        struct vm_error e;
        struct alloc_world w;
        uint64_t n;
        alloc_world_open(&w, vm_alloc_find(fits[i], &e), 64, 0);
        assert_int_equal(alloc_world_take(&w, 1, 1), 0);
        assert_int_equal(alloc_world_take(&w, 8, 16), 16);
        assert_int_equal(w.ops->next_free(w.state, 0, &n), 1);
        assert_int_equal(n, 15);
        assert_int_equal(w.ops->next_free(w.state, 2, &n), 24);
        assert_int_equal(n, 40);
        alloc_world_inspect(&w);
        assert_null(w.wrong);
        alloc_world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holes_of_tanenbaum_and_bos),
        cmocka_unit_test(partitions_of_silberschatz_galvin_and_gagne),
        cmocka_unit_test(next_fit_goes_round),
        cmocka_unit_test(next_fit_begins_in_the_block_around_the_rover),
        cmocka_unit_test(an_aligned_run_leaves_a_gap_that_stays_free),
    };
    return cmocka_run_group_tests_name("alloc_fits", tests, NULL, NULL);
}
