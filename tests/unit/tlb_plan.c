/* The text that describes a machine's TLBs. */
#include "unit/test.h"

#include <pagoda/engine.h>
#include <string.h>

static struct vm_tlb_plan plan(const char *text)
{
    struct vm_tlb_plan p;
    struct vm_error e = {0};
    if (!vm_tlb_plan_parse(&p, text, &e))
        fail_msg("%s: %s", text, e.text);
    return p;
}

static void assert_tlb(const struct vm_tlb_plan *p, size_t i, const char *name, uint32_t entries,
                       uint32_t ways, enum vm_tlb_replace replace, double hit_ns)
{
    assert_true(i < p->n);
    assert_string_equal(p->name[i], name);
    assert_int_equal(p->tlb[i].level, name[1] - '0');
    assert_int_equal(p->tlb[i].side, name[2] == 'i'   ? VM_TLB_FETCH
                                     : name[2] == 'd' ? VM_TLB_DATA
                                                      : VM_TLB_UNIFIED);
    assert_int_equal(p->tlb[i].entries, entries);
    assert_int_equal(p->tlb[i].ways, ways);
    assert_int_equal(p->tlb[i].replace, replace);
    assert_true(p->tlb[i].hit_ns == hit_ns);
}

static void two_levels_with_sides_ways_replacement_and_time(void **unused)
{
    (void)unused;
    struct vm_tlb_plan p = plan("l1i=64/4 l1d=64/4 l2=1536/12:lru@2.3");
    assert_int_equal(p.n, 3);
    assert_int_equal(p.levels, 2);
    assert_tlb(&p, 0, "l1i", 64, 4, VM_TLB_LRU, 0);
    assert_tlb(&p, 1, "l1d", 64, 4, VM_TLB_LRU, 0);
    assert_tlb(&p, 2, "l2", 1536, 12, VM_TLB_LRU, 2.3);
}

static void what_is_left_out_has_a_default(void **unused)
{
    (void)unused;
    struct vm_tlb_plan p = plan("l1=16,l2=64/full:plru,\tl3=128/2:random@10");
    assert_int_equal(p.levels, 3);
    assert_tlb(&p, 0, "l1", 16, 16, VM_TLB_LRU, 0);
    assert_tlb(&p, 1, "l2", 64, 64, VM_TLB_PLRU, 2.25);
    assert_tlb(&p, 2, "l3", 128, 2, VM_TLB_RANDOM, 10);
    p = plan("l1=1k:fifo");
    assert_tlb(&p, 0, "l1", 1000, 1000, VM_TLB_FIFO, 0);
}

static void none_is_no_tlb(void **unused)
{
    (void)unused;
    struct vm_tlb_plan p = plan("none");
    assert_int_equal(p.n, 0);
    assert_int_equal(p.levels, 0);
}

static void assert_fails(const char *text, enum vm_code code, const char *says)
{
    struct vm_tlb_plan p;
    struct vm_error e = {0};
    if (vm_tlb_plan_parse(&p, text, &e))
        fail_msg("\"%s\" is taken", text);
    assert_int_equal(e.code, code);
    if (!strstr(e.text, says))
        fail_msg("\"%s\": \"%s\", expected \"%s\"", text, e.text, says);
}

static void assert_refused(const char *text, const char *says)
{
    assert_fails(text, VM_EUSAGE, says);
}

static void levels_have_no_gaps_doubles_or_half_sides(void **unused)
{
    (void)unused;
    assert_refused("l2=64", "without gaps");
    assert_refused("l1=64 l3=64", "without gaps");
    assert_refused("l1=64 l1=64", "one TLB, or one for fetches and one for data");
    assert_refused("l1i=64 l1i=64 l1d=4", "one TLB, or one for fetches");
    assert_refused("l1=64 l1d=64", "one TLB, or one for fetches");
    assert_refused("l1i=64", "needs a d side");
    assert_refused("l1=64 l2d=64", "needs a d side");
}

