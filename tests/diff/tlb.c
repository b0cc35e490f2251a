/* Every TLB replacement in several shapes against a naive one, over random operations. */
#include "base/random.h"
#include "oracle/naive_tlb.h"
#include "rounds.h"
#include "unit/test.h"

#include <stdlib.h>

#define PAGE UINT64_C(4096)

enum { PAGES = 24, SPACES = 3, STEPS = 1000, ORDERS = 3 };

struct pair {
    struct vm_tlb fast;
    struct naive_tlb naive;
    struct vm_random random;
    uint64_t left, left_expected; /* sums over pages that left owing marks */
};

struct page {
    uint64_t tag;
    unsigned order;
};

/* Of one of the spaces, or, one in eight, global; pages of several orders have the same numbers. */
static struct page random_page(struct pair *p)
{
    uint64_t page = vm_random_below(&p->random, PAGES) * PAGE, who = vm_random_below(&p->random, 8);
    unsigned order = (unsigned)(vm_random_below(&p->random, ORDERS) * 9);
    return (struct page){page | (who == 7 ? VM_TLB_GLOBAL : who % SPACES), order};
}

static void compare_page(struct pair *p, uint64_t tag, unsigned order)
{
    struct naive_tlb_entry *expected = naive_tlb_find(&p->naive, tag, order);
    int64_t found = vm_tlb_find(&p->fast, tag, order);
    assert_int_equal(found >= 0, expected != NULL);
    if (!expected)
        return;
    assert_int_equal(vm_tlb_tag_at(&p->fast, (uint64_t)found), tag);
    struct vm_tlb_entry e = vm_tlb_entry_at(&p->fast, (uint64_t)found);
    assert_int_equal(e.value, *naive_tlb_value(&p->naive, expected, tag));
    /* Bounds go with their page: put in as its frame number says. */
    assert_int_equal(e.first, p->fast.bounds ? vm_tlb_pfn(e.value) % (1u << order) : 0);
    assert_int_equal(e.end, 1u << order);
}

static void compare(struct pair *p)
{
    vm_tlb_check(&p->fast);
    for (unsigned k = 0; k < ORDERS; k++)
        for (uint64_t page = 0; page < PAGES; page++) {
            for (uint64_t asid = 0; asid < SPACES; asid++)
                compare_page(p, page * PAGE | asid, k * 9);
            compare_page(p, page * PAGE | VM_TLB_GLOBAL, k * 9);
        }
    assert_int_equal(p->fast.counts.fills, p->naive.counts.fills);
    assert_int_equal(p->fast.counts.evictions, p->naive.counts.evictions);
    assert_int_equal(p->fast.counts.invalidations, p->naive.counts.invalidations);
    assert_int_equal(p->left, p->left_expected);
}

static void note_left(void *host, const struct vm_tlb *t, uint64_t tag, struct vm_tlb_entry e)
{
    struct pair *p = host;
    assert_ptr_equal(t, &p->fast);
    assert_int_equal(vm_tlb_find(t, tag, vm_tlb_order(e.value)), -1);
    p->left += tag * 31 + e.value;
}

/* What the naive one expects to be told when `e` goes. */
static void expect_left(struct pair *p, const struct naive_tlb_entry *e)
{
    for (uint64_t half = 0; half < p->naive.pages; half++)
        if (e->has[half] && (e->value[half] & VM_TLB_OWES))
            p->left_expected +=
                ((e->group * p->naive.pages + half) * PAGE + e->who) * 31 + e->value[half];
}

/* Random replacement may take any way of the full set: the naive one follows where it is legal. */
static struct naive_tlb_entry *follow_random(struct pair *p, uint64_t tag)
{
    struct naive_tlb_entry *gone = NULL;
    for (uint32_t i = 0; i < p->naive.nsets * p->naive.ways; i++) {
        struct naive_tlb_entry *e = &p->naive.entry[i];
        uint64_t of = (e->group * p->naive.pages + !e->has[0]) * PAGE + e->who;
        if (!e->valid || vm_tlb_find(&p->fast, of, e->order) >= 0)
            continue;
        assert_null(gone);
        assert_int_equal(naive_tlb_set(&p->naive, e->group),
                         naive_tlb_set(&p->naive, tag / PAGE / p->naive.pages));
        gone = e;
    }
    assert_non_null(gone);
    return gone;
}

