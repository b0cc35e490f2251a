/* heap.c - worked examples of textbooks, step by step.
 *
 * "Operating Systems: Three Easy Pieces", chapter 17, homework, malloc.py -n 10 -H 0 -s 0 with the
 * policies BEST, FIRST and WORST, and with -C: a heap of 100 units at 1000. A unit is 32 bytes
 * here, so that the smallest block is one unit, and a request is less by its tag. The first block
 * takes what the region has beyond 100 units.
 *
 * Silberschatz, Galvin & Gagne, "Operating System Concepts", section "Buddy system": 21 KB of a
 * segment of 256 KB.
 */
#include "oracle/heap_world.h"
#include "unit/test.h"

#include <pagoda/requests.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIT  32
#define UNITS 100
#define TAG   8

struct step {
    int units; /* taken; 0: the block that was taken last is given back */
    int at;    /* where they were */
    unsigned searched;
    const char *list; /* of free blocks, then: address:units */
};

static const struct step best[] = {
    {3, 1000, 1, "1003:97 "},
    {0, 0, 0, "1000:3 1003:97 "},
    {5, 1003, 2, "1000:3 1008:92 "},
    {0, 0, 0, "1000:3 1003:5 1008:92 "},
    {8, 1008, 3, "1000:3 1003:5 1016:84 "},
    {0, 0, 0, "1000:3 1003:5 1008:8 1016:84 "},
    {8, 1008, 4, "1000:3 1003:5 1016:84 "},
    {0, 0, 0, "1000:3 1003:5 1008:8 1016:84 "},
    {2, 1000, 4, "1002:1 1003:5 1008:8 1016:84 "},
    {7, 1008, 4, "1002:1 1003:5 1015:1 1016:84 "},
};

static const struct step first[] = {
    {3, 1000, 1, "1003:97 "},
    {0, 0, 0, "1000:3 1003:97 "},
    {5, 1003, 2, "1000:3 1008:92 "},
    {0, 0, 0, "1000:3 1003:5 1008:92 "},
    {8, 1008, 3, "1000:3 1003:5 1016:84 "},
    {0, 0, 0, "1000:3 1003:5 1008:8 1016:84 "},
    {8, 1008, 3, "1000:3 1003:5 1016:84 "},
    {0, 0, 0, "1000:3 1003:5 1008:8 1016:84 "},
    {2, 1000, 1, "1002:1 1003:5 1008:8 1016:84 "},
    {7, 1008, 3, "1002:1 1003:5 1015:1 1016:84 "},
};

static const struct step worst[] = {
    {3, 1000, 1, "1003:97 "},
    {0, 0, 0, "1000:3 1003:97 "},
    {5, 1003, 2, "1000:3 1008:92 "},
    {0, 0, 0, "1000:3 1003:5 1008:92 "},
    {8, 1008, 3, "1000:3 1003:5 1016:84 "},
    {0, 0, 0, "1000:3 1003:5 1008:8 1016:84 "},
    {8, 1016, 4, "1000:3 1003:5 1008:8 1024:76 "},
    {0, 0, 0, "1000:3 1003:5 1008:8 1016:8 1024:76 "},
    {2, 1024, 5, "1000:3 1003:5 1008:8 1016:8 1026:74 "},
    {7, 1026, 5, "1000:3 1003:5 1008:8 1016:8 1033:67 "},
};

static const struct step merged[] = {
    {3, 1000, 1, "1003:97 "}, {0, 0, 0, "1000:100 "},   {5, 1000, 1, "1005:95 "},
    {0, 0, 0, "1000:100 "},   {8, 1000, 1, "1008:92 "}, {0, 0, 0, "1000:100 "},
    {8, 1000, 1, "1008:92 "}, {0, 0, 0, "1000:100 "},   {2, 1000, 1, "1002:98 "},
    {7, 1002, 1, "1009:91 "},
};

/* The address that malloc.py would give the place. */
static int address_of(const struct heap_world *w, size_t offset)
{
    return 1000 + (int)((offset - (w->end - TAG - UNITS * UNIT)) / UNIT);
}

static void list_text(const struct heap_world *w, char *out, size_t cap)
{
    struct vm_heap_piece piece[64];
    size_t n = heap_world_pieces(w, piece, 64), used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < n; i++)
        if (piece[i].kind == VM_HEAP_FREE)
            used += (size_t)snprintf(out + used, cap - used, "%d:%d ",
                                     address_of(w, piece[i].start), (int)piece[i].bytes / UNIT);
}

static uint64_t searched(const struct heap_world *w)
{
    struct vm_heap_usage u;
    w->ops->usage(w->state, &u);
    return u.searched;
}

