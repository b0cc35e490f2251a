/* TLBs: which can be built, and who leaves under each replacement, by hand. */
#include "unit/test.h"

#include <pagoda/tlb.h>
#include <stdlib.h>
#include <string.h>

#define PAGE UINT64_C(4096)

static bool possible(uint32_t entries, uint32_t ways, enum vm_tlb_replace replace, const char *says)
{
    struct vm_tlb_config c = {.level = 1, .entries = entries, .ways = ways, .replace = replace};
    struct vm_error e = {0};
    bool good = vm_tlb_config_check(&c, &e);
    if (!good) {
        assert_int_equal(e.code, VM_EMACHINE);
        assert_non_null(strstr(e.text, says));
    }
    return good;
}

static void sets_are_a_power_of_two_and_ways_divide_the_entries(void **unused)
{
    (void)unused;
    assert_true(possible(64, 4, VM_TLB_LRU, ""));
    assert_true(possible(1536, 12, VM_TLB_LRU, ""));
    assert_true(possible(72, 72, VM_TLB_RANDOM, ""));
    assert_true(possible(1, 1, VM_TLB_PLRU, ""));
    assert_false(possible(64, 3, VM_TLB_LRU, "64 entries in sets of 3 leave 1 over"));
    assert_false(possible(48, 4, VM_TLB_FIFO, "has 12 sets"));
    assert_false(possible(4, 8, VM_TLB_LRU, "leave 4 over"));
    assert_false(possible(0, 4, VM_TLB_LRU, "at least one of each"));
    assert_false(possible(64, 0, VM_TLB_LRU, "at least one of each"));
}

static void plru_ways_are_a_power_of_two_up_to_64(void **unused)
{
    (void)unused;
    assert_true(possible(64, 64, VM_TLB_PLRU, ""));
    assert_true(possible(16, 2, VM_TLB_PLRU, ""));
    assert_false(possible(12, 12, VM_TLB_PLRU, "plru TLB of 12 ways"));
    assert_false(possible(128, 128, VM_TLB_PLRU, "plru TLB of 128 ways"));
    assert_true(possible(12, 12, VM_TLB_LRU, ""));
}

static struct vm_tlb tlb_new(uint32_t entries, uint32_t ways, enum vm_tlb_replace replace)
{
    struct vm_tlb_config c = {.level = 1, .entries = entries, .ways = ways, .replace = replace};
    struct vm_tlb t;
    vm_tlb_init(&t, &c, 1, calloc(1, vm_tlb_size(&c)));
    return t;
}

static void fill(struct vm_tlb *t, uint64_t page, vm_asid asid)
{
    vm_tlb_fill(t, page * PAGE | asid,
                (struct vm_tlb_entry){vm_tlb_value((vm_pfn)page, 0, VM_PROT_READ), 0, 1});
    vm_tlb_check(t);
}

static bool has(const struct vm_tlb *t, uint64_t page, vm_asid asid)
{
    int64_t i = vm_tlb_find(t, page * PAGE | asid, 0);
    return i >= 0 && vm_tlb_pfn(t->value[i]) == page;
}

static void use(struct vm_tlb *t, uint64_t page)
{
    vm_tlb_use(t, (uint64_t)vm_tlb_find(t, page * PAGE, 0));
    assert_int_equal(t->tag[t->last], page * PAGE);
}

/* Pages 0 to 3 come in order, 0 is used again, 4 comes: answers who left. */
static int leaver(enum vm_tlb_replace replace)
{
    struct vm_tlb t = tlb_new(4, 4, replace);
    int left = -1;
    for (uint64_t page = 0; page < 4; page++)
        fill(&t, page, 0);
    use(&t, 0);
    fill(&t, 4, 0);
    assert_true(has(&t, 4, 0));
    for (int page = 0; page < 4; page++)
        if (!has(&t, (uint64_t)page, 0)) {
            assert_int_equal(left, -1);
            left = page;
        }
    assert_int_equal(t.counts.evictions, 1);
    assert_int_equal(t.counts.fills, 5);
    free(t.tag);
    return left;
}

