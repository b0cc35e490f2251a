/* slab.c - caches of objects that stay as they were made (include/pagoda/slab.h). */
#include "base/arena.h"
#include "base/region.h"
#include "unit/test.h"

#include <pagoda/slab.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct vm_region region;
    struct vm_arena arena;
    struct vm_slab *slab;
    unsigned made, unmade;
};

struct thing {
    uint64_t made_as, uses;
};

#define MADE UINT64_C(0x7468696e67)

static void thing_make(void *object, void *host)
{
    struct fixture *f = host;
    *(struct thing *)object = (struct thing){.made_as = MADE};
    f->made++;
}

static void thing_unmake(void *object, void *host)
{
    struct fixture *f = host;
    assert_int_equal(((struct thing *)object)->made_as, MADE);
    f->unmade++;
}

static void slab_open(struct fixture *f, const char *text)
{
    struct vm_error e;
    struct vm_params params;
    memset(f, 0, sizeof *f);
    assert_true(vm_params_parse(&params, "slab", vm_slab_param, VM_SLAB_PARAMS, text, &e));
    assert_true(vm_region_open(&f->region, 1 << 24, VM_HEAP_BASE_ALIGN, &e));
    struct vm_heap_env env = {.base = f->region.base,
                              .limit = f->region.limit,
                              .cpus = 2,
                              .host = &f->region,
                              .move_end = vm_region_move_end,
                              .params = &params};
    assert_true(vm_arena_open(&f->arena, vm_slab_size(&env), &e));
    f->slab = vm_slab_init(vm_arena_take(&f->arena, vm_slab_size(&env)), &env);
}

static void slab_close(struct fixture *f)
{
    vm_arena_close(&f->arena);
    vm_region_close(&f->region);
}

static struct vm_slab_cache *things(struct fixture *f)
{
    struct vm_slab_kind kind = {.name = "thing",
                                .bytes = sizeof(struct thing),
                                .make = thing_make,
                                .unmake = thing_unmake,
                                .host = f};
    struct vm_slab_cache *c = vm_slab_cache(f->slab, &kind);
    assert_non_null(c);
    return c;
}

static struct vm_slab_usage usage(const struct vm_slab_cache *c)
{
    struct vm_slab_usage u;
    vm_slab_usage(c, &u);
    return u;
}

static void an_object_is_made_once_and_stays_as_it_was_given_back(void **unused)
{
    (void)unused;
    struct fixture f;
    slab_open(&f, NULL);
    struct vm_slab_cache *c = things(&f);
    for (uint64_t i = 0; i < 100; i++) {
        struct thing *t = vm_slab_take(c, 0);
        assert_int_equal(t->made_as, MADE);
        assert_int_equal(t->uses, i); /* the same one each time, and nobody wrote into it */
        t->uses++;
        assert_int_equal(vm_slab_give(c, t, 0), VM_HEAP_FINE);
    }
    assert_int_equal(f.made, 4096 / sizeof(struct thing));
    assert_int_equal(f.unmade, 0);
    slab_close(&f);
}

static void objects_are_unmade_when_their_cache_is_closed(void **unused)
{
    (void)unused;
    struct fixture f;
    slab_open(&f, NULL);
    struct vm_slab_cache *c = things(&f);
    struct thing *t[700];
    for (size_t i = 0; i < 700; i++)
        t[i] = vm_slab_take(c, i & 1);
    assert_int_equal(f.made, 3 * 256);
    assert_false(vm_slab_close(c));
    for (size_t i = 0; i < 700; i++)
        assert_int_equal(vm_slab_give(c, t[i], i & 1), VM_HEAP_FINE);
    assert_true(vm_slab_close(c));
    assert_int_equal(f.unmade, f.made);
    slab_close(&f);
}

