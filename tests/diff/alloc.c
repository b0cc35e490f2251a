/* alloc.c - every choice of an allocator against brute force (tests/oracle/naive_alloc.h), on
 * thousands of small random worlds. */
#include "base/arena.h"
#include "base/bits.h"
#include "oracle/alloc_world.h"
#include "rounds.h"
#include "unit/test.h"

#include <pagoda/frames.h>
#include <string.h>

#define STEPS 200

/* ---- fits ---- */

struct fit_world {
    struct alloc_world w;
    uint64_t rover;
};

static uint64_t expected(const struct fit_world *f, uint64_t n, uint64_t align)
{
    const char *name = f->w.ops->name;
    const struct naive_alloc *a = &f->w.naive;
    if (!strcmp(name, "first-fit"))
        return naive_alloc_first(a, n, align);
    if (!strcmp(name, "next-fit"))
        return naive_alloc_next(a, n, align, f->rover);
    if (!strcmp(name, "best-fit"))
        return naive_alloc_best(a, n, align);
    assert_string_equal(name, "worst-fit");
    return naive_alloc_worst(a, n, align);
}

static void fit_take(struct fit_world *f)
{
    uint64_t n = 1 + vm_random_below(&f->w.random, 9);
    uint64_t align = UINT64_C(1) << vm_random_below(&f->w.random, 4);
    uint64_t wanted = expected(f, n, align), start = alloc_world_take(&f->w, n, align);
    assert_int_equal(start, wanted);
    if (start != VM_ALLOC_NONE)
        f->rover = start + n;
}

static void a_fit_chooses_what_brute_force_finds(void **unused)
{
    (void)unused;
    static const char *const fits[] = {"first-fit", "next-fit", "best-fit", "worst-fit"};
    /* Seeds are dealt out to the four. */
    uint64_t first = test_first_seed(), end = first + test_long_rounds(1000, STEPS / 4);
    for (uint64_t seed = first; seed < end; seed++) {
        struct fit_world f = {.rover = 0};
        struct vm_error e;
        alloc_world_open(&f.w, vm_alloc_find(fits[seed % 4], &e), 1 + seed % NAIVE_UNITS, seed);
        for (unsigned i = 0; i < STEPS; i++) {
            size_t run = f.w.nruns ? vm_random_below(&f.w.random, f.w.nruns) : 0;
            if (f.w.nruns == 0 || vm_random_below(&f.w.random, 2))
                fit_take(&f);
            else if (vm_random_below(&f.w.random, 8) == 0)
                alloc_world_extend(&f.w, run, 1);
            else
                alloc_world_give(&f.w, run, f.w.run[run].start, f.w.run[run].n);
        }
        alloc_world_inspect(&f.w);
        assert_null(f.w.wrong);
        alloc_world_close(&f.w);
    }
}

/* ---- buddy ---- */

struct buddy_world {
    struct alloc_world w;
    struct naive_alloc blocks; /* flags of whole blocks */
    unsigned order[NAIVE_UNITS];
};

static void buddy_take(struct buddy_world *b)
{
    uint64_t n = 1 + vm_random_below(&b->w.random, 12);
    uint64_t align = UINT64_C(1) << vm_random_below(&b->w.random, 5);
    unsigned order = alloc_world_order(n, align);
    uint64_t wanted = naive_alloc_buddy(&b->blocks, order);
    assert_int_equal(alloc_world_take(&b->w, n, align), wanted);
    if (wanted == VM_ALLOC_NONE)
        return;
    assert_true(naive_alloc_hold(&b->blocks, wanted, UINT64_C(1) << order));
    b->order[wanted] = order;
}

static void buddy_give(struct buddy_world *b, size_t i)
{
    struct alloc_run run = b->w.run[i];
    assert_true(naive_alloc_release(&b->blocks, run.start, UINT64_C(1) << b->order[run.start]));
    alloc_world_give(&b->w, i, run.start, run.n);
}

static void buddy_extend(struct buddy_world *b, size_t i)
{
    struct alloc_run run = b->w.run[i];
    uint64_t more = 1 + vm_random_below(&b->w.random, 12);
    unsigned before = b->order[run.start], after = alloc_world_order(run.n + more, 1);
    after = after < before ? before : after;
    uint64_t size = UINT64_C(1) << before, grown = UINT64_C(1) << after;
    bool can =
        run.start % grown == 0 && naive_alloc_hold(&b->blocks, run.start + size, grown - size);
    assert_int_equal(alloc_world_extend(&b->w, i, more), can);
    if (can)
        b->order[run.start] = after;
}

static void expect_blocks(const struct buddy_world *b)
{
    uint64_t n;
    struct vm_alloc_usage u;
    uint64_t nblocks = 0;
    for (uint64_t at = 0; (at = b->w.ops->next_free(b->w.state, at, &n)) != VM_ALLOC_NONE; at++) {
        assert_true(vm_is_pow2(n) && naive_alloc_is_block(&b->blocks, vm_log2(n), at));
        nblocks++;
    }
    b->w.ops->usage(b->w.state, &u);
    assert_int_equal(u.free_units, naive_alloc_free(&b->blocks));
    assert_int_equal(u.free_blocks, nblocks);
}

