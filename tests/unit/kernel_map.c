/* kernel_map.c - the kernel's map beside hashed tables, against an array of all its words. */
#include "scheme/kernel_map.h"
#include "base/arena.h"
#include "base/random.h"
#include "rounds.h"

#include "test.h"

#include <string.h>

#define NASIDS 2
#define NPAGES 512 /* page numbers that the test uses, some in each of some regions */

struct world {
    struct vm_arena arena;
    struct vm_error refusal;
    struct kernel_map map;
    uint64_t word[NASIDS][NPAGES]; /* the oracle: by rank of the page number */
};

/* Rank i's page number: runs of 64 that begin where nodes of each level do, growing with i. */
static uint64_t vpn_of(unsigned i)
{
    static const uint64_t start[NPAGES / 64] = {
        0,        1u << 6,           (1u << 12) - 32,   1u << 18,
        1u << 30, UINT64_C(1) << 36, UINT64_C(1) << 51, (UINT64_C(1) << 52) - 64};
    return start[i / 64] + i % 64;
}

static struct world *world_open_map(void)
{
    struct world *w = test_calloc(1, sizeof *w);
    assert_true(vm_arena_open(&w->arena, vm_arena_room(kernel_map_size(NASIDS)), &w->refusal));
    kernel_map_init(&w->map, vm_arena_take(&w->arena, kernel_map_size(NASIDS)), NASIDS,
                    &w->refusal);
    return w;
}

static void world_end(struct world *w)
{
    vm_arena_close(&w->arena);
    test_free(w);
}

static unsigned rank_next(const struct world *w, vm_asid asid, unsigned from, unsigned end)
{
    while (from < end && w->word[asid][from] == 0)
        from++;
    return from;
}

static uint64_t vpn_end_of(unsigned end)
{
    return end < NPAGES ? vpn_of(end) : UINT64_C(1) << KERNEL_MAP_VPN_BITS;
}

static void compare_next(const struct world *w, vm_asid asid, unsigned from, unsigned end)
{
    unsigned rank = rank_next(w, asid, from, end);
    uint64_t want = rank < end ? vpn_of(rank) : vpn_end_of(end);
    assert_int_equal(kernel_map_next(&w->map, asid, vpn_of(from), vpn_end_of(end)), want);
}

static void step(struct world *w, struct vm_random *random)
{
    vm_asid asid = (vm_asid)vm_random_below(random, NASIDS);
    unsigned i = (unsigned)vm_random_below(random, NPAGES);
    unsigned j = i + (unsigned)vm_random_below(random, NPAGES - i + 1);
    uint64_t what = vm_random_below(random, 100);
    if (what < 40) {
        uint64_t word = vm_random_below(random, 3) ? vm_random_u64(random) : 0;
        assert_true(kernel_map_ensure(&w->map, asid, vpn_of(i)));
        kernel_map_set(&w->map, asid, vpn_of(i), word);
        w->word[asid][i] = word;
    } else if (what < 60) {
        kernel_map_set(&w->map, asid, vpn_of(i), 0); /* also where there is no node */
        w->word[asid][i] = 0;
    } else if (what < 95) {
        assert_int_equal(kernel_map_get(&w->map, asid, vpn_of(i)), w->word[asid][i]);
        compare_next(w, asid, i, j);
    } else if (what < 99) {
        kernel_map_trim(&w->map, asid, vpn_of(i), vpn_end_of(j));
    } else {
        kernel_map_close(&w->map, asid);
        memset(w->word[asid], 0, sizeof w->word[asid]);
        assert_int_equal(kernel_map_bytes(&w->map, asid), 0);
    }
}

static void the_map_answers_as_an_array_does(void **unused)
{
    (void)unused;
    struct vm_random random;
    struct world *w = world_open_map();
    vm_random_seed(&random, 5);
    for (unsigned i = 0; i < test_rounds(100000); i++) {
        step(w, &random);
        if (i % 256 == 0)
            kernel_map_check(&w->map);
    }
    world_end(w);
}

/* 52 bits in sixes are 9 levels; a second page in the same 64 needs no further node. */
static void nodes_are_one_a_level_and_go_when_empty(void **unused)
{
    (void)unused;
    struct world *w = world_open_map();
    const uint64_t node = sizeof(struct kernel_node), all = UINT64_C(1) << KERNEL_MAP_VPN_BITS;
    assert_int_equal(kernel_map_bytes(&w->map, 0), 0);
    assert_true(kernel_map_ensure(&w->map, 0, 0));
    assert_int_equal(kernel_map_bytes(&w->map, 0), 9 * node);
    assert_true(kernel_map_ensure(&w->map, 0, 63));
    assert_int_equal(kernel_map_bytes(&w->map, 0), 9 * node);
    assert_true(kernel_map_ensure(&w->map, 0, 64));
    assert_int_equal(kernel_map_bytes(&w->map, 0), 10 * node);
    assert_true(kernel_map_ensure(&w->map, 0, all - 1));
    assert_int_equal(kernel_map_bytes(&w->map, 0), 18 * node);
    kernel_map_set(&w->map, 0, 64, 7);
    kernel_map_trim(&w->map, 0, 0, all);
    assert_int_equal(kernel_map_bytes(&w->map, 0), 9 * node);
    kernel_map_set(&w->map, 0, 64, 0);
    kernel_map_trim(&w->map, 0, 64, 65);
    assert_int_equal(kernel_map_bytes(&w->map, 0), 0);
    kernel_map_check(&w->map);
    world_end(w);
}

static void a_full_map_refuses_and_keeps_what_it_has(void **unused)
{
    (void)unused;
    struct world *w = world_open_map();
    assert_true(kernel_map_ensure(&w->map, 0, 0));
    kernel_map_set(&w->map, 0, 0, 42);
    w->map.fresh = KERNEL_MAP_NODES - 3; /* three are left: not enough for another path */
    assert_false(kernel_map_ensure(&w->map, 1, 0));
    assert_int_equal(w->refusal.code, VM_EMACHINE);
    assert_int_equal(kernel_map_get(&w->map, 0, 0), 42);
    assert_int_equal(kernel_map_get(&w->map, 1, 0), 0);
    assert_int_equal(kernel_map_next(&w->map, 1, 0, 100), 100);
    kernel_map_trim(&w->map, 1, 0, 1); /* what the failed ensure had got is given back */
    assert_int_equal(kernel_map_bytes(&w->map, 1), 0);
    assert_int_equal(w->map.nfree, 3);
    world_end(w);
}

static void words_say_present_or_swapped(void **unused)
{
    (void)unused;
    struct vm_pte swapped = {.state = VM_PTE_SWAPPED, .slot = 0xffffffff};
    assert_int_equal(kernel_word(swapped), 0xffffffff2);
    assert_int_equal(kernel_pte(0xffffffff2).slot, 0xffffffff);
    assert_int_equal(kernel_pte(0).state, VM_PTE_EMPTY);
    assert_int_equal(kernel_word((struct vm_pte){.state = VM_PTE_EMPTY}), 0);
    assert_true(kernel_is_present(kernel_present(0)));
    assert_false(kernel_is_present(0xffffffff2));
    assert_int_equal(kernel_place(kernel_present(0x7ffffff)), 0x7ffffff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_map_answers_as_an_array_does),
        cmocka_unit_test(nodes_are_one_a_level_and_go_when_empty),
        cmocka_unit_test(a_full_map_refuses_and_keeps_what_it_has),
        cmocka_unit_test(words_say_present_or_swapped),
    };
    return cmocka_run_group_tests_name("kernel_map", tests, NULL, NULL);
}