static void slabs_are_full_partial_or_empty(void **unused)
{
    (void)unused;
    struct fixture f;
    slab_open(&f, "rounds=0");
    struct vm_slab_cache *c = things(&f);
    struct thing *t[513];
    for (size_t i = 0; i < 513; i++)
        t[i] = vm_slab_take(c, 0);
    struct vm_slab_usage u = usage(c);
    assert_int_equal(u.full, 2);
    assert_int_equal(u.partial, 1);
    assert_int_equal(u.empty, 0);
    assert_int_equal(u.live, 513);
    vm_slab_give(c, t[512], 0);
    assert_int_equal(usage(c).empty, 1);
    /* One empty slab is kept; the next goes, and its objects are unmade. */
    assert_int_equal(f.unmade, 0);
    for (size_t i = 0; i < 256; i++)
        vm_slab_give(c, t[i], 0);
    assert_int_equal(f.unmade, 256);
    u = usage(c);
    assert_int_equal(u.full, 1);
    assert_int_equal(u.empty, 1);
    slab_close(&f);
}

static void a_processor_takes_first_what_it_gave_back_last(void **unused)
{
    (void)unused;
    struct fixture f;
    slab_open(&f, "rounds=3");
    struct vm_slab_cache *c = things(&f);
    void *a = vm_slab_take(c, 0), *b = vm_slab_take(c, 0);
    vm_slab_give(c, a, 0);
    vm_slab_give(c, b, 0);
    assert_int_equal(usage(c).loaded, 2);
    void *other = vm_slab_take(c, 1);
    assert_ptr_not_equal(other, a);
    assert_ptr_not_equal(other, b);
    assert_ptr_equal(vm_slab_take(c, 0), b);
    assert_ptr_equal(vm_slab_take(c, 0), a);
    assert_int_equal(usage(c).rounds, 2);
    slab_close(&f);
}

/* Rounds of processor 0 come to processor 1 by the depot. */
static void full_magazines_are_exchanged_at_the_depot(void **unused)
{
    (void)unused;
    struct fixture f;
    slab_open(&f, "rounds=2,depot=9");
    struct vm_slab_cache *c = things(&f);
    void *t[8];
    for (size_t i = 0; i < 8; i++)
        t[i] = vm_slab_take(c, 0);
    for (size_t i = 0; i < 8; i++)
        vm_slab_give(c, t[i], 0);
    /* Two magazines are processor 0's, two are full in the depot. */
    assert_int_equal(usage(c).loaded, 8);
    uint64_t exchanges = usage(c).exchanges;
    assert_ptr_equal(vm_slab_take(c, 1), t[3]);
    assert_int_equal(usage(c).exchanges, exchanges + 1);
    assert_ptr_equal(vm_slab_take(c, 1), t[2]);
    assert_ptr_equal(vm_slab_take(c, 1), t[1]);
    assert_int_equal(usage(c).rounds, 3);
    slab_close(&f);
}

static void a_depot_keeps_no_more_full_magazines_than_it_may(void **unused)
{
    (void)unused;
    struct fixture f;
    slab_open(&f, "rounds=2,depot=1,empty=0");
    struct vm_slab_cache *c = things(&f);
    void *t[256];
    for (size_t i = 0; i < 256; i++)
        t[i] = vm_slab_take(c, 0);
    for (size_t i = 0; i < 256; i++)
        vm_slab_give(c, t[i], 0);
    assert_in_range(usage(c).loaded, 2, 6);
    assert_true(vm_slab_reap(f.slab));
    assert_int_equal(usage(c).loaded, 0);
    assert_int_equal(f.unmade, 256);
    assert_false(vm_slab_reap(f.slab));
    slab_close(&f);
}

static void slabs_of_a_cache_begin_at_different_colours(void **unused)
{
    (void)unused;
    struct fixture f;
    slab_open(&f, "rounds=0");
    struct vm_slab_kind kind = {.name = "odd", .bytes = 304}; /* leaves some of its pages over */
    struct vm_slab_cache *c = vm_slab_cache(f.slab, &kind);
    bool seen[4096 / 64] = {false};
    unsigned colours = 0;
    for (size_t i = 0; i < 400; i++) {
        size_t colour = (size_t)((unsigned char *)vm_slab_take(c, 0) - f.region.base) % 4096;
        if (colour < 304 && colour % 64 == 0) { /* the first object of a slab */
            colours += !seen[colour / 64];
            seen[colour / 64] = true;
        }
    }
    assert_in_range(colours, 3, 64);
    slab_close(&f);
}