static void each_replacement_lets_its_own_entry_go(void **unused)
{
    (void)unused;
    assert_int_equal(leaver(VM_TLB_LRU), 1);  /* used longest ago */
    assert_int_equal(leaver(VM_TLB_FIFO), 0); /* came first */
    assert_int_equal(leaver(VM_TLB_PLRU), 2); /* the half without 0 and 1; there, 3 was later */
    assert_in_range(leaver(VM_TLB_RANDOM), 0, 3);
}

static void a_page_competes_only_in_the_set_of_its_number(void **unused)
{
    (void)unused;
    struct vm_tlb t = tlb_new(4, 1, VM_TLB_LRU);
    for (uint64_t page = 0; page < 4; page++)
        fill(&t, page, 0);
    fill(&t, 5, 0);
    assert_false(has(&t, 1, 0));
    assert_true(has(&t, 0, 0) && has(&t, 2, 0) && has(&t, 3, 0) && has(&t, 5, 0));
    free(t.tag);
}

static void a_flush_spares_the_global_entries_and_a_space_only_its_own(void **unused)
{
    (void)unused;
    struct vm_tlb t = tlb_new(8, 8, VM_TLB_LRU);
    fill(&t, 1, 1);
    fill(&t, 2, 2);
    fill(&t, 3, VM_TLB_GLOBAL);
    fill(&t, 4, 1);
    vm_tlb_invalidate_space(&t, 1);
    vm_tlb_check(&t);
    assert_true(!has(&t, 1, 1) && !has(&t, 4, 1) && has(&t, 2, 2));
    vm_tlb_flush(&t);
    vm_tlb_check(&t);
    assert_true(!has(&t, 2, 2) && has(&t, 3, VM_TLB_GLOBAL));
    assert_int_equal(t.nglobal, 1);
    assert_true(vm_tlb_invalidate(&t, 3 * PAGE | VM_TLB_GLOBAL, 0));
    assert_false(vm_tlb_invalidate(&t, 3 * PAGE | VM_TLB_GLOBAL, 0));
    assert_int_equal(t.nglobal, 0);
    assert_int_equal(t.counts.invalidations, 4);
    free(t.tag);
}

/* The page that stands at `rank` of the only set; -1: none. */
static int64_t page_at(const struct vm_tlb *t, uint64_t rank)
{
    for (uint64_t way = 0; way < t->ways; way++)
        if (vm_tlb_rank(t, way) == rank)
            return t->tag[way] == VM_TLB_EMPTY ? -1 : (int64_t)(t->tag[way] / PAGE);
    fail();
    return -1;
}

static void assert_order(enum vm_tlb_replace replace, const int64_t expected[4])
{
    struct vm_tlb t = tlb_new(4, 4, replace);
    for (uint64_t page = 0; page < 4; page++)
        fill(&t, page, 0);
    assert_true(vm_tlb_invalidate(&t, 1 * PAGE, 0));
    use(&t, 2);
    use(&t, 0);
    for (uint64_t rank = 0; rank < 4; rank++)
        assert_int_equal(page_at(&t, rank), expected[rank]);
    free(t.tag);
}

static void a_set_is_ordered_by_use_by_age_or_not_at_all(void **unused)
{
    (void)unused;
    assert_order(VM_TLB_LRU, (const int64_t[]){0, 2, 3, -1});
    assert_order(VM_TLB_FIFO, (const int64_t[]){3, 2, 0, -1});
    assert_order(VM_TLB_PLRU, (const int64_t[]){0, -1, 2, 3});
    assert_order(VM_TLB_RANDOM, (const int64_t[]){0, -1, 2, 3});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_a_power_of_two_and_ways_divide_the_entries),
        cmocka_unit_test(plru_ways_are_a_power_of_two_up_to_64),
        cmocka_unit_test(each_replacement_lets_its_own_entry_go),
        cmocka_unit_test(a_page_competes_only_in_the_set_of_its_number),
        cmocka_unit_test(a_flush_spares_the_global_entries_and_a_space_only_its_own),
        cmocka_unit_test(a_set_is_ordered_by_use_by_age_or_not_at_all),
    };
    return cmocka_run_group_tests_name("unit_tlb", tests, NULL, NULL);
}