static void homework(const char *name, const char *text, const struct step *step, size_t nsteps)
{
    struct heap_world *w = malloc(sizeof *w);
    struct vm_error e;
    char list[256];
    heap_world_open(w, vm_heap_find(name, &e), text, 4096, 0);
    assert_non_null(heap_world_take(w, 4096 - 16 - UNITS * UNIT - TAG, 16));
    for (size_t i = 0; i < nsteps; i++) {
        uint64_t before = searched(w);
        if (step[i].units) {
            unsigned char *at = heap_world_take(w, (size_t)step[i].units * UNIT - TAG, 16);
            assert_non_null(at);
            assert_int_equal(address_of(w, (size_t)(at - w->env.base) - TAG), step[i].at);
            assert_int_equal(searched(w) - before, step[i].searched);
        } else {
            heap_world_give(w, w->nblocks - 1);
        }
        list_text(w, list, sizeof list);
        assert_string_equal(list, step[i].list);
        heap_world_inspect(w);
        assert_null(w->wrong);
    }
    heap_world_close(w);
    free(w);
}

#define STEPS(of) of, sizeof of / sizeof of[0]

static void best_fit_does_the_homework_of_three_easy_pieces(void **unused)
{
    (void)unused;
    homework("best-fit", "coalesce=never,trim=0", STEPS(best));
    homework("best-fit", "coalesce=immediate,trim=0", STEPS(merged));
    homework("best-fit", "coalesce=deferred,every=1,trim=0", STEPS(merged));
}

static void first_fit_does_the_homework_of_three_easy_pieces(void **unused)
{
    (void)unused;
    homework("first-fit", "coalesce=never,trim=0", STEPS(first));
    homework("first-fit", "coalesce=immediate,trim=0", STEPS(merged));
}

static void worst_fit_does_the_homework_of_three_easy_pieces(void **unused)
{
    (void)unused;
    homework("worst-fit", "coalesce=never,trim=0", STEPS(worst));
    homework("worst-fit", "coalesce=immediate,trim=0", STEPS(merged));
}

/* The list that the homework ends with, of what a replay of @heap-textbook has drawn. */
static void expect_list(const struct vm_requests *r, const char *spec, const char *expected)
{
    static struct vm_heap_result result;
    const struct vm_heap_options options = {.limit = 4096, .at = 11};
    struct vm_error e;
    char list[256] = "";
    size_t used = 0;
    assert_true(vm_heap_replay(r, spec, &options, &result, &e));
    for (size_t i = 0; i < result.npieces; i++) {
        struct vm_heap_piece p = result.piece[i];
        size_t at = 1000 + (p.start - (4096 - TAG - UNITS * UNIT)) / UNIT;
        if (p.kind == VM_HEAP_FREE)
            used +=
                (size_t)snprintf(list + used, sizeof list - used, "%zu:%zu ", at, p.bytes / UNIT);
    }
    assert_string_equal(list, expected);
    vm_heap_result_free(&result);
}

static void the_workload_of_the_homework_ends_as_it_does(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_requests r;
    struct vm_trace *t = vm_trace_open("@heap-textbook", NULL, &e);
    assert_non_null(t);
    assert_true(vm_requests_load(&r, t, &e));
    vm_trace_close(t);
    assert_int_equal(r.nfaults, 0);
    expect_list(&r, "first-fit:coalesce=never", first[9].list);
    expect_list(&r, "best-fit:coalesce=never", best[9].list);
    expect_list(&r, "worst-fit:coalesce=never", worst[9].list);
    expect_list(&r, "best-fit", merged[9].list);
    vm_requests_free(&r);
}

static void the_buddy_of_21_kb_in_256_kb(void **unused)
{
    (void)unused;
    struct heap_world *w = malloc(sizeof *w);
    struct vm_error e;
    struct vm_heap_piece piece[8];
    heap_world_open(w, vm_heap_find("buddy", &e), "grow=256KiB,trim=0", 256 << 10, 0);
    unsigned char *at = heap_world_take(w, 21 << 10, 16);
    assert_ptr_equal(at, w->env.base);
    /* CL serves; CR, BR and AR are free. */
    static const size_t expected[][2] = {
        {0, 32 << 10}, {32 << 10, 32 << 10}, {64 << 10, 64 << 10}, {128 << 10, 128 << 10}};
    assert_int_equal(heap_world_pieces(w, piece, 8), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(piece[i].start, expected[i][0]);
        assert_int_equal(piece[i].bytes, expected[i][1]);
        assert_int_equal(piece[i].kind, i ? VM_HEAP_FREE : VM_HEAP_LIVE);
    }
    heap_world_give(w, 0);
    assert_int_equal(heap_world_pieces(w, piece, 8), 1);
    assert_int_equal(piece[0].bytes, 256 << 10);
    assert_null(w->wrong);
    heap_world_close(w);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(best_fit_does_the_homework_of_three_easy_pieces),
        cmocka_unit_test(first_fit_does_the_homework_of_three_easy_pieces),
        cmocka_unit_test(worst_fit_does_the_homework_of_three_easy_pieces),
        cmocka_unit_test(the_workload_of_the_homework_ends_as_it_does),
        cmocka_unit_test(the_buddy_of_21_kb_in_256_kb),
    };
    return cmocka_run_group_tests_name("golden_heap", tests, NULL, NULL);
}