static void objects_are_aligned_as_their_kind_says(void **unused)
{
    (void)unused;
    struct fixture f;
    slab_open(&f, NULL);
    for (size_t align = 16; align <= 4096; align *= 2) {
        struct vm_slab_kind kind = {.name = "aligned", .bytes = 40, .align = align};
        struct vm_slab_cache *c = vm_slab_cache(f.slab, &kind);
        for (size_t i = 0; i < 200; i++)
            assert_int_equal((uintptr_t)vm_slab_take(c, 0) % align, 0);
    }
    slab_close(&f);
}

static void what_is_not_of_the_cache_is_refused(void **unused)
{
    (void)unused;
    struct fixture f;
    slab_open(&f, NULL);
    struct vm_slab_kind kind = {.name = "other", .bytes = 100};
    struct vm_slab_cache *c = things(&f), *d = vm_slab_cache(f.slab, &kind);
    unsigned char *t = vm_slab_take(c, 0), *u = vm_slab_take(c, 0);
    assert_int_equal(vm_slab_give(d, t, 0), VM_HEAP_NOT_A_BLOCK);
    assert_int_equal(vm_slab_give(c, t + 8, 0), VM_HEAP_NOT_A_BLOCK);
    assert_int_equal(vm_slab_give(c, NULL, 0), VM_HEAP_NOT_A_BLOCK);
    assert_int_equal(vm_slab_give(c, t, 0), VM_HEAP_FINE);
    assert_int_equal(vm_slab_give(c, t, 1), VM_HEAP_FREE_TWICE); /* it is in a magazine */
    assert_int_equal(vm_slab_give(c, u, 1), VM_HEAP_FINE);
    assert_int_equal(usage(c).gives, 2);
    slab_close(&f);
}

/* A program writes over a magazine: what it names then is in use. */
static void a_round_that_was_overwritten_is_not_taken(void **unused)
{
    (void)unused;
    struct fixture f;
    slab_open(&f, "rounds=3");
    struct vm_slab_cache *c = things(&f);
    void *live = vm_slab_take(c, 0), *given = vm_slab_take(c, 0);
    assert_int_equal(vm_slab_give(c, given, 0), VM_HEAP_FINE);
    unsigned found = 0;
    for (size_t at = 0; at < f.region.end; at += sizeof(void *)) {
        void **word = (void **)(void *)(f.region.base + at);
        if (*word == given) {
            *word = live;
            found++;
        }
    }
    assert_int_equal(found, 1);
    for (unsigned i = 0; i < 20; i++)
        assert_ptr_not_equal(vm_slab_take(c, 0), live);
    slab_close(&f);
}

static void there_are_only_so_many_caches(void **unused)
{
    (void)unused;
    struct fixture f;
    slab_open(&f, NULL);
    struct vm_slab_kind kind = {.name = "many", .bytes = 64};
    struct vm_slab_cache *last = NULL;
    for (size_t i = 0; i < VM_SLAB_CACHES_MAX; i++)
        assert_non_null(last = vm_slab_cache(f.slab, &kind));
    assert_null(vm_slab_cache(f.slab, &kind));
    assert_true(vm_slab_close(last));
    assert_ptr_equal(vm_slab_cache(f.slab, &kind), last);
    slab_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_made_once_and_stays_as_it_was_given_back),
        cmocka_unit_test(objects_are_unmade_when_their_cache_is_closed),
        cmocka_unit_test(slabs_are_full_partial_or_empty),
        cmocka_unit_test(a_processor_takes_first_what_it_gave_back_last),
        cmocka_unit_test(full_magazines_are_exchanged_at_the_depot),
        cmocka_unit_test(a_depot_keeps_no_more_full_magazines_than_it_may),
        cmocka_unit_test(slabs_of_a_cache_begin_at_different_colours),
        cmocka_unit_test(objects_are_aligned_as_their_kind_says),
        cmocka_unit_test(what_is_not_of_the_cache_is_refused),
        cmocka_unit_test(a_round_that_was_overwritten_is_not_taken),
        cmocka_unit_test(there_are_only_so_many_caches),
    };
    return cmocka_run_group_tests_name("unit_slab", tests, NULL, NULL);
}