static void buddy_chooses_what_brute_force_finds(void **unused)
{
    (void)unused;
    uint64_t first = test_first_seed(), end = first + test_long_rounds(400, STEPS);
    for (uint64_t seed = first; seed < end; seed++) {
        struct buddy_world b = {.blocks = {.units = 1 + seed % NAIVE_UNITS}};
        struct vm_error e;
        alloc_world_open(&b.w, vm_alloc_find("buddy", &e), b.blocks.units, seed);
        for (unsigned i = 0; i < STEPS; i++) {
            size_t run = b.w.nruns ? vm_random_below(&b.w.random, b.w.nruns) : 0;
            if (b.w.nruns == 0 || vm_random_below(&b.w.random, 2))
                buddy_take(&b);
            else if (vm_random_below(&b.w.random, 3) == 0)
                buddy_extend(&b, run);
            else
                buddy_give(&b, run);
            expect_blocks(&b);
        }
        alloc_world_inspect(&b.w);
        assert_null(b.w.wrong);
        alloc_world_close(&b.w);
    }
}

/* ---- the machine's frames ---- */

struct frame_world {
    struct vm_arena arena;
    struct vm_frames *fast;
    struct naive_alloc naive;
    uint64_t ncolours;
    struct vm_random random;
};

static void frame_world_open(struct frame_world *w, unsigned seed)
{
    struct vm_error e;
    *w = (struct frame_world){.naive = {.units = 1 + seed % NAIVE_UNITS},
                              .ncolours = UINT64_C(1) << seed % 6};
    struct vm_frames_config c = {.nframes = (uint32_t)w->naive.units,
                                 .ncolours = (uint32_t)w->ncolours};
    assert_true(vm_arena_open(&w->arena, vm_frames_size(&c), &e));
    w->fast = vm_frames_init(vm_arena_take(&w->arena, w->arena.bytes), &c);
    vm_random_seed(&w->random, seed);
}

static uint64_t below(struct frame_world *w, uint64_t n)
{
    return vm_random_below(&w->random, n);
}

/* NONE of the one is NOFRAME of the other. */
static void expect_taken(struct frame_world *w, vm_pfn got, uint64_t wanted, uint64_t n)
{
    assert_int_equal(got, wanted == VM_ALLOC_NONE ? VM_NOFRAME : wanted);
    if (wanted != VM_ALLOC_NONE)
        assert_true(naive_alloc_hold(&w->naive, wanted, n));
}

static void take_some(struct frame_world *w)
{
    unsigned order = below(w, 4) ? 0 : (unsigned)below(w, 8);
    uint64_t wanted = naive_alloc_buddy(&w->naive, order);
    expect_taken(w, vm_frames_take(w->fast, VM_FRAME_FOR_PAGE, order), wanted,
                 UINT64_C(1) << order);
}

static void take_coloured(struct frame_world *w)
{
    uint64_t colour = below(w, w->ncolours);
    uint64_t wanted = naive_alloc_colour(&w->naive, colour, w->ncolours);
    if (wanted == VM_ALLOC_NONE)
        wanted = naive_alloc_buddy(&w->naive, 0);
    vm_pfn got = vm_frames_take_colour(w->fast, VM_FRAME_FOR_PAGE, (uint32_t)colour);
    expect_taken(w, got, wanted, 1);
}

static void take_at(struct frame_world *w)
{
    uint64_t start = below(w, w->naive.units), n = 1 + below(w, 12);
    n = start + n > w->naive.units ? w->naive.units - start : n;
    bool can = naive_alloc_hold(&w->naive, start, n);
    assert_int_equal(vm_frames_take_at(w->fast, (vm_pfn)start, (uint32_t)n), can);
}

/* Any frames that are taken and lie together. */
static void give_some(struct frame_world *w)
{
    uint64_t start = below(w, w->naive.units), n = below(w, 2) ? 1 : 1 + below(w, 40);
    while (n > 0 && !naive_alloc_release(&w->naive, start, n))
        n--;
    if (n > 0)
        vm_frames_give(w->fast, (vm_pfn)start, (uint32_t)n);
}

static void expect_frames(const struct frame_world *w)
{
    uint64_t nblocks[VM_FRAME_ORDERS] = {0}, small = 0, nfree = naive_alloc_free(&w->naive);
    for (uint64_t f = 0; f < w->naive.units; f++) {
        assert_int_equal(vm_frames_is_free(w->fast, (vm_pfn)f), !w->naive.held[f]);
        for (unsigned k = 0; k < 10; k++)
            nblocks[k] += naive_alloc_is_block(&w->naive, k, f);
    }
    assert_int_equal(vm_frames_free(w->fast), nfree);
    struct vm_free_blocks b;
    vm_frames_blocks(w->fast, &b);
    for (unsigned k = 0; k < VM_FRAME_ORDERS; k++) {
        assert_int_equal(b.n[k], nblocks[k]);
        double index = nfree ? (double)small / (double)nfree : 0;
        assert_true(vm_unusable_index(&b, k) == index);
        small += nblocks[k] << k;
    }
    vm_frames_check(w->fast);
}

static void frames_are_those_that_brute_force_finds(void **unused)
{
    (void)unused;
    uint64_t first = test_first_seed(), end = first + test_long_rounds(600, STEPS);
    for (uint64_t seed = first; seed < end; seed++) {
        struct frame_world w;
        frame_world_open(&w, seed);
        for (unsigned i = 0; i < STEPS; i++) {
            uint64_t what = below(&w, 8);
            if (what < 2)
                take_some(&w);
            else if (what < 4)
                take_coloured(&w);
            else if (what < 5)
                take_at(&w);
            else
                give_some(&w);
            expect_frames(&w);
        }
        vm_arena_close(&w.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fit_chooses_what_brute_force_finds),
        cmocka_unit_test(buddy_chooses_what_brute_force_finds),
        cmocka_unit_test(frames_are_those_that_brute_force_finds),
    };
    return cmocka_run_group_tests_name("diff_alloc", tests, NULL, NULL);
}