static void find_use_or_fill(struct pair *p, struct page page)
{
    int64_t i = vm_tlb_find(&p->fast, page.tag, page.order);
    struct naive_tlb_entry *e = naive_tlb_find(&p->naive, page.tag, page.order);
    assert_int_equal(i >= 0, e != NULL);
    if (e) {
        vm_tlb_use(&p->fast, (uint64_t)i);
        assert_int_equal(p->fast.last, i >> p->fast.pair_shift);
        naive_tlb_use(&p->naive, e);
        return;
    }
    vm_pfn pfn = (vm_pfn)vm_random_below(&p->random, 1000);
    unsigned owes = vm_random_below(&p->random, 4) ? 0 : VM_TLB_OWES_REFERENCED;
    uint64_t value = vm_tlb_value(pfn, page.order, VM_PROT_READ | owes);
    struct naive_tlb_entry *place = naive_tlb_place(&p->naive, page.tag, page.order);
    vm_tlb_fill(&p->fast, page.tag,
                (struct vm_tlb_entry){value, pfn % (1u << page.order), 1u << page.order});
    if (!place)
        place = follow_random(p, page.tag);
    if (place->valid && !naive_tlb_is(&p->naive, place, page.tag, page.order))
        expect_left(p, place);
    naive_tlb_fill(&p->naive, place, page.tag, page.order, value);
}

static unsigned drop(struct pair *p, naive_tlb_says *says, uint64_t arg, unsigned order)
{
    for (uint32_t i = 0; i < p->naive.nsets * p->naive.ways; i++)
        if (p->naive.entry[i].valid && says(&p->naive, &p->naive.entry[i], arg, order))
            expect_left(p, &p->naive.entry[i]);
    return naive_tlb_drop(&p->naive, says, arg, order);
}

static void step(struct pair *p)
{
    uint64_t what = vm_random_below(&p->random, 256);
    struct page page = random_page(p);
    if (what < 220) {
        find_use_or_fill(p, page);
    } else if (what < 250) {
        assert_int_equal(vm_tlb_invalidate(&p->fast, page.tag, page.order),
                         drop(p, naive_tlb_is, page.tag, page.order));
    } else if (what < 254) {
        vm_tlb_invalidate_space(&p->fast, (vm_asid)(what % SPACES));
        drop(p, naive_tlb_of_space, what % SPACES, 0);
    } else {
        vm_tlb_flush(&p->fast);
        drop(p, naive_tlb_not_global, 0, 0);
    }
    compare(p);
}

static void play(struct vm_tlb_config c, uint64_t seed)
{
    struct pair p = {.left = 0};
    struct vm_error e;
    assert_true(vm_tlb_config_check(&c, &e));
    void *memory = calloc(1, vm_tlb_size(&c));
    vm_tlb_init(&p.fast, &c, seed, memory);
    p.fast.leaving = note_left;
    p.fast.host = &p;
    naive_tlb_open(&p.naive, &c);
    vm_random_seed(&p.random, seed);
    for (unsigned i = test_rounds(STEPS); i-- > 0;)
        step(&p);
    assert_true(p.naive.counts.evictions > 0);
    free(memory);
}

/* Each shape as it is, with bounds, with pairs, with sets by XOR, with all three. */
static void play_kinds(struct vm_tlb_config c, uint64_t seed)
{
    for (unsigned kind = 0; kind < 8; kind++) {
        c.bounded = kind & 1;
        c.pairs = kind >> 1 & 1;
        c.index = kind >> 2 & 1 ? VM_TLB_INDEX_XOR : VM_TLB_INDEX_LOW;
        play(c, seed * 8 + kind);
    }
}

static void play_shapes(enum vm_tlb_replace replace)
{
    static const uint32_t shape[][3] = {{1, 1, 0}, {8, 1, 0},   {8, 2, 0}, {16, 4, 0},  {8, 8, 0},
                                        {2, 2, 0}, {32, 16, 0}, {6, 3, 0}, {10, 10, 2}, {5, 5, 1}};
    for (size_t i = 0; i < sizeof shape / sizeof shape[0]; i++)
        if (replace != VM_TLB_PLRU || shape[i][1] != 3)
            play_kinds((struct vm_tlb_config){.level = 1,
                                              .entries = shape[i][0],
                                              .ways = shape[i][1],
                                              .wired = shape[i][2],
                                              .replace = replace},
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