static void bad_numbers_and_names_are_refused(void **unused)
{
    (void)unused;
    assert_refused("", "at least one TLB");
    assert_refused(" , ", "at least one TLB");
    assert_refused("l1", "expected name=entries");
    assert_refused("l=4", "expected a name");
    assert_refused("l0=4", "expected a name");
    assert_refused("l10=4", "expected i (fetches), d (data)");
    assert_refused("l1x=4", "expected i (fetches), d (data)");
    assert_refused("m1=4", "expected a name");
    assert_refused("=4", "expected a name");
    assert_refused("l1=", "bad count");
    assert_refused("l1=0", "1 to 16777216");
    assert_refused("l1=16777217", "1 to 16777216");
    assert_refused("l1=4/0", "1 to 16777216");
    assert_fails("l1=4/3", VM_EMACHINE, "leave 1 over");
    assert_fails("l1=12/2", VM_EMACHINE, "6 sets");
    assert_fails("l1=12:plru", VM_EMACHINE, "plru TLB of 12 ways");
    assert_refused("l1=4:lur", "unknown TLB property");
    assert_refused("l1=4@fast", "bad number");
    assert_refused("l1=4@-1", "0 to 1e9 ns");
    assert_refused("l1=4@2:lru", "bad number");
    assert_refused("l1=4 none", "expected name=entries");
    assert_refused("l1i=1 l1d=1 l2i=1 l2d=1 l3i=1 l3d=1 l4i=1 l4d=1 l5i=1 l5d=1 l6i=1 l6d=1 l7i=1 "
                   "l7d=1 l8i=1 l8d=1",
                   "too many TLBs");
}

static void a_level_may_have_several_tlbs_of_different_sizes(void **unused)
{
    (void)unused;
    struct vm_tlb_plan p =
        plan("l1i=128/8:4K l1i=8:2M l1d=64/4:4K l1d=32/4:2M l1d=4:1G l2=1536/12:4K+2M:xor@2.26 "
             "l2=16/4:1G");
    assert_int_equal(p.n, 7);
    assert_int_equal(p.levels, 2);
    assert_true(p.tlb[0].sizes == 1 << 12 && p.tlb[3].sizes == 1 << 21);
    assert_true(p.tlb[4].sizes == 1 << 30);
    assert_true(p.tlb[5].sizes == (1 << 12 | 1 << 21));
    assert_int_equal(p.tlb[5].index, VM_TLB_INDEX_XOR);
    assert_true(p.tlb[5].hit_ns == 2.26);
    assert_refused("l1=4:4K l1=4:4K+2M", "two of level 1 hold pages of 4 KiB");
    assert_refused("l1=4:4K l1=4", "one TLB, or one for fetches and one for data");
    assert_refused("l1d=4:4K l1s=2:4K l1i=2", "two of level 1 hold pages of 4 KiB");
    assert_refused("l1=4:3K", "a page size is a power of two");
    assert_refused("l1=4:4Q", "bad size");
}

static void loads_and_stores_may_be_apart(void **unused)
{
    (void)unused;
    struct vm_tlb_plan p = plan("l1i=4 l1l=4 l1s=2 l2=8");
    assert_int_equal(p.tlb[1].side, VM_TLB_LOAD);
    assert_int_equal(p.tlb[2].side, VM_TLB_STORE);
    assert_refused("l1i=4 l1l=4", "an l side needs an s side");
    assert_refused("l1i=4 l1s=4", "an l side needs an s side");
    assert_refused("l1l=4 l1s=4", "an i side needs a d side");
}

static void properties_stand_in_any_order(void **unused)
{
    (void)unused;
    struct vm_tlb_plan p = plan("l1=48:pair:wired=8:random"), q = plan("l1=48:random:pair:wired=8");
    assert_true(p.tlb[0].pairs && p.tlb[0].wired == 8);
    assert_int_equal(p.tlb[0].replace, VM_TLB_RANDOM);
    assert_memory_equal(&p, &q, sizeof p);
    assert_refused("l1=48:pairs", "unknown TLB property \"pairs\"");
    assert_fails("l1=8/4:wired=2", VM_EMACHINE, "2 sets with wired entries");
    assert_fails("l1=8:wired=8", VM_EMACHINE, "expected one more at least");
    assert_refused("l1=8:wired=x", "bad count");
    assert_fails("l1=12:plru:wired=3", VM_EMACHINE, "plru TLB of 9 ways");
    plan("l1=12:plru:wired=4");
}

