/* frames.c - the machine's frame allocator against brute force (tests/oracle/naive_frames.h): each
 * frame that is given, where each frame is, and every count, on thousands of small random worlds of
 * zones, groups, lists, colours and processors.
 */
#include "base/arena.h"
#include "base/random.h"
#include "oracle/naive_frames.h"
#include "rounds.h"
#include "unit/test.h"

#define STEPS 150

struct world {
    struct vm_arena arena;
    struct vm_frames *fast;
    struct naive_frames naive;
    struct vm_random random;
};

static uint32_t below(struct world *w, uint64_t n)
{
    return (uint32_t)vm_random_below(&w->random, n);
}

/* Some of the kinds, lowest first; the first is one for the kernel. */
static void choose_zones(struct world *w, struct vm_frames_config *c)
{
    for (unsigned kind = below(w, 3); kind < VM_ZONES_MAX; kind += 1 + below(w, 2)) {
        uint32_t ratio = below(w, 2) ? 1 + below(w, 16) : 0;
        c->zone[c->nzones++] =
            (struct vm_zone_config){(enum vm_zone_kind)kind, 1 + below(w, 60), ratio};
    }
    c->zone[c->nzones - 1].nframes = UINT32_MAX;
}

static struct vm_frames_config choose(struct world *w, unsigned seed)
{
    struct vm_frames_config c = {
        .nframes = 1 + seed % 160, .ncolours = 1, .processors = 1 + below(w, 3)};
    if (below(w, 4))
        choose_zones(w, &c);
    if (below(w, 2))
        c.min = below(w, c.nframes / 4 + 1);
    if (below(w, 2))
        c.block_order = 1 + below(w, 5);
    if (below(w, 2)) {
        c.list_high = 1 + below(w, 12);
        c.list_batch = 1 + below(w, c.list_high);
    } else {
        c.ncolours = UINT32_C(1) << below(w, 4);
    }
    return c;
}

static void world_open(struct world *w, unsigned seed)
{
    struct vm_error e;
    vm_random_seed(&w->random, seed);
    struct vm_frames_config c = choose(w, seed);
    assert_true(vm_arena_open(&w->arena, vm_frames_size(&c), &e));
    w->fast = vm_frames_init(vm_arena_take(&w->arena, w->arena.bytes), &c);
    naive_frames_open(&w->naive, &c);
}

/* ---- steps ---- */

static enum vm_frame_use some_use(struct world *w)
{
    return (enum vm_frame_use)below(w, VM_FRAME_USES);
}

static void take_some(struct world *w)
{
    enum vm_frame_use use = some_use(w);
    unsigned order = below(w, 4) ? 0 : below(w, 6);
    vm_pfn wanted = naive_frames_take(&w->naive, use, order, UINT32_MAX);
    assert_int_equal(vm_frames_take(w->fast, use, order), wanted);
}

static void take_coloured(struct world *w)
{
    enum vm_frame_use use = some_use(w);
    uint32_t colour = below(w, w->naive.c.ncolours);
    vm_pfn wanted = naive_frames_take(&w->naive, use, 0, colour);
    assert_int_equal(vm_frames_take_colour(w->fast, use, colour), wanted);
}

static void take_run(struct world *w)
{
    enum vm_frame_use use = some_use(w);
    uint32_t n = 1 + below(w, 12);
    vm_pfn wanted = naive_frames_take_run(&w->naive, use, n);
    assert_int_equal(vm_frames_take_run(w->fast, use, n), wanted);
}

static void take_at(struct world *w)
{
    uint32_t start = below(w, w->naive.c.nframes), n = 1 + below(w, 9);
    n = n > w->naive.c.nframes - start ? w->naive.c.nframes - start : n;
    bool can = naive_frames_take_at(&w->naive, start, n);
    assert_int_equal(vm_frames_take_at(w->fast, start, n), can);
}

static void give_some(struct world *w)
{
    uint32_t start = below(w, w->naive.c.nframes), n = below(w, 2) ? 1 : 1 + below(w, 20);
    while (n > 0 && (n > w->naive.c.nframes - start || !naive_frames_give(&w->naive, start, n)))
        n--;
    if (n > 0)
        vm_frames_give(w->fast, start, n);
}

static void change_processor(struct world *w)
{
    w->naive.processor = below(w, w->naive.c.processors);
    vm_frames_processor(w->fast, w->naive.processor);
}

static void step(struct world *w)
{
    static void (*const steps[])(struct world *) = {
        take_some, take_some, take_coloured, take_run,  take_at,
        give_some, give_some, give_some,     give_some, change_processor};
    steps[below(w, sizeof steps / sizeof steps[0])](w);
}

/* ---- what is there ---- */

