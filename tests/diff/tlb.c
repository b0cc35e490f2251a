/* Every TLB replacement in several shapes against a naive one, over random operations. */
#include "base/random.h"
#include "oracle/naive_tlb.h"
#include "rounds.h"
#include "unit/test.h"

#include <stdlib.h>

#define PAGE UINT64_C(4096)

enum { PAGES = 24, SPACES = 3, STEPS = 4000 };

struct pair {
    struct vm_tlb fast;
    struct naive_tlb naive;
    struct vm_random random;
};

/* Of one of the spaces, or, one in eight, global. */
static uint64_t random_tag(struct pair *p)
{
    uint64_t page = vm_random_below(&p->random, PAGES) * PAGE, who = vm_random_below(&p->random, 8);
    return page | (who == 7 ? VM_TLB_GLOBAL : who % SPACES);
}

static void compare_entry(struct pair *p, uint64_t tag)
{
    struct naive_tlb_entry *expected = naive_tlb_find(&p->naive, tag);
    int64_t found = vm_tlb_find(&p->fast, tag, 0);
    assert_int_equal(found >= 0, expected != NULL);
    if (expected)
        assert_int_equal(p->fast.value[found], expected->value);
}

static void compare(struct pair *p)
{
    vm_tlb_check(&p->fast);
    for (uint64_t page = 0; page < PAGES; page++) {
        for (uint64_t asid = 0; asid < SPACES; asid++)
            compare_entry(p, page * PAGE | asid);
        compare_entry(p, page * PAGE | VM_TLB_GLOBAL);
    }
    assert_int_equal(p->fast.counts.fills, p->naive.counts.fills);
    assert_int_equal(p->fast.counts.evictions, p->naive.counts.evictions);
    assert_int_equal(p->fast.counts.invalidations, p->naive.counts.invalidations);
}

/* Random replacement may take any way of the full set: the naive one follows where it is legal. */
static struct naive_tlb_entry *follow_random(struct pair *p, uint64_t tag)
{
    struct naive_tlb_entry *gone = NULL;
    for (uint32_t i = 0; i < p->naive.nsets * p->naive.ways; i++) {
        struct naive_tlb_entry *e = &p->naive.entry[i];
        if (!e->valid || vm_tlb_find(&p->fast, e->tag, 0) >= 0)
            continue;
        assert_null(gone);
        assert_int_equal(e->tag / PAGE % p->naive.nsets, tag / PAGE % p->naive.nsets);
        gone = e;
    }
    assert_non_null(gone);
    return gone;
}

static void find_use_or_fill(struct pair *p, uint64_t tag)
{
    int64_t i = vm_tlb_find(&p->fast, tag, 0);
    struct naive_tlb_entry *e = naive_tlb_find(&p->naive, tag);
    assert_int_equal(i >= 0, e != NULL);
    if (e) {
        uint64_t at = vm_tlb_use(&p->fast, (uint64_t)i);
        assert_int_equal(p->fast.tag[at], tag);
        naive_tlb_use(&p->naive, e);
        return;
    }
    uint64_t value = vm_tlb_value((vm_pfn)vm_random_below(&p->random, 1000), 0, VM_PROT_READ);
    struct naive_tlb_entry *place = naive_tlb_place(&p->naive, tag);
    vm_tlb_fill(&p->fast, tag, (struct vm_tlb_entry){value, 0, 1});
    naive_tlb_fill(&p->naive, place ? place : follow_random(p, tag), tag, value);
}

static void step(struct pair *p)
{
    uint64_t what = vm_random_below(&p->random, 256), tag = random_tag(p);
    if (what < 220) {
        find_use_or_fill(p, tag);
    } else if (what < 250) {
        assert_int_equal(vm_tlb_invalidate(&p->fast, tag, 0),
                         naive_tlb_drop(&p->naive, naive_tlb_is, tag));
    } else if (what < 254) {
        vm_tlb_invalidate_space(&p->fast, (vm_asid)(what % SPACES));
        naive_tlb_drop(&p->naive, naive_tlb_of_space, what % SPACES);
    } else {
        vm_tlb_flush(&p->fast);
        naive_tlb_drop(&p->naive, naive_tlb_not_global, 0);
    }
    compare(p);
}

static void play(struct vm_tlb_config c, uint64_t seed)
{
    struct pair p;
    struct vm_error e;
    assert_true(vm_tlb_config_check(&c, &e));
    void *memory = calloc(1, vm_tlb_size(&c));
    vm_tlb_init(&p.fast, &c, seed, memory);
    naive_tlb_open(&p.naive, &c);
    vm_random_seed(&p.random, seed);
    for (unsigned i = test_rounds(STEPS); i-- > 0;)
        step(&p);
    assert_true(p.naive.counts.evictions > 0);
    free(memory);
}

static void play_shapes(enum vm_tlb_replace replace)
{
    static const uint32_t shape[][2] = {{1, 1}, {8, 1}, {8, 2},   {16, 4},
                                        {8, 8}, {2, 2}, {32, 16}, {6, 3}};
    for (size_t i = 0; i < sizeof shape / sizeof shape[0]; i++)
        if (replace != VM_TLB_PLRU || shape[i][1] != 3)
            play(
                (struct vm_tlb_config){
                    .level = 1, .entries = shape[i][0], .ways = shape[i][1], .replace = replace},
                i + 1);
}

static void lru_keeps_what_was_used_last(void **unused)
{
    (void)unused;
    play_shapes(VM_TLB_LRU);
}

static void plru_follows_the_signs_of_a_tree(void **unused)
{
    (void)unused;
    play_shapes(VM_TLB_PLRU);
}

static void fifo_keeps_what_came_last(void **unused)
{
    (void)unused;
    play_shapes(VM_TLB_FIFO);
}

static void random_replaces_within_the_set_and_only_when_it_is_full(void **unused)
{
    (void)unused;
    play_shapes(VM_TLB_RANDOM);
}

/* Each way is taken about equally often: 4000 draws of 8 lie within five deviations of 500. */
static void random_takes_each_way_alike(void **unused)
{
    (void)unused;
    struct vm_tlb_config c = {.level = 1, .entries = 8, .ways = 8, .replace = VM_TLB_RANDOM};
    struct vm_tlb t;
    unsigned taken[8] = {0};
    void *memory = calloc(1, vm_tlb_size(&c));
    vm_tlb_init(&t, &c, 7, memory);
    for (uint64_t page = 0; page < 4008; page++) {
        vm_tlb_fill(&t, page * PAGE, (struct vm_tlb_entry){.value = 0, .end = 1});
        if (page >= 8)
            taken[vm_tlb_find(&t, page * PAGE, 0)]++;
    }
    for (int w = 0; w < 8; w++)
        assert_in_range(taken[w], 500 - 105, 500 + 105);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lru_keeps_what_was_used_last),
        cmocka_unit_test(plru_follows_the_signs_of_a_tree),
        cmocka_unit_test(fifo_keeps_what_came_last),
        cmocka_unit_test(random_replaces_within_the_set_and_only_when_it_is_full),
        cmocka_unit_test(random_takes_each_way_alike),
    };
    return cmocka_run_group_tests_name("diff_tlb", tests, NULL, NULL);
}