static void a_tlb_holds_sizes_that_there_are(void **unused)
{
    (void)unused;
    struct vm_error e = {0};
    uint64_t orders = 1 | 1 << 9;
    struct vm_tlb_plan p = plan("l1=4:4K l1=2:2M l2=8");
    assert_true(vm_tlb_plan_fit(&p, 12, "x", orders, &e));
    assert_true(p.tlb[0].sizes == 1 << 12 && p.tlb[1].sizes == 1 << 21);
    assert_true(p.tlb[2].sizes == (1 << 12 | 1 << 21));
    p = plan("l1=4:4K l1=2:1G+2M");
    assert_false(vm_tlb_plan_fit(&p, 12, "x", orders, &e));
    assert_int_equal(e.code, VM_EMACHINE);
    assert_string_equal(e.text, "TLB l1 holds pages of 1 GiB: scheme x has pages of 4 KiB, 2 MiB");
}

static struct vm_walk_cache_plan caches(const char *text)
{
    struct vm_walk_cache_plan p;
    struct vm_error e = {0};
    if (!vm_walk_cache_plan_parse(&p, text, &e))
        fail_msg("%s: %s", text, e.text);
    return p;
}

static void assert_no_caches(const char *text, const char *says)
{
    struct vm_walk_cache_plan p;
    struct vm_error e = {0};
    assert_false(vm_walk_cache_plan_parse(&p, text, &e));
    if (!strstr(e.text, says))
        fail_msg("\"%s\": \"%s\", expected \"%s\"", text, e.text, says);
}

static void walk_caches_stand_nearest_the_page_first(void **unused)
{
    (void)unused;
    struct vm_walk_cache_plan p = caches("p3=2, p1=32/4:plru@1.5 p2=4:xor");
    assert_int_equal(p.n, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(p.cache[i].level, i + 1);
    assert_int_equal(p.cache[0].entries, 32);
    assert_int_equal(p.cache[0].ways, 4);
    assert_true(p.cache[0].hit_ns == 1.5 && p.cache[1].hit_ns == 0);
    assert_int_equal(p.cache[1].index, VM_TLB_INDEX_XOR);
    assert_int_equal(caches("none").n, 0);
    assert_no_caches("", "at least one, or none");
    assert_no_caches("p1=4 p1=2", "two for one level of tables");
    assert_no_caches("p0=4", "expected p1= to p6=");
    assert_no_caches("p1", "expected p1= to p6=");
    assert_no_caches("l1=4", "expected p1= to p6=");
    assert_no_caches("p1=4:pair", "are TLBs'");
    assert_no_caches("p1=4:4K", "are TLBs'");
    assert_no_caches("p1=6/4", "leave 2 over");
}

static void a_refused_text_changes_nothing(void **unused)
{
    (void)unused;
    struct vm_error e = {0};
    struct vm_tlb_plan p = plan("l1=16"), before = p;
    assert_false(vm_tlb_plan_parse(&p, "l1=16 l2=0", &e));
    assert_memory_equal(&p, &before, sizeof p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_levels_with_sides_ways_replacement_and_time),
        cmocka_unit_test(what_is_left_out_has_a_default),
        cmocka_unit_test(none_is_no_tlb),
        cmocka_unit_test(levels_have_no_gaps_doubles_or_half_sides),
        cmocka_unit_test(bad_numbers_and_names_are_refused),
        cmocka_unit_test(a_level_may_have_several_tlbs_of_different_sizes),
        cmocka_unit_test(loads_and_stores_may_be_apart),
        cmocka_unit_test(properties_stand_in_any_order),
        cmocka_unit_test(a_tlb_holds_sizes_that_there_are),
        cmocka_unit_test(walk_caches_stand_nearest_the_page_first),
        cmocka_unit_test(a_refused_text_changes_nothing),
    };
    return cmocka_run_group_tests_name("unit_tlb_plan", tests, NULL, NULL);
}