static void expect_zone(const struct world *w, unsigned z)
{
    struct vm_zone_state got;
    const struct naive_frames *n = &w->naive;
    uint32_t pageblocks[VM_FRAME_GROUPS] = {0}, last = UINT32_MAX;
    assert_true(vm_frames_zone(w->fast, z, &got));
    assert_int_equal(got.start, n->start[z]);
    assert_int_equal(got.nframes, n->end[z] - n->start[z]);
    assert_int_equal(got.nfree, naive_frames_free(n, z));
    assert_string_equal(got.name, vm_zone_name(n->kind[z]));
    for (unsigned use = 0; use < VM_FRAME_USES; use++)
        assert_int_equal(got.kept[use], naive_frames_kept(n, z, (enum vm_frame_use)use));
    assert_int_equal(got.takes, n->zone[z].takes);
    assert_int_equal(got.fallbacks, n->zone[z].fallbacks);
    assert_int_equal(got.refusals, n->zone[z].refusals);
    assert_int_equal(got.claims, n->zone[z].claims);
    assert_int_equal(got.borrows, n->zone[z].borrows);
    for (uint32_t f = n->start[z]; n->c.block_order && f < n->end[z]; f++)
        if (f >> n->c.block_order != last) {
            last = f >> n->c.block_order;
            pageblocks[n->group[z][last]]++;
        }
    assert_memory_equal(got.pageblocks, pageblocks, sizeof pageblocks);
}

static void expect_blocks(const struct world *w, unsigned z)
{
    struct vm_zone_state got;
    assert_true(vm_frames_zone(w->fast, z, &got));
    for (unsigned k = 0; k < 9; k++) {
        uint64_t blocks = 0;
        for (uint32_t f = 0; f < w->naive.end[z]; f++)
            blocks += naive_frames_is_block(&w->naive, z, k, f);
        assert_int_equal(got.blocks.n[k], blocks);
    }
}

static void expect_same(const struct world *w)
{
    const struct naive_frames *n = &w->naive;
    struct vm_list_counts counts;
    struct vm_zone_state none;
    uint32_t all = 0;
    for (unsigned z = 0; z < n->nzones; z++) {
        expect_zone(w, z);
        all += naive_frames_free(n, z);
    }
    assert_false(vm_frames_zone(w->fast, n->nzones, &none));
    assert_int_equal(vm_frames_free(w->fast), all);
    for (uint32_t f = 0; f < n->c.nframes; f++)
        assert_int_equal(vm_frames_is_free(w->fast, f), n->where[f] != NAIVE_HELD);
    for (uint32_t p = 0; n->c.list_high && p < n->c.processors; p++) {
        assert_true(vm_frames_lists(w->fast, p, &counts));
        assert_memory_equal(&counts, &n->counts[p], sizeof counts);
    }
    vm_frames_check(w->fast);
}

static void each_frame_is_the_one_that_brute_force_finds(void **unused)
{
    (void)unused;
    for (unsigned seed = 0; seed < test_rounds(2000); seed++) {
        struct world w;
        world_open(&w, seed);
        for (unsigned i = 0; i < STEPS; i++) {
            step(&w);
            expect_same(&w);
        }
        for (unsigned z = 0; z < w.naive.nzones; z++)
            expect_blocks(&w, z);
        vm_arena_close(&w.arena);
    }
}

/* ---- what takes of one frame would get ---- */

static struct world world_mixed_up(unsigned seed)
{
    struct world w;
    world_open(&w, seed);
    for (unsigned i = 0; i < STEPS / 2; i++)
        step(&w);
    return w;
}

static void so_many_are_free_as_can_be_taken(void **unused)
{
    (void)unused;
    for (unsigned seed = 0; seed < test_rounds(1000); seed++) {
        struct world w = world_mixed_up(seed);
        enum vm_frame_use use = some_use(&w);
        uint32_t n = vm_frames_free_for(w.fast, use), taken = 0;
        for (vm_pfn f; (f = vm_frames_take(w.fast, use, 0)) != VM_NOFRAME; taken++)
            assert_true(f < vm_frames_end_for(w.fast, use));
        assert_int_equal(taken, n);
        vm_frames_check(w.fast);
        vm_arena_close(&w.arena);
    }
}

static void so_many_huge_pages_are_available_as_can_be_taken(void **unused)
{
    (void)unused;
    for (unsigned seed = 0; seed < test_rounds(1000); seed++) {
        struct world w = world_mixed_up(seed);
        unsigned order = 1 + below(&w, 4);
        uint64_t n = vm_frames_available(w.fast, order), taken = 0;
        while (vm_frames_take(w.fast, VM_FRAME_FOR_PAGE, order) != VM_NOFRAME)
            taken++;
        /* What lists have may make more when they are drained for it. */
        assert_true(w.naive.c.list_high ? taken >= n : taken == n);
        vm_arena_close(&w.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_frame_is_the_one_that_brute_force_finds),
        cmocka_unit_test(so_many_are_free_as_can_be_taken),
        cmocka_unit_test(so_many_huge_pages_are_available_as_can_be_taken),
    };
    return cmocka_run_group_tests_name("diff_frames", tests, NULL, NULL);
}
